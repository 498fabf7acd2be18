//! An S3 on a laptop: the crates `s3s` and `s3s-fs`, with files in a folder. It checks signatures, those of links too;
//! lifecycle rules it does not know.

use std::io;
use std::path::Path;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;

/// The bucket's name, wherever it is local.
pub const BUCKET_NAME: &str = "broadsheet-local";
/// The key id and the secret key that requests are signed with.
pub const CREDENTIALS: [&str; 2] = ["local", "local"];

/// What answers, with the bucket there and its files in this folder.
pub fn router(folder: &Path) -> io::Result<Router> {
    std::fs::create_dir_all(folder.join(BUCKET_NAME))?;
    let files = FileSystem::new(folder).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut service = S3ServiceBuilder::new(files);
    let [key_id, secret] = CREDENTIALS;
    service.set_auth(SimpleAuth::from_single(key_id, secret));
    let failed = |error| async move {
        tracing::error!(?error, "the local S3 failed");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    Ok(Router::new().fallback_service(HandleError::new(service.build(), failed)))
}
