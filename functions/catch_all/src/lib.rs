//! What no route takes: preflights of browsers, methods that a path does not have, and paths that are none.
//!
//! API Gateway looks for a path and method together, so whatever no other route takes comes to the template's
//! `/{proxy+}` (docs/adr/0010).

use edge::{Blog, Exchange, misplaced, without_route};
use lambda_http::http::{Method, Response};
use lambda_http::{Body, Request, RequestExt};

/// What the template calls the function.
pub const NAME: &str = "catch_all";

/// Every path of the template, with its methods.
const ROUTES: &[(&str, &[&str])] = include!(concat!(env!("OUT_DIR"), "/routes.rs"));

/// Answers a request that no route takes. Tokens are not looked at: a preflight has none, and there is nothing here
/// that they could open.
pub async fn answer(blog: &Blog, request: &Request) -> Response<Body> {
    let exchange = Exchange::begin(NAME, blog, request);
    // Not the event's path, which has a custom domain's base path in front.
    let path = request.path_parameters_ref().and_then(|parameters| parameters.first("proxy")).unwrap_or("");
    let methods = methods_of(&format!("/{}", path.strip_suffix('/').unwrap_or(path)));
    // Browsers follow no redirect of a preflight, so that is answered as it is for the path without the slash.
    let redirects = request.method() != Method::OPTIONS && !methods.is_empty();
    let misplaced = if redirects { misplaced(request, &exchange) } else { None };
    let answer = misplaced.unwrap_or_else(|| without_route(request.method(), methods));
    exchange.conclude(Box::pin(async move { answer })).await
}

/// The methods that a path takes: those of the route that names it most exactly. `/users/confirm` is an address of its
/// own, although `/users/{username}` would take it for a name.
fn methods_of(path: &str) -> &'static [&'static str] {
    let matching = ROUTES.iter().filter(|(route, _)| matches(route, path));
    matching.min_by_key(|(route, _)| route.matches('{').count()).map_or(&[], |(_, methods)| *methods)
}

fn matches(route: &str, path: &str) -> bool {
    let (wanted, given) = (route.split('/'), path.split('/'));
    wanted.clone().count() == given.clone().count()
        && wanted.zip(given).all(|(wanted, given)| wanted == given || wanted.starts_with('{') && !given.is_empty())
}
