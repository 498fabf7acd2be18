//! `PUT /me/password`: Change the signed-in user's password. Every session ends.
//!
//! Problems: invalid-credentials.

use domain::{NewPassword, Password, Viewer, fields};
use edge::{Attempt, Attempted, Call, NoContent, Problem, Reader};
use table::RateLimit;

use crate::Services;
use crate::shared::lookup::own_profile;
use crate::shared::sessions::end_sessions;

fields! {
    pub struct Passwords {
        current_password: Password,
        new_password: NewPassword,
    }
}

impl Attempted for Passwords {
    const LIMIT: RateLimit = RateLimit::CHANGE_PASSWORD;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

pub async fn change_password(
    services: &Services,
    Call { caller: Reader(viewer), input: Attempt(body), now, .. }: Call<Reader, Attempt<Passwords>>,
) -> Result<NoContent, Problem> {
    let user = own_profile(&services.blog, &viewer).await?;
    if body.new_password.repeats(&user.username, &user.email) {
        return Err(Problem::field("new_password", "must not be the username or the e-mail address"));
    }

    // Cognito's ChangePassword does both steps at once, but for an access token, which operations do not get to
    // see. Logging in also makes sure that the account is confirmed, which setting a password would do unasked.
    let name = viewer.cognito_name;
    services.identity.log_in(&name, &body.current_password).await?;
    services.identity.set_password(&name, &body.new_password).await?;
    // Who knew the old password may have a session. Last, because until now they could begin another one.
    end_sessions(services, viewer.user_id, &name, None, now).await?;
    Ok(NoContent)
}
