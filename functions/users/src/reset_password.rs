//! `POST /password/reset`: sets a new password, for the code from the e-mail.

use blog::clock::Timestamp;
use blog::domain::{ConfirmationCode, Email, NewPassword, UserId, Username};
use blog::edge::{Call, NoContent, NoFields, Operation, Visitor};
use blog::table::{Guarded, RateLimit};
use blog::{Blog, Error, fields};

use crate::sessions::end_sessions;

pub struct ResetPassword;

fields! {
    pub struct Reset {
        email: Email,
        code: ConfirmationCode,
        new_password: NewPassword,
    }
}

impl Operation for ResetPassword {
    const NAME: &'static str = "reset_password";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::RESET_PASSWORD);
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Reset;
    type Reply = NoContent;

    fn account(call: &Call<Self>) -> String {
        call.body.email.as_str().to_owned()
    }

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        if body.new_password.repeats_address(&body.email) || is_a_username(blog, &body.new_password, now).await? {
            return Err(Error::field("new_password", "must not be a username or the e-mail address"));
        }
        // For an unknown address Cognito is asked all the same, so that the time does not tell either.
        let holder = blog.table.holder_of_email(&body.email, now).await?;
        let user_id: UserId = holder.as_ref().map_or_else(|| blog.new_id(now), |guard| guard.user_id);
        let name = holder.map_or_else(|| user_id.into(), Guarded::cognito_name);
        blog.identity.reset_password(&name, &body.code, &body.new_password).await?;
        // Who knew the old password may have a session.
        end_sessions(blog, user_id, &name, String::new(), now).await?;
        Ok(NoContent)
    }
}

/// Whether somebody is called that. Comparing with the account's own name alone would tell people without the
/// code whose address this is; which names are taken, everybody may know.
async fn is_a_username(blog: &Blog, password: &NewPassword, now: Timestamp) -> Result<bool, Error> {
    match Username::try_from(password.reveal().to_owned()) {
        Ok(username) => Ok(blog.table.holder_of_username(&username, now).await?.is_some()),
        Err(_) => Ok(false),
    }
}
