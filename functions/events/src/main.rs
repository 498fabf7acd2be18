//! The binary of every consumer, job and trigger; Lambda's `_HANDLER` says which one this function is.

use blog::Blog;
use blog::clock::Clock;
use blog::config::Config;
use blog::function::{handler_name, sdk_config, start_logging};
use events::Function;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    start_logging();
    let function = events::find(&handler_name())?;
    let blog = Blog::new(Config::from_env()?, &sdk_config().await, Clock::system());
    let blog = &blog;
    match function {
        Function::Consumer(consumer) => {
            lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
                Ok::<_, Infallible>(consumer.consume(blog, event.payload).await)
            }))
            .await
        }
        Function::Job(job) => {
            // What the schedule says of itself does not matter.
            lambda_runtime::run(service_fn(move |_: LambdaEvent<serde::de::IgnoredAny>| async move {
                job.run(blog).await.map_err(Error::from)
            }))
            .await
        }
        Function::Trigger(trigger) => {
            lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
                trigger.answer(blog, event.payload).await.map_err(Error::from)
            }))
            .await
        }
    }
}
