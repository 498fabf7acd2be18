//! Everything that can go wrong, as the client is told it. Causes ride along as `source`, are logged once at
//! the edge and never sent.

use std::error::Error as StdError;

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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

/// A kind of failure, as clients tell it from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// What its `type` ends with: `urn:broadsheet:problem:NAME`.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The status that it is answered with.
    pub status: StatusCode,
    /// What it means, for the API's document.
    pub meaning: &'static str,
}

macro_rules! problems {
    ($(#[doc = $meaning:literal] $constant:ident: $status:ident, $name:literal, $title:literal;)*) => {
        impl Problem {
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

problems! {
    /// The request is not what HTTP or JSON says it should be.
    MALFORMED_REQUEST: BAD_REQUEST, "malformed-request", "Malformed request";
    /// The cursor was altered, or belongs to another list.
    INVALID_CURSOR: BAD_REQUEST, "invalid-cursor", "Invalid cursor";
    /// No access token, or one that is not good.
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Not signed in";
    /// The login or the password is wrong.
    INVALID_CREDENTIALS: UNAUTHORIZED, "invalid-credentials", "Invalid credentials";
    /// The password is right, but the e-mail address was never confirmed.
    USER_NOT_CONFIRMED: FORBIDDEN, "user-not-confirmed", "Not confirmed";
    /// The caller is known and may not do this.
    FORBIDDEN: FORBIDDEN, "forbidden", "Forbidden";
    /// There is no such thing, or the caller may not know that there is.
    NOT_FOUND: NOT_FOUND, "not-found", "Not found";
    /// The path has no such method; `Allow` says which it has.
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed";
    /// It is in the trash.
    GONE: GONE, "gone", "Gone";
    /// Somebody has this username.
    USERNAME_TAKEN: CONFLICT, "username-taken", "Username taken";
    /// Somebody has this e-mail address.
    EMAIL_TAKEN: CONFLICT, "email-taken", "E-mail address taken";
    /// Another post has, or had, this slug.
    SLUG_TAKEN: CONFLICT, "slug-taken", "Slug taken";
    /// The state of things does not allow this.
    CONFLICT: CONFLICT, "conflict", "Conflict";
    /// The `Idempotency-Key` was used for another request.
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key reused";
    /// The request that the `Idempotency-Key` was used for first is still running.
    IDEMPOTENCY_IN_PROGRESS: CONFLICT, "idempotency-in-progress", "In progress";
    /// `If-Match` names a version that is no longer the current one.
    PRECONDITION_FAILED: PRECONDITION_FAILED, "precondition-failed", "Precondition failed";
    /// The change could overwrite somebody's work, so it needs `If-Match`.
    PRECONDITION_REQUIRED: PRECONDITION_REQUIRED, "precondition-required", "Precondition required";
    /// The body is over 256 KiB.
    PAYLOAD_TOO_LARGE: PAYLOAD_TOO_LARGE, "payload-too-large", "Payload too large";
    /// The body is not JSON.
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type";
    /// Fields break a rule; `errors` has all of them.
    VALIDATION_FAILED: UNPROCESSABLE_ENTITY, "validation-failed", "Validation failed";
    /// It was tried too often; `Retry-After` says when to try again.
    TOO_MANY_REQUESTS: TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// Something that the API depends on does not answer; trying again may help.
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "Unavailable";
    /// A fault of the API.
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Internal error";
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

    /// What kind of failure it is.
    pub fn problem(&self) -> Problem {
        match self {
            Self::MalformedRequest(_) => Problem::MALFORMED_REQUEST,
            Self::InvalidCursor => Problem::INVALID_CURSOR,
            Self::Unauthenticated(_) => Problem::UNAUTHENTICATED,
            Self::InvalidCredentials => Problem::INVALID_CREDENTIALS,
            Self::UserNotConfirmed => Problem::USER_NOT_CONFIRMED,
            Self::Forbidden(_) => Problem::FORBIDDEN,
            Self::NotFound(_) => Problem::NOT_FOUND,
            Self::MethodNotAllowed { .. } => Problem::METHOD_NOT_ALLOWED,
            Self::Gone => Problem::GONE,
            Self::UsernameTaken => Problem::USERNAME_TAKEN,
            Self::EmailTaken => Problem::EMAIL_TAKEN,
            Self::SlugTaken => Problem::SLUG_TAKEN,
            Self::Conflict(_) | Self::AlreadyDone => Problem::CONFLICT,
            Self::IdempotencyKeyReused => Problem::IDEMPOTENCY_KEY_REUSED,
            Self::IdempotencyInProgress => Problem::IDEMPOTENCY_IN_PROGRESS,
            Self::PreconditionFailed => Problem::PRECONDITION_FAILED,
            Self::PreconditionRequired => Problem::PRECONDITION_REQUIRED,
            Self::PayloadTooLarge => Problem::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => Problem::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed(_) => Problem::VALIDATION_FAILED,
            Self::TooManyRequests { .. } => Problem::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => Problem::UNAVAILABLE,
            Self::Internal(_) => Problem::INTERNAL,
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
