//! The binary of Ghost's Content API, which is one function.

use std::convert::Infallible;

use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (blog, _) = edge::runtime::start()?;
    blog.warm().await;
    let blog = &blog;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(ghost::answer(blog, &request).await)
    }))
    .await
}
