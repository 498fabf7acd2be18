//! The binary of every reader, plug-in, job and trigger; Lambda's `_HANDLER` says which one this function is.

use edge::runtime::{handler_name, start};
use events::{Function, Services};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (blog, sdk) = start()?;
    let function = events::find(&handler_name())?;
    let services = &Services::new(blog, &sdk);
    match function {
        Function::Reader(reader) => {
            lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
                reader.read(services, &event.payload).await.map_err(Error::from)
            }))
            .await
        }
        Function::Plugin(plugin) => {
            lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
                plugin.run(services, event.payload).await.map_err(Error::from)
            }))
            .await
        }
        Function::Job(job) => {
            // What the schedule says of itself does not matter.
            lambda_runtime::run(service_fn(move |_: LambdaEvent<serde::de::IgnoredAny>| async move {
                job.run(services).await.map_err(Error::from)
            }))
            .await
        }
        Function::Trigger(trigger) => {
            lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
                trigger.answer(services, event.payload).await.map_err(Error::from)
            }))
            .await
        }
    }
}
