//! The API's document: OpenAPI 3.1, from the template's routes and the types that the operations are made of.
//! <https://spec.openapis.org/oas/v3.1.1>
//!
//! `openapi.json` is what comes of it; `cargo run -- openapi` prints it, a test compares.

use std::collections::{BTreeMap, BTreeSet};

use blog::domain::Role;
use blog::edge::{AnswerDescription, Description, FieldDescription, ProblemDetails};
use blog::error::Problem;
use http::{HeaderName, StatusCode, header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::template::{Route, Template};

/// A route whose operation is not described, or not as this route.
#[derive(Debug, thiserror::Error)]
pub enum OpenApiError {
    /// There is no such operation.
    #[error("{0}: no operation has this name")]
    Unknown(String),
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
    users::DESCRIPTIONS.iter().chain(posts::DESCRIPTIONS).chain(site::DESCRIPTIONS)
}

/// The document of the API that this template deploys.
pub fn document(template: &Template) -> Result<Value, OpenApiError> {
    let mut writer = Writer::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags = BTreeSet::new();
    for route in &template.routes {
        let operation = descriptions().find(|operation| operation.name == route.handler);
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
        "servers": [{ "url": format!("/{}", template.stage), "description": "Where this document comes from." }],
        "tags": tags,
        "paths": paths,
        "components": writer.components(),
    }))
}

/// The document as it is committed.
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

const TAGS: [(&str, &str); 5] = [
    ("accounts", "Registering, sessions, passwords, one's own profile."),
    ("people", "Users as others see them, and following them."),
    ("posts", "Writing, publishing and reading posts."),
    ("administration", "Managing users."),
    ("service", "What is said of the blog as a whole."),
];

fn tag(path: &str) -> &'static str {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["admin", ..] => "administration",
        ["users", name, ..] if name.starts_with('{') => "people",
        ["posts" | "tags" | "previews", ..] | ["me", "posts", ..] => "posts",
        ["users" | "sessions" | "password" | "me", ..] => "accounts",
        _ => "service",
    }
}

const BEARER: &str = "bearer";

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
        "x-request-id" => (text, "The request's id, by which the operator finds it in the logs."),
        "x-correlation-id" => (json!({ "type": "string", "maxLength": 64 }), "What the request carried."),
        "cache-control" => (text, "Who may keep the answer, and for how long (RFC 9111)."),
        "vary" => (text, "Which of the request's headers the answer depends on."),
        "x-content-type-options" => (json!({ "const": "nosniff" }), "The answer is what its type says."),
        "etag" => (
            json!({ "type": "string", "pattern": "^\"[^\"]+\"$" }),
            "The version of what is answered, for `If-Match` and `If-None-Match`.",
        ),
        "location" => (json!({ "type": "string", "format": "uri-reference" }), "Where it is."),
        "link" => (text, "The next page: `<...>; rel=\"next\"` (RFC 8288). Not there on the last one."),
        "retry-after" => (json!({ "type": "integer", "minimum": 0 }), "Seconds after which trying again makes sense."),
        "www-authenticate" => (json!({ "type": "string", "pattern": "^Bearer" }), "How to sign in (RFC 6750)."),
        "ratelimit" => {
            (text, "How many requests are left, and for how many seconds (draft-ietf-httpapi-ratelimit-headers).")
        }
        "ratelimit-policy" => (text, "How many requests are allowed in which time."),
        "access-control-allow-origin" => (text, "Which pages may read the answer."),
        "access-control-expose-headers" => (text, "Which headers they may read."),
        "idempotency-replayed" => {
            (json!({ "const": "true" }), "The answer is that of the first request with this `Idempotency-Key`.")
        }
        "content-security-policy" => (text, "What the page may do."),
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
        let problems = problems(route, operation);
        let fields = (operation.body)(&mut self.requests);
        let mut answers = (operation.answers)(&mut self.replies);
        if operation.creates {
            let replayed = HeaderName::from_static("idempotency-replayed");
            answers = answers.into_iter().map(|answer| answer.with_optional(replayed.clone())).collect();
        }

        let mut responses = Map::new();
        // Whatever is fetched has a validator, and can be asked for again (RFC 9110, section 13.1.2).
        let conditional = route.method == "GET";
        answers.retain(|answer| answer.status != StatusCode::NOT_MODIFIED);
        if let Some(shown) = answers.iter_mut().find(|answer| conditional && answer.status == StatusCode::OK) {
            let tagged = shown.headers.contains(&header::ETAG);
            let mut kept = AnswerDescription::empty(StatusCode::NOT_MODIFIED, "The client has it already.");
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

        let mut parameters: Vec<Value> = (operation.path)(&mut self.requests)
            .into_iter()
            .map(|field| parameter("path", field))
            .chain((operation.query)(&mut self.requests).into_iter().map(|field| parameter("query", field)))
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
        if operation.creates {
            component("IdempotencyKey");
        }
        component("CorrelationId");

        let mut described = json!({
            "operationId": operation.name,
            "tags": [tag(&route.path)],
            "summary": summary,
            "description": description,
            "parameters": parameters,
            // Without a token it is answered for everybody, with one for that user.
            "security": if operation.least_role.is_some() { json!([{ BEARER: [] }]) } else { json!([{}, { BEARER: [] }]) },
            "responses": responses,
        });
        if !fields.is_empty() {
            let needed = fields.iter().any(|field| field.required);
            let name = format!("{}Body", pascal_case(operation.name));
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
    fn problems(&mut self, status: u16, problems: &[Problem]) -> Value {
        let mut headers = self.common_headers();
        if problems.contains(&Problem::UNAUTHENTICATED) {
            headers.extend([self.header(&header::WWW_AUTHENTICATE, false)]);
        }
        if problems.contains(&Problem::IDEMPOTENCY_IN_PROGRESS) {
            headers.extend([self.header(&header::RETRY_AFTER, false)]);
        }
        if matches!(status, 429 | 503) {
            headers.extend([self.header(&header::RETRY_AFTER, true)]);
        }
        let kind = |problem: &Problem| format!("urn:broadsheet:problem:{}", problem.name);
        let example = |problem: &Problem| {
            let mut value = json!({
                "type": kind(problem),
                "title": problem.title,
                "status": status,
                "detail": problem.meaning,
                "instance": "/v1/example",
                "request_id": "01KAM5K9R0000000000000000A",
            });
            if *problem == Problem::VALIDATION_FAILED {
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
                "description": "The ETag of the version that the change was made from, or `*` for whatever is there.",
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
                    "description": "The ETag of the version that the client has; if it is current, 304 is answered.",
                },
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header",
                    "schema": { "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]([ -~]*[!-~])?$" },
                    "description": "Makes it safe to send the request again: within a day, what was done is answered, not done \
                        again.",
                },
                "CorrelationId": {
                    "name": "X-Correlation-Id", "in": "header",
                    "schema": { "type": "string" },
                    "description": "Is logged and sent back, so that a request can be followed through other systems: 1 to 64 \
                        printable characters of ASCII. Anything else is ignored.",
                },
            },
            "securitySchemes": {
                BEARER: {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The `access_token` of `POST /sessions`.",
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
    let undocumented = || OpenApiError::Undocumented { file: operation.name.to_owned(), route: expected.clone() };
    let text = paragraph.strip_prefix(&format!("`{expected}`: ")).ok_or_else(undocumented)?;
    let text = capitalised(text);
    let summary = text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.').to_owned();
    let needs = match operation.least_role {
        None => String::new(),
        Some(Role::Reader) => " For users who are signed in.".to_owned(),
        Some(Role::Admin) => " For administrators.".to_owned(),
        Some(role) => format!(" Needs the role `{role}` or a higher one."),
    };
    Ok((summary, text + &needs))
}

/// How a request can fail, by status: what can happen to any, what follows from what the operation reads, and what it
/// declares itself.
fn problems(route: &Route, operation: &Description) -> BTreeMap<u16, Vec<Problem>> {
    let mut problems = vec![
        Problem::MALFORMED_REQUEST,
        Problem::UNAUTHENTICATED,
        Problem::PAYLOAD_TOO_LARGE,
        Problem::VALIDATION_FAILED,
        Problem::TOO_MANY_REQUESTS,
        Problem::INTERNAL,
        Problem::UNAVAILABLE,
    ];
    let mut unused = SchemaSettings::draft2020_12().into_generator();
    if route.path.contains('{') {
        problems.push(Problem::NOT_FOUND);
    }
    if (operation.query)(&mut unused).iter().any(|field| field.name == "cursor") {
        problems.push(Problem::INVALID_CURSOR);
    }
    if !(operation.body)(&mut unused).is_empty() {
        problems.push(Problem::UNSUPPORTED_MEDIA_TYPE);
    }
    if operation.creates {
        problems.extend([Problem::IDEMPOTENCY_KEY_REUSED, Problem::IDEMPOTENCY_IN_PROGRESS]);
    }
    if operation.least_role.is_some() {
        problems.push(Problem::FORBIDDEN);
    }
    problems.extend(operation.problems);
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    // In the order of the list of all problems, each once.
    for problem in Problem::ALL.iter().filter(|problem| problems.contains(problem)) {
        by_status.entry(problem.status.as_u16()).or_default().push(*problem);
    }
    by_status
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
