//! `PUT /me/password`: changes the password. Every session ends.

use blog::domain::{NewPassword, Password};
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::error::Problem;
use blog::table::{Consistency, RateLimit};
use blog::{Blog, Error, fields};

use crate::sessions::end_sessions;

pub struct ChangePassword;

fields! {
    pub struct Change {
        current_password: Password,
        new_password: NewPassword,
    }
}

impl Operation for ChangePassword {
    const NAME: &'static str = "change_password";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::CHANGE_PASSWORD);
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Change;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::INVALID_CREDENTIALS];

    fn account(call: &Call<Self>) -> String {
        call.caller.0.user_id.to_string()
    }

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), body, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let name = viewer.cognito_name;
        let user = blog.table.user(viewer.user_id, Consistency::Strong).await?;
        let user = user.ok_or(Error::Unauthenticated("This account is not in use."))?;
        if body.new_password.repeats(&user.username, &user.email) {
            return Err(Error::field("new_password", "must not be the username or the e-mail address"));
        }

        // Cognito's ChangePassword does both steps at once, but for an access token, which operations do not get to
        // see. Logging in also makes sure that the account is confirmed, which setting a password would do unasked.
        blog.identity.log_in(&name, &body.current_password).await?;
        blog.identity.set_password(&name, &body.new_password).await?;
        // Who knew the old password may have a session. Last, because until now they could begin another one.
        end_sessions(blog, viewer.user_id, &name, viewer.session, now).await?;
        Ok(NoContent)
    }
}
