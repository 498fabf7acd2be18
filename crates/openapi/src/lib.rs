//! The API's document: OpenAPI 3.1, from the template's routes and the types that the operations are made of.
//! <https://spec.openapis.org/oas/v3.1.1>
//!
//! The result is `openapi.json`; `cargo run -- openapi` prints it, and a test compares it with the committed file.

use std::collections::{BTreeMap, BTreeSet};

use domain::{FieldDescription, Role};
use edge::{AnswerDescription, Description, Operation, ProblemDetails, ProblemKind};
use http::{HeaderName, StatusCode, header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use template::{Route, Template};

/// A route whose operation is not described, or not as this route.
#[derive(Debug, thiserror::Error)]
pub enum OpenApiError {
    /// There is no such operation.
    #[error("{0}: no operation has this name")]
    Unknown(String),
    /// The operation's file names a problem that does not exist.
    #[error("{file}.rs: there is no problem {problem:?}")]
    UnknownProblem {
        /// The operation.
        file: String,
        /// The problem.
        problem: String,
    },
    /// The operation's file is about another route.
    #[error("{file}.rs: the first line must begin with `{route}`: and say what it does")]
    Undocumented {
        /// The operation.
        file: String,
        /// Its route.
        route: String,
    },
}

/// What every operation says of itself.
pub fn descriptions() -> impl Iterator<Item = &'static Description> {
    users::DESCRIPTIONS
        .iter()
        .chain(posts::DESCRIPTIONS)
        .chain(community::DESCRIPTIONS)
        .chain(site::DESCRIPTIONS)
        .chain(discovery::DESCRIPTIONS)
        .chain(media::DESCRIPTIONS)
        .chain(search::DESCRIPTIONS)
        .chain(webhooks::DESCRIPTIONS)
}

/// The document of the API that this template deploys. Pages are no part of it.
pub fn document(template: &Template) -> Result<Value, OpenApiError> {
    let mut writer = Writer::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags = BTreeSet::new();
    for route in template.routes.iter().filter(|route| !template.is_page(route)) {
        let operation = descriptions().find(|description| description.operation.name == route.handler);
        let operation = operation.ok_or_else(|| OpenApiError::Unknown(route.handler.clone()))?;
        tags.insert(tag(&route.path));
        let described = writer.operation(route, operation)?;
        paths.entry(&route.path).or_default().insert(route.method.to_lowercase(), described);
    }
    let tags: Vec<Value> = TAGS
        .iter()
        .filter(|(name, _)| tags.contains(name))
        .map(|(name, text)| json!({ "name": name, "description": text }))
        .collect();
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Broadsheet",
            "summary": "A blog for several authors.",
            "description": include_str!("openapi.md"),
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": format!("/{}", template.stage), "description": "The server that this document comes from." }],
        "tags": tags,
        "paths": paths,
        "components": writer.components(),
    }))
}

/// The document as it is committed.
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

const TAGS: [(&str, &str); 8] = [
    ("accounts", "Registration, sessions, passwords, and the profile of the signed-in user."),
    ("people", "Public profiles, and following users."),
    ("posts", "Write, publish and read posts."),
    ("community", "Comments, reactions, bookmarks, notifications and moderation."),
    ("media", "Upload and describe pictures."),
    ("discovery", "Search, feeds and sitemaps."),
    ("administration", "Manage users and webhooks."),
    ("service", "The blog as a whole: health, version, and this document."),
];

fn tag(path: &str) -> &'static str {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        [.., "feed.xml" | "feed.json" | "rss.xml"] | ["sitemap.xml" | "sitemaps" | "robots.txt", ..] => "discovery",
        ["admin" | "webhooks", ..] => "administration",
        ["users", name, ..] if name.starts_with('{') => "people",
        ["posts", _, "comments" | "reaction" | "reactions", ..] | ["tags", _, "follow"] | ["moderation", ..] => {
            "community"
        }
        ["me", "bookmarks" | "notifications" | "tags", ..] => "community",
        ["search"] => "discovery",
        ["media", ..] | ["me", "media", ..] => "media",
        ["posts" | "tags" | "previews", ..] | ["me", "posts", ..] => "posts",
        ["users" | "sessions" | "password" | "me", ..] => "accounts",
        _ => "service",
    }
}

const BEARER: &str = "bearer";

const API_KEY: &str = "api_key";

/// By what a caller may be known: by nothing, if anybody may call, by a token, and by an API key with a scope.
fn security(operation: &Operation) -> Vec<Value> {
    let nothing = operation.min_role.is_none().then(|| json!({}));
    let key = operation.scope.map(|scope| json!({ API_KEY: [scope] }));
    nothing.into_iter().chain([json!({ BEARER: [] })]).chain(key).collect()
}

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The headers that any answer may carry.
const COMMON_HEADERS: [&str; 9] = [
    "x-request-id",
    "x-correlation-id",
    "cache-control",
    "vary",
    "x-content-type-options",
    "ratelimit",
    "ratelimit-policy",
    "access-control-allow-origin",
    "access-control-expose-headers",
];

/// What the headers of answers mean.
fn header_description(name: &str) -> (Value, &'static str) {
    let text = json!({ "type": "string" });
    match name {
        "x-request-id" => (text, "The id of the request, by which the operator finds it in the logs."),
        "x-correlation-id" => (json!({ "type": "string", "maxLength": 64 }), "The `X-Correlation-Id` of the request."),
        "cache-control" => (text, "Which caches may store the response, and for how long (RFC 9111)."),
        "vary" => (text, "The request headers that the response depends on."),
        "x-content-type-options" => {
            (json!({ "const": "nosniff" }), "The body is of the type that `Content-Type` says.")
        }
        "etag" => (
            json!({ "type": "string", "pattern": "^\"[^\"]+\"$" }),
            "The validator of the resource, for `If-Match` and `If-None-Match`.",
        ),
        "location" => (json!({ "type": "string", "format": "uri-reference" }), "The address of the resource."),
        "link" => (
            text,
            "Related addresses (RFC 8288). Of a list the next page, `<...>; rel=\"next\"`, absent on the last page; of a feed its own address and its hub.",
        ),
        "last-modified" => (text, "The time of the last change, for `If-Modified-Since`."),
        "retry-after" => {
            (json!({ "type": "integer", "minimum": 0 }), "The number of seconds to wait before trying again.")
        }
        "www-authenticate" => (json!({ "type": "string", "pattern": "^Bearer" }), "How to sign in (RFC 6750)."),
        "ratelimit" => (
            text,
            "The number of requests left in the window, and the seconds until it ends (draft-ietf-httpapi-ratelimit-headers).",
        ),
        "ratelimit-policy" => (text, "The maximum number of requests in a window."),
        "access-control-allow-origin" => (text, "The origins whose pages may read the response."),
        "access-control-expose-headers" => (text, "The headers that they may read."),
        "idempotency-replayed" => {
            (json!({ "const": "true" }), "The response is that of the first request with this `Idempotency-Key`.")
        }
        "set-cookie" => (
            text,
            "The refresh token, for the browser to keep (RFC 6265). Sent to a page of the site that asked for it with `cookie`.",
        ),
        "content-security-policy" => (text, "The content security policy of the page."),
        _ => (text, ""),
    }
}

struct Writer {
    /// Describes what is sent, which for some types is more than what is answered.
    requests: SchemaGenerator,
    replies: SchemaGenerator,
    bodies: Map<String, Value>,
    responses: Map<String, Value>,
    headers: BTreeSet<String>,
}

impl Writer {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut replies = settings.clone().for_serialize().into_generator();
        replies.subschema_for::<ProblemDetails<'_>>();
        Self {
            requests: settings.for_deserialize().into_generator(),
            replies,
            bodies: Map::new(),
            responses: Map::new(),
            headers: BTreeSet::new(),
        }
    }

    fn operation(&mut self, route: &Route, operation: &Description) -> Result<Value, OpenApiError> {
        let (summary, description) = documentation(route, operation)?;
        let problems = problems(route, operation)?;
        let fields = (operation.input.body)(&mut self.requests);
        let mut answers = (operation.answers)(&mut self.replies);
        if operation.operation.is_kept {
            let replayed = HeaderName::from_static("idempotency-replayed");
            answers = answers.into_iter().map(|answer| answer.with_optional(replayed.clone())).collect();
        }

        let mut responses = Map::new();
        // Whatever is fetched has a validator, and can be asked for again (RFC 9110, section 13.1.2).
        let conditional = route.method == "GET";
        answers.retain(|answer| answer.status != StatusCode::NOT_MODIFIED);
        if let Some(shown) = answers.iter_mut().find(|answer| conditional && answer.status == StatusCode::OK) {
            let tagged = shown.headers.contains(&header::ETAG);
            let mut kept = AnswerDescription::empty(
                StatusCode::NOT_MODIFIED,
                "Not modified since the version that `If-None-Match` names.",
            );
            kept = kept.with(header::ETAG);
            kept.optional_headers.extend(shown.optional_headers.clone());
            kept.optional_headers.extend(shown.headers.iter().filter(|name| *name != header::ETAG).cloned());
            if !tagged {
                // What no cache may keep has none.
                shown.optional_headers.push(header::ETAG);
            }
            answers.push(kept);
        }
        for answer in answers {
            responses.insert(answer.status.as_str().to_owned(), self.answer(answer));
        }
        for (status, problems) in &problems {
            responses.insert(status.to_string(), self.problems(*status, problems));
        }

        let mut parameters: Vec<Value> = (operation.input.path)(&mut self.requests)
            .into_iter()
            .map(|field| parameter("path", field))
            .chain((operation.input.query)(&mut self.requests).into_iter().map(|field| parameter("query", field)))
            .collect();
        let mut component = |name: &str| parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        if conditional {
            component("IfNoneMatch");
        }
        if problems.contains_key(&428) {
            component("IfMatchRequired");
        } else if problems.contains_key(&412) {
            component("IfMatch");
        }
        if operation.operation.creates {
            component("IdempotencyKey");
        }
        component("CorrelationId");

        let mut described = json!({
            "operationId": operation.operation.name,
            "tags": [tag(&route.path)],
            "summary": summary,
            "description": description,
            "parameters": parameters,
            // Without a token it is answered for everybody, with one for that user.
            "security": security(&operation.operation),
            "responses": responses,
        });
        if !fields.is_empty() {
            let needed = fields.iter().any(|field| field.required);
            let name = format!("{}Body", pascal_case(operation.operation.name));
            let schema = json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
            self.bodies.insert(name, body(fields));
            let mut content = json!({ "application/json": schema });
            if route.method == "PATCH" {
                content["application/merge-patch+json"] = schema;
            }
            described["requestBody"] = json!({ "required": needed, "content": content });
        }
        Ok(described)
    }

    fn answer(&mut self, answer: AnswerDescription) -> Value {
        let mut headers = self.common_headers();
        for (names, required) in [(answer.headers, true), (answer.optional_headers, false)] {
            headers.extend(names.iter().map(|name| self.header(name, required)));
        }
        let mut described = json!({ "description": answer.meaning, "headers": headers });
        if !answer.bodies.is_empty() {
            let media = |(media_type, schema): (&str, _)| (media_type.to_owned(), json!({ "schema": schema }));
            described["content"] = Value::Object(answer.bodies.into_iter().map(media).collect());
        }
        described
    }

    /// The answer to a request that failed in one of these ways. Many operations can fail in the same ways.
    fn problems(&mut self, status: u16, problems: &[ProblemKind]) -> Value {
        let mut headers = self.common_headers();
        if problems.contains(&ProblemKind::UNAUTHENTICATED) {
            headers.extend([self.header(&header::WWW_AUTHENTICATE, false)]);
        }
        if problems.contains(&ProblemKind::IDEMPOTENCY_IN_PROGRESS) {
            headers.extend([self.header(&header::RETRY_AFTER, false)]);
        }
        if matches!(status, 429 | 503) {
            headers.extend([self.header(&header::RETRY_AFTER, true)]);
        }
        let kind = |problem: &ProblemKind| format!("urn:broadsheet:problem:{}", problem.name);
        let example = |problem: &ProblemKind| {
            let mut value = json!({
                "type": kind(problem),
                "title": problem.title,
                "status": status,
                "detail": problem.meaning,
                "instance": "/v1/example",
                "request_id": "01KAM5K9R0000000000000000A",
            });
            if *problem == ProblemKind::VALIDATION_FAILED {
                value["errors"] = json!([{ "pointer": "/title", "detail": "must not be empty" }]);
            }
            (problem.name.to_owned(), json!({ "summary": problem.title, "value": value }))
        };
        let name = problems.iter().map(|problem| problem.name).collect::<Vec<_>>().join(".");
        let meanings: Vec<_> =
            problems.iter().map(|problem| format!("`{}`: {}", problem.name, problem.meaning.trim())).collect();
        let response = json!({
            "description": meanings.join("\n\n"),
            "headers": headers,
            "content": { PROBLEM_JSON: {
                "schema": {
                    "allOf": [{ "$ref": "#/components/schemas/Problem" }],
                    "properties": {
                        "type": { "enum": problems.iter().map(kind).collect::<Vec<_>>() },
                        "status": { "const": status },
                    },
                },
                "examples": problems.iter().map(example).collect::<Map<_, _>>(),
            } },
        });
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.responses.insert(name, response);
        reference
    }

    fn common_headers(&mut self) -> Map<String, Value> {
        COMMON_HEADERS.iter().map(|name| self.header(&HeaderName::from_static(name), false)).collect()
    }

    fn header(&mut self, name: &HeaderName, required: bool) -> (String, Value) {
        let name = name.as_str();
        let component = if required { format!("{name}.required") } else { name.to_owned() };
        let reference = json!({ "$ref": format!("#/components/headers/{component}") });
        self.headers.insert(component);
        (spelled(name), reference)
    }

    fn components(mut self) -> Value {
        let mut schemas = self.replies.take_definitions(true);
        schemas.append(&mut self.requests.take_definitions(true));
        schemas.append(&mut self.bodies);
        let headers: Map<_, _> = self
            .headers
            .into_iter()
            .map(|component| {
                let (schema, text) = header_description(component.trim_end_matches(".required"));
                let required = component.ends_with(".required");
                (component, json!({ "description": text, "required": required, "schema": schema }))
            })
            .collect();
        let if_match = |required: bool| {
            json!({
                "name": "If-Match", "in": "header", "required": required, "schema": { "type": "string" },
                "description": "The ETag of the version that was edited, or `*` to overwrite any version.",
                "example": "*",
            })
        };
        json!({
            "schemas": schemas,
            "responses": self.responses,
            "headers": headers,
            "parameters": {
                "IfMatch": if_match(false),
                "IfMatchRequired": if_match(true),
                "IfNoneMatch": {
                    "name": "If-None-Match", "in": "header", "schema": { "type": "string" },
                    "description": "The ETag of the version that the client has. If it is current, the response is 304.",
                },
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header",
                    "schema": { "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]([ -~]*[!-~])?$" },
                    "description": "Makes the request safe to repeat: within a day, a repeated request gets the first response and \
                        changes nothing. A response of more than 256 KiB, compressed, is not kept: the repeated request then \
                        changes nothing either and gets what was created as it is now, without `Idempotency-Replayed`. A response with a \
                        secret is not kept either: the repeated request is refused with 409.",
                },
                "CorrelationId": {
                    "name": "X-Correlation-Id", "in": "header",
                    "schema": { "type": "string" },
                    "description": "An id of the client's own, to follow a request through several systems: 1 to 64 printable ASCII \
                        characters. It is logged and sent back. Anything else is ignored.",
                },
            },
            "securitySchemes": {
                BEARER: {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The `access_token` of `POST /sessions`.",
                },
                API_KEY: {
                    "type": "http", "scheme": "bearer",
                    "description": "A key of `POST /me/keys` (`bsk_...`), in the same header as an access token. Operations list the \
                        scope that it needs; those that list none take no key.",
                },
            },
        })
    }
}

/// Summary and description: the first paragraph of the operation's file, which begins with its route.
fn documentation(route: &Route, operation: &Description) -> Result<(String, String), OpenApiError> {
    let lines = operation.source.lines().map_while(|line| line.strip_prefix("//! "));
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    let expected = format!("{} {}", route.method, route.path);
    let undocumented =
        || OpenApiError::Undocumented { file: operation.operation.name.to_owned(), route: expected.clone() };
    let text = paragraph.strip_prefix(&format!("`{expected}`: ")).ok_or_else(undocumented)?;
    let text = capitalised(text);
    let summary = text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.').to_owned();
    let needs = match operation.operation.min_role {
        None => String::new(),
        Some(Role::Reader) => " Requires a signed-in user.".to_owned(),
        Some(Role::Admin) => " Requires the role `admin`.".to_owned(),
        Some(role) => format!(" Requires the role `{role}` or a higher one."),
    };
    Ok((summary, text + &needs))
}

/// How a request can fail, by status: what can happen to any, what follows from what the operation reads, and what it
/// declares itself.
fn problems(route: &Route, operation: &Description) -> Result<BTreeMap<u16, Vec<ProblemKind>>, OpenApiError> {
    let mut problems = vec![
        ProblemKind::MALFORMED_REQUEST,
        ProblemKind::UNAUTHENTICATED,
        ProblemKind::OUT_OF_SCOPE,
        ProblemKind::PAYLOAD_TOO_LARGE,
        ProblemKind::VALIDATION_FAILED,
        ProblemKind::TOO_MANY_REQUESTS,
        ProblemKind::INTERNAL,
        ProblemKind::UNAVAILABLE,
    ];
    let mut unused = SchemaSettings::draft2020_12().into_generator();
    if route.path.contains('{') {
        problems.push(ProblemKind::NOT_FOUND);
    }
    if (operation.input.query)(&mut unused).iter().any(|field| field.name == "cursor") {
        problems.push(ProblemKind::INVALID_CURSOR);
    }
    if route.method != "GET" {
        problems.push(ProblemKind::UNSUPPORTED_MEDIA_TYPE);
    }
    if operation.operation.creates {
        problems.extend([ProblemKind::IDEMPOTENCY_KEY_REUSED, ProblemKind::IDEMPOTENCY_IN_PROGRESS]);
    }
    if operation.operation.min_role.is_some() {
        problems.push(ProblemKind::FORBIDDEN);
    }
    problems.extend(declared_problems(operation)?);
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    // In the order of the list of all problems, each once.
    for problem in ProblemKind::ALL.iter().filter(|problem| problems.contains(problem)) {
        by_status.entry(problem.status.as_u16()).or_default().push(*problem);
    }
    Ok(by_status)
}

/// The kinds of problems that the operation's file names in its line `Problems: NAME, NAME.`
fn declared_problems(operation: &Description) -> Result<Vec<ProblemKind>, OpenApiError> {
    let line = operation.source.lines().find_map(|line| line.strip_prefix("//! Problems: ")?.strip_suffix('.'));
    let kind = |name: &str| {
        let unknown =
            || OpenApiError::UnknownProblem { file: operation.operation.name.to_owned(), problem: name.to_owned() };
        ProblemKind::ALL.iter().find(|kind| kind.name == name).copied().ok_or_else(unknown)
    };
    line.into_iter().flat_map(|line| line.split(", ")).map(kind).collect()
}

fn parameter(place: &str, field: FieldDescription) -> Value {
    let FieldDescription { name, required, schema } = field;
    let mut schema = without_null(schema.to_value());
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    json!({
        "name": name, "in": place, "required": required || place == "path", "schema": schema,
        "description": description.unwrap_or_default(),
    })
}

/// A parameter that is absent is not null: there is no way to write null in an address.
fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array() {
        let mut types: Vec<_> = types.iter().filter(|kind| *kind != "null").cloned().collect();
        schema["type"] = if types.len() == 1 { types.remove(0) } else { Value::Array(types) };
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    let not_null = |choices: &Vec<Value>| -> Vec<Value> {
        choices.iter().filter(|choice| choice["type"] != "null").cloned().collect()
    };
    if let Some([only]) = schema["anyOf"].as_array().map(not_null).as_deref() {
        let mut only = only.clone();
        if let Some(description) = schema.get("description") {
            only["description"] = description.clone();
        }
        return only;
    }
    schema
}

fn body(fields: Vec<FieldDescription>) -> Value {
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let property = |field: FieldDescription| (field.name.to_owned(), field.schema.to_value());
    schema["properties"] = fields.into_iter().map(property).collect::<Map<_, _>>().into();
    schema
}

fn pascal_case(name: &str) -> String {
    name.split('_').map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A header's name as it is written for people.
fn spelled(name: &str) -> String {
    if name == "etag" {
        return "ETag".to_owned();
    }
    name.split('-').map(capitalised).collect::<Vec<_>>().join("-")
}
