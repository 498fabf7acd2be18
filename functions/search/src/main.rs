//! The binary of search: of its operation, and of the plug-ins that write the index. Lambda's `_HANDLER` says which one this
//! function is.

use edge::runtime::{handler_name, start};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use search::{OPERATIONS, PLUGINS, Services};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handler = handler_name();
    let Some(plugin) = PLUGINS.iter().find(|plugin| plugin.name == handler) else {
        return edge::runtime::serve(OPERATIONS, Services::new).await;
    };
    let (blog, sdk) = start()?;
    let services = &Services::new(blog, &sdk);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
        plugin.run(services, event.payload).await.map_err(Error::from)
    }))
    .await
}
