//! What the blog is about: users, posts and the values they are made of. Parsing is here and only here; a
//! value that exists is valid. Nothing in this module does I/O or asks for the time.

mod export;
mod follow;
mod id;
mod markdown;
mod patch;
mod post;
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
pub use post::{NewPost, Post, PostAuthor, PostChanges, PostStatus, READING_SPEED, TRASH_SECONDS};
pub use role::Role;
pub use slug::Slug;
pub use tag::{Tag, Tags};
pub use text::{
    Biography, Body, ConfirmationCode, DisplayName, Language, Login, MetaDescription, MetaTitle, Reason, RefreshToken,
    Summary, Title,
};
pub use url::WebUrl;
pub use user::{CognitoName, Email, NewPassword, Password, SignOut, User, UserStatus, Username, Viewer};
