//! Problems as Ghost writes them, with the status and the headers of the native response.
//! <https://github.com/TryGhost/framework/tree/main/packages/errors>

use edge::{Problem, ProblemKind};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, header};
use serde_json::{Value, json};

/// A native response to a problem, rewritten. `action` is what the request was for, such as `read post`, if that is known; `id` is what
/// this error is known by.
pub fn rewrite(problem: &Problem, mut response: Response<Body>, action: Option<&str>, id: &str) -> Response<Body> {
    *response.body_mut() = Body::Text(json!({ "errors": [error(problem, action, id)] }).to_string());
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn error(problem: &Problem, action: Option<&str>, id: &str) -> Value {
    let cannot = |what: &str| match action {
        Some(action) => format!("{what} error, cannot {action}."),
        None => problem.detail().to_owned(),
    };
    let (kind, message, code) = match problem.kind() {
        ProblemKind::MALFORMED_REQUEST => ("BadRequestError", cannot("Request not understood"), None),
        ProblemKind::VALIDATION_FAILED => ("ValidationError", cannot("Validation"), None),
        ProblemKind::UNAUTHENTICATED => {
            ("UnauthorizedError", problem.detail().to_owned(), Some("UNKNOWN_CONTENT_API_KEY"))
        }
        ProblemKind::FORBIDDEN => ("NoPermissionError", "Authorization failed".to_owned(), None),
        ProblemKind::NOT_FOUND if action.is_none() => ("NotFoundError", "Resource not found".to_owned(), None),
        ProblemKind::NOT_FOUND => ("NotFoundError", cannot("Resource not found"), None),
        ProblemKind::METHOD_NOT_ALLOWED => ("MethodNotAllowedError", "Method not allowed".to_owned(), None),
        ProblemKind::PAYLOAD_TOO_LARGE => ("RequestEntityTooLargeError", cannot("Request entity too large"), None),
        ProblemKind::TOO_MANY_REQUESTS => ("TooManyRequestsError", problem.detail().to_owned(), None),
        ProblemKind::UNAVAILABLE => ("MaintenanceError", cannot("Maintenance"), None),
        _ => ("InternalServerError", cannot("Internal server"), None),
    };
    let field = problem.errors().first();
    let property = field.map(|field| field.pointer.trim_start_matches('/'));
    let context = match (field, property) {
        (Some(field), Some(property)) => format!("{property} {}", field.detail),
        _ => problem.detail().to_owned(),
    };
    json!({
        "message": message,
        "context": Some(context).filter(|context| *context != message),
        "type": kind,
        "details": null,
        "property": property,
        "help": null,
        "code": code,
        "id": id,
        "ghostErrorCode": null,
    })
}
