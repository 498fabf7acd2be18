//! The authorizer's binary.

use blog::Blog;
use blog::clock::Clock;
use blog::config::Config;
use blog::function::{sdk_config, start_logging};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logging();
    let blog = Blog::new(Config::from_env()?, &sdk_config().await, Clock::system());
    blog.warm(true).await;
    let blog = &blog;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| authorizer::authorize(blog, event.payload))).await
}
