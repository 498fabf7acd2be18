//! The files of the editor, as the CDN serves them (infrastructure/cdn.yaml).

use std::borrow::Cow;
use std::path::Path;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};

use crate::wire::Wire;

/// The files of `web/write`, in the program: what it runs from may be gone, as in a container.
macro_rules! files {
    ($($name:literal,)*) => {
        /// The files of the editor, by their names.
        pub const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../web/write/", $name))),)*];
    };
}

files! {
    "account.js",
    "api.js",
    "copies.js",
    "diff.js",
    "dom.js",
    "editor.js",
    "index.html",
    "list.js",
    "main.js",
    "merge.js",
    "merging.js",
    "moderation.js",
    "notifications.js",
    "pictures.js",
    "posts.js",
    "profile.js",
    "reading.js",
    "revisions.js",
    "router.js",
    "saving.js",
    "session.js",
    "tags.js",
    "text.js",
    "write.css",
}

/// Where they are edited. A change shows when the page is loaded again.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/write");

/// What the page may do: its own scripts and styles only, nothing inline, nobody else's. `files` is where pictures are uploaded to.
pub fn policy(files: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: {files}; \
         connect-src 'self' {files}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types broadsheet"
    )
}

/// The answer to a path at or below `/write`: a file, or the page for every address of the editor, which have no dot.
pub fn answer(path: &str, wire: &Wire) -> Response<Body> {
    let name = path.strip_prefix("/write").unwrap_or(path).trim_start_matches('/');
    let last = name.rsplit('/').next().unwrap_or(name);
    let name = if last.contains('.') { name } else { "index.html" };
    let mut response = match FILES.iter().find(|(known, _)| *known == name) {
        Some((name, embedded)) => {
            let text = std::fs::read_to_string(Path::new(FOLDER).join(name)).map_or((*embedded).into(), Cow::Owned);
            let mut response = Response::new(Body::from(text.into_owned()));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(type_of(name)));
            response
        }
        None => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
    };
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy(&wire.s3_url())) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    response
}

fn type_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    }
}
