//! What operations on accounts share.

pub mod edit_user;
pub mod lookup;
pub mod registrations;
pub mod sessions;
