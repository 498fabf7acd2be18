//! Why the table refuses an access.

use aws::Failure;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::{Denied, Timestamp};

/// Why an access to the table comes to nothing. Each variant means one thing, and callers go by the variant.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The item is no longer what the caller read: another write was faster.
    #[error("another write was faster")]
    Changed,
    /// An earlier try of the same request has done it.
    #[error("this was done before")]
    AlreadyDone,
    /// There is no such item, or no longer.
    #[error("there is no such item")]
    Absent,
    /// Another user has the username.
    #[error("another user has this username")]
    UsernameTaken,
    /// Another user has the e-mail address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// Another post has, or had, the slug.
    #[error("another post has this slug")]
    SlugTaken,
    /// The user has reposted the post.
    #[error("the user has reposted this post")]
    AlreadyReposted,
    /// The user has reported the comment.
    #[error("the user has reported this comment")]
    AlreadyReported,
    /// As many posts are pinned as may be.
    #[error("the maximum number of posts is pinned")]
    TooManyPinned,
    /// The user follows as many tags as they may.
    #[error("the user follows the maximum number of tags")]
    TooManyFollowedTags,
    /// There are as many webhooks as may be.
    #[error("there is the maximum number of webhooks")]
    TooManyWebhooks,
    /// The user has as many API keys as they may.
    #[error("the user has the maximum number of API keys")]
    TooManyKeys,
    /// The author has published as many posts as they may on a day.
    #[error("the maximum number of posts of a day is published")]
    DailyLimit {
        /// The day.
        day: Timestamp,
        /// The maximum.
        max: u32,
    },
    /// The last administrator stays.
    #[error("the last administrator stays")]
    LastAdmin,
    /// The registration no longer holds its names.
    #[error("the registration no longer holds its names")]
    RegistrationLapsed,
    /// The user of Cognito has a profile.
    #[error("the user has a profile")]
    ProfileExists,
    /// Too many others ask for the same thing at this moment.
    #[error("too many ask for this at once")]
    Contended,
    /// The cursor was altered, or belongs to another list.
    #[error("the cursor is of another list")]
    InvalidCursor,
    /// The `Idempotency-Key` belongs to another request.
    #[error("the idempotency key belongs to another request")]
    IdempotencyKeyReused,
    /// The request with this `Idempotency-Key` is still running.
    #[error("the request with this idempotency key is running")]
    IdempotencyInProgress,
    /// It was tried too often.
    #[error("it was tried too often")]
    TooManyRequests {
        /// Seconds until the next try may pass.
        retry_after: u32,
    },
    /// The rules of the blog deny it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// DynamoDB failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Refused {
    /// A failure of DynamoDB, when the caller has read the codes that it knows.
    pub(crate) fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Self::Failed(Failure::of(error))
    }

    pub(crate) fn internal(cause: impl Into<aws::Cause>) -> Self {
        Self::Failed(Failure::internal(cause))
    }

    pub(crate) fn unavailable(cause: impl Into<aws::Cause>) -> Self {
        Self::Failed(Failure::Overloaded(cause.into()))
    }
}
