//! `GET /style.css`: Get the stylesheet of the pages.

use domain::{SchemaGenerator, fields};
use edge::{AnswerDescription, Call, Problem, Query, Reply, ReplyContext, Visitor};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, header};

use crate::Services;
use crate::shared::style;

fields! {
    pub struct StyleQuery {
        /// The version that a page wants.
        v: Option<String>,
    }
}

/// 200 with a stylesheet.
pub struct Stylesheet {
    text: String,
    /// Whether its address will never lead to another one.
    is_final: bool,
}

impl Reply for Stylesheet {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let mut response = Response::new(Body::Text(self.text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
        if self.is_final {
            let year = HeaderValue::from_static("public, max-age=31536000, immutable");
            headers.insert(header::CACHE_CONTROL, year);
        }
        Ok(response)
    }

    /// The API's document has no pages.
    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        Vec::new()
    }
}

/// While a release goes on, a page of one version may ask a function of the other, which then has not what the address says: no cache
/// keeps that for long.
pub async fn get_stylesheet(
    services: &Services,
    Call { input: Query(query), .. }: Call<Visitor, Query<StyleQuery>>,
) -> Result<Stylesheet, Problem> {
    let config = &services.blog.config;
    let is_final = query.v.is_some_and(|wanted| wanted == style::version(config));
    Ok(Stylesheet { text: style::text(config), is_final })
}
