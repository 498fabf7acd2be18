//! The authorizer's binary.

use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let (blog, _) = edge::runtime::start()?;
    blog.warm_with_keys().await;
    let blog = &blog;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| authorizer::authorize(blog, event.payload))).await
}
