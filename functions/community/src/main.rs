//! The binary of every operation of the community; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(community::OPERATIONS, |blog, _| blog).await
}
