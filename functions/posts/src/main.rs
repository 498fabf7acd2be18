//! The binary of every post operation; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    blog::function::serve(posts::OPERATIONS).await
}
