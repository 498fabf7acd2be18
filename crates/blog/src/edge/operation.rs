//! Operations, and what happens around every one of them.

use std::future::Future;

use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, BoxFuture, Request, RequestExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use super::caller::viewer_of;
use super::reply::ReplyContext;
use super::{AnswerDescription, Caller, FieldDescription, Fields, FromFields, IfMatch, Reply, Source, problem};
use crate::clock::Timestamp;
use crate::domain::Role;
use crate::error::Problem;
use crate::{Blog, Error};

/// One operation of the API: what a client sends, who may call, what happens, what is answered. The types tie
/// parsing, authentication and documentation to what `run` handles.
pub trait Operation: Send + Sync + 'static {
    /// Its name: the `Handler` in the template and the name of its file.
    const NAME: &'static str;
    /// `Cache-Control` of an anonymous `GET`. What is answered for a viewer is private, always.
    const CACHE_CONTROL: &'static str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";

    /// Who may call.
    type Caller: Caller;
    /// The path's parameters.
    type Path: FromFields;
    /// The query's parameters.
    type Query: FromFields;
    /// The body's fields.
    type Body: FromFields;
    /// What is answered.
    type Reply: Reply;

    /// How it can fail, besides the ways that follow from the types above (see `local::openapi`). The tests hold what
    /// they see against this.
    const PROBLEMS: &'static [Problem] = &[];

    /// What happens.
    fn run(blog: &Blog, call: Call<Self>) -> impl Future<Output = Result<Self::Reply, Error>> + Send
    where
        Self: Sized;
}

/// A parsed call of an operation.
pub struct Call<O: Operation> {
    /// Who calls.
    pub caller: O::Caller,
    /// The path's parameters.
    pub path: O::Path,
    /// The query's parameters.
    pub query: O::Query,
    /// The body's fields.
    pub body: O::Body,
    /// What `If-Match` asks for.
    pub if_match: IfMatch,
    /// Where the request comes from.
    pub source: Source,
    /// The address that stands before the API's paths, for links that are followed elsewhere: `https://HOST/v1`.
    pub base_url: String,
    /// The time of the request.
    pub now: Timestamp,
}

type Handle = for<'a> fn(&'a Blog, &'a Request) -> BoxFuture<'a, Response<Body>>;

/// An operation as the dispatch and the tests see it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The least role that its caller needs.
    pub least_role: Option<Role>,
    /// The names of its path's parameters.
    pub path_fields: &'static [&'static str],
    handle: Handle,
}

impl Entry {
    /// The entry of the operation `O`.
    pub const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            least_role: O::Caller::LEAST_ROLE,
            path_fields: O::Path::NAMES,
            handle: |blog, request| Box::pin(handle::<O>(blog, request)),
        }
    }

    /// Answers one request. Every failure is an answer too.
    pub async fn handle(&self, blog: &Blog, request: Request) -> Response<Body> {
        (self.handle)(blog, &request).await
    }
}

/// An operation as the API's document sees it. A list of its own, apart from [`Entry`], because what a static leads to is
/// linked: nothing that is deployed reaches this.
#[derive(Clone, Copy)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// Its file, whose first lines say its route and what it does.
    pub source: &'static str,
    /// The least role that its caller needs.
    pub least_role: Option<Role>,
    /// The path's parameters.
    pub path: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
    /// The query's parameters.
    pub query: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
    /// The body's fields.
    pub body: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
    /// How it answers.
    pub answers: fn(&mut SchemaGenerator) -> Vec<AnswerDescription>,
    /// How it can fail beyond what follows from the above.
    pub problems: &'static [Problem],
}

impl Description {
    /// The description of the operation `O`, whose file reads `source`.
    pub const fn of<O: Operation>(source: &'static str) -> Self {
        Self {
            name: O::NAME,
            source,
            least_role: O::Caller::LEAST_ROLE,
            path: O::Path::describe,
            query: O::Query::describe,
            body: O::Body::describe,
            answers: O::Reply::describe,
            problems: O::PROBLEMS,
        }
    }
}

/// Lists the operations of a crate, `file::Type` each: as `OPERATIONS` for the dispatch, as `DESCRIPTIONS` for the API's
/// document.
#[macro_export]
macro_rules! operations {
    ($($module:ident::$operation:ident,)*) => {
        /// Every operation of this crate.
        pub static OPERATIONS: &[$crate::edge::Entry] =
            &[$($crate::edge::Entry::of::<$module::$operation>()),*];

        /// What the API's document says of them.
        pub static DESCRIPTIONS: &[$crate::edge::Description] =
            &[$($crate::edge::Description::of::<$module::$operation>(
                include_str!(concat!(stringify!($module), ".rs"))
            )),*];
    };
}

/// A body may have this many bytes.
const MOST_BODY_BYTES: usize = 256 * 1024;

async fn handle<O: Operation>(blog: &Blog, request: &Request) -> Response<Body> {
    let event = Event::of(request);
    let now = blog.now();
    let correlation_id = request.headers().get("x-correlation-id").filter(|value| is_plain(value, 64));

    let mut response = match answer::<O>(blog, request, &event, now).await {
        Ok(response) => response,
        Err(error) => {
            log_failure::<O>(&error, &event, correlation_id);
            let token_sent = request.headers().contains_key(header::AUTHORIZATION);
            problem::response(&error, &event.whole_path(), event.request_id, token_sent)
        }
    };

    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(request_id) = HeaderValue::from_str(event.request_id) {
        headers.insert("x-request-id", request_id);
    }
    if let Some(correlation_id) = correlation_id {
        headers.insert("x-correlation-id", correlation_id.clone());
    }
    if O::Caller::LEAST_ROLE.is_none() {
        headers.append(header::VARY, HeaderValue::from_static("Authorization"));
    }
    tracing::info!(
        operation = O::NAME,
        request_id = event.request_id,
        correlation_id = correlation_id.and_then(|value| value.to_str().ok()),
        status = response.status().as_u16(),
        milliseconds = blog.now().milliseconds() - now.milliseconds(),
        "answered"
    );
    response
}

async fn answer<O: Operation>(
    blog: &Blog,
    request: &Request,
    event: &Event<'_>,
    now: Timestamp,
) -> Result<Response<Body>, Error> {
    let viewer = viewer_of::<O::Caller>(blog, request, now).await?;
    let caller = O::Caller::admit(viewer)?;
    let anonymous = caller.viewer().is_none();

    let path = path_fields(request)?;
    // A parameter that cannot be the name of anything names nothing.
    let path = O::Path::from_fields(path).map_err(|_| Error::NotFound("There is nothing here."))?;
    let query_pairs = query_pairs(request);
    let query = O::Query::from_fields(query_fields(&query_pairs)?)?;
    let body = O::Body::from_fields(body_fields(request, O::Body::NAMES)?)?;

    let if_match = IfMatch::from_headers(request.headers());
    let base_url = event.base_url(request.headers());
    let call = Call { caller, path, query, body, if_match, source: event.source, base_url, now };
    let reply = O::run(blog, call).await?;

    let without_cursor: Vec<_> = query_pairs.into_iter().filter(|(name, _)| name != "cursor").collect();
    let mut response = reply.into_response(&ReplyContext {
        method: request.method(),
        headers: request.headers(),
        base: event.base,
        path: event.path,
        query: &without_cursor,
    })?;
    let cache_control = match *request.method() {
        Method::GET if anonymous => O::CACHE_CONTROL,
        Method::GET => "private, no-store",
        _ => "no-store",
    };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(cache_control));
    Ok(response)
}

/// What the edge needs of the API Gateway event besides the request itself.
struct Event<'a> {
    request_id: &'a str,
    host: &'a str,
    base: &'a str,
    path: &'a str,
    source: Source,
}

impl<'a> Event<'a> {
    fn of(request: &'a Request) -> Self {
        let path = request.raw_http_path();
        let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else {
            return Self { request_id: "", host: "", base: "", path, source: Source::parse(None) };
        };
        // The context's path has the stage (or a custom domain's base path) in front, the event's has not.
        let base = context.path.as_deref().and_then(|whole| whole.strip_suffix(path)).unwrap_or("");
        let source = Source::parse(context.identity.source_ip.as_deref());
        let host = context.domain_name.as_deref().unwrap_or("");
        Self { request_id: context.request_id.as_deref().unwrap_or(""), host, base, path, source }
    }

    /// The address that stands before the API's paths. API Gateway says which host was asked and by which scheme, so
    /// neither is the client's word.
    fn base_url(&self, headers: &HeaderMap) -> String {
        let plain = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "http");
        format!("{}://{}{}", if plain { "http" } else { "https" }, self.host, self.base)
    }

    /// The request's path as a URI reference: API Gateway hands it on decoded.
    fn whole_path(&self) -> String {
        const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');
        format!("{}{}", self.base, utf8_percent_encode(self.path, UNSAFE))
    }
}

fn path_fields(request: &Request) -> Result<Fields, Error> {
    let mut values = Map::new();
    for (name, value) in request.path_parameters_ref().iter().flat_map(|parameters| parameters.iter()) {
        // API Gateway hands path parameters on as they stood in the address.
        let decoded = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| Error::MalformedRequest("The path is not valid UTF-8.".to_owned()))?;
        values.insert(name.to_owned(), Value::from(decoded));
    }
    Ok(Fields::new(values))
}

fn query_pairs(request: &Request) -> Vec<(String, String)> {
    request
        .query_string_parameters_ref()
        .iter()
        .flat_map(|parameters| parameters.iter())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn query_fields(pairs: &[(String, String)]) -> Result<Fields, Error> {
    let mut values = Map::new();
    for (name, value) in pairs {
        if values.insert(name.clone(), Value::from(value.as_str())).is_some() {
            return Err(Error::field(name, "was given more than once"));
        }
    }
    Ok(Fields::new(values))
}

/// The fields of a JSON object. An operation that takes none ignores the body, as servers do; one whose
/// fields are all optional takes an absent body as `{}`.
fn body_fields(request: &Request, names: &[&str]) -> Result<Fields, Error> {
    let bytes: &[u8] = request.body();
    if bytes.len() > MOST_BODY_BYTES {
        return Err(Error::PayloadTooLarge);
    }
    if names.is_empty() || bytes.is_empty() {
        return Ok(Fields::new(Map::new()));
    }
    if !is_json(request.headers()) {
        return Err(Error::UnsupportedMediaType);
    }
    let malformed = |problem: &str| Error::MalformedRequest(format!("The body is not JSON: {problem}."));
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not valid UTF-8"))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => Ok(Fields::new(values)),
        Ok(_) => Err(Error::ValidationFailed(vec![crate::error::FieldError {
            pointer: String::new(),
            detail: "must be a JSON object".to_owned(),
        }])),
        Err(error) => Err(malformed(&error.to_string())),
    }
}

/// `application/json`, or a merge patch's own type (RFC 7396). A charset other than UTF-8 is refused.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next().unwrap_or_default();
    matches!(media_type.as_str(), "application/json" | "application/merge-patch+json")
        && parts.all(|parameter| match parameter.strip_prefix("charset=") {
            Some(charset) => charset.trim_matches('"') == "utf-8",
            None => true,
        })
}

/// Printable ASCII of at most `most` characters.
fn is_plain(value: &HeaderValue, most: usize) -> bool {
    (1..=most).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// One line for the operator: an error of ours with its chain of causes, anything else as what the client got.
fn log_failure<O: Operation>(error: &Error, event: &Event<'_>, correlation_id: Option<&HeaderValue>) {
    let Problem { name, status, .. } = error.problem();
    if status.is_server_error() {
        let correlation_id = correlation_id.and_then(|value| value.to_str().ok());
        let request_id = event.request_id;
        tracing::error!(
            operation = O::NAME,
            request_id,
            correlation_id,
            problem = name,
            causes = error.causes(),
            "failed"
        );
    } else {
        tracing::debug!(operation = O::NAME, request_id = event.request_id, problem = name, "refused");
    }
}
