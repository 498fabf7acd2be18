//! Operations, and what happens around every one of them.

use std::future::Future;

use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, BoxFuture, Request, RequestExt};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};
use ulid::Ulid;

use super::caller::viewer_of;
use super::cdn::Forwarded;
use super::idempotency::{Outcome, Repeatable};
use super::reply::ReplyContext;
use super::{
    AnswerDescription, Caller, ETag, Exchange, FieldDescription, Fields, FromFields, IfMatch, Quota, Reply, Source,
    quota,
};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::Role;
use crate::error::Problem;
use crate::table::RateLimit;
use crate::{Blog, Error, telemetry};

/// One operation of the API: what a client sends, who may call, what happens, what is answered. The types tie
/// parsing, authentication and documentation to what `run` handles.
pub trait Operation: Send + Sync + 'static {
    /// Its name: the `Handler` in the template and the name of its file.
    const NAME: &'static str;
    /// `Cache-Control` of an anonymous `GET`. What is answered for a viewer is private, always.
    const CACHE_CONTROL: &'static str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";
    /// A stricter limit than that on all requests, for what guesses or sends.
    const RATE_LIMIT: Option<RateLimit> = None;

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

    /// Whose account a call is about, as the client wrote it: who [`RATE_LIMIT`](Self::RATE_LIMIT) is counted for,
    /// besides the source.
    fn account(_: &Call<Self>) -> String
    where
        Self: Sized,
    {
        String::new()
    }

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
    /// The id of what the call makes, if it makes something: the same when it is repeated under its `Idempotency-Key`.
    pub new_id: Ulid,
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
    /// Its own limit, if it has one.
    pub rate_limit: Option<RateLimit>,
    /// Whether it makes something, and so takes an `Idempotency-Key`.
    pub creates: bool,
    handle: Handle,
}

impl Entry {
    /// The entry of the operation `O`.
    pub const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            least_role: O::Caller::LEAST_ROLE,
            path_fields: O::Path::NAMES,
            rate_limit: O::RATE_LIMIT,
            creates: O::Reply::CREATES,
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
    /// Whether it takes an `Idempotency-Key`.
    pub creates: bool,
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
            creates: O::Reply::CREATES,
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

/// What no cache may keep, whoever asks.
const NO_STORE: &str = "no-store";

/// A body may have this many bytes.
const MOST_BODY_BYTES: usize = 256 * 1024;

async fn handle<O: Operation>(blog: &Blog, request: &Request) -> Response<Body> {
    let exchange = Exchange::begin(O::NAME, blog, request);
    let mut quotas = Vec::new();
    let answer = Box::pin(answer::<O>(blog, request, &exchange.event, &mut quotas, exchange.now));
    let mut response = exchange.conclude(answer).await;
    quota::insert(response.headers_mut(), &quotas, exchange.now);
    if O::Caller::LEAST_ROLE.is_none() {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Authorization"));
    }
    response
}

async fn answer<O: Operation>(
    blog: &Blog,
    request: &Request,
    event: &Event<'_>,
    quotas: &mut Vec<Quota>,
    now: Timestamp,
) -> Result<Response<Body>, Error> {
    let viewer = viewer_of::<O::Caller>(blog, request, now).await?;
    if let Some(viewer) = &viewer {
        telemetry::note_user(viewer.user_id);
    }
    let caller = O::Caller::admit(viewer)?;
    let user = caller.viewer().map(|viewer| viewer.user_id);
    let anonymous = user.is_none();
    // A cache answers most of what anybody may read, so counting would only make the rest dear.
    let is_counted = O::RATE_LIMIT.is_none() && !(anonymous && request.method() == Method::GET);
    if let Some(most) = blog.config.requests_per_minute.filter(|_| is_counted) {
        blog.table.count_request(user, event.source, most.get(), quotas, now).await?;
    }

    let path = path_fields(request)?;
    // A parameter that cannot be the name of anything names nothing.
    let path = O::Path::from_fields(path).map_err(|_| Error::NotFound("There is nothing here."))?;
    let query_pairs = query_pairs(request);
    let query = O::Query::from_fields(query_fields(&query_pairs)?)?;
    let body = O::Body::from_fields(body_fields(request, O::Body::NAMES)?)?;

    let if_match = IfMatch::from_headers(request.headers());
    let base_url = event.base_url(request.headers());
    let without_cursor: Vec<_> = query_pairs.into_iter().filter(|(name, _)| name != "cursor").collect();
    let run = async |new_id| {
        let call = Call { caller, path, query, body, if_match, source: event.source, base_url, new_id, now };
        if let Some(limit) = O::RATE_LIMIT {
            blog.table.count_try(limit, call.source, &O::account(&call), quotas, now).await?;
        }
        O::run(blog, call).await?.into_response(&ReplyContext {
            method: request.method(),
            headers: request.headers(),
            base: event.base,
            path: event.path,
            query: &without_cursor,
        })
    };
    let repeatable = if O::Reply::CREATES { Repeatable::of(request, user, event.source)? } else { None };
    let mut response = match repeatable {
        None => run(blog.new_id(now)).await?,
        Some(repeatable) => match repeatable.begin(blog, now).await? {
            Outcome::Replay(response) => response,
            Outcome::Run(once) => {
                let outcome = run(once.new_id()).await;
                once.end(blog, &outcome, now).await;
                outcome?
            }
        },
    };
    if *request.method() == Method::GET && O::CACHE_CONTROL != NO_STORE {
        response = ETag::revalidate(response, request.headers())?;
    }
    let cache_control = match *request.method() {
        Method::GET if anonymous || O::CACHE_CONTROL == NO_STORE => O::CACHE_CONTROL,
        Method::GET => "private, no-store",
        _ => NO_STORE,
    };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(cache_control));
    Ok(response)
}

/// What the edge needs of the API Gateway event besides the request itself.
pub(super) struct Event<'a> {
    pub(super) request_id: &'a str,
    pub(super) route: Option<&'a str>,
    host: &'a str,
    base: &'a str,
    path: &'a str,
    source: Source,
}

impl<'a> Event<'a> {
    pub(super) fn of(request: &'a Request, config: &Config) -> Self {
        let path = request.raw_http_path();
        let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else {
            return Self { request_id: "", route: None, host: "", base: "", path, source: Source::parse(None) };
        };
        // The context's path has the stage in front, the event's has not; a custom domain's base path is in front of
        // both. So the route says how much of either is its own.
        let route = context.resource_path.as_deref();
        let path = own_path(path, route);
        let whole = context.path.as_deref().unwrap_or(path);
        let base = whole.strip_suffix(own_path(whole, route)).unwrap_or("");
        let forwarded = Forwarded::of(request.headers(), config.origin_secret.as_ref());
        let source = match &forwarded {
            Some(Forwarded { address, .. }) => Source::parse(*address),
            None => Source::parse(context.identity.source_ip.as_deref()),
        };
        let host = forwarded.and_then(|forwarded| forwarded.host).or(context.domain_name.as_deref()).unwrap_or("");
        let request_id = context.request_id.as_deref().unwrap_or("");
        Self { request_id, route, host, base, path, source }
    }

    /// The address that stands before the API's paths. API Gateway says which host was asked and by which scheme, or our
    /// CDN does, so neither is the client's word.
    fn base_url(&self, headers: &HeaderMap) -> String {
        let plain = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "http");
        format!("{}://{}{}", if plain { "http" } else { "https" }, self.host, self.base)
    }

    /// The request's path as a URI reference: API Gateway hands it on decoded.
    pub(super) fn whole_path(&self) -> String {
        const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');
        format!("{}{}", self.base, utf8_percent_encode(self.path, UNSAFE))
    }
}

/// The end of a path that is the route's: as many segments as the route has. Of a route that takes any number of them
/// it is the last.
fn own_path<'p>(path: &'p str, route: Option<&str>) -> &'p str {
    let segments = route.map_or(0, |route| route.matches('/').count());
    let start = path.rmatch_indices('/').nth(segments.saturating_sub(1)).filter(|_| segments > 0);
    start.and_then(|(start, _)| path.get(start..)).unwrap_or(path)
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
