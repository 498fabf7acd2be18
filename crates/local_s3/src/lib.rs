//! A local S3: one bucket, with the calls that Broadsheet makes, over S3's wire protocol. It is as strict as S3 where that decides
//! whether the code is right: signatures of requests, links and forms, their expiry, the hash of what is sent, the conditions of a
//! form, parts and their order. What it does not know it refuses (`NotImplemented`) rather than ignore. It knows no lifecycle rules,
//! no versions and no encryption, takes any region, and finds the bucket in the host's name (`BUCKET.s3.…`) or in the path.
//!
//! Files are in one SQLite database, in a file or in memory. This crate speaks HTTP requests and answers, not sockets.

mod fault;
mod files;
mod form;
mod signature;
mod store;

use std::path::Path;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use fault::Fault;
use signature::{Keys, Query};
use store::Store;

/// The maximum size of a request. S3's own is 5 GiB; here a request is in memory.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// What sets this S3 up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The one bucket that there is.
    pub bucket: String,
    /// The key id that requests are signed with.
    pub key_id: String,
    /// The secret key that belongs to it.
    pub secret: String,
}

/// A file that was written, as S3 tells EventBridge.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The name of the file.
    pub key: String,
    /// How many bytes it has.
    pub size: usize,
    /// Its ETag, without quotes.
    pub e_tag: String,
    /// The call that wrote it: `PutObject`, `POST Object` or `CompleteMultipartUpload`.
    pub reason: &'static str,
}

/// The time, in which signatures expire.
pub type Now = Box<dyn Fn() -> Timestamp + Send + Sync>;

type Listener = Box<dyn Fn(Created) + Send + Sync>;

/// The local S3.
pub struct LocalS3 {
    settings: Settings,
    store: Store,
    now: Now,
    listener: OnceLock<Listener>,
}

/// Why it cannot be opened.
pub type Error = rusqlite::Error;

impl LocalS3 {
    /// Opens a bucket with its files in the file `path`, or in memory if there is none.
    pub fn open(path: Option<&Path>, settings: Settings, now: Now) -> Result<Self, Error> {
        Ok(Self { settings, store: Store::open(path)?, now, listener: OnceLock::new() })
    }

    /// Has every file that is written from now on told to `listener`. The first listener stays.
    pub fn on_created(&self, listener: impl Fn(Created) + Send + Sync + 'static) {
        let _ = self.listener.set(Box::new(listener));
    }

    /// Answers a request. Blocks while the database works.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.try_to_answer(request).unwrap_or_else(|fault| fault.response(request.uri().path()))
    }

    /// A file as it is answered to who may read it. None if there is none, or it cannot be read.
    pub fn file(&self, key: &str) -> Option<Response<Bytes>> {
        self.get(key, &Request::new(Bytes::new())).ok()
    }

    /// The names of all files, in order. S3 has a call for it, which no function may make.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        self.store.keys()
    }

    /// All files, as the listener is told of them, for one that may have missed some: S3 tells of each at least once.
    pub fn created(&self) -> Result<Vec<Created>, Error> {
        self.store.created()
    }

    fn try_to_answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let path = request.uri().path().trim_start_matches('/');
        let host = signature::text(request.headers(), "host").unwrap_or_default();
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
        let (bucket, key) = match host.split_once(".s3.") {
            Some((bucket, _)) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        let key = percent_decode_str(key).decode_utf8().map_err(|_| Fault::new(400, "InvalidURI"))?;
        let Settings { bucket: known, key_id, secret } = &self.settings;
        let keys = Keys { key_id, secret };
        let now = (self.now)();
        if request.method() == Method::POST && key.is_empty() && is_form(request) {
            self.expect_bucket(bucket)?;
            let sent = form::read(request)?;
            sent.check(known, &keys, now)?;
            return self.put_form(sent);
        }
        let query = Query::of(request.uri());
        signature::check(request, &query, &keys, now)?;
        self.expect_bucket(bucket)?;
        let (upload, part) = (query.get("uploadId"), query.get("partNumber"));
        match (request.method(), key.as_ref(), upload, part) {
            (&Method::HEAD, "", None, None) => Ok(Response::new(Bytes::new())),
            (&Method::POST, key, None, None) if !key.is_empty() && query.get("uploads").is_some() => {
                self.create_upload(bucket, key, request)
            }
            (_, "", ..) => Err(Fault::not_implemented("this call of the bucket")),
            _ if query.names().any(|name| !known_parameter(name)) => Err(Fault::not_implemented("a parameter")),
            (&Method::PUT, key, None, None) => self.put(key, request),
            (&Method::GET | &Method::HEAD, key, None, None) => self.get(key, request),
            (&Method::DELETE, key, None, None) => self.delete(key),
            (&Method::PUT, key, Some(upload), Some(part)) => self.put_part(key, upload, part, request),
            (&Method::POST, key, Some(upload), None) => self.complete_upload(bucket, key, upload, request),
            (&Method::DELETE, key, Some(upload), None) => self.abort_upload(key, upload),
            _ => Err(Fault::not_implemented("this call")),
        }
    }

    fn expect_bucket(&self, name: &str) -> Result<(), Fault> {
        if name == self.settings.bucket { Ok(()) } else { Err(Fault::new(404, "NoSuchBucket")) }
    }

    /// Tells the listener of a file that is written.
    fn tell(&self, created: Created) {
        if let Some(listener) = self.listener.get() {
            listener(created);
        }
    }
}

fn is_form(request: &Request<Bytes>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("multipart/form-data"))
}

/// Parameters that a call may have: those of uploads, and those of a signature. The SDKs name the call besides.
fn known_parameter(name: &str) -> bool {
    ["uploadId", "partNumber", "x-id"].contains(&name) || name.to_ascii_lowercase().starts_with("x-amz-")
}

/// An answer with a body of XML.
fn xml(status: StatusCode, body: &str) -> Response<Bytes> {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/xml"));
    response
}

/// Text within XML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
