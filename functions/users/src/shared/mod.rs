//! What operations on accounts share.

pub mod change_account;
pub mod change_email;
pub mod content_key_view;
pub mod edit_user;
pub mod invitation_view;
pub mod key_view;
pub mod lookup;
pub mod registrations;
pub mod sessions;
