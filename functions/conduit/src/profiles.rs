//! `/profiles`: other users.

use domain::{Denied, User, Username};
use edge::Problem;
use lambda_http::Body;
use lambda_http::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use table::Consistency;

use crate::request::{Caller, with};
use crate::{perform, respond};

/// A user as others see them.
pub fn show(user: &User, following: Option<bool>) -> Value {
    json!({
        "username": user.username.to_string(),
        "bio": user.bio,
        "image": user.avatar_url,
        "following": following.unwrap_or(false),
    })
}

/// The user of this name, or who had it until lately.
pub async fn user_named(caller: &Caller<'_>, name: &str) -> Result<Option<(User, Option<bool>)>, Problem> {
    let Ok(name) = Username::try_from(name.to_owned()) else { return Ok(None) };
    let table = &caller.blog().table;
    let holder = table.holder_of_username(&name, caller.now).await?.filter(|holder| !holder.is_reserved());
    let Some(holder) = holder else { return Ok(None) };
    let viewer = caller.viewer.as_ref().map(|viewer| viewer.user_id);
    Ok(table.user_seen_by(viewer, holder.user_id, Consistency::Strong).await?)
}

/// `GET /profiles/{username}`
pub async fn get(caller: &Caller<'_>, name: &str) -> Result<Response<Body>, Problem> {
    let (user, following) = user_named(caller, name).await?.ok_or(Denied::UserNotFound)?;
    respond(StatusCode::OK, "profile", show(&user, following))
}

/// `POST` and `DELETE /profiles/{username}/follow`
pub async fn follow(caller: &mut Caller<'_>, name: &str, follows: bool) -> Result<Response<Body>, Problem> {
    // 404 before anything that can be said of oneself.
    user_named(caller, name).await?.ok_or(Denied::UserNotFound)?;
    let (services, path) = (caller.services, with("username", name));
    if follows {
        perform!(users::follow_user, services, caller, path, Map::new()).await?;
    } else {
        perform!(users::unfollow_user, services, caller, path, Map::new()).await?;
    }
    get(caller, name).await
}
