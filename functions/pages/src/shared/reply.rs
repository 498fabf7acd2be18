//! How a page is answered.

use askama::Template;
use domain::SchemaGenerator;
use edge::{AnswerDescription, Config, Problem, ProblemPage, Reply, ReplyContext, Site};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, StatusCode, header};

use crate::shared::layout::Layout;

/// What a browser lets a page do: show its own style, and pictures from wherever authors found them. Nothing runs, whatever else should
/// ever get into a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page, or where it is.
pub enum Shown {
    /// 200 with a page that everybody may see; 304 if the client has it already.
    Page(String),
    /// 200 with a page that only who has its address may see: no cache keeps it, and no other site is told the address.
    Private(String),
    /// 301 to a path of the site.
    Moved(String),
}

impl Shown {
    /// The page that a template makes.
    pub fn page(template: &impl Template) -> Result<Self, Problem> {
        template.render().map(Self::Page).map_err(Problem::internal)
    }
}

impl Reply for Shown {
    const PROBLEM_PAGE: Option<ProblemPage> = Some(problem_page);

    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        Ok(match self {
            Self::Page(text) => with_page(Response::new(Body::Empty), text),
            Self::Private(text) => {
                let mut response = with_page(Response::new(Body::Empty), text);
                let headers = response.headers_mut();
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
                headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                response
            }
            // Not below the API's base: the site has its pages at its root.
            Self::Moved(path) => {
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
                response
                    .headers_mut()
                    .insert(header::LOCATION, HeaderValue::try_from(path).map_err(Problem::internal)?);
                response
            }
        })
    }

    /// The API's document has no pages.
    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        Vec::new()
    }
}

/// The response with this page in it.
fn with_page(mut response: Response<Body>, text: String) -> Response<Body> {
    *response.body_mut() = Body::Text(text);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    response
}

/// A page that says what is wrong.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemTemplate<'a> {
    layout: Layout,
    title: &'a str,
    detail: &'a str,
    is_missing: bool,
}

/// Shows a problem to a reader.
pub fn problem_page(config: &Config, problem: &Problem, response: Response<Body>) -> Response<Body> {
    let status = response.status();
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::GONE => "Gone",
        _ => problem.kind().title,
    };
    let is_missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
    let mut layout = Layout::new(config, &Site::new(config, ""), title);
    layout.is_indexed = false;
    let template = ProblemTemplate { layout, title, detail: problem.detail(), is_missing };
    match template.render() {
        Ok(text) => with_page(response, text),
        // What programs get is better than nothing.
        Err(_) => response,
    }
}
