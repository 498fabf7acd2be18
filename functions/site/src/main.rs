//! The binary of every operation on the blog as a whole; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(site::OPERATIONS, site::Services::new).await
}
