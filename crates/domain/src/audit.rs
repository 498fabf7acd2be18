//! The audit log: who did what to whom, and when. It has ids and no other personal data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::{AuditId, AuditedId, Post, PostStatus, Role, Timestamp, UserId, Username};

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $action:ident: $name:literal, $kind:ident;)*) => {
        /// What was done. Its name begins with the kind of thing that it was done to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum AuditAction {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $action,)*
        }

        impl AuditAction {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The name in answers and in the table.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$action => concat!($($doc),+).trim_ascii(),)*
                }
            }

            /// What it is done to.
            pub fn kind(self) -> AuditedKind {
                match self {
                    $(Self::$action => AuditedKind::$kind,)*
                }
            }
        }
    };
}

actions! {
    /// An administrator changed the role of a user.
    RoleChanged: "user.role_changed", User;
    /// An administrator suspended a user, or gave another reason for it.
    UserSuspended: "user.suspended", User;
    /// An administrator lifted the suspension of a user.
    UserReinstated: "user.reinstated", User;
    /// An editor edited somebody else's post, restored a revision of it, or replaced its aliases.
    PostEdited: "post.edited", Post;
    /// An editor published somebody else's post.
    PostPublished: "post.published", Post;
    /// An editor scheduled somebody else's post.
    PostScheduled: "post.scheduled", Post;
    /// An editor made somebody else's post a draft.
    PostUnpublished: "post.unpublished", Post;
    /// An editor moved somebody else's post to the trash.
    PostTrashed: "post.trashed", Post;
    /// An editor restored somebody else's post from the trash.
    PostRestored: "post.restored", Post;
    /// An editor revoked the preview links of somebody else's post.
    PreviewsRevoked: "post.previews_revoked", Post;
    /// An editor pinned a post.
    PostPinned: "post.pinned", Post;
    /// An editor unpinned a post.
    PostUnpinned: "post.unpinned", Post;
    /// An editor approved a comment that was held, or dismissed the reports of one.
    CommentApproved: "comment.approved", Comment;
    /// An editor rejected a comment that was held or reported.
    CommentRejected: "comment.rejected", Comment;
    /// An editor deleted somebody else's comment.
    CommentDeleted: "comment.deleted", Comment;
    /// An editor deleted somebody else's picture.
    MediaDeleted: "media.deleted", Media;
    /// A user created an API key.
    KeyCreated: "key.created", Key;
    /// A user revoked an API key.
    KeyRevoked: "key.revoked", Key;
    /// An administrator created an invitation.
    InvitationCreated: "invitation.created", Invitation;
    /// A user registered with an invitation.
    InvitationUsed: "invitation.used", Invitation;
    /// An administrator deleted an invitation.
    InvitationDeleted: "invitation.deleted", Invitation;
    /// An administrator created a key of Ghost's Content API.
    ContentKeyCreated: "content_key.created", ContentKey;
    /// An administrator revoked a key of Ghost's Content API.
    ContentKeyDeleted: "content_key.deleted", ContentKey;
    /// An administrator created a webhook.
    WebhookCreated: "webhook.created", Webhook;
    /// An administrator changed a webhook.
    WebhookUpdated: "webhook.updated", Webhook;
    /// An administrator deleted a webhook.
    WebhookDeleted: "webhook.deleted", Webhook;
    /// An administrator gave a webhook another secret.
    WebhookSecretRotated: "webhook.secret_rotated", Webhook;
}

impl AuditAction {
    /// What was done to a post by an edit: what became of its status or, if that stayed, an edit.
    pub fn of_edit(old: &Post, new: &Post) -> Self {
        match (old.status, new.status) {
            (before, after) if before == after => Self::PostEdited,
            (PostStatus::Trashed, PostStatus::Draft) => Self::PostRestored,
            (_, PostStatus::Draft) => Self::PostUnpublished,
            (_, PostStatus::Scheduled) => Self::PostScheduled,
            (_, PostStatus::Published) => Self::PostPublished,
            (_, PostStatus::Trashed) => Self::PostTrashed,
        }
    }
}

/// A kind of thing that something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditedKind {
    /// A user.
    User,
    /// A post.
    Post,
    /// A comment.
    Comment,
    /// A picture.
    Media,
    /// An API key.
    Key,
    /// An invitation.
    Invitation,
    /// A key of Ghost's Content API.
    ContentKey,
    /// A webhook.
    Webhook,
}

/// An entry of the audit log. It is written in the transaction of what it tells of, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The id, which sorts by the time of the entry.
    pub id: AuditId,
    /// What was done.
    pub action: AuditAction,
    /// Who did it.
    pub actor: UserId,
    /// What it was done to.
    pub subject: AuditedId,
    /// The role that was given, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// When it was done.
    pub at: Timestamp,
}

impl AuditEntry {
    /// That this user did this, at this time. `subject` is the id of a thing of the kind that the action is done to.
    pub fn new(id: AuditId, action: AuditAction, actor: UserId, subject: impl Into<ulid::Ulid>, at: Timestamp) -> Self {
        Self { id, action, actor, subject: subject.into().into(), role: None, at }
    }

    /// The same, with the role that was given.
    pub fn with_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }
}

/// How a client names whom or what entries are about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AuditedName {
    /// By its id. No username is one: ids begin with a digit.
    Id(AuditedId),
    /// A user, by the username.
    Username(Username),
}

schema! { AuditedName,
    /// A username, or the id of a user or thing.
    { "type": "string", "pattern": "^([A-Za-z][A-Za-z0-9_-]{2,29}|[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25})$" }
}

impl TryFrom<String> for AuditedName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => Username::try_from(text).map(Self::Username).map_err(|_| "must be a username or an id"),
        }
    }
}
