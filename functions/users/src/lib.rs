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

blog::operations! {
    change_password::ChangePassword,
    confirm_registration::ConfirmRegistration,
    delete_me::DeleteMe,
    follow_user::FollowUser,
    forgot_password::ForgotPassword,
    export_me::ExportMe,
    get_export::GetExport,
    get_me::GetMe,
    get_user::GetUser,
    list_followers::ListFollowers,
    list_following::ListFollowing,
    list_users::ListUsers,
    log_in::LogIn,
    log_out::LogOut,
    refresh_session::RefreshSession,
    register::Register,
    reinstate_user::ReinstateUser,
    resend_confirmation::ResendConfirmation,
    set_role::SetRole,
    suspend_user::SuspendUser,
    update_me::UpdateMe,
    unfollow_user::UnfollowUser,
    reset_password::ResetPassword,
}
