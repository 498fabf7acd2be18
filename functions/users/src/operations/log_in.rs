//! `POST /sessions`: Log in and receive tokens. `login` is the username or the e-mail address. A page of the site itself may ask
//! for the refresh token in an `HttpOnly` cookie instead of in the response.
//!
//! Problems: invalid-credentials, user-not-confirmed, forbidden, conflict.

use std::time::Duration;

use domain::{CognitoName, Login, Password, UserStatus, Viewer, fields};
use edge::{Attempt, Attempted, Call, Issued, Problem, SessionCookie, Visitor, WithSessionCookie};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, Guarded, RateLimit, Refused};

use crate::Services;
use crate::shared::lookup::holder_of_login;

fields! {
    pub struct Credentials {
        login: Login,
        password: Password,
        /// Whether the browser shall keep the refresh token in a cookie that no script can read. Only for pages of the site itself.
        cookie: Option<bool>,
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
    /// Null if it is in the cookie.
    refresh_token: Option<String>,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// The validity of the access token, in seconds.
    #[schemars(range(min = 1))]
    expires_in: i32,
}

/// The maximum number of tries of a log-in that happens at the same moment as sign-outs of the same user.
const MAX_TRIES: usize = 3;

const SECONDS_OF_DAY: u64 = 24 * 60 * 60;

pub async fn log_in(
    services: &Services,
    Call { input: Attempt(body), browser, now, .. }: Call<Visitor, Attempt<Credentials>>,
) -> Result<WithSessionCookie<Issued<Session>>, Problem> {
    let keeps_cookie = body.cookie == Some(true);
    if keeps_cookie {
        browser.check_own_page()?;
    }
    let (blog, identity) = (&services.blog, &services.identity);
    // For nobody's login Cognito is asked about a user that does not exist: it answers as for a wrong password, and takes
    // as long. It is the same one each time, so that Cognito counts wrong passwords as it does for somebody.
    let holder = holder_of_login(blog, &body.login, now).await?;
    let (user_id, name) = match holder {
        Some(holder) => (holder.user_id, Guarded::cognito_name(holder)),
        None => (blog.new_id(now), CognitoName::of_nobody(&body.login)),
    };
    for _ in 0..MAX_TRIES {
        // Read before the session begins: only so is it known to begin after that sign-out.
        let user = blog.table.user(user_id, Consistency::Strong).await?;
        let tokens = identity.log_in(&name, &body.password).await?;
        let Some(user) = user else { break };
        // The password is right. If the registration was interrupted, complete it.
        if user.status == UserStatus::Unconfirmed {
            blog.table.complete_registration(user_id).await?;
        }
        let session = tokens.session;
        if let Some(sign_out) = user.signed_out.filter(|sign_out| sign_out.ended(session.began_at, &session.id)) {
            match blog.table.spare_session(user_id, &sign_out, session.id).await {
                Ok(()) => {}
                Err(Refused::Changed) => continue,
                Err(refused) => return Err(refused.into()),
            }
        }
        let (refresh_token, kept) =
            if keeps_cookie { (None, tokens.refresh_token) } else { (tokens.refresh_token, None) };
        let max_age = Duration::from_secs(SECONDS_OF_DAY * u64::from(blog.config.refresh_token_days));
        let cookie = kept.map(|refresh_token| SessionCookie::Keep { refresh_token, max_age });
        let (access_token, expires_in) = (tokens.bearer, tokens.expires_in);
        let session = Session { access_token, refresh_token, token_type: "Bearer", expires_in };
        return Ok(WithSessionCookie(Issued(session), cookie));
    }
    Err(Problem::conflict("This account is being signed out or deleted at the moment. Try again."))
}
