//! The RealWorld ("Conduit") API over this blog: one function for `/api/{proxy+}` (docs/conduit.md, docs/adr/0037).
//!
//! It has no rules of its own. What changes something runs the native operation in this process, with its gate, its scope, its
//! fields and its rate limit ([`edge::perform`]); what reads asks the table. Here is only how Conduit writes all that.

mod accounts;
mod articles;
mod comments;
mod errors;
mod profiles;
mod request;
mod route;

use std::sync::OnceLock;

use edge::{Exchange, Problem, ProblemKind};
use lambda_http::http::{HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{Body, Request};
use serde_json::{Map, Value};
use table::Quota;

use crate::request::Caller;
use crate::route::{Access, Route};

/// What the template calls the function.
pub const NAME: &str = "conduit";

/// Runs a native operation with its scope: `perform!(posts::create_post, caller, path, body)`.
macro_rules! perform {
    ($binary:ident::$operation:ident, $services:expr, $caller:expr, $path:expr, $body:expr) => {{
        let inner = $caller.inner($path, $body);
        let operation = ::$binary::operations::$operation::$operation;
        edge::perform(::$binary::scopes::$operation, operation, $services, inner, &mut $caller.quotas)
    }};
}
pub(crate) use perform;

/// Answers a request of the Conduit API.
pub async fn answer(services: &users::Services, request: &Request) -> Response<Body> {
    let exchange = Exchange::begin(NAME, &services.blog, request);
    let subject = OnceLock::new();
    let mut quotas = Vec::new();
    let token_sent = request.headers().contains_key(header::AUTHORIZATION);
    let answering = Box::pin(run(services, request, &exchange, &subject, &mut quotas));
    let rewrite = |problem: &Problem, response| {
        errors::rewrite(problem, response, subject.get().copied().unwrap_or("body"), token_sent)
    };
    let mut response = exchange.conclude_as(answering, rewrite).await;
    edge::insert_quotas(response.headers_mut(), &quotas, exchange.now);
    response
}

/// `subject` becomes what the request is about by the time when it fails.
async fn run(
    services: &users::Services,
    request: &Request,
    exchange: &Exchange<'_>,
    subject: &OnceLock<&'static str>,
    quotas: &mut Vec<Quota>,
) -> Result<Response<Body>, Problem> {
    if *request.method() == Method::OPTIONS {
        return Ok(edge::preflight(route::METHODS));
    }
    let segments = edge::proxy_segments(request)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = Route::find(request.method(), &segments)?;
    let mut caller = Caller::new(services, request, exchange);
    let outcome = async {
        if route.access() != Access::Nobody {
            caller.identify(route.access() == Access::User).await?;
        }
        if !matches!(route, Route::Register | Route::LogIn) {
            caller.count().await?;
        }
        dispatch(&route, &mut caller, request).await
    };
    let outcome = outcome.await;
    // Whatever was looked for first is what is said not to be there; a comment is looked for after its article.
    let _ = subject.set(caller.subject.unwrap_or(route.subject()));
    quotas.append(&mut caller.quotas);
    outcome
}

async fn dispatch(route: &Route<'_>, caller: &mut Caller<'_>, request: &Request) -> Result<Response<Body>, Problem> {
    match route {
        Route::Register => accounts::register(caller, request::object(request, "user")?).await,
        Route::LogIn => accounts::log_in(caller, request::object(request, "user")?).await,
        Route::GetUser => accounts::get(caller).await,
        Route::UpdateUser => accounts::update(caller, request::changes(request, "user")?).await,
        Route::GetProfile(name) => profiles::get(caller, name).await,
        Route::Follow(name) => profiles::follow(caller, name, true).await,
        Route::Unfollow(name) => profiles::follow(caller, name, false).await,
        Route::ListArticles => articles::list(caller, &edge::query_pairs(request)).await,
        Route::Feed => articles::feed(caller, &edge::query_pairs(request)).await,
        Route::CreateArticle => articles::create(caller, request::object(request, "article")?).await,
        Route::GetArticle(slug) => articles::get(caller, slug).await,
        Route::UpdateArticle(slug) => {
            // The body is looked at only of an article that is there: 404 and 403 before 422.
            articles::check_editable(caller, slug).await?;
            articles::update(caller, slug, request::changes(request, "article")?).await
        }
        Route::DeleteArticle(slug) => articles::delete(caller, slug).await,
        Route::Favorite(slug) => articles::favorite(caller, slug).await,
        Route::Unfavorite(slug) => articles::unfavorite(caller, slug).await,
        Route::ListComments(slug) => comments::list(caller, slug).await,
        Route::CreateComment(slug) => {
            articles::readable(caller, slug).await?;
            comments::create(caller, slug, request::object(request, "comment")?).await
        }
        Route::DeleteComment(slug, number) => comments::delete(caller, slug, number).await,
        Route::ListTags => articles::tags(caller).await,
    }
}

/// A response with one member. Nothing is kept by a cache: every read shows the write before it.
fn respond(status: StatusCode, name: &str, value: Value) -> Result<Response<Body>, Problem> {
    respond_with(status, Map::from_iter([(name.to_owned(), value)]))
}

/// A response with these members.
fn respond_with(status: StatusCode, members: Map<String, Value>) -> Result<Response<Body>, Problem> {
    let text = serde_json::to_string(&members).map_err(Problem::internal)?;
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    Ok(response)
}

/// 204.
fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What is said to who sends no token.
fn no_token() -> Problem {
    Problem::new(ProblemKind::UNAUTHENTICATED, "Send a token: Authorization: Token TOKEN.")
}
