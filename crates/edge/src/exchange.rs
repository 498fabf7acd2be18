//! What is done around every answer, whoever gives it.

use std::sync::OnceLock;

use domain::{Source, Timestamp, UserId};
use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{Body, BoxFuture, Request, RequestExt};
use tracing::Instrument;

use crate::event::Event;
use crate::input::all_query_pairs;
use crate::reply::NO_STORE;
use crate::telemetry::Outcome;
use crate::{Blog, Problem};
use crate::{cors, problem};

/// A request that is being answered.
pub struct Exchange<'a> {
    operation: &'static str,
    blog: &'a Blog,
    request: &'a Request,
    pub(crate) event: Event<'a>,
    correlation_id: Option<&'a HeaderValue>,
    /// The time of the request.
    pub now: Timestamp,
    /// Who is signed in, once that is known; for the log.
    pub(crate) user_id: OnceLock<UserId>,
}

impl<'a> Exchange<'a> {
    /// Where the request comes from.
    pub fn source(&self) -> Source {
        self.event.source
    }

    /// The scheme and the host that were asked.
    pub fn origin(&self) -> String {
        self.event.origin(self.request.headers())
    }

    /// Notes who is signed in, for the log.
    pub fn note_user(&self, user: UserId) {
        let _ = self.user_id.set(user);
    }

    /// Takes a request for the function that the template calls `operation`.
    pub fn begin(operation: &'static str, blog: &'a Blog, request: &'a Request) -> Self {
        let correlation_id = request.headers().get("x-correlation-id").filter(|value| is_plain(value, 64));
        Self {
            operation,
            blog,
            request,
            event: Event::of(request, &blog.config),
            correlation_id,
            now: blog.now(),
            user_id: OnceLock::new(),
        }
    }

    /// The answer: the outcome, or the problem that it is, with the headers that every answer has. One line of the log
    /// says how it went.
    pub async fn conclude(&self, answering: BoxFuture<'_, Result<Response<Body>, Problem>>) -> Response<Body> {
        self.conclude_as(answering, |_, response| response).await
    }

    /// The same for what writes problems in another way: `rewrite` is given the problem and its native response.
    pub async fn conclude_as(
        &self,
        answering: BoxFuture<'_, Result<Response<Body>, Problem>>,
        rewrite: impl Fn(&Problem, Response<Body>) -> Response<Body>,
    ) -> Response<Body> {
        let request_id = self.event.request_id;
        let correlation_id = self.correlation_id.and_then(|value| value.to_str().ok());
        let span = tracing::info_span!("request", request_id, correlation_id);
        let (outcome, usage) = aws::measure(Box::pin(answering.instrument(span))).await;
        let token_sent = self.request.headers().contains_key(header::AUTHORIZATION);
        let (mut response, problem) = match outcome {
            Ok(response) => (response, None),
            Err(problem) => {
                let path = self.event.whole_path();
                let response = problem::response(&problem, &path, request_id, token_sent);
                (rewrite(&problem, response), Some(problem))
            }
        };
        // Its headers are those of GET (RFC 9110, section 9.3.2).
        if self.request.method() == Method::HEAD {
            *response.body_mut() = Body::Empty;
        }
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
            problem: problem.as_ref(),
            user_id: self.user_id.get().copied(),
            latency_ms: self.blog.now().milliseconds() - self.now.milliseconds(),
            sequence_number: None,
            may_be_idle: false,
        }
        .log(self.blog, &usage);
        response
    }
}

/// The answer to a request whose path is not written as a route's is: with a slash at its end it is sent to the path
/// without, and with an empty segment it names nothing. None for any other path.
///
/// Reports disagree whether a REST API hands `/posts/` to the function of `/posts` or to the one of `/{proxy+}`, so both ask
/// here. Nothing is checked before: the answer says no more than the path did.
pub fn misplaced(request: &Request, exchange: &Exchange<'_>) -> Option<Result<Response<Body>, Problem>> {
    let path = exchange.event.whole_path();
    let (own, slash) = path.strip_suffix('/').map_or((path.as_str(), false), |own| (own, true));
    // An address that begins with two slashes would lead to another host, and browsers take a backslash for a slash.
    if own.contains("//") || own.contains('\\') || own.ends_with('/') {
        return Some(Err(Problem::not_found("There is nothing here.")));
    }
    slash.then(|| redirect(own, request))
}

fn redirect(path: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all_query_pairs(request)).finish();
    let location = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(location).map_err(Problem::internal)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    Ok(response)
}

/// Answers a request that no route takes. `methods` are those that its path does take, `OPTIONS` among them, and none if
/// there is nothing at that path, which is 404. A preflight is told them; any other request is 405.
pub fn without_route(method: &Method, methods: &[&str]) -> Result<Response<Body>, Problem> {
    if methods.is_empty() {
        return Err(Problem::not_found("There is nothing here."));
    }
    let allow = methods.join(", ");
    if method != Method::OPTIONS {
        return Err(Problem::method_not_allowed(allow));
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(cors::preflight_headers(&HeaderValue::try_from(allow).map_err(Problem::internal)?));
    Ok(response)
}

/// Printable ASCII of at max `max` characters.
fn is_plain(value: &HeaderValue, max: usize) -> bool {
    (1..=max).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}
