//! What a client may still ask for, as `RateLimit-Policy` and `RateLimit` tell it.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::Timestamp;

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The limit's name.
    pub policy: &'static str,
    /// How many requests fit into a window.
    pub most: u32,
    /// The length of a window.
    pub window_seconds: i64,
    /// How many are left of this window.
    pub left: u32,
    /// When this window ends, in seconds since 1970.
    pub ends_at: i64,
}

impl Quota {
    /// Nothing of it is used yet.
    pub fn full(policy: &'static str, most: u32, window_seconds: i64, now: Timestamp) -> Self {
        let window = now.seconds().div_euclid(window_seconds);
        Self { policy, most, window_seconds, left: most, ends_at: (window + 1) * window_seconds }
    }

    /// For how long this window still goes on.
    pub fn seconds_left(&self, now: Timestamp) -> u32 {
        u32::try_from(self.ends_at - now.seconds()).unwrap_or_default()
    }
}

/// Tells the client; says nothing if nothing was counted.
pub(super) fn insert(headers: &mut HeaderMap, quotas: &[Quota], now: Timestamp) {
    let list = |item: fn(&Quota, Timestamp) -> String| {
        let items: Vec<_> = quotas.iter().map(|quota| item(quota, now)).collect();
        HeaderValue::try_from(items.join(", "))
    };
    let policies =
        list(|Quota { policy, most, window_seconds, .. }, _| format!("\"{policy}\";q={most};w={window_seconds}"));
    let left = list(|quota, now| format!("\"{}\";r={};t={}", quota.policy, quota.left, quota.seconds_left(now)));
    if let (false, Ok(policies), Ok(left)) = (quotas.is_empty(), policies, left) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policies);
        headers.insert(HeaderName::from_static("ratelimit"), left);
    }
}
