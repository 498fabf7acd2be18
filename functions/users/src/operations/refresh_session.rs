//! `POST /sessions/refresh`: Get a new access token.

use domain::{RefreshToken, fields};
use edge::{Body, Call, Json, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

fields! {
    pub struct Refresh {
        refresh_token: RefreshToken,
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
    Call { input: Body(body), .. }: Call<Visitor, Body<Refresh>>,
) -> Result<Json<RefreshedSession>, Problem> {
    let tokens = services.identity.refresh(&body.refresh_token).await?;
    let (access_token, expires_in) = (tokens.bearer, tokens.expires_in);
    Ok(Json(RefreshedSession { access_token, token_type: "Bearer", expires_in }))
}
