//! The binary of every post operation; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(posts::OPERATIONS, |blog, _| blog).await
}
