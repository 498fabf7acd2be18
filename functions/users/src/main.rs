//! The binary of every user operation; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(users::OPERATIONS, users::Services::new).await
}
