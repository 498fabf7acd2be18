//! What operations of the community share.

pub mod comment_view;
pub mod delete_comment;
pub mod lookup;
pub mod notification_view;
pub mod text;
pub mod thread;
