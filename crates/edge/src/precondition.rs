//! Validators and preconditions (RFC 9110, sections 8.8 and 13.1).

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use domain::whole_number;
use lambda_http::Body;
use lambda_http::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::{Problem, ProblemKind};

/// A strong validator: the version that edits are checked against, then a hash of the bytes that were sent.
///
/// The version alone would not be strong (counts and the viewer's own marks change without an edit), the hash
/// alone would refuse an edit because somebody else reacted. `If-None-Match` compares all of it, `If-Match`
/// the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The validator of this body at this version.
    pub fn new(version: u64, body: &[u8]) -> Self {
        Self(format!("\"{version}-{}\"", Self::hash(body)))
    }

    /// SipHash, and no cryptographic hash: it only has to tell apart what one client is sent. That is a tenth of SHA-256's
    /// instructions where a processor has none for SHA, and about as fast where it has. With another version of Rust it may be another
    /// hash; clients then fetch once more.
    fn hash(body: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        format!("{:016x}", hasher.finish())
    }

    /// Gives what was read its validator, a hash alone if it has no version, such as a page of a list; or 304 without
    /// the body if that is what the client has.
    pub fn revalidate(mut response: Response<Body>, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
        if response.status() != StatusCode::OK {
            return Ok(response);
        }
        let etag = match response.headers().get(header::ETAG) {
            Some(etag) => Self(etag.to_str().map_err(Problem::internal)?.to_owned()),
            None => Self(format!("\"{}\"", Self::hash(response.body()))),
        };
        // `If-Modified-Since` counts only where there is no `If-None-Match` (RFC 9110, section 13.1.3). The two times have to be
        // equal: what is made of several posts gets an older time when the newest is withdrawn, and a client that has the
        // withdrawn one must not be told that nothing changed.
        let is_same_time = || {
            let last_modified = response.headers().get(header::LAST_MODIFIED);
            last_modified.is_some_and(|time| headers.get(header::IF_MODIFIED_SINCE) == Some(time))
        };
        let is_known = match headers.contains_key(header::IF_NONE_MATCH) {
            true => etag.is_named_by_if_none_match(headers),
            false => is_same_time(),
        };
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Empty;
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response.headers_mut().insert(header::ETAG, HeaderValue::try_from(etag.0).map_err(Problem::internal)?);
        Ok(response)
    }

    /// Whether `If-None-Match` names it, by weak comparison as RFC 9110 asks for, or is `*`.
    pub fn is_named_by_if_none_match(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|candidate| candidate.trim())
            .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// It was not sent.
    Absent,
    /// `*`: whatever is there.
    Any,
    /// One of these versions. A tag that is weak or not ours names none.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
        if values.peek().is_none() {
            return Self::Absent;
        }
        let candidates: Vec<&str> =
            values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim).collect();
        if candidates.contains(&"*") {
            return Self::Any;
        }
        let version = |tag: &str| {
            tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-').and_then(|(version, _)| whole_number(version))
        };
        Self::Versions(candidates.into_iter().filter_map(version).collect())
    }

    /// For operations that refuse to overwrite blindly: 428 when it was not sent (RFC 6585, section 3).
    pub fn required(&self) -> Result<(), Problem> {
        if *self == Self::Absent {
            Err(Problem::new(
                ProblemKind::PRECONDITION_REQUIRED,
                "Send If-Match with the ETag of the version that was edited, or * to overwrite whatever is there.",
            ))
        } else {
            Ok(())
        }
    }

    /// 412 when `version` is not what the client has seen.
    pub fn check(&self, version: u64) -> Result<(), Problem> {
        match self {
            Self::Versions(versions) if versions.is_empty() => Err(Problem::new(
                ProblemKind::PRECONDITION_FAILED,
                "If-Match names no version. Send the ETag as it came, with its quotation marks.",
            )),
            Self::Versions(versions) if !versions.contains(&version) => Err(Problem::precondition_failed()),
            _ => Ok(()),
        }
    }
}
