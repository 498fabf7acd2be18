//! `POST /sessions/refresh`: a new access token.

use blog::domain::RefreshToken;
use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Serialize;

pub struct RefreshSession;

fields! {
    pub struct Refresh {
        refresh_token: RefreshToken,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RefreshedSession")]
pub struct Refreshed {
    access_token: String,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// Seconds that the access token is good for.
    #[schemars(range(min = 1))]
    expires_in: i32,
}

impl Operation for RefreshSession {
    const NAME: &'static str = "refresh_session";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Refresh;
    type Reply = Json<Refreshed>;

    async fn run(blog: &Blog, Call { body, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let tokens = blog.identity.refresh(&body.refresh_token).await?;
        Ok(Json(Refreshed { access_token: tokens.access_token, token_type: "Bearer", expires_in: tokens.expires_in }))
    }
}
