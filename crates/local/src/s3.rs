//! The local S3, at an address of its own.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use local_s3::{Created, LocalS3, MAX_REQUEST_BYTES, Settings};
use serde_json::{Value, json};

/// The bucket's name, wherever it is local.
pub const BUCKET_NAME: &str = "broadsheet-local";
/// The id of the key that requests are signed with.
pub const KEY_ID: &str = "local";
/// The secret key, unless the stack has one that nobody else knows.
pub const SECRET: &str = "local";

/// Opens the bucket, with its files in this folder or in memory, for requests that are signed with this secret key.
pub fn open(folder: Option<&Path>, secret: &str) -> io::Result<LocalS3> {
    let (key_id, secret) = (KEY_ID.to_owned(), secret.to_owned());
    let settings = Settings { bucket: BUCKET_NAME.to_owned(), key_id, secret };
    let path = folder.map(|folder| folder.join("bucket.sqlite"));
    // What the functions sign is of the machine's time, whatever the stack's clock says.
    #[allow(clippy::disallowed_methods, reason = "S3 goes by the machine's time, as whoever signs does")]
    let now = Box::new(jiff::Timestamp::now);
    LocalS3::open(path.as_deref(), settings, now).map_err(io::Error::other)
}

/// What S3 tells the account's default bus of a file.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
pub fn event(created: &Created) -> Value {
    let Created { key, size, e_tag, reason } = created;
    json!({
        "version": "0", "id": "00000000-0000-0000-0000-000000000000", "source": "aws.s3", "detail-type": "Object Created",
        "account": "000000000000", "region": "local", "time": "1970-01-01T00:00:00Z",
        "resources": [format!("arn:aws:s3:::{BUCKET_NAME}")],
        "detail": {
            "version": "0", "bucket": { "name": BUCKET_NAME }, "object": { "key": key, "size": size, "etag": e_tag },
            "reason": reason,
        },
    })
}

/// A file below `/media/` of the site, as the CDN serves it (infrastructure/cdn.yaml).
pub fn media_file(s3: &LocalS3, path: &str) -> Response<Bytes> {
    let file = path.strip_prefix('/').filter(|key| key.starts_with("media/")).and_then(|key| s3.file(key));
    let mut response =
        file.unwrap_or_else(|| (StatusCode::FORBIDDEN, Bytes::new()).into_response().map(|_| Bytes::new()));
    for (name, value) in MEDIA_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the CDN adds, so that nothing in a file ever runs.
pub const MEDIA_HEADERS: [(&str, &str); 2] =
    [("content-security-policy", "default-src 'none'; sandbox"), ("x-content-type-options", "nosniff")];

/// What answers for it: to pages of all origins too, as the bucket's `CorsConfiguration` says.
pub fn router(s3: Arc<LocalS3>) -> Router {
    Router::new().fallback(answer).with_state(s3)
}

async fn answer(State(s3): State<Arc<LocalS3>>, request: Request<Body>) -> Response {
    let mut answer = match *request.method() {
        // A form is sent without being asked for, but not so by every library.
        Method::OPTIONS => {
            [("access-control-allow-methods", "GET, HEAD, POST"), ("access-control-allow-headers", "*")].into_response()
        }
        _ => respond(s3, request).await,
    };
    answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

async fn respond(s3: Arc<LocalS3>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = Request::from_parts(parts, body);
    match tokio::task::spawn_blocking(move || s3.answer(&request)).await {
        Ok(answer) => answer.map(Body::from),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
