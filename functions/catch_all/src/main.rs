//! The catch-all's binary.

use std::convert::Infallible;

use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (blog, _) = edge::runtime::start()?;
    let blog = &blog;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(catch_all::answer(blog, &request).await)
    }))
    .await
}
