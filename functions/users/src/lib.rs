//! Accounts: one file an operation.

mod confirm_registration;
mod edit;
mod get_me;
mod get_user;
mod log_in;
mod log_out;
mod profile;
mod refresh_session;
mod register;
mod reinstate_user;
mod resend_confirmation;
mod set_role;
mod suspend_user;
mod update_me;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<confirm_registration::ConfirmRegistration>(),
    Entry::of::<get_me::GetMe>(),
    Entry::of::<get_user::GetUser>(),
    Entry::of::<log_in::LogIn>(),
    Entry::of::<log_out::LogOut>(),
    Entry::of::<refresh_session::RefreshSession>(),
    Entry::of::<register::Register>(),
    Entry::of::<reinstate_user::ReinstateUser>(),
    Entry::of::<resend_confirmation::ResendConfirmation>(),
    Entry::of::<set_role::SetRole>(),
    Entry::of::<suspend_user::SuspendUser>(),
    Entry::of::<update_me::UpdateMe>(),
];
