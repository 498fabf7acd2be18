//! What the blog is about: users, posts, and the values that they are made of. Pure types and rules, and why something
//! is denied ([`Denied`]). No HTTP, no AWS, no I/O; time and ids come in as data. Parsing is here and only here: a value
//! that exists is valid.

mod aliases;
mod api_key;
mod audit;
mod bookmark;
mod colour;
mod comment;
mod content_key;
mod denied;
mod details;
pub mod event;
mod export;
mod field_error;
mod fields;
mod follow;
mod given;
pub mod html;
mod id;
mod invitation;
mod mail_account;
mod media;
mod notification;
mod number;
mod paging;
mod patch;
mod policy;
mod post;
mod post_name;
mod post_text;
mod reaction;
mod revision;
mod role;
mod schema;
mod scope;
mod slug;
mod source;
mod tag;
mod text;
mod timestamp;
mod url;
mod user;
mod webhook;

pub use aliases::Aliases;
pub use api_key::{ApiKey, KeyInUse, KeyName, MAX_API_KEYS};
pub use audit::{AuditAction, AuditEntry, AuditedKind, AuditedName};
pub use bookmark::Bookmark;
pub use colour::{Colour, MIN_CONTRAST};
pub use comment::{Comment, CommentPath, CommentReport, CommentStatus, Decision, MAX_COMMENT_DEPTH};
pub use content_key::{ContentKey, ContentKeyText};
pub use denied::Denied;
pub use details::{CommentsOpen, Details, DetailsPatch};
pub use export::{Export, ExportStatus};
pub use field_error::FieldError;
pub use fields::{FieldDescription, Fields, FromFields};
pub use follow::{Follow, MAX_FOLLOWED_TAGS, TagFollow};
pub use id::{
    AuditId, AuditedId, CommentId, ContentKeyId, DeliveryId, ExportId, InvitationId, KeyId, MediaId, NotificationId,
    PostId, UserId, WebhookId,
};
pub use invitation::Invitation;
pub use mail_account::MailAccount;
pub use media::{MAX_MEDIA_BYTES, MAX_MEDIA_OF_POST, Media, MediaSize, MediaStatus, MediaType, NewMedia, Variant};
pub use notification::{About, NOTIFICATION_SECONDS, Notification, Subject};
pub use number::whole_number;
pub use paging::{Limit, Page};
pub use patch::{Patch, PatchRequired};
pub use policy::{HoldComments, Policy};
pub use post::{
    MAX_NOTE_CHARACTERS, NewPost, Post, PostAuthor, PostKind, PostPatch, PostReference, PostStatus, READING_SPEED,
    TRASH_SECONDS,
};
pub use post_name::PostName;
pub use post_text::{NewText, PostText};
pub use reaction::ReactionKind;
pub use revision::Revision;
pub use role::Role;
pub use schemars::SchemaGenerator;
pub use scope::{Scope, Scopes};
pub use slug::Slug;
pub use source::Source;
pub use tag::{Tag, TagLabels, Tags};
pub use text::{
    AltText, Biography, Body, CommentBody, ConfirmationCode, DisplayName, FileName, Language, Login, MetaDescription,
    MetaTitle, Reason, RefreshToken, Summary, Title,
};
pub use timestamp::{DAY_SECONDS, Timestamp};
pub use url::WebUrl;
pub use user::{CognitoName, Email, NewPassword, Password, SignOut, User, UserStatus, Username, Viewer};
pub use webhook::{
    DELIVERY_SECONDS, Delivery, DeliveryAttempt, DeliveryStatus, DisabledBecause, MAX_WEBHOOKS, RetiredSecret, Webhook,
    WebhookEvents, WebhookUrl,
};
