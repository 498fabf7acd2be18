//! Ghost's Content API over this blog, read only: one function for `/ghost/api/{proxy+}` (docs/ghost.md, docs/adr/0038).
//!
//! It shows what everybody may read, and nothing that the native API would not show to a visitor: published posts, their authors and
//! their tags. Here is only how Ghost writes that, and which of its filters the table can answer.

mod authors;
mod errors;
mod filter;
mod posts;
mod request;
mod settings;
mod tags;

use std::sync::{Arc, OnceLock};

use domain::{ContentKeyText, Timestamp};
use edge::{Blog, ETag, Exchange, Problem, ProblemKind, Site};
use lambda_http::http::{HeaderValue, Method, Response, header};
use lambda_http::{Body, Request};
use serde_json::{Map, Value, json};

use crate::request::{Resource, Route};

/// What the template calls the function.
pub const NAME: &str = "ghost";

/// The version of Ghost's API that this is.
const VERSION: HeaderValue = HeaderValue::from_static("v6.0");

/// The methods that a path takes, for preflights.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// How long a cache may keep an answer at most, in seconds: as long as a key may still open something after it was revoked.
const MAX_CACHE_SECONDS: u32 = 60;

/// The maximum size of a response, as Lambda sends it: 6 MB, in which the body is a JSON string.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_RESPONSE_BYTES: usize = 5_500_000;

/// A request that is being answered.
struct Context<'a> {
    blog: &'a Blog,
    site: Site,
    query: request::Query,
    now: Timestamp,
}

/// Answers a request of the Content API.
pub async fn answer(blog: &Arc<Blog>, request: &Request) -> Response<Body> {
    let exchange = Exchange::begin(NAME, blog, request);
    let action = OnceLock::new();
    let answering = Box::pin(run(blog, request, &exchange, &action));
    let id = uuid(blog.new_id::<ulid::Ulid>(exchange.now).into());
    let rewrite = |problem: &Problem, response| errors::rewrite(problem, response, action.get().copied(), &id);
    let mut response = exchange.conclude_as(answering, rewrite).await;
    response.headers_mut().insert("content-version", VERSION);
    response
}

/// `action` becomes what the request is for, once that is known.
async fn run(
    blog: &Blog,
    request: &Request,
    exchange: &Exchange<'_>,
    action: &OnceLock<&'static str>,
) -> Result<Response<Body>, Problem> {
    if *request.method() == Method::OPTIONS {
        return Ok(edge::preflight(METHODS));
    }
    let segments = edge::proxy_segments(request)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = Route::find(&segments)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::method_not_allowed(METHODS.to_owned()));
    }
    let pairs = edge::query_pairs(request);
    check_key(blog, &pairs).await?;
    let _ = action.set(route.action());
    let (now, site) = (exchange.now, Site::new(&blog.config, &exchange.origin()));
    let context = Context { blog, site, query: request::Query::of(&pairs)?, now };
    let body = dispatch(&route, &context).await?;
    respond(request, &body, blog.config.cdn_seconds)
}

async fn dispatch(route: &Route<'_>, context: &Context<'_>) -> Result<Value, Problem> {
    match route {
        Route::Settings => settings::get(context),
        Route::Browse(Resource::Posts) => posts::browse(context).await,
        Route::Read(Resource::Posts, by) => posts::read(context, by).await,
        Route::Browse(Resource::Authors) => authors::browse(context).await,
        Route::Read(Resource::Authors, by) => authors::read(context, by).await,
        Route::Browse(Resource::Tags) => tags::browse(context).await,
        Route::Read(Resource::Tags, by) => tags::read(context, by).await,
        // There is none of these here. A filter of them is still one.
        Route::Browse(none) => {
            context.query.filter(&|_| Some(filter::Kind::Text), context.now)?;
            Ok(context.query.page_of(none.name(), Vec::new(), 0))
        }
        Route::Read(none, _) => Err(Problem::not_found(none.not_found())),
    }
}

/// Lets pass who has a content key. Front ends send it in the address, where it is no secret.
async fn check_key(blog: &Blog, pairs: &[(String, String)]) -> Result<(), Problem> {
    let mut keys = pairs.iter().filter(|(name, _)| name == "key").map(|(_, key)| key);
    let (key, other) = (keys.next().filter(|key| !key.is_empty()), keys.next());
    if other.is_some() {
        return Err(Problem::malformed("The key was given more than once."));
    }
    let Some(key) = key else {
        let detail = "Unable to determine the authenticated member or integration. Check the supplied Content API Key.";
        return Err(Problem::new(ProblemKind::FORBIDDEN, detail));
    };
    let is_known = match ContentKeyText::try_from(key.clone()) {
        Ok(key) => blog.table.is_content_key(&key).await?,
        Err(_) => false,
    };
    if is_known { Ok(()) } else { Err(Problem::new(ProblemKind::UNAUTHENTICATED, "Unknown Content API Key")) }
}

/// 200, or 304.
fn respond(request: &Request, body: &Value, cdn_seconds: u32) -> Result<Response<Body>, Problem> {
    let text = serde_json::to_string(body).map_err(Problem::internal)?;
    check_size(text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count())?;
    let mut response = Response::new(Body::Text(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    // Without `stale-while-revalidate`, which would show somebody an older answer than that once more.
    let cache_control = format!("public, max-age=0, s-maxage={}", cdn_seconds.min(MAX_CACHE_SECONDS));
    headers.insert(header::CACHE_CONTROL, HeaderValue::try_from(cache_control).map_err(Problem::internal)?);
    ETag::revalidate(response, request.headers())
}

/// Refuses what would be larger than a response may be.
fn check_size(bytes: usize) -> Result<(), Problem> {
    if bytes <= MAX_RESPONSE_BYTES {
        return Ok(());
    }
    let detail = "The response would be larger than 5 MB. Ask for fewer posts with limit, or for fields without html.";
    Err(Problem::new(ProblemKind::PAYLOAD_TOO_LARGE, detail))
}

/// A time as Ghost writes it.
fn time(time: Timestamp) -> String {
    time.to_string().replace('Z', "+00:00")
}

/// The address of a page as Ghost writes it, with a slash at the end: static generators name a file by it. The site leads from there to
/// the page.
fn address(page: &str) -> String {
    format!("{page}/")
}

/// An id in the form of a UUID.
fn uuid(id: u128) -> String {
    let digits = format!("{id:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The members of an object, with those that have no counterpart here, which are null.
fn with_nulls(object: Value, names: &[&str]) -> Map<String, Value> {
    let mut members = match object {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.extend(names.iter().map(|name| ((*name).to_owned(), Value::Null)));
    members
}

/// A response with one resource.
fn one(name: &str, resource: Map<String, Value>) -> Value {
    json!({ name: [resource] })
}
