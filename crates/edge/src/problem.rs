//! Problems: failures as the client is told them, as `application/problem+json` (RFC 9457). The only file that knows which
//! status and which words a refusal of the layers below is answered with.

use std::borrow::Cow;

use aws::{Cause, Failure, Rejected};
use domain::{Denied, FieldError, Scope, Timestamp};
use lambda_http::Body;
use lambda_http::http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use table::Refused;

/// A kind of problem, by which clients tell one from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The end of its `type`: `urn:broadsheet:problem:NAME`.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The status that it is answered with.
    pub status: StatusCode,
    /// What it means, for the API's document.
    pub meaning: &'static str,
}

macro_rules! kinds {
    ($(#[doc = $meaning:literal] $constant:ident: $status:ident, $name:literal, $title:literal;)*) => {
        impl ProblemKind {
            $(
                #[doc = $meaning]
                pub const $constant: Self =
                    Self { name: $name, title: $title, status: StatusCode::$status, meaning: $meaning };
            )*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];
        }
    };
}

kinds! {
    /// The request is not valid HTTP or JSON.
    MALFORMED_REQUEST: BAD_REQUEST, "malformed-request", "Malformed request";
    /// The cursor was altered, or belongs to another list.
    INVALID_CURSOR: BAD_REQUEST, "invalid-cursor", "Invalid cursor";
    /// The access token or API key is missing, malformed, expired or revoked.
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Not signed in";
    /// The login or the password is wrong.
    INVALID_CREDENTIALS: UNAUTHORIZED, "invalid-credentials", "Invalid credentials";
    /// The password is right, but the e-mail address is not confirmed yet.
    USER_NOT_CONFIRMED: FORBIDDEN, "user-not-confirmed", "Not confirmed";
    /// The caller is signed in but may not do this.
    FORBIDDEN: FORBIDDEN, "forbidden", "Forbidden";
    /// The API key is not meant for this: it lacks the scope of the operation, or no key may do this.
    OUT_OF_SCOPE: FORBIDDEN, "out-of-scope", "Out of scope";
    /// The blog takes no registrations, or only with an invitation that was not used yet.
    REGISTRATION_CLOSED: FORBIDDEN, "registration-closed", "Registration closed";
    /// The post takes no comments.
    COMMENTS_CLOSED: FORBIDDEN, "comments-closed", "Comments closed";
    /// The resource does not exist, or the caller may not know that it exists.
    NOT_FOUND: NOT_FOUND, "not-found", "Not found";
    /// The path does not support this method. `Allow` lists the methods that it supports.
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed";
    /// The post is in the trash.
    GONE: GONE, "gone", "Gone";
    /// Another user has this username.
    USERNAME_TAKEN: CONFLICT, "username-taken", "Username taken";
    /// Another account has this e-mail address.
    EMAIL_TAKEN: CONFLICT, "email-taken", "E-mail address taken";
    /// Another post has this slug, or had it before.
    SLUG_TAKEN: CONFLICT, "slug-taken", "Slug taken";
    /// The current state of the resource does not allow this.
    CONFLICT: CONFLICT, "conflict", "Conflict";
    /// The `Idempotency-Key` was used for another request.
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key reused";
    /// The first request with this `Idempotency-Key` is still running.
    IDEMPOTENCY_IN_PROGRESS: CONFLICT, "idempotency-in-progress", "In progress";
    /// `If-Match` names a version that is not the current one.
    PRECONDITION_FAILED: PRECONDITION_FAILED, "precondition-failed", "Precondition failed";
    /// `If-Match` is required, because the change could overwrite the work of others.
    PRECONDITION_REQUIRED: PRECONDITION_REQUIRED, "precondition-required", "Precondition required";
    /// The body is larger than 256 KiB.
    PAYLOAD_TOO_LARGE: PAYLOAD_TOO_LARGE, "payload-too-large", "Payload too large";
    /// The body is not JSON.
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type";
    /// Some fields are not valid. `errors` lists all of them.
    VALIDATION_FAILED: UNPROCESSABLE_ENTITY, "validation-failed", "Validation failed";
    /// A rate limit was reached. `Retry-After` says when to try again.
    TOO_MANY_REQUESTS: TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// A service that the API depends on does not respond. Try again later.
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "Unavailable";
    /// The API has a fault.
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Internal error";
}

/// A failure, as the client is told it. The cause is logged once, at the edge, and never sent. In a box, so that the results
/// of what mostly goes well stay small.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ProblemKind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<u32>,
    allow: Option<String>,
    overloaded: bool,
    cause: Option<Cause>,
}

impl Problem {
    /// A problem of this kind. `detail` is for the client: what is wrong with this request, and what would be right.
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self(Box::new(Parts {
            kind,
            detail,
            errors: Vec::new(),
            retry_after: None,
            allow: None,
            overloaded: false,
            cause: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(&mut self.0);
        self
    }

    /// 400: the request is not valid HTTP or JSON.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemKind::MALFORMED_REQUEST, detail)
    }

    /// 404.
    pub fn not_found(detail: &'static str) -> Self {
        Self::new(ProblemKind::NOT_FOUND, detail)
    }

    /// 403: the API key of the request is not meant for what takes this scope; if there is none, for what no key may do.
    pub fn out_of_scope(needed: Option<Scope>) -> Self {
        let detail = match needed {
            Some(scope) => format!("This API key lacks the scope {scope}."),
            None => "No API key may do this. Sign in with an access token.".to_owned(),
        };
        Self::new(ProblemKind::OUT_OF_SCOPE, detail)
    }

    /// 409: the current state of the resource does not allow this.
    pub fn conflict(detail: &'static str) -> Self {
        Self::new(ProblemKind::CONFLICT, detail)
    }

    /// 412: `If-Match` names another version.
    pub fn precondition_failed() -> Self {
        let detail = "It was changed since the version that If-Match names. Read it again.";
        Self::new(ProblemKind::PRECONDITION_FAILED, detail)
    }

    /// 401: the account of the caller is gone or suspended, which a token may outlive by a minute.
    pub fn account_not_in_use() -> Self {
        Denied::AccountNotInUse.into()
    }

    /// 422: one field is not valid.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(name, detail)])
    }

    /// 422: these fields are not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = if errors.len() == 1 {
            "One field of the request is not valid."
        } else {
            "Some fields of the request are not valid."
        };
        Self::new(ProblemKind::VALIDATION_FAILED, detail).with(|parts| parts.errors = errors)
    }

    /// 405, with the methods that the path supports, as `Allow` has them.
    pub fn method_not_allowed(allow: String) -> Self {
        let detail = "This path does not support this method. Allow lists the methods that it supports.";
        Self::new(ProblemKind::METHOD_NOT_ALLOWED, detail).with(|parts| parts.allow = Some(allow))
    }

    /// 429: to be tried again after this many seconds.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let problem = Self::new(ProblemKind::TOO_MANY_REQUESTS, "Too many requests. Try again later.");
        problem.with(|parts| parts.retry_after = Some(retry_after))
    }

    /// 500: a fault of ours, with its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Failure::internal(cause).into()
    }

    /// 503: something does not answer, with its cause.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Failure::unavailable(cause).into()
    }

    /// Its kind.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// Whether a service was asked for too much at once, which says nothing of the code that asked.
    pub fn is_overload(&self) -> bool {
        self.0.overloaded
    }

    /// The fields that are not valid.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What the client is told is wrong.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What lies behind it, outermost first: for the log, never for the client.
    pub fn causes(&self) -> String {
        let mut causes = Vec::new();
        let mut cause = self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static));
        while let Some(next) = cause {
            causes.push(next.to_string());
            cause = next.source();
        }
        causes.join(": ")
    }

    /// What a limit that starts anew with the day tells the client.
    fn daily_limit(day: Timestamp, max: u32, now: Timestamp) -> Self {
        if day != now.day() {
            return Self::field("publish_at", format!("is on a day that has {max} posts of this author already"));
        }
        let tomorrow = day.plus_seconds(domain::DAY_SECONDS).seconds();
        let wait = u32::try_from(tomorrow - now.seconds()).unwrap_or(u32::MAX);
        let posts = if max == 1 { "one post" } else { &format!("{max} posts") };
        let detail = format!("This blog takes {posts} of an author a day. The next day begins at midnight UTC.");
        Self::new(ProblemKind::TOO_MANY_REQUESTS, detail).with(|parts| parts.retry_after = Some(wait))
    }

    /// What the client is told of a refused write of a post, at the time `now`.
    pub fn of_post_write(refused: Refused, now: Timestamp) -> Self {
        match refused {
            Refused::DailyLimit { day, max } => Self::daily_limit(day, max, now),
            other => other.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let overloaded = matches!(failure, Failure::Overloaded(_));
        let (kind, detail, retry_after, cause) = match failure {
            Failure::Unavailable(cause) | Failure::Overloaded(cause) => {
                let detail = "Something that this service depends on does not answer. Try again shortly.";
                (ProblemKind::UNAVAILABLE, detail, Some(2), cause)
            }
            Failure::Internal(cause) => (ProblemKind::INTERNAL, "Something went wrong on our side.", None, cause),
        };
        Self::new(kind, detail).with(|parts| {
            parts.retry_after = retry_after;
            parts.overloaded = overloaded;
            parts.cause = Some(cause);
        })
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let kind = match &denied {
            Denied::Invalid(_)
            | Denied::WrongCode
            | Denied::PasswordNotAccepted
            | Denied::ParentNotFound
            | Denied::InvitationNotUsable => ProblemKind::VALIDATION_FAILED,
            Denied::UserNotFound
            | Denied::PostNotFound
            | Denied::CommentNotFound
            | Denied::MediaNotFound
            | Denied::WebhookNotFound
            | Denied::DeliveryNotFound => ProblemKind::NOT_FOUND,
            Denied::PostTrashed => ProblemKind::GONE,
            Denied::NotEditable
            | Denied::NotAdmin
            | Denied::CommentNotEditable
            | Denied::CommentNotDeletable
            | Denied::MediaNotEditable => ProblemKind::FORBIDDEN,
            Denied::CommentsClosed => ProblemKind::COMMENTS_CLOSED,
            Denied::RegistrationClosed => ProblemKind::REGISTRATION_CLOSED,
            Denied::IsRepost
            | Denied::NotPublished
            | Denied::AlreadyPublished
            | Denied::NotPublishedYet
            | Denied::NotTrashed
            | Denied::ParentDeleted
            | Denied::WebhookDisabled
            | Denied::TooManyRotations => ProblemKind::CONFLICT,
            Denied::AccountNotInUse | Denied::BadToken | Denied::SessionEnded | Denied::BadRefreshToken => {
                ProblemKind::UNAUTHENTICATED
            }
            Denied::WrongCredentials => ProblemKind::INVALID_CREDENTIALS,
            Denied::EmailNotConfirmed => ProblemKind::USER_NOT_CONFIRMED,
            Denied::PasswordsLocked | Denied::TooManyCodes => ProblemKind::TOO_MANY_REQUESTS,
        };
        match denied {
            Denied::Invalid(errors) => Self::invalid(errors),
            Denied::WrongCode => Self::field("code", denied.to_string()),
            Denied::ParentNotFound => Self::field("parent_id", denied.to_string()),
            Denied::InvitationNotUsable => Self::field("invitation", denied.to_string()),
            Denied::PasswordNotAccepted => Self::field("new_password", denied.to_string()),
            // The pool does not say for how long. Its lockout doubles up to 15 minutes, so a minute is neither never nor always right.
            Denied::PasswordsLocked | Denied::TooManyCodes => {
                Self::new(kind, denied.to_string()).with(|parts| parts.retry_after = Some(60))
            }
            denied => Self::new(kind, denied.to_string()),
        }
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Denied(denied) => denied.into(),
            Rejected::Failed(failure) => failure.into(),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(denied) => denied.into(),
            Refused::Failed(failure) => failure.into(),
            Refused::Changed | Refused::Contended => {
                Self::conflict("Too many others change this at the moment. Try again.")
            }
            Refused::AlreadyDone => Self::conflict("This was done already."),
            Refused::Absent => Self::not_found("It no longer exists."),
            Refused::UsernameTaken => Self::new(ProblemKind::USERNAME_TAKEN, "This username is taken."),
            Refused::EmailTaken => {
                Self::new(ProblemKind::EMAIL_TAKEN, "There is an account with this e-mail address already.")
            }
            Refused::SlugTaken => Self::new(ProblemKind::SLUG_TAKEN, "Another post has this slug."),
            Refused::AlreadyReposted => Self::conflict("You have reposted this post already."),
            Refused::AlreadyReported => Self::conflict("You have reported this comment already."),
            Refused::TooManyPinned => Self::conflict("Ten posts are pinned already. Unpin one first."),
            Refused::TooManyFollowedTags => Self::conflict("You follow thirty tags already. Unfollow one first."),
            Refused::TooManyWebhooks => Self::conflict("There are fifty webhooks already. Delete one first."),
            Refused::TooManyKeys => Self::conflict("You have fifty API keys already. Revoke one first."),
            Refused::DailyLimit { .. } => Self::conflict("As many posts as one author may publish are published."),
            Refused::LastAdmin => Self::field("role", "is the last administrator's; it stays"),
            Refused::RegistrationLapsed => Self::conflict("The registration took too long. Register again."),
            Refused::ProfileExists => Self::conflict("This user has a profile already."),
            Refused::InvalidCursor => Self::new(
                ProblemKind::INVALID_CURSOR,
                "This cursor does not belong to this list. Start again without one.",
            ),
            Refused::IdempotencyKeyReused => Self::new(
                ProblemKind::IDEMPOTENCY_KEY_REUSED,
                "This Idempotency-Key belongs to another request. Send a new one.",
            ),
            Refused::IdempotencyInProgress => {
                let detail = "The request with this Idempotency-Key is still running. Send it again for its answer.";
                let problem = Self::new(ProblemKind::IDEMPOTENCY_IN_PROGRESS, detail);
                problem.with(|parts| parts.retry_after = Some(1))
            }
            Refused::TooManyRequests { retry_after } => Self::too_many_requests(retry_after),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// A problem, as RFC 9457 writes it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDetails<'a> {
    /// The kind of problem: `urn:broadsheet:problem:NAME`, for programs.
    r#type: String,
    /// The kind of problem, for people.
    title: &'a str,
    /// The status of the response.
    status: u16,
    /// What is wrong with this request.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The id of the request, by which the operator finds it in the logs.
    request_id: &'a str,
    /// The fields that are not valid, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<&'a FieldError>,
}

/// The response to a request that failed. `instance` is the request's path.
pub(crate) fn response(problem: &Problem, instance: &str, request_id: &str, token_sent: bool) -> Response<Body> {
    let Parts { kind, detail, errors, retry_after, allow, .. } = &*problem.0;
    let ProblemKind { name, title, status, .. } = kind;
    let details = ProblemDetails {
        r#type: format!("urn:broadsheet:problem:{name}"),
        title,
        status: status.as_u16(),
        detail,
        instance,
        request_id,
        errors: errors.iter().collect(),
    };
    // Strings and numbers only, so this cannot fail; an empty body with the right status if it ever did.
    let mut response = Response::new(Body::Text(serde_json::to_string(&details).unwrap_or_default()));
    *response.status_mut() = *status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, (*seconds).into());
    }
    if let Some(Ok(allow)) = allow.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::ALLOW, allow);
    }
    if *kind == ProblemKind::UNAUTHENTICATED {
        // RFC 6750, section 3: say what was wrong only to those who sent a token.
        let challenge = if token_sent { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
