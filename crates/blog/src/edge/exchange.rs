//! What is done around every answer, whoever gives it.

use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{Body, BoxFuture, Request, RequestExt};
use tracing::Instrument;

use super::operation::Event;
use super::{cors, problem};
use crate::clock::Timestamp;
use crate::telemetry::{self, Outcome};
use crate::{Blog, Error};

/// A request that is being answered.
pub struct Exchange<'a> {
    operation: &'static str,
    blog: &'a Blog,
    request: &'a Request,
    pub(super) event: Event<'a>,
    correlation_id: Option<&'a HeaderValue>,
    /// The time of the request.
    pub now: Timestamp,
}

impl<'a> Exchange<'a> {
    /// Takes a request for the function that the template calls `operation`.
    pub fn begin(operation: &'static str, blog: &'a Blog, request: &'a Request) -> Self {
        let correlation_id = request.headers().get("x-correlation-id").filter(|value| is_plain(value, 64));
        Self { operation, blog, request, event: Event::of(request, &blog.config), correlation_id, now: blog.now() }
    }

    /// The answer: the outcome, or the problem that it is, with the headers that every answer has. One line of the log
    /// says how it went.
    pub async fn conclude(&self, answering: BoxFuture<'_, Result<Response<Body>, Error>>) -> Response<Body> {
        let request_id = self.event.request_id;
        let correlation_id = self.correlation_id.and_then(|value| value.to_str().ok());
        let span = tracing::info_span!("request", request_id, correlation_id);
        let (outcome, usage) = telemetry::measure(Box::pin(answering.instrument(span))).await;
        let token_sent = self.request.headers().contains_key(header::AUTHORIZATION);
        let (mut response, error) = match outcome {
            Ok(response) => (response, None),
            Err(error) => (problem::response(&error, &self.event.whole_path(), request_id, token_sent), Some(error)),
        };
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(request_id) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", request_id);
        }
        if let Some(correlation_id) = self.correlation_id {
            headers.insert("x-correlation-id", correlation_id.clone());
        }
        self.blog.config.cors_origins.allow(self.request.headers(), headers);
        let lambda = self.request.lambda_context_ref();
        Outcome {
            operation: self.operation,
            request_id: Some(request_id),
            correlation_id,
            invocation_id: lambda.map(|context| context.request_id.as_str()).filter(|id| !id.is_empty()),
            trace_id: lambda.and_then(|context| context.xray_trace_id.as_deref()),
            method: Some(self.request.method().as_str()),
            // Not the path: names of people are in it.
            route: self.event.route,
            status: Some(response.status().as_u16()),
            error: error.as_ref(),
            latency_ms: self.blog.now().milliseconds() - self.now.milliseconds(),
            sequence_number: None,
            may_be_idle: false,
        }
        .log(self.blog, &usage);
        response
    }
}

/// Answers a request that no route takes. `methods` are those that its path does take, `OPTIONS` among them, and none if
/// there is nothing at that path, which is 404. A preflight is told them; any other request is 405.
pub fn without_route(method: &Method, methods: &[&str]) -> Result<Response<Body>, Error> {
    if methods.is_empty() {
        return Err(Error::NotFound("There is nothing here."));
    }
    let allow = methods.join(", ");
    if method != Method::OPTIONS {
        return Err(Error::MethodNotAllowed { allow });
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(cors::preflight_headers(&HeaderValue::try_from(allow).map_err(Error::internal)?));
    Ok(response)
}

/// Printable ASCII of at most `most` characters.
fn is_plain(value: &HeaderValue, most: usize) -> bool {
    (1..=most).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}
