//! Why the rules of the blog deny something.

use crate::FieldError;

/// Why the rules of the blog deny what a caller asks for, whatever the storage or the protocol. The edge turns each into
/// the problem that the client is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Fields that break a rule, all of them.
    #[error("fields break a rule")]
    Invalid(Vec<FieldError>),
    /// There is no such user, or the registration is not finished.
    #[error("There is no such user.")]
    UserNotFound,
    /// There is no such post, or the caller may not know that there is.
    #[error("There is no such post.")]
    PostNotFound,
    /// The post is in the trash; only who may edit it is told.
    #[error("This post is in the trash.")]
    PostTrashed,
    /// The post can be read by this caller and edited by others only.
    #[error("Only its author and editors may do this with this post.")]
    NotEditable,
    /// A repost cannot be edited.
    #[error("A repost cannot be edited. Repost or un-repost the original post instead.")]
    IsRepost,
    /// Only a published post can be pinned.
    #[error("Only a published post can be pinned.")]
    NotPublished,
    /// A published post is not scheduled: it would be offline until then.
    #[error("This post is published. Unpublish it first to publish it again at a future time.")]
    AlreadyPublished,
    /// Only a published post takes reactions and bookmarks.
    #[error("This post is not published.")]
    NotPublishedYet,
    /// Only a post in the trash can be restored.
    #[error("This post is not in the trash.")]
    NotTrashed,
    /// There is no such comment, or the caller may not know that there is.
    #[error("There is no such comment.")]
    CommentNotFound,
    /// The post takes no comments.
    #[error("This post takes no comments.")]
    CommentsClosed,
    /// Only its author may change a comment.
    #[error("Only its author may edit this comment.")]
    CommentNotEditable,
    /// Only its author and editors may delete a comment.
    #[error("Only its author and editors may delete this comment.")]
    CommentNotDeletable,
    /// The comment that a new one is to answer is not there, or not published.
    #[error("must be a published comment on this post")]
    ParentNotFound,
    /// A comment that is to be published answers one that is gone.
    #[error("The comment that this one answers was deleted. Reject this one.")]
    ParentDeleted,
    /// There is no such picture, or the caller may not know that there is.
    #[error("There is no such picture.")]
    MediaNotFound,
    /// The picture can be seen by this caller and changed by others only.
    #[error("Only its owner may do this with this picture.")]
    MediaNotEditable,
    /// There is no such webhook.
    #[error("There is no such webhook.")]
    WebhookNotFound,
    /// There is no such delivery, or no longer.
    #[error("There is no such delivery. They are kept for 30 days.")]
    DeliveryNotFound,
    /// A webhook that is disabled sends nothing.
    #[error("This webhook is disabled. Enable it first.")]
    WebhookDisabled,
    /// The secret was replaced so often that not all that still sign would fit.
    #[error("The secret was replaced four times within a day. Wait until the first of them is out of use.")]
    TooManyRotations,
    /// The account was deleted, suspended, or is not registered yet.
    #[error("This account is not in use.")]
    AccountNotInUse,
    /// The caller was an administrator when the authorizer last looked, and no longer is.
    #[error("Only administrators may do this.")]
    NotAdmin,
    /// The stack lets nobody register, or only who is invited.
    #[error("This blog takes no registrations, or only with an invitation that was not used yet.")]
    RegistrationClosed,
    /// The invitation is unknown, used, expired, or for another address.
    #[error("cannot be used: it is unknown, used or expired, or for another address")]
    InvitationNotUsable,
    /// The access token or API key is malformed, expired, revoked, forged, or of another blog.
    #[error("The access token or API key is not valid, or no longer.")]
    BadToken,
    /// The session of the access token has ended.
    #[error("The session of this access token has ended.")]
    SessionEnded,
    /// The login or the password is wrong; the two are not told apart.
    #[error("The login or the password is wrong.")]
    WrongCredentials,
    /// After some wrong passwords the user pool looks at none for a while, right or wrong.
    #[error("Too many wrong passwords were tried. Wait before the next try.")]
    PasswordsLocked,
    /// The user pool sends no more codes to this account for a while.
    #[error("Too many codes were sent. Wait before the next try.")]
    TooManyCodes,
    /// The refresh token is malformed, expired or revoked.
    #[error("The refresh token is not valid, or no longer. Log in again.")]
    BadRefreshToken,
    /// The password is right, but the e-mail address was never confirmed.
    #[error("Confirm the e-mail address first, with the code that was sent to it.")]
    EmailNotConfirmed,
    /// The code is wrong or expired.
    #[error("is wrong or too old; ask for a new one")]
    WrongCode,
    /// The user pool does not accept this password.
    #[error("is not accepted; choose another one")]
    PasswordNotAccepted,
}

impl Denied {
    /// Denies a single field.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(name, detail)])
    }

    /// Denies these fields, if there are any.
    pub fn if_any(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid(errors)) }
    }
}
