//! How failures of AWS calls are read, the same for every service.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::Denied;

/// What lies behind a failure; for the log, never for the client.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Codes that say "not now" rather than "not like this". The SDK has retried by the time we see one.
const TRANSIENT: &[&str] = &[
    "InternalError",
    "InternalErrorException",
    "InternalServerError",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "UnexpectedLambdaException",
];

/// Codes that say "too much at once": throttled, or in conflict with another write. No code of ours is at fault.
const OVERLOADED: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottlingException",
    "ThrottlingError",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// A call of AWS that failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something that we depend on does not answer for the moment. Trying again may help.
    #[error("something does not answer")]
    Unavailable(#[source] Cause),
    /// A service is asked for too much at once: it throttles, or writes conflict. Trying again helps. A release is not judged
    /// by it, because every version would be told the same.
    #[error("too much is asked for at once")]
    Overloaded(#[source] Cause),
    /// A fault of ours. Trying again does not help.
    #[error("something is wrong on our side")]
    Internal(#[source] Cause),
}

impl Failure {
    /// What is left of an AWS failure when the caller has read the codes it knows. Never "absent": throttled is
    /// not absent.
    pub fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let is_overloaded = matches!(&error, SdkError::ServiceError(context)
            if context.err().code().is_some_and(|code| OVERLOADED.contains(&code)));
        if is_overloaded {
            return Self::Overloaded(error.into());
        }
        let is_transient = match &error {
            SdkError::ServiceError(context) => {
                context.err().code().is_some_and(|code| TRANSIENT.contains(&code))
                    || context.raw().status().is_server_error()
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            _ => false,
        };
        if is_transient { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }

    /// A fault of ours, with its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// Something that does not answer, with its cause.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }
}

/// A service said no, or failed.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// It said no, for a reason that the blog's rules know.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}
