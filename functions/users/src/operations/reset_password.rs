//! `POST /password/reset`: Set a new password with the code from the e-mail. Every session ends.

use domain::{ConfirmationCode, Email, NewPassword, Timestamp, UserId, Username, Viewer, fields};
use edge::{Attempt, Attempted, Blog, Call, NoContent, Problem, Visitor};
use table::{Guarded, RateLimit};

use crate::Services;
use crate::shared::sessions::end_sessions;

fields! {
    pub struct Reset {
        email: Email,
        code: ConfirmationCode,
        new_password: NewPassword,
    }
}

impl Attempted for Reset {
    const LIMIT: RateLimit = RateLimit::RESET_PASSWORD;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.email.as_str().to_owned()
    }
}

pub async fn reset_password(
    services: &Services,
    Call { input: Attempt(body), now, .. }: Call<Visitor, Attempt<Reset>>,
) -> Result<NoContent, Problem> {
    let blog = &services.blog;
    if body.new_password.repeats_address(&body.email) || is_a_username(blog, &body.new_password, now).await? {
        return Err(Problem::field("new_password", "must not be a username or the e-mail address"));
    }
    // For an unknown address Cognito is asked all the same, so that the time does not tell either.
    let holder = blog.table.holder_of_email(&body.email, now).await?;
    // Cognito does not say where a code went. One that went to the mailbox that the account had before counts no longer.
    let holder = holder.filter(|guard| guard.reset_asked);
    let user_id: UserId = holder.as_ref().map_or_else(|| blog.new_id(now), |guard| guard.user_id);
    let name = holder.map_or_else(|| user_id.into(), Guarded::cognito_name);
    services.identity.reset_password(&name, &body.code, &body.new_password).await?;
    // Who knew the old password may have a session.
    end_sessions(services, user_id, &name, None, now).await?;
    Ok(NoContent)
}

/// Whether somebody is called that. Comparing with the account's own name alone would tell people without the
/// code whose address this is; which names are taken, everybody may know.
async fn is_a_username(blog: &Blog, password: &NewPassword, now: Timestamp) -> Result<bool, Problem> {
    match Username::try_from(password.reveal().to_owned()) {
        Ok(username) => Ok(blog.table.holder_of_username(&username, now).await?.is_some()),
        Err(_) => Ok(false),
    }
}
