//! What the blog is about: users, posts and the values they are made of. Parsing is here and only here; a
//! value that exists is valid. Nothing in this module does I/O or asks for the time.

mod export;
mod follow;
mod id;
mod markdown;
mod patch;
mod policy;
mod post;
mod post_name;
mod revision;
mod role;
mod slug;
mod tag;
mod text;
mod url;
mod user;

pub use export::{Export, ExportStatus};
pub use follow::Follow;
pub use id::{ExportId, PostId, UserId};
pub use markdown::{RenderError, Rendered, render};
pub use patch::{Patch, PatchRequired};
pub use policy::{Content, Policy, Rule};
pub use post::{
    MOST_NOTE_CHARACTERS, NewPost, Post, PostAuthor, PostChanges, PostKind, PostReference, PostStatus, READING_SPEED,
    TRASH_SECONDS,
};
pub use post_name::PostName;
pub use revision::Revision;
pub use role::Role;
pub use slug::Slug;
pub use tag::{Tag, Tags};
pub use text::{
    Biography, Body, ConfirmationCode, DisplayName, Language, Login, MetaDescription, MetaTitle, Reason, RefreshToken,
    Summary, Title,
};
pub use url::WebUrl;
pub use user::{CognitoName, Email, NewPassword, Password, SignOut, User, UserStatus, Username, Viewer};
