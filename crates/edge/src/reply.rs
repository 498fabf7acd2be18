//! What operations answer.

use std::marker::PhantomData;

use domain::{Page, Timestamp};
use lambda_http::Body;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::event::is_https;
use crate::{Config, ETag, Problem, SessionCookie};

/// What a reply may look at to become a response.
pub struct ReplyContext<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The path in front of the API's paths: the stage, or nothing behind a custom domain.
    pub base: &'a str,
    /// The request's path below `base`.
    pub path: &'a str,
    /// The request's query, without `cursor`.
    pub query: &'a [(String, String)],
}

/// Shows a problem to people: takes the response that programs get, and gives that response with another body. Status and headers
/// stay as they are.
pub type ProblemPage = fn(&Config, &Problem, Response<Body>) -> Response<Body>;

/// An answer of an operation.
pub trait Reply {
    /// Whether something was created. The operation then takes an `Idempotency-Key`, and gives what it creates the id
    /// [`Call::new_id`](crate::Call::new_id).
    const CREATES: bool = false;
    /// Whether the reply of what creates is kept, for who sends the same `Idempotency-Key` again.
    const IS_KEPT: bool = true;
    /// Whether a cache may keep what an anonymous `GET` is answered. What is answered for a viewer is private, always.
    const MAY_BE_KEPT: bool = true;
    /// How problems are shown, if not as RFC 9457 writes them.
    const PROBLEM_PAGE: Option<ProblemPage> = None;

    /// The answer in HTTP.
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem>;

    /// What the API's document says of the answers that this can be.
    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription>;
}

/// What the API's document says of an answer.
#[derive(Debug, Clone)]
pub struct AnswerDescription {
    /// Its status.
    pub status: StatusCode,
    /// What it means.
    pub meaning: &'static str,
    /// Its media types, each with what a body of it may be. None if there is no body.
    pub bodies: Vec<(&'static str, Schema)>,
    /// The headers that it always carries, besides those that every answer may have.
    pub headers: Vec<HeaderName>,
    /// The headers that it sometimes carries.
    pub optional_headers: Vec<HeaderName>,
}

impl AnswerDescription {
    /// An answer without a body.
    pub fn empty(status: StatusCode, meaning: &'static str) -> Self {
        Self { status, meaning, bodies: Vec::new(), headers: Vec::new(), optional_headers: Vec::new() }
    }

    /// An answer with JSON that shows a `T`.
    pub fn json<T: JsonSchema>(status: StatusCode, meaning: &'static str, generator: &mut SchemaGenerator) -> Self {
        Self { bodies: vec![(JSON, generator.subschema_for::<T>())], ..Self::empty(status, meaning) }
    }

    /// The same, always with this header.
    pub fn with(mut self, header: HeaderName) -> Self {
        self.headers.push(header);
        self
    }

    /// The same, sometimes with this header.
    pub fn with_optional(mut self, header: HeaderName) -> Self {
        self.optional_headers.push(header);
        self
    }
}

/// What no cache may keep, whoever asks.
pub(crate) const NO_STORE: &str = "no-store";

/// `Cache-Control` of what everybody may read: a CDN keeps it for this many seconds, a browser asks each time. For five minutes
/// more a CDN may answer with it while it fetches anew (RFC 5861).
pub(crate) fn shared(cdn_seconds: u32) -> HeaderValue {
    let text = format!("public, max-age=0, s-maxage={cdn_seconds}, stale-while-revalidate=300");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(NO_STORE))
}

const JSON: &str = "application/json";

const MARKDOWN: &str = "text/markdown; charset=utf-8";

const NOT_MODIFIED: &str = "Not modified since the version that `If-None-Match` names.";

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
pub struct Started<T> {
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

/// A reply with a secret that is shown this once: it is not kept. Who sends the same `Idempotency-Key` again makes nothing a second time,
/// and is told so by the operation.
pub struct ShownOnce<R>(pub R);

/// 307 to a file, by a link that is valid for at least 15 minutes.
pub struct SeeFile(pub String);

/// A reply that no cache may keep, whoever asks.
pub struct NoStore<R>(pub R);

/// A reply with what becomes of the session cookie of a browser, if anything does.
pub struct WithSessionCookie<R>(pub R, pub Option<SessionCookie>);

impl<T: Serialize + JsonSchema> Reply for Json<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        json(StatusCode::OK, &self.0)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![AnswerDescription::json::<T>(StatusCode::OK, "OK.", generator)]
    }
}

impl<T: Serialize + JsonSchema> Reply for Created<T> {
    const CREATES: bool = true;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
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

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let created = AnswerDescription::json::<T>(StatusCode::CREATED, "Created.", generator);
        vec![created.with_optional(header::LOCATION).with_optional(header::ETAG)]
    }
}

impl<T: Serialize + JsonSchema> Reply for Issued<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        json(StatusCode::CREATED, &self.0)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![AnswerDescription::json::<T>(StatusCode::CREATED, "Issued.", generator)]
    }
}

impl<T: Serialize + JsonSchema> Reply for Versioned<T> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        versioned(json(StatusCode::OK, &self.body)?, self.version)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![
            AnswerDescription::json::<T>(StatusCode::OK, "OK.", generator).with(header::ETAG),
            AnswerDescription::empty(StatusCode::NOT_MODIFIED, NOT_MODIFIED).with(header::ETAG),
        ]
    }
}

impl<T: Serialize + JsonSchema> Reply for Document<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let response = if prefers_markdown(context.headers) {
            let mut response = Response::new(Body::Text(self.markdown));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MARKDOWN));
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

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let mut answers = Versioned::<T>::describe(generator);
        if let Some(shown) = answers.first_mut() {
            shown.bodies.push((MARKDOWN, schemars::json_schema!({ "type": "string" })));
        }
        answers
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
fn versioned(mut response: Response<Body>, version: u64) -> Result<Response<Body>, Problem> {
    let etag = ETag::new(version, response.body());
    response.headers_mut().insert(header::ETAG, header_value(etag.to_string())?);
    Ok(response)
}

impl Reply for Accepted {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        Ok(empty(StatusCode::ACCEPTED))
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![AnswerDescription::empty(StatusCode::ACCEPTED, "Accepted.")]
    }
}

impl<T: Serialize + JsonSchema> Reply for Started<T> {
    const CREATES: bool = true;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let mut response = json(StatusCode::ACCEPTED, &self.body)?;
        insert_location(&mut response, context, &self.location)?;
        Ok(response)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let started = AnswerDescription::json::<T>(
            StatusCode::ACCEPTED,
            "Accepted. The result will be at `Location`.",
            generator,
        );
        vec![started.with(header::LOCATION)]
    }
}

impl<R: Reply> Reply for ShownOnce<R> {
    const CREATES: bool = R::CREATES;
    const IS_KEPT: bool = false;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        self.0.into_response(context)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        R::describe(generator)
    }
}

impl Reply for SeeFile {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
        response.headers_mut().insert(header::LOCATION, header_value(self.0)?);
        Ok(response)
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let meaning = "The file is at `Location`, for at least 15 minutes.";
        vec![AnswerDescription::empty(StatusCode::TEMPORARY_REDIRECT, meaning).with(header::LOCATION)]
    }
}

impl<R: Reply> Reply for NoStore<R> {
    const CREATES: bool = R::CREATES;
    const MAY_BE_KEPT: bool = false;
    const PROBLEM_PAGE: Option<ProblemPage> = R::PROBLEM_PAGE;

    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        self.0.into_response(context)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        R::describe(generator)
    }
}

impl<R: Reply> Reply for WithSessionCookie<R> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let Self(reply, cookie) = self;
        let mut response = reply.into_response(context)?;
        if let Some(cookie) = cookie {
            let cookie = cookie.header(context.base, is_https(context.headers))?;
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        R::describe(generator).into_iter().map(|answer| answer.with_optional(header::SET_COOKIE)).collect()
    }
}

impl Reply for NoContent {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        Ok(empty(StatusCode::NO_CONTENT))
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![AnswerDescription::empty(StatusCode::NO_CONTENT, "OK.")]
    }
}

impl<T: Reply> Reply for MovedOr<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        match self {
            Self::Here(reply) => reply.into_response(context),
            Self::Moved(location) => {
                let mut response = empty(StatusCode::MOVED_PERMANENTLY);
                insert_location(&mut response, context, &location)?;
                Ok(response)
            }
        }
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let moved = AnswerDescription::empty(
            StatusCode::MOVED_PERMANENTLY,
            "The resource has moved to the address in `Location`.",
        );
        let mut answers = T::describe(generator);
        answers.push(moved.with(header::LOCATION));
        answers
    }
}

impl<T: Serialize + JsonSchema> Reply for Page<T> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        page(&self, self.next_cursor.as_deref(), context)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![page_of::<Self>(generator)]
    }
}

/// A page of a list that says more than its items: `more` is its other fields.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}PageWith{M}")]
pub struct PageWith<T, M> {
    /// The page.
    #[serde(flatten)]
    pub page: Page<T>,
    /// The other fields.
    #[serde(flatten)]
    pub more: M,
}

impl<T: Serialize + JsonSchema, M: Serialize + JsonSchema> Reply for PageWith<T, M> {
    fn into_response(self, context: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        page(&self, self.page.next_cursor.as_deref(), context)
    }

    fn describe(generator: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        vec![page_of::<Self>(generator)]
    }
}

/// 200 with a page, and the link to the next one.
fn page(
    page: &impl Serialize,
    next_cursor: Option<&str>,
    context: &ReplyContext<'_>,
) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::OK, page)?;
    if let Some(cursor) = next_cursor {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(context.query)
            .append_pair("cursor", cursor)
            .finish();
        let link = format!("<{}{}?{query}>; rel=\"next\"", context.base, context.path);
        response.headers_mut().insert(header::LINK, header_value(link)?);
    }
    Ok(response)
}

fn page_of<P: JsonSchema>(generator: &mut SchemaGenerator) -> AnswerDescription {
    AnswerDescription::json::<P>(StatusCode::OK, "A page of the list.", generator).with_optional(header::LINK)
}

/// A file that is a part of the program.
pub trait StaticFile {
    /// Its media type.
    const MEDIA_TYPE: &'static str;
    /// What it says.
    const TEXT: &'static str;
    /// `Content-Security-Policy`: what a browser that shows it lets it do.
    const POLICY: &'static str;
}

/// 200 with a file that is a part of the program; 304 if the client has it already.
pub struct File<F>(PhantomData<F>);

impl<F> File<F> {
    /// The file.
    pub const NEW: Self = Self(PhantomData);
}

impl<F: StaticFile> Reply for File<F> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let mut response = versioned(Response::new(Body::Text(F::TEXT.to_owned())), 1)?;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(F::MEDIA_TYPE));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(F::POLICY));
        Ok(response)
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let shown = AnswerDescription {
            bodies: vec![(F::MEDIA_TYPE, schemars::json_schema!({}))],
            ..AnswerDescription::empty(StatusCode::OK, "The file.")
        };
        let kept = AnswerDescription::empty(StatusCode::NOT_MODIFIED, NOT_MODIFIED);
        vec![
            shown.with(header::ETAG).with(header::CONTENT_SECURITY_POLICY),
            kept.with(header::ETAG).with_optional(header::CONTENT_SECURITY_POLICY),
        ]
    }
}

/// A form of text that is neither JSON of the API nor a part of the program.
pub trait TextFormat {
    /// Its media type.
    const MEDIA_TYPE: &'static str;
}

/// 200 with a text in some form, made of what is there now; 304 if the client has it already.
pub struct Rendered<F> {
    /// The text.
    pub text: String,
    /// When what it is made of last changed, if that is known. Whoever asks with `If-Modified-Since` is told whether it is still so.
    pub last_modified: Option<Timestamp>,
    /// What it says of itself in `Link` (RFC 8288).
    pub links: Vec<String>,
    format: PhantomData<F>,
}

impl<F> Rendered<F> {
    /// A text.
    pub fn new(text: String, last_modified: Option<Timestamp>) -> Self {
        Self { text, last_modified, links: Vec::new(), format: PhantomData }
    }
}

impl<F: TextFormat> Reply for Rendered<F> {
    fn into_response(self, _: &ReplyContext<'_>) -> Result<Response<Body>, Problem> {
        let mut response = Response::new(Body::Text(self.text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(F::MEDIA_TYPE));
        if let Some(time) = self.last_modified {
            headers.insert(header::LAST_MODIFIED, header_value(time.http_date())?);
        }
        if !self.links.is_empty() {
            headers.insert(header::LINK, header_value(self.links.join(", "))?);
        }
        Ok(response)
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<AnswerDescription> {
        let shown = AnswerDescription {
            bodies: vec![(F::MEDIA_TYPE, schemars::json_schema!({}))],
            ..AnswerDescription::empty(StatusCode::OK, "OK.")
        };
        vec![
            shown.with(header::ETAG).with_optional(header::LAST_MODIFIED).with_optional(header::LINK),
            AnswerDescription::empty(StatusCode::NOT_MODIFIED, NOT_MODIFIED).with(header::ETAG),
        ]
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(serde_json::to_string(body).map_err(Problem::internal)?));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    Ok(response)
}

/// `location` is a path below the API's base.
fn insert_location(response: &mut Response<Body>, context: &ReplyContext<'_>, location: &str) -> Result<(), Problem> {
    let location = header_value(format!("{}{location}", context.base))?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

fn header_value(text: String) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(text).map_err(Problem::internal)
}
