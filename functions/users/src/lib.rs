//! Accounts: one file an operation.

mod change_password;
mod confirm_registration;
mod delete_me;
mod edit;
mod export_me;
mod follow_user;
mod forgot_password;
mod get_export;
mod get_me;
mod get_user;
mod list_followers;
mod list_following;
mod list_users;
mod log_in;
mod log_out;
mod people;
mod profile;
mod refresh_session;
mod register;
mod reinstate_user;
mod resend_confirmation;
mod reset_password;
mod sessions;
mod set_role;
mod suspend_user;
mod unfollow_user;
mod update_me;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<change_password::ChangePassword>(),
    Entry::of::<confirm_registration::ConfirmRegistration>(),
    Entry::of::<delete_me::DeleteMe>(),
    Entry::of::<follow_user::FollowUser>(),
    Entry::of::<forgot_password::ForgotPassword>(),
    Entry::of::<export_me::ExportMe>(),
    Entry::of::<get_export::GetExport>(),
    Entry::of::<get_me::GetMe>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<list_followers::ListFollowers>(),
    Entry::of::<list_following::ListFollowing>(),
    Entry::of::<list_users::ListUsers>(),
    Entry::of::<log_in::LogIn>(),
    Entry::of::<log_out::LogOut>(),
    Entry::of::<refresh_session::RefreshSession>(),
    Entry::of::<register::Register>(),
    Entry::of::<reinstate_user::ReinstateUser>(),
    Entry::of::<resend_confirmation::ResendConfirmation>(),
    Entry::of::<set_role::SetRole>(),
    Entry::of::<suspend_user::SuspendUser>(),
    Entry::of::<update_me::UpdateMe>(),
    Entry::of::<unfollow_user::UnfollowUser>(),
    Entry::of::<reset_password::ResetPassword>(),
];
