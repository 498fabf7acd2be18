//! The binary of search: of its operation, and of the plug-ins that write the index. Lambda's `_HANDLER` says which one this
//! function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve_with_plugins(search::OPERATIONS, search::PLUGINS, search::Services::new).await
}
