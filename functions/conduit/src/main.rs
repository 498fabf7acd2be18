//! The binary of the Conduit API, which is one function.

use std::convert::Infallible;

use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (blog, sdk) = edge::runtime::start()?;
    blog.warm().await;
    let services = &users::Services::new(blog, &sdk);
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(conduit::answer(services, &request).await)
    }))
    .await
}
