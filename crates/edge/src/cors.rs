//! Which pages may call the API from a browser (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>).

use std::str::FromStr;

use lambda_http::Body;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use url::Url;

/// What a page may read of an answer besides the headers that every page may.
const EXPOSED: &str = "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
                       WWW-Authenticate, X-Correlation-Id, X-Request-Id";

/// What a page may send besides the headers that every page may.
/// Those of tracing are sent by libraries that a page does not control (<https://www.w3.org/TR/trace-context/>).
const SENDABLE: &str = "Accept-Version, Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, \
                        X-Correlation-Id, X-Requested-With, Traceparent, Tracestate, Baggage";

/// How long a browser may keep the answer to a preflight, in seconds. Chromium keeps none for longer.
const MAX_AGE: &str = "7200";

/// The origins whose pages may call the API and read what it answers.
///
/// Pages send tokens themselves, in `Authorization`. The one cookie is looked at only for pages of the site itself
/// ([`Browser::check_own_page`](crate::Browser::check_own_page)), so any other page can do no more here than
/// whoever wrote it. That makes `*` safe. `Access-Control-Allow-Credentials` is never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Those of all sites: `*`.
    All,
    /// These, as browsers write them in `Origin`; none of them, and only servers and programs can call the API.
    These(Vec<String>),
}

impl FromStr for AllowedOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "*" {
            return Ok(Self::All);
        }
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(parse_origin).collect::<Result<_, _>>().map(Self::These)
    }
}

/// What is more than an origin, a path even if it is only `/`, is refused: no browser would ever send it, so nothing
/// would be allowed and nobody would know why.
fn parse_origin(text: &str) -> Result<String, String> {
    let origin =
        Url::parse(text).map(|url| url.origin()).ok().filter(|origin| origin.is_tuple() && !text.contains('*'));
    match origin.map(|origin| origin.ascii_serialization()) {
        Some(origin) if origin == text => Ok(origin),
        Some(origin) => Err(format!("{text:?} is not an origin; {origin:?} would be")),
        None => Err(format!("{text:?} is not an origin such as https://blog.example.com")),
    }
}

impl AllowedOrigins {
    /// Lets a page of an allowed origin read this answer.
    pub fn allow(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let allowed = match self {
            Self::All => Some(HeaderValue::from_static("*")),
            Self::These(origins) => {
                // A cache must not hand what it keeps for one origin to another.
                answer.append(header::VARY, HeaderValue::from_static("Origin"));
                let origin = request.get(header::ORIGIN);
                origin.filter(|origin| origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())).cloned()
            }
        };
        if let Some(origin) = allowed {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

/// The answer to a preflight of a path that takes these methods, without the origin, which every answer gets.
pub fn preflight(methods: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().extend(preflight_headers(&HeaderValue::from_static(methods)));
    response
}

/// What a preflight is told besides the origin: `methods` and headers that may be sent.
pub(crate) fn preflight_headers(methods: &HeaderValue) -> [(HeaderName, HeaderValue); 4] {
    [
        (header::ALLOW, methods.clone()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENDABLE)),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE)),
    ]
}

#[cfg(test)]
mod tests {
    use crate::*;

    #[test]
    fn origins_are_those_that_a_browser_can_send() {
        let these = |origins: &[&str]| AllowedOrigins::These(origins.iter().map(ToString::to_string).collect());
        assert_eq!(" * ".parse(), Ok(AllowedOrigins::All));
        assert_eq!("".parse(), Ok(these(&[])));
        assert_eq!(
            "https://blog.example.com, http://localhost:5173".parse(),
            Ok(these(&["https://blog.example.com", "http://localhost:5173"]))
        );
        for bad in [
            "https://blog.example.com/",
            "https://Blog.example.com",
            "https://blog.example.com:443",
            "blog.example.com",
            "https://*.example.com",
            "null",
            "*, https://blog.example.com",
            "data:text/html,x",
        ] {
            assert!(bad.parse::<AllowedOrigins>().is_err(), "{bad}");
        }
    }
}
