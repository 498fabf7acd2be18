//! The binary of media: of its operations, and of the plug-in that reads uploads. Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve_with_plugins(media::OPERATIONS, media::PLUGINS, media::Services::new).await
}
