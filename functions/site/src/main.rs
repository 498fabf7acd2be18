//! The binary of every operation that is about the site; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    blog::function::serve(site::OPERATIONS).await
}
