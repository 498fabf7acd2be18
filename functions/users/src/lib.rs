//! Accounts: one file an operation.

mod change_password;
mod confirm_registration;
mod forgot_password;
mod get_me;
mod get_user;
mod log_in;
mod profile;
mod refresh_session;
mod register;
mod registration;
mod resend_confirmation;
mod reset_password;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<change_password::ChangePassword>(),
    Entry::of::<confirm_registration::ConfirmRegistration>(),
    Entry::of::<forgot_password::ForgotPassword>(),
    Entry::of::<get_me::GetMe>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<log_in::LogIn>(),
    Entry::of::<refresh_session::RefreshSession>(),
    Entry::of::<register::Register>(),
    Entry::of::<resend_confirmation::ResendConfirmation>(),
    Entry::of::<reset_password::ResetPassword>(),
];
