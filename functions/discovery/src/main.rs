//! The binary of the feeds and the sitemap; Lambda's `_HANDLER` says which one this function is.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::runtime::serve(discovery::OPERATIONS, |blog, _| blog).await
}
