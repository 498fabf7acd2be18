//! What the CDN in front of API Gateway says of a request (docs/cdn.md).
//!
//! API Gateway knows only its peer, which is then the CDN: all readers would be one source, and links would lead to API
//! Gateway's own host. The CDN says in headers who asked and at which host, and shows that it is ours by a secret,
//! because API Gateway can be reached without it, and by anybody's CDN. Without the secret these headers are
//! like any others that nobody asked for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use lambda_http::http::HeaderMap;

/// What our CDN shows with every request, overwriting what the client sent under that name.
const SECRET: &str = "x-origin-secret";

/// The network address that asked the CDN: without a port, IPv6 without brackets.
const ADDRESS: &str = "x-viewer-address";

/// The host that the CDN was asked for.
const HOST: &str = "x-viewer-host";

/// The secret that our CDN and the functions share.
#[derive(Clone)]
pub struct OriginSecret(String);

impl OriginSecret {
    /// The secret that a setting says; none if there is no CDN.
    pub fn from_setting(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }
}

impl fmt::Debug for OriginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginSecret")
    }
}

/// What our CDN says of a request.
pub(crate) struct Forwarded<'a> {
    /// The address of whoever asked.
    pub(crate) address: Option<&'a str>,
    /// The host that was asked.
    pub(crate) host: Option<&'a str>,
}

impl<'a> Forwarded<'a> {
    /// Reads the headers, if the request came through our CDN.
    pub(crate) fn of(headers: &'a HeaderMap, secret: Option<&OriginSecret>) -> Option<Self> {
        let shown = headers.get(SECRET)?.as_bytes();
        verify_slices_are_equal(shown, secret?.0.as_bytes()).ok()?;
        let text = |name| headers.get(name)?.to_str().ok();
        Some(Self { address: text(ADDRESS), host: text(HOST) })
    }
}
