//! Errors as `application/problem+json` (RFC 9457).

use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Error;
use crate::error::FieldError;

/// What went wrong, as RFC 9457 says it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDetails<'a> {
    /// Which problem it is: `urn:broadsheet:problem:NAME`. Programs go by this.
    r#type: String,
    /// The same for people.
    title: &'a str,
    /// The answer's status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The request's path.
    instance: &'a str,
    /// The request's id, by which the operator finds it in the logs.
    request_id: &'a str,
    /// Of a request with fields that break a rule: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<&'a FieldError>,
}

/// The answer to a request that failed. `instance` is the request's path.
pub(super) fn response(error: &Error, instance: &str, request_id: &str, token_sent: bool) -> Response<Body> {
    let crate::error::Problem { name, title, status, .. } = error.problem();
    let problem = ProblemDetails {
        r#type: format!("urn:broadsheet:problem:{name}"),
        title,
        status: status.as_u16(),
        detail: error.to_string(),
        instance,
        request_id,
        errors: match error {
            Error::ValidationFailed(errors) => errors.iter().collect(),
            _ => Vec::new(),
        },
    };
    // Strings and numbers only, so this cannot fail; an empty body with the right status if it ever did.
    let mut response = Response::new(Body::Text(serde_json::to_string(&problem).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Error::MethodNotAllowed { allow } = error
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        headers.insert(header::ALLOW, allow);
    }
    if let Error::Unauthenticated(_) = error {
        // RFC 6750, section 3: say what was wrong only to those who sent a token.
        let challenge = if token_sent { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
