//! `POST /sessions`: signs in: tokens for a password.

use blog::domain::{Email, Login, Password, Username};
use blog::edge::{Call, Issued, NoFields, Operation, Visitor};
use blog::error::Problem;
use blog::identity::registration::finish;
use blog::table::{Guarded, RateLimit};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Serialize;

pub struct LogIn;

fields! {
    pub struct Credentials {
        login: Login,
        password: Password,
    }
}

#[derive(Serialize, JsonSchema)]
pub struct Session {
    access_token: String,
    refresh_token: Option<String>,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// Seconds that the access token is good for.
    #[schemars(range(min = 1))]
    expires_in: i32,
}

impl Operation for LogIn {
    const NAME: &'static str = "log_in";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::LOG_IN);
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Credentials;
    type Reply = Issued<Session>;
    const PROBLEMS: &'static [Problem] =
        &[Problem::INVALID_CREDENTIALS, Problem::USER_NOT_CONFIRMED, Problem::CONFLICT];

    fn account(call: &Call<Self>) -> String {
        call.body.login.as_str().to_owned()
    }

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let holder = match body.login.as_str().to_owned() {
            login if login.contains('@') => match Email::try_from(login) {
                Ok(email) => blog.table.holder_of_email(&email, now).await?,
                Err(_) => None,
            },
            login => match Username::try_from(login) {
                Ok(username) => blog.table.holder_of_username(&username, now).await?,
                Err(_) => None,
            },
        };
        // For nobody's login Cognito is asked about a user that does not exist: it answers as for a wrong
        // password, and takes as long.
        let unfinished = holder.as_ref().filter(|holder| holder.is_reserved()).map(|holder| holder.user_id);
        let name = holder.map_or_else(|| blog.new_id(now), Guarded::cognito_name);
        let mut tokens = blog.identity.log_in(&name, &body.password).await?;

        // The password is right. If the registration was interrupted, finish it, and take tokens that carry the role
        // which that gave.
        if let Some(user_id) = unfinished
            && finish(blog, user_id, now).await?.is_some()
        {
            tokens = blog.identity.log_in(&name, &body.password).await?;
        }
        let session = Session {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
        };
        Ok(Issued(session))
    }
}
