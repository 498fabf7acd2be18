//! What an operation takes of a request: parameters of the path and of the query, fields of the body.

use std::collections::BTreeSet;
use std::{fmt, io};

use domain::{FieldDescription, FieldError, Fields, FromFields, Limit, SchemaGenerator, Viewer, fields};
use lambda_http::http::{HeaderMap, header};
use lambda_http::{Request, RequestExt};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::ser::{CharEscape, Formatter};
use serde_json::{Map, Value};
use table::RateLimit;

use crate::operation::is_read;
use crate::{Config, Problem, ProblemKind};

/// The parameters of the path.
pub struct Path<T>(pub T);

/// The parameters of the query.
pub struct Query<T>(pub T);

/// The fields of the body.
pub struct Body<T>(pub T);

/// The fields of the body of an operation that guesses a password or a code, or that sends e-mail: it has a stricter rate
/// limit than other operations, for the account that it is about and for the network address.
pub struct Attempt<T>(pub T);

/// The body of such an operation.
pub trait Attempted: FromFields {
    /// The limit.
    const LIMIT: RateLimit;

    /// The account that the request is about, as the client wrote it; `viewer` is who is signed in.
    fn account(&self, viewer: Option<&Viewer>) -> String;

    /// The limit of this request, on a stack with these settings.
    fn limit(&self, _: &Config) -> RateLimit {
        Self::LIMIT
    }
}

/// What an operation takes of a request: `()` is nothing; otherwise [`Path`], [`Query`], [`Body`] or [`Attempt`], or a
/// tuple of them.
pub trait Input: Sized + Send {
    /// The parameters of the path.
    type Path: FromFields;
    /// The parameters of the query.
    type Query: FromFields;
    /// The fields of the body.
    type Body: FromFields;
    /// The operation's own rate limit, if it has one.
    const RATE_LIMIT: Option<RateLimit> = None;

    /// Puts the parts together.
    fn new(path: Self::Path, query: Self::Query, body: Self::Body) -> Self;

    /// The rate limit of this request, on a stack with these settings.
    fn limit(&self, _: &Config) -> Option<RateLimit> {
        Self::RATE_LIMIT
    }

    /// Whose attempts are counted, where there is a rate limit.
    fn account(&self, _: Option<&Viewer>) -> String {
        String::new()
    }
}

impl Input for () {
    type Path = ();
    type Query = ();
    type Body = ();

    fn new((): (), (): (), (): ()) -> Self {}
}

impl<P: FromFields> Input for Path<P> {
    type Path = P;
    type Query = ();
    type Body = ();

    fn new(path: P, (): (), (): ()) -> Self {
        Self(path)
    }
}

impl<Q: FromFields> Input for Query<Q> {
    type Path = ();
    type Query = Q;
    type Body = ();

    fn new((): (), query: Q, (): ()) -> Self {
        Self(query)
    }
}

impl<B: FromFields> Input for Body<B> {
    type Path = ();
    type Query = ();
    type Body = B;

    fn new((): (), (): (), body: B) -> Self {
        Self(body)
    }
}

impl<B: Attempted> Input for Attempt<B> {
    type Path = ();
    type Query = ();
    type Body = B;
    const RATE_LIMIT: Option<RateLimit> = Some(B::LIMIT);

    fn new((): (), (): (), body: B) -> Self {
        Self(body)
    }

    fn limit(&self, config: &Config) -> Option<RateLimit> {
        Some(self.0.limit(config))
    }

    fn account(&self, viewer: Option<&Viewer>) -> String {
        self.0.account(viewer)
    }
}

impl<P: FromFields, Q: FromFields> Input for (Path<P>, Query<Q>) {
    type Path = P;
    type Query = Q;
    type Body = ();

    fn new(path: P, query: Q, (): ()) -> Self {
        (Path(path), Query(query))
    }
}

impl<P: FromFields, B: FromFields> Input for (Path<P>, Body<B>) {
    type Path = P;
    type Query = ();
    type Body = B;

    fn new(path: P, (): (), body: B) -> Self {
        (Path(path), Body(body))
    }
}

fields! {
    /// The query of a list without filters.
    pub struct PageQuery {
        /// The maximum number of items on the page.
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
    }
}

/// Describes the input of an operation for the API's document.
#[derive(Clone, Copy)]
pub struct InputDescription {
    /// The parameters of the path.
    pub path: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
    /// The parameters of the query.
    pub query: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
    /// The fields of the body.
    pub body: fn(&mut SchemaGenerator) -> Vec<FieldDescription>,
}

impl InputDescription {
    /// The description of this input.
    pub const fn of<I: Input>() -> Self {
        Self { path: I::Path::describe, query: I::Query::describe, body: I::Body::describe }
    }
}

/// The maximum size of a body, as JSON in which an escape counts as one byte.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The maximum size of a body as it is sent: a character of one byte takes six if it is escaped.
const MAX_SENT_BYTES: usize = 6 * MAX_BODY_BYTES;

/// Whether a parameter of the query is one that trackers and cache busters add. It is ignored: it is no part of the list, of
/// its cursor, or of a validator.
fn is_tracker(name: &str) -> bool {
    name.starts_with("utm_") || matches!(name, "fbclid" | "gclid" | "msclkid" | "mc_cid" | "mc_eid" | "_")
}

pub(crate) fn path_fields(request: &Request) -> Result<Fields, Problem> {
    let mut values = Map::new();
    for (name, value) in request.path_parameters_ref().iter().flat_map(|parameters| parameters.iter()) {
        // API Gateway hands path parameters on as they stood in the address.
        let decoded = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| Problem::malformed("The path is not valid UTF-8."))?;
        values.insert(name.to_owned(), Value::from(decoded));
    }
    Ok(Fields::new(values))
}

/// The segments of the path of a function that takes all paths (`{proxy+}`). One slash at its end is nothing.
pub fn proxy_segments(request: &Request) -> Result<Vec<String>, Problem> {
    let path = request.path_parameters_ref().and_then(|parameters| parameters.first("proxy")).unwrap_or("");
    let path = path.strip_suffix('/').unwrap_or(path);
    let decode = |segment| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.map(String::from).map_err(|_| Problem::malformed("The path is not valid UTF-8."))
    };
    path.split('/').map(decode).collect()
}

/// The parameters of the query, but for those of trackers.
pub fn query_pairs(request: &Request) -> Vec<(String, String)> {
    let mut pairs = all_query_pairs(request);
    pairs.retain(|(name, _)| !is_tracker(name));
    pairs
}

/// The parameters of the query, by name: the event does not keep their order.
pub(crate) fn all_query_pairs(request: &Request) -> Vec<(String, String)> {
    let parameters = request.query_string_parameters_ref().into_iter().flat_map(|parameters| parameters.iter());
    let mut pairs: Vec<_> = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    pairs
}

pub(crate) fn query_fields(pairs: &[(String, String)]) -> Result<Fields, Problem> {
    let mut values = Map::new();
    for (name, value) in pairs {
        if values.insert(name.clone(), Value::from(value.as_str())).is_some() {
            return Err(Problem::field(name, "was given more than once"));
        }
    }
    Ok(Fields::new(values))
}

/// The fields of a JSON object. An absent body is `{}`. That of a `GET` means nothing (RFC 9110, section 9.3.1) and is ignored.
pub(crate) fn body_fields(request: &Request) -> Result<Fields, Problem> {
    body_object(request).map(Fields::new)
}

/// The same, not yet read as fields.
pub fn body_object(request: &Request) -> Result<Map<String, Value>, Problem> {
    let bytes: &[u8] = request.body();
    if bytes.len() > MAX_SENT_BYTES {
        return Err(too_large());
    }
    if bytes.is_empty() || is_read(request.method()) {
        return Ok(Map::new());
    }
    if !is_json(request.headers()) {
        return Err(Problem::new(
            ProblemKind::UNSUPPORTED_MEDIA_TYPE,
            "Send JSON, with Content-Type: application/json.",
        ));
    }
    // API Gateway decodes gzip before it calls a function, and may leave the header: what can be read is read. Nothing else decodes a body.
    let is_coded = request.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    match object_of(bytes) {
        Err(problem) if is_coded && problem.kind() == ProblemKind::MALFORMED_REQUEST => {
            Err(Problem::new(ProblemKind::UNSUPPORTED_MEDIA_TYPE, "Send JSON without Content-Encoding."))
        }
        object => object,
    }
}

fn too_large() -> Problem {
    Problem::new(ProblemKind::PAYLOAD_TOO_LARGE, "The body is over 256 KiB.")
}

/// A JSON object of at most [`MAX_BODY_BYTES`].
fn object_of(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let is_large = bytes.len() > MAX_BODY_BYTES;
    let malformed = |problem: &str| Problem::malformed(format!("The body is not JSON: {problem}."));
    let not_text = |_| if is_large { too_large() } else { malformed("it is not valid UTF-8") };
    let text = std::str::from_utf8(bytes).map_err(not_text)?;
    match serde_json::from_str(text) {
        // What counts is what is stored, however it was escaped.
        Ok(Object { values, .. }) if is_large && written_bytes(&values) > MAX_BODY_BYTES => Err(too_large()),
        Err(_) if is_large => Err(too_large()),
        Ok(Object { values, repeated }) if repeated.is_empty() => Ok(values),
        Ok(Object { repeated, .. }) => {
            let error = |name: &String| FieldError::new(name, "was given more than once");
            Err(Problem::invalid(repeated.iter().map(error).collect()))
        }
        Err(error) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) if error.is_data() => Err(Problem::invalid(vec![FieldError {
                pointer: String::new(),
                detail: "must be a JSON object".to_owned(),
            }])),
            Ok(_) => Err(malformed(&error.to_string())),
            Err(error) => Err(malformed(&error.to_string())),
        },
    }
}

/// The size of a JSON object in which each escape counts as one byte, so that a text with many line breaks and quotes may be as long as any other.
fn written_bytes(values: &Map<String, Value>) -> usize {
    struct Unescaped;
    impl Formatter for Unescaped {
        fn write_char_escape<W: io::Write + ?Sized>(&mut self, writer: &mut W, _: CharEscape) -> io::Result<()> {
            writer.write_all(b"_")
        }
    }
    let mut bytes = Vec::new();
    let written = values.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Unescaped));
    written.map_or(usize::MAX, |()| bytes.len())
}

/// A JSON object, with the names that it has more than once. `serde_json::Value` keeps the last of them and says nothing,
/// and another parser the first (RFC 8259, section 4).
struct Object {
    values: Map<String, Value>,
    repeated: BTreeSet<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
        let mut object = Object { values: Map::new(), repeated: BTreeSet::new() };
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if object.values.insert(name.clone(), value).is_some() {
                object.repeated.insert(name);
            }
        }
        Ok(object)
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
            Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8"),
            None => true,
        })
}
