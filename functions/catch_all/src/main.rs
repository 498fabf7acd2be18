//! The catch-all's binary.

use blog::Blog;
use blog::clock::Clock;
use blog::config::Config;
use blog::function::{sdk_config, start_logging};
use lambda_http::{Error, Request, service_fn};
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_logging();
    let blog = Blog::new(Config::from_env()?, &sdk_config().await, Clock::system());
    let blog = &blog;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(catch_all::answer(blog, &request).await)
    }))
    .await
}
