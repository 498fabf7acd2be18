//! Everything that can go wrong, as the client is told it. Causes ride along as `source`, are logged once at
//! the edge and never sent.

use std::error::Error as StdError;

use lambda_http::http::StatusCode;
use serde::Serialize;

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer to it (RFC 6901); a query parameter is named as if it were a field.
    pub pointer: String,
    /// What would be right.
    pub detail: String,
}

impl FieldError {
    /// An error of the field `name`.
    pub fn new(name: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail: detail.into() }
    }
}

type Cause = Box<dyn StdError + Send + Sync>;

/// A failure, named as `urn:broadsheet:problem:NAME` names it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is not what HTTP or JSON says it should be.
    #[error("{0}")]
    MalformedRequest(String),
    /// The cursor was altered, or belongs to another list.
    #[error("This cursor does not belong to this list. Start again without one.")]
    InvalidCursor,
    /// No token, or one that is not good.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The same for an unknown user and for a wrong password, so that nobody learns which accounts exist.
    #[error("The login or the password is wrong.")]
    InvalidCredentials,
    /// The password is right, but the e-mail address was never confirmed.
    #[error("Confirm the e-mail address first, with the code that was sent to it.")]
    UserNotConfirmed,
    /// The caller is known and may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing, or the caller may not know that there is.
    #[error("{0}")]
    NotFound(&'static str),
    /// The path takes other methods.
    #[error("This path does not take this method; Allow names those that it takes.")]
    MethodNotAllowed {
        /// Those methods, as `Allow` has them.
        allow: String,
    },
    /// It is in the trash.
    #[error("This post is in the trash.")]
    Gone,
    /// Somebody has this username.
    #[error("This username is taken.")]
    UsernameTaken,
    /// Somebody has this e-mail address.
    #[error("There is an account with this e-mail address already.")]
    EmailTaken,
    /// Another post has, or had, this slug.
    #[error("Another post has this slug.")]
    SlugTaken,
    /// The thing's state does not allow this.
    #[error("{0}")]
    Conflict(&'static str),
    /// What was to be made is there: an earlier try under the same `Idempotency-Key` made it. For the operation, which
    /// answers with what is there; a client would see a conflict.
    #[error("This was done already.")]
    AlreadyDone,
    /// The `Idempotency-Key` was sent with another request before.
    #[error("This Idempotency-Key belongs to another request. Send a new one.")]
    IdempotencyKeyReused,
    /// The request with this `Idempotency-Key` is being done at this moment.
    #[error("The request with this Idempotency-Key is still running. Send it again for its answer.")]
    IdempotencyInProgress,
    /// `If-Match` names a version that is no longer the current one.
    #[error("It was changed since the version that If-Match names. Read it again.")]
    PreconditionFailed,
    /// A change that could overwrite somebody's work needs `If-Match` (RFC 6585).
    #[error("Send If-Match with the ETag of the version that was edited, or * to overwrite whatever is there.")]
    PreconditionRequired,
    /// The body is over the limit.
    #[error("The body is over 256 KiB.")]
    PayloadTooLarge,
    /// The body is not what the operation takes.
    #[error("Send application/json.")]
    UnsupportedMediaType,
    /// Fields that break a rule, all of them.
    #[error("{} of the request {} not valid.", if .0.len() == 1 { "One field" } else { "Some fields" }, if .0.len() == 1 { "is" } else { "are" })]
    ValidationFailed(Vec<FieldError>),
    /// It was tried too often; to be tried again after this many seconds.
    #[error("Too many requests. Try again later.")]
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Something that we depend on does not answer; trying again may help.
    #[error("Something that this service depends on does not answer. Try again shortly.")]
    Unavailable(#[source] Cause),
    /// A fault of ours.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Cause),
}

impl Error {
    /// One broken field.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::ValidationFailed(vec![FieldError::new(name, detail)])
    }

    /// These broken fields, if there are any.
    pub fn if_any(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::ValidationFailed(errors)) }
    }

    /// A fault of ours, with its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The problem's name, title and status.
    pub fn problem(&self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::MalformedRequest(_) => ("malformed-request", "Malformed request", StatusCode::BAD_REQUEST),
            Self::InvalidCursor => ("invalid-cursor", "Invalid cursor", StatusCode::BAD_REQUEST),
            Self::Unauthenticated(_) => ("unauthenticated", "Not signed in", StatusCode::UNAUTHORIZED),
            Self::InvalidCredentials => ("invalid-credentials", "Invalid credentials", StatusCode::UNAUTHORIZED),
            Self::UserNotConfirmed => ("user-not-confirmed", "Not confirmed", StatusCode::FORBIDDEN),
            Self::Forbidden(_) => ("forbidden", "Forbidden", StatusCode::FORBIDDEN),
            Self::NotFound(_) => ("not-found", "Not found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed { .. } => {
                ("method-not-allowed", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::Gone => ("gone", "Gone", StatusCode::GONE),
            Self::UsernameTaken => ("username-taken", "Username taken", StatusCode::CONFLICT),
            Self::EmailTaken => ("email-taken", "E-mail address taken", StatusCode::CONFLICT),
            Self::SlugTaken => ("slug-taken", "Slug taken", StatusCode::CONFLICT),
            Self::Conflict(_) => ("conflict", "Conflict", StatusCode::CONFLICT),
            Self::AlreadyDone => ("conflict", "Conflict", StatusCode::CONFLICT),
            Self::IdempotencyKeyReused => {
                ("idempotency-key-reused", "Idempotency key reused", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::IdempotencyInProgress => ("idempotency-in-progress", "In progress", StatusCode::CONFLICT),
            Self::PreconditionFailed => ("precondition-failed", "Precondition failed", StatusCode::PRECONDITION_FAILED),
            Self::PreconditionRequired => {
                ("precondition-required", "Precondition required", StatusCode::PRECONDITION_REQUIRED)
            }
            Self::PayloadTooLarge => ("payload-too-large", "Payload too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", "Unsupported media type", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::ValidationFailed(_) => ("validation-failed", "Validation failed", StatusCode::UNPROCESSABLE_ENTITY),
            Self::TooManyRequests { .. } => ("too-many-requests", "Too many requests", StatusCode::TOO_MANY_REQUESTS),
            Self::Unavailable(_) => ("unavailable", "Unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal(_) => ("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What lies behind it, outermost first: for the log, never for the client.
    pub fn causes(&self) -> String {
        let mut causes = Vec::new();
        let mut cause = self.source();
        while let Some(next) = cause {
            causes.push(next.to_string());
            cause = next.source();
        }
        causes.join(": ")
    }

    /// Seconds after which trying again makes sense, for `Retry-After`.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(2),
            Self::IdempotencyInProgress => Some(1),
            _ => None,
        }
    }
}
