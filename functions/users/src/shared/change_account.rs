//! Changing an account by its access token alone, for APIs that send no password along (functions/conduit).

use domain::{Biography, Email, NewPassword, Patch, Timestamp, User, Username, Viewer, WebUrl};
use edge::{IfMatch, Problem, SignUpConfirmation};
use table::{Quota, RateLimit};

use crate::Services;
use crate::shared::change_email::{reserve, take};
use crate::shared::edit_user::{NotEdited, edit_user};
use crate::shared::lookup::own_profile;
use crate::shared::sessions::end_sessions;

/// What is to change of an account. What is absent stays.
pub struct AccountChange {
    /// The username.
    pub username: Option<Username>,
    /// The e-mail address.
    pub email: Option<Email>,
    /// The password.
    pub password: Option<NewPassword>,
    /// What the user says of themselves.
    pub bio: Patch<Biography>,
    /// A picture.
    pub avatar_url: Patch<WebUrl>,
}

/// An account after a change.
pub struct ChangedAccount {
    /// The account.
    pub user: User,
    /// Whether the change ended every session, that of the viewer too.
    pub sessions_ended: bool,
}

/// Changes the viewer's account.
///
/// The address changes at once where nobody has to show that an address is theirs (`SignUpConfirmation`), and every other session
/// ends. Elsewhere, and for the administrator's address, it is refused: it takes a code, which only `PUT /me/email` sends.
/// A new password ends every session. Everything that can be refused is refused before anything changes.
pub async fn change_account(
    services: &Services,
    viewer: &Viewer,
    change: AccountChange,
    source: domain::Source,
    quotas: &mut Vec<Quota>,
    now: Timestamp,
) -> Result<ChangedAccount, Problem> {
    let (blog, identity) = (&services.blog, &services.identity);
    let AccountChange { username, email, password, bio, avatar_url } = change;
    // No key changes an account, here as natively.
    edge::check_scope(viewer, None)?;
    if email.is_some() || password.is_some() {
        // A stolen token does not do it often.
        let account = viewer.user_id.to_string();
        blog.table.count_try(RateLimit::CHANGE_PASSWORD, source, &account, quotas, now).await?;
    }
    let user = own_profile(blog, viewer).await?;
    let email = email.filter(|email| *email != user.email);
    let repeats = |password: &NewPassword| {
        password.repeats(username.as_ref().unwrap_or(&user.username), email.as_ref().unwrap_or(&user.email))
    };
    if password.as_ref().is_some_and(repeats) {
        return Err(Problem::field("password", "must not be the username or the e-mail address"));
    }
    if let Some(email) = &email {
        if blog.config.sign_up_confirmation_of(email) == SignUpConfirmation::Email {
            return Err(Problem::field("email", "has to be confirmed with a code: change it at /v1/me/email"));
        }
        reserve(services, &user, email, now).await?;
    }
    let edit = edit_user(blog, user.id, &IfMatch::Any, None, now, |user| {
        if let Some(username) = &username {
            user.username = username.clone();
        }
        bio.apply(&mut user.bio);
        avatar_url.apply(&mut user.avatar_url);
        Ok(())
    });
    let mut user = edit.await.map_err(NotEdited::of_own_account)?;
    if let Some(email) = &email {
        user = take(services, viewer, email, now).await?;
    }
    let sessions_ended = password.is_some();
    if let Some(password) = password {
        identity.set_password(&viewer.cognito_name, &password).await?;
        end_sessions(services, user.id, &viewer.cognito_name, None, now).await?;
    }
    Ok(ChangedAccount { user, sessions_ended })
}
