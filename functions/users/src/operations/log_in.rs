//! `POST /sessions`: Log in and receive tokens. `login` is the username or the e-mail address.
//!
//! Problems: invalid-credentials, user-not-confirmed, conflict.

use domain::{Login, Password, Viewer, fields};
use edge::{Attempt, Attempted, Call, Issued, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Guarded, RateLimit};

use crate::Services;
use crate::shared::lookup::holder_of_login;
use crate::shared::registration::complete_registration;

fields! {
    pub struct Credentials {
        login: Login,
        password: Password,
    }
}

impl Attempted for Credentials {
    const LIMIT: RateLimit = RateLimit::LOG_IN;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.login.as_str().to_owned()
    }
}

#[derive(Serialize, JsonSchema)]
pub struct Session {
    access_token: String,
    refresh_token: Option<String>,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// The validity of the access token, in seconds.
    #[schemars(range(min = 1))]
    expires_in: i32,
}

pub async fn log_in(
    services: &Services,
    Call { input: Attempt(body), now, .. }: Call<Visitor, Attempt<Credentials>>,
) -> Result<Issued<Session>, Problem> {
    let holder = holder_of_login(&services.blog, &body.login, now).await?;
    // For nobody's login Cognito is asked about a user that does not exist: it answers as for a wrong password, and takes
    // as long.
    let incomplete = holder.as_ref().filter(|holder| holder.is_reserved()).map(|holder| holder.user_id);
    let name = holder.map_or_else(|| services.blog.new_id(now), Guarded::cognito_name);
    let mut tokens = services.identity.log_in(&name, &body.password).await?;

    // The password is right. If the registration was interrupted, complete it, and take tokens that carry the role which
    // that gave.
    if let Some(user_id) = incomplete
        && complete_registration(services, user_id).await?.is_some()
    {
        tokens = services.identity.log_in(&name, &body.password).await?;
    }
    Ok(Issued(Session {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        token_type: "Bearer",
        expires_in: tokens.expires_in,
    }))
}
