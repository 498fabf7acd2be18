//! What a client may still ask for, as `RateLimit-Policy` and `RateLimit` tell it.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};

use domain::Timestamp;
use table::Quota;

/// Tells the client; says nothing if nothing was counted.
pub fn insert(headers: &mut HeaderMap, quotas: &[Quota], now: Timestamp) {
    let list = |item: fn(&Quota, Timestamp) -> String| {
        let items: Vec<_> = quotas.iter().map(|quota| item(quota, now)).collect();
        HeaderValue::try_from(items.join(", "))
    };
    let policies =
        list(|Quota { policy, max, window_seconds, .. }, _| format!("\"{policy}\";q={max};w={window_seconds}"));
    let left = list(|quota, now| format!("\"{}\";r={};t={}", quota.policy, quota.left, quota.seconds_left(now)));
    if let (false, Ok(policies), Ok(left)) = (quotas.is_empty(), policies, left) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policies);
        headers.insert(HeaderName::from_static("ratelimit"), left);
    }
}
