//! Problems as Conduit writes them: `{"errors": {"FIELD": ["MESSAGE"]}}`, with the status and the headers of the native response.

use edge::{Problem, ProblemKind};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, header};
use serde_json::{Map, Value, json};

/// What fields of the native API are called here.
const NAMES: &[(&str, &str)] = &[
    ("avatar_url", "image"),
    ("summary", "description"),
    ("tags", "tagList"),
    ("login", "email"),
    ("new_password", "password"),
    ("display_name", "username"),
];

/// A native response to a problem, rewritten. `subject` is what the request is about.
pub fn rewrite(problem: &Problem, mut response: Response<Body>, subject: &str, token_sent: bool) -> Response<Body> {
    *response.body_mut() = Body::Text(json!({ "errors": errors(problem, subject, token_sent) }).to_string());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn errors(problem: &Problem, subject: &str, token_sent: bool) -> Map<String, Value> {
    let one = |name: &str, message: &str| Map::from_iter([(name.to_owned(), json!([message]))]);
    match problem.kind() {
        ProblemKind::VALIDATION_FAILED => by_field(problem),
        ProblemKind::USERNAME_TAKEN => one("username", "has already been taken"),
        ProblemKind::EMAIL_TAKEN => one("email", "has already been taken"),
        ProblemKind::INVALID_CREDENTIALS => one("credentials", "invalid"),
        ProblemKind::USER_NOT_CONFIRMED => one("email", "is not confirmed; its code goes to /v1/users/confirm"),
        ProblemKind::UNAUTHENTICATED => one("token", if token_sent { "is invalid" } else { "is missing" }),
        ProblemKind::FORBIDDEN => one(subject, "forbidden"),
        ProblemKind::NOT_FOUND | ProblemKind::GONE => one(subject, "not found"),
        ProblemKind::COMMENTS_CLOSED => one("comment", "is not taken: the article takes no comments"),
        ProblemKind::REGISTRATION_CLOSED => one("user", "cannot register here without an invitation"),
        _ => one("body", problem.detail()),
    }
}

/// The messages of each field. Of a list, what is wrong with an item is said of the list.
fn by_field(problem: &Problem) -> Map<String, Value> {
    let mut fields = Map::new();
    for error in problem.errors() {
        let name = error.pointer.split('/').nth(1).filter(|name| !name.is_empty()).unwrap_or("body");
        let name = NAMES.iter().find(|(native, _)| *native == name).map_or(name, |(_, here)| here);
        let messages = fields.entry(name).or_insert_with(|| json!([]));
        if let Some(messages) = messages.as_array_mut() {
            messages.push(json!(error.detail));
        }
    }
    fields
}
