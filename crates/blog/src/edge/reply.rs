//! What operations answer.

use lambda_http::Body;
use lambda_http::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;

use super::ETag;
use crate::Error;

/// What a reply may look at to become a response.
pub struct ReplyContext<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// What stands before the API's paths in addresses: the stage, unless a custom domain hides it.
    pub base: &'a str,
    /// The request's path below `base`.
    pub path: &'a str,
    /// The request's query, without `cursor`.
    pub query: &'a [(String, String)],
}

/// An answer of an operation.
pub trait Reply {
    /// Whether it says that something was made. The operation then takes an `Idempotency-Key`, and gives what it makes
    /// the id [`Call::new_id`](super::Call::new_id).
    const CREATES: bool = false;

    /// The answer in HTTP.
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error>;
}

/// 200 with JSON.
pub struct Json<T>(pub T);

/// 201 with what was created and where it is (a path of the API).
pub struct Created<T> {
    /// Where it is, below the API's base.
    pub location: Option<String>,
    /// Its version, if it has one.
    pub version: Option<u64>,
    /// What was created.
    pub body: T,
}

/// 201 with what was made for this answer alone and is secret, such as tokens. It is never kept, so an
/// `Idempotency-Key` means nothing here: asking twice makes two, as it should.
pub struct Issued<T>(pub T);

/// 200 with one resource at a version.
pub struct Versioned<T> {
    /// The version that edits are checked against.
    pub version: u64,
    /// The resource.
    pub body: T,
}

/// 200 with one resource in the form that the client likes best (RFC 9110, section 12.5.1): JSON, or the Markdown that it
/// was written in. With its validator; 304 if the client has it already.
pub struct Document<T> {
    /// The version that edits are checked against.
    pub version: u64,
    /// The resource.
    pub body: T,
    /// Its source.
    pub markdown: String,
    /// Whether no cache may keep it although nobody is signed in.
    pub private: bool,
}

/// 202: it will be done, and nothing is said of it.
pub struct Accepted;

/// 202: it will be done, and this is where the outcome will be.
pub struct Begun<T> {
    /// Where the outcome will be, below the API's base.
    pub location: String,
    /// What is said of it by now.
    pub body: T,
}

/// 204.
pub struct NoContent;

/// 200 with what was asked for, or 301 to where it went.
pub enum MovedOr<T> {
    /// Where it went: a path below the API's base.
    Moved(String),
    /// What was asked for.
    Here(T),
}

/// 200 with a page of a list.
#[derive(Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts, or null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page with each item as `show` shows it.
    pub fn map<U>(self, show: impl Fn(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}

impl<T: Serialize> Reply for Json<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> Reply for Created<T> {
    const CREATES: bool = true;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        let mut response = json(StatusCode::CREATED, &self.body)?;
        if let Some(location) = self.location {
            insert_location(&mut response, context, &location)?;
        }
        if let Some(version) = self.version {
            let etag = ETag::new(version, response.body());
            response.headers_mut().insert(header::ETAG, header_value(etag.to_string())?);
        }
        Ok(response)
    }
}

impl<T: Serialize> Reply for Issued<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        json(StatusCode::CREATED, &self.0)
    }
}

impl<T: Serialize> Reply for Versioned<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        versioned(json(StatusCode::OK, &self.body)?, self.version)
    }
}

impl<T: Serialize> Reply for Document<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        let response = if prefers_markdown(context.headers) {
            let mut response = Response::new(Body::Text(self.markdown));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
            response
        } else {
            json(StatusCode::OK, &self.body)?
        };
        let mut response = versioned(response, self.version)?;
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        if self.private {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        Ok(response)
    }
}

/// Whether `Accept` asks for Markdown rather than for JSON. JSON it is where both are alike, and where neither is named:
/// an answer in the form that everybody reads is better than none (RFC 9110, section 12.5.1).
fn prefers_markdown(headers: &HeaderMap) -> bool {
    let accept: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let range = parts.next().unwrap_or_default();
            let weight = parts.find_map(|parameter| parameter.strip_prefix("q=")?.parse::<f32>().ok());
            (range, weight.unwrap_or(1.0))
        })
        .collect();
    // The weight of a type is that of the range that names it most exactly, which then also decides between equals.
    let preference = |names: [&str; 3]| {
        let named = names.iter().zip([2, 1, 0]);
        let mut found = named.filter_map(|(name, exactness)| {
            accept.iter().find(|(range, _)| range == name).map(|(_, weight)| (*weight, exactness))
        });
        found.next().unwrap_or((0.0, 0))
    };
    let markdown = preference(["text/markdown", "text/*", "*/*"]);
    markdown.0 > 0.0 && markdown > preference(["application/json", "application/*", "*/*"])
}

/// The answer with its validator. The edge makes it 304 if the client has it already.
fn versioned(mut response: Response<Body>, version: u64) -> Result<Response<Body>, Error> {
    let etag = ETag::new(version, response.body());
    response.headers_mut().insert(header::ETAG, header_value(etag.to_string())?);
    Ok(response)
}

impl Reply for Accepted {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        Ok(empty(StatusCode::ACCEPTED))
    }
}

impl<T: Serialize> Reply for Begun<T> {
    const CREATES: bool = true;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        let mut response = json(StatusCode::ACCEPTED, &self.body)?;
        insert_location(&mut response, context, &self.location)?;
        Ok(response)
    }
}

impl Reply for NoContent {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        Ok(empty(StatusCode::NO_CONTENT))
    }
}

impl<T: Reply> Reply for MovedOr<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        match self {
            Self::Here(reply) => reply.into_response(context),
            Self::Moved(location) => {
                let mut response = empty(StatusCode::MOVED_PERMANENTLY);
                insert_location(&mut response, context, &location)?;
                Ok(response)
            }
        }
    }
}

impl<T: Serialize> Reply for Page<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Error> {
        let mut response = json(StatusCode::OK, &self)?;
        if let Some(cursor) = &self.next_cursor {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(context.query)
                .append_pair("cursor", cursor)
                .finish();
            let link = format!("<{}{}?{query}>; rel=\"next\"", context.base, context.path);
            response.headers_mut().insert(header::LINK, header_value(link)?);
        }
        Ok(response)
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>, Error> {
    let mut response = Response::new(Body::Text(serde_json::to_string(body).map_err(Error::internal)?));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// `location` is a path below the API's base.
fn insert_location(response: &mut Response<Body>, context: &ReplyContext<'_>, location: &str) -> Result<(), Error> {
    let location = header_value(format!("{}{location}", context.base))?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

fn header_value(text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(Error::internal)
}
