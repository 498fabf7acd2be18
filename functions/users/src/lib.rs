//! Accounts: one file an operation.

mod confirm_registration;
mod follow_user;
mod get_me;
mod get_user;
mod list_followers;
mod list_following;
mod log_in;
mod people;
mod profile;
mod refresh_session;
mod register;
mod registration;
mod resend_confirmation;
mod unfollow_user;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<confirm_registration::ConfirmRegistration>(),
    Entry::of::<follow_user::FollowUser>(),
    Entry::of::<get_me::GetMe>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<list_followers::ListFollowers>(),
    Entry::of::<list_following::ListFollowing>(),
    Entry::of::<log_in::LogIn>(),
    Entry::of::<refresh_session::RefreshSession>(),
    Entry::of::<register::Register>(),
    Entry::of::<resend_confirmation::ResendConfirmation>(),
    Entry::of::<unfollow_user::UnfollowUser>(),
];
