//! What operations on posts share.

pub mod aliases;
pub mod edit_post;
pub mod lookup;
pub mod preview;
pub mod publication;
pub mod reading;
pub mod related_posts;
pub mod rendering;
pub mod revision;
