//! The binary of the pages; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(pages::OPERATIONS, pages::Services::new).await
}
