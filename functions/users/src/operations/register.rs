//! `POST /users`: Register an account. Unless the stack confirms accounts at once, a code is sent to the e-mail address,
//! and the account can be used once it is confirmed.
//!
//! Problems: registration-closed, username-taken, email-taken, conflict.

use aws::Rejected;
use domain::{Denied, DisplayName, Email, NewPassword, User, UserStatus, Username, Viewer, fields};
use edge::{Attempt, Attempted, Call, Config, Created, Problem, SignUpConfirmation, Visitor};
use table::{Consistency, RateLimit, Refused};
use views::PrivateProfile;

use crate::Services;
use crate::shared::registrations::{admit, give_up, not_usable, unconfirmed};

fields! {
    pub struct Registration {
        username: Username,
        email: Email,
        password: NewPassword,
        display_name: Option<DisplayName>,
        /// The code of an invitation, which gives a role. Some blogs require one.
        invitation: Option<String>,
    }
}

impl Attempted for Registration {
    const LIMIT: RateLimit = RateLimit::REGISTER;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.email.as_str().to_owned()
    }

    fn limit(&self, config: &Config) -> RateLimit {
        match config.sign_up_confirmation_of(&self.email) {
            SignUpConfirmation::Email => Self::LIMIT,
            SignUpConfirmation::Auto => RateLimit::REGISTER_AT_ONCE,
        }
    }
}

pub async fn register(
    services: &Services,
    Call { input: Attempt(body), new_id, now, .. }: Call<Visitor, Attempt<Registration>>,
) -> Result<Created<PrivateProfile>, Problem> {
    let blog = &services.blog;
    let Registration { username, email, password, display_name, invitation } = body;
    if password.repeats(&username, &email) {
        return Err(Problem::field("password", "must not be the username or the e-mail address"));
    }

    // 1. Reserve the name and the address, and with them the invitation. If we are stopped anywhere below, the reservation lapses.
    let stale = unconfirmed(services, &email, new_id.into(), now).await?;
    let replaced = stale.as_ref().map(|stale| stale.id);
    let invitation = admit(services, &email, invitation.as_deref(), new_id.into(), replaced, now).await?;
    if let Some(stale) = stale {
        give_up(services, &stale).await?;
    }
    let confirmation = blog.config.sign_up_confirmation_of(&email);
    let role = blog.config.role_of(&email);
    let expires_at = now.plus_seconds(reserved_seconds(confirmation));
    let mut user = User::new(new_id.into(), username, email, role, now, expires_at);
    if let Some(name) = display_name {
        user.display_name = name.into();
    }
    if let Some(invitation) = &invitation {
        user = user.invited(invitation);
    }
    let is_first_try = match blog.table.reserve_user(&user, now).await {
        Ok(()) => true,
        // An earlier try of this request was stopped below, and they may even have begun to use the account.
        Err(Refused::AlreadyDone) => {
            let reserved = blog.table.user(user.id, Consistency::Strong).await?;
            user = reserved.ok_or_else(|| Problem::conflict("This account was deleted."))?;
            false
        }
        // Somebody else came with the same invitation, and was faster.
        Err(Refused::Denied(Denied::InvitationNotUsable)) => return Err(not_usable(blog.config.registration).into()),
        Err(refused) => return Err(refused.into()),
    };

    // 2. Hand the password to Cognito. If it says no, the name is free again at once.
    if user.status == UserStatus::Unconfirmed
        && let Err(rejected) = services.identity.sign_up(user.id, &user.email, &password).await
    {
        if is_first_try && let Err(error) = blog.table.release_user(&user).await {
            tracing::warn!(causes = Problem::from(error).causes(), "a reservation is left to lapse");
        }
        return Err(match rejected {
            Rejected::Denied(denied @ Denied::PasswordNotAccepted) => Problem::field("password", denied.to_string()),
            other => other.into(),
        });
    }

    // 3. Complete it: at once, or when the code from the e-mail comes back.
    let user = match confirmation {
        _ if user.status != UserStatus::Unconfirmed => user,
        SignUpConfirmation::Email => user,
        // Cognito's trigger has done it while it answered us, unless it failed.
        SignUpConfirmation::Auto => {
            blog.table.complete_registration(user.id).await?.unwrap_or_else(|| user.activated())
        }
    };
    Ok(Created {
        location: Some(format!("/users/{}", user.username)),
        version: Some(user.version),
        body: PrivateProfile::new(user),
    })
}

/// How long a name stays reserved for a registration that is not completed, in seconds.
fn reserved_seconds(confirmation: SignUpConfirmation) -> i64 {
    match confirmation {
        // Longer than any request runs.
        SignUpConfirmation::Auto => 15 * 60,
        // As long as Cognito's confirmation code is good for.
        SignUpConfirmation::Email => 24 * 60 * 60,
    }
}
