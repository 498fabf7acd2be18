//! How failures of AWS calls are read, the same for every service.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::Error;

/// Codes that say "not now" rather than "not like this". The SDK has retried by the time we see one.
const PASSING: &[&str] = &[
    "InternalErrorException",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
    "ThrottlingError",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "UnexpectedLambdaException",
];

impl Error {
    /// What is left of an AWS failure when the caller has read the codes it knows: 503 where trying again
    /// may help, 500 where it will not. Never a 404: "throttled" is not "absent".
    pub(crate) fn from_aws<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let passing = match &error {
            SdkError::ServiceError(context) => {
                context.err().code().is_some_and(|code| PASSING.contains(&code))
                    || context.raw().status().is_server_error()
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            _ => false,
        };
        if passing { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}
