//! The binary of webhooks: of the operations that manage them, and of the plug-ins that send the messages. Lambda's `_HANDLER` says
//! which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve_with_plugins(webhooks::OPERATIONS, webhooks::PLUGINS, |blog, _| webhooks::Services::new(blog))
        .await
}
