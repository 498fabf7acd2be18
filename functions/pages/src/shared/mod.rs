//! What pages share.

pub mod card;
pub mod json_ld;
pub mod layout;
pub mod paging;
pub mod reply;
pub mod style;
pub mod text;
