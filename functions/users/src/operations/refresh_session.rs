//! `POST /sessions/refresh`: Get a new access token, by a refresh token or by the cookie that has it.
//!
//! Problems: forbidden.

use domain::{Denied, RefreshToken, fields};
use edge::{Body, Call, Json, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

fields! {
    pub struct Refresh {
        /// Required unless it is in the cookie.
        refresh_token: Option<RefreshToken>,
        /// Whether the refresh token is in the cookie that logging in has set. Only for pages of the site itself.
        cookie: Option<bool>,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RefreshedSession")]
pub struct RefreshedSession {
    access_token: String,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// The validity of the access token, in seconds.
    #[schemars(range(min = 1))]
    expires_in: i32,
}

pub async fn refresh_session(
    services: &Services,
    Call { input: Body(body), browser, .. }: Call<Visitor, Body<Refresh>>,
) -> Result<Json<RefreshedSession>, Problem> {
    let refresh_token = match (body.refresh_token, body.cookie == Some(true)) {
        (Some(refresh_token), false) => refresh_token,
        (None, true) => {
            browser.check_own_page()?;
            let refresh_token = browser.refresh_token().ok_or(Denied::BadRefreshToken)?;
            RefreshToken::try_from(refresh_token.to_owned()).map_err(|_| Denied::BadRefreshToken)?
        }
        (Some(_), true) => return Err(Problem::field("cookie", "must not be true where a refresh_token is given")),
        (None, false) => return Err(Problem::field("refresh_token", "is required")),
    };
    let tokens = services.identity.refresh(&refresh_token).await?;
    let (access_token, expires_in) = (tokens.bearer, tokens.expires_in);
    Ok(Json(RefreshedSession { access_token, token_type: "Bearer", expires_in }))
}
