//! How a call fails: refused by a rule of Cognito's, or broken on our side.

use serde_json::json;

use crate::Answer;

/// What can go wrong in the emulator itself. It carries no password, code or token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum Error {
    #[error("user store: {0}")]
    Store(#[from] rusqlite::Error),
    #[error("password hash: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("argon2 parameters: {0}")]
    Argon2(#[from] argon2::Error),
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    #[error("signing key: {0}")]
    Key(#[from] aws_lc_rs::error::KeyRejected),
    #[error("random number, key or signature: {0}")]
    Crypto(#[from] aws_lc_rs::error::Unspecified),
}

/// Why a call has no result.
#[derive(Debug)]
pub(super) enum Fault {
    /// A rule of Cognito's says no: HTTP 400 with the exception's name and text.
    Refused { kind: &'static str, message: String },
    /// We failed: HTTP 500 `InternalErrorException`, the cause only in the log.
    Broken(Error),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Fault::Broken(error.into())
    }
}

impl Fault {
    pub(super) fn refused(kind: &'static str, message: impl Into<String>) -> Self {
        Fault::Refused { kind, message: message.into() }
    }

    pub(super) fn not_authorized(message: &str) -> Self {
        Self::refused("NotAuthorizedException", message)
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::refused("InvalidParameterException", message)
    }

    /// The text of a request member that breaks its modelled constraint.
    pub(super) fn constraint(member: &str, constraint: &str) -> Self {
        Self::invalid_parameter(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// The same for an unknown user and for a wrong password (`PreventUserExistenceErrors`).
    pub(super) fn incorrect_login() -> Self {
        Self::not_authorized("Incorrect username or password.")
    }

    /// Only calls that an administrator makes may tell that a user is not there.
    pub(super) fn user_not_found() -> Self {
        Self::refused("UserNotFoundException", "User does not exist.")
    }

    pub(super) fn code_mismatch() -> Self {
        Self::refused("CodeMismatchException", "Invalid verification code provided, please try again.")
    }

    pub(super) fn code_expired() -> Self {
        Self::refused("ExpiredCodeException", "Invalid code provided, please request a code again.")
    }

    pub(super) fn limit_exceeded() -> Self {
        Self::refused("LimitExceededException", "Attempt limit exceeded, please try after some time.")
    }

    pub(super) fn into_answer(self) -> Answer {
        let (status, kind, message) = match self {
            Fault::Refused { kind, message } => (400, kind, message),
            Fault::Broken(error) => {
                tracing::error!(%error, "the local Cognito failed");
                let message = "Amazon Cognito encountered an internal error.".to_owned();
                (500, "InternalErrorException", message)
            }
        };
        Answer { status, body: json!({ "__type": kind, "message": message }), error_type: Some(kind) }
    }
}
