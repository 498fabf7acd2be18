//! `/users` and `/user`: one's own account.

use domain::fields;
use domain::{
    Biography, Email, FieldError, Fields, FromFields, NewPassword, Patch, PatchRequired, User, Username, WebUrl,
};
use edge::{Issued, Problem, WithSessionCookie};
use lambda_http::Body;
use lambda_http::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use table::Consistency;
use users::AccountChange;

use crate::request::{BLANK, Caller, is_blank, refuse_blank, renamed};
use crate::{perform, respond};

/// A user as they see themselves.
fn show(user: &User, token: &str) -> Value {
    json!({
        "email": user.email.as_str(),
        "token": token,
        "username": user.username.to_string(),
        "bio": user.bio,
        "image": user.avatar_url,
    })
}

/// `POST /users`: the account, and a session of it. Where accounts wait for a code, there is the account and no session yet, and the
/// error says so.
pub async fn register(caller: &mut Caller<'_>, mut user: Map<String, Value>) -> Result<Response<Body>, Problem> {
    refuse_blank(&["username", "email", "password"], &user)?;
    let credentials = credentials(&user);
    let same = ["username", "email", "password", "invitation"].map(|name| (name, name));
    let services = caller.services;
    perform!(users::register, services, caller, Map::new(), renamed(&mut user, &same)).await?;
    begin_session(caller, StatusCode::CREATED, credentials).await
}

/// `POST /users/login`
pub async fn log_in(caller: &mut Caller<'_>, user: Map<String, Value>) -> Result<Response<Body>, Problem> {
    refuse_blank(&["email", "password"], &user)?;
    begin_session(caller, StatusCode::OK, credentials(&user)).await
}

fn credentials(user: &Map<String, Value>) -> Map<String, Value> {
    renamed(&mut user.clone(), &[("email", "login"), ("password", "password")])
}

async fn begin_session(
    caller: &mut Caller<'_>,
    status: StatusCode,
    credentials: Map<String, Value>,
) -> Result<Response<Body>, Problem> {
    let token = token_for(caller, credentials).await?;
    let viewer = edge::authenticate(caller.blog(), &token, caller.now).await?;
    let user = caller.blog().table.active_user(viewer.user_id).await?;
    respond(status, "user", show(&user, &token))
}

async fn token_for(caller: &mut Caller<'_>, credentials: Map<String, Value>) -> Result<String, Problem> {
    let services = caller.services;
    let WithSessionCookie(Issued(session), _) =
        perform!(users::log_in, services, caller, Map::new(), credentials).await?;
    let session = serde_json::to_value(&session).map_err(Problem::internal)?;
    Ok(session["access_token"].as_str().unwrap_or_default().to_owned())
}

/// `GET /user`
pub async fn get(caller: &Caller<'_>) -> Result<Response<Body>, Problem> {
    let user = caller.blog().table.active_user(caller.user()?.user_id).await?;
    respond(StatusCode::OK, "user", show(&user, caller.token.unwrap_or_default()))
}

fields! {
    /// What may change of one's account.
    pub struct AccountFields {
        username: PatchRequired<Username>,
        email: PatchRequired<Email>,
        password: PatchRequired<NewPassword>,
        bio: Patch<Biography>,
        image: Patch<WebUrl>,
    }
}

/// `PUT /user`. All that is wrong is said at once, and before anything changes.
pub async fn update(caller: &mut Caller<'_>, mut user: Map<String, Value>) -> Result<Response<Body>, Problem> {
    let mut errors = Vec::new();
    for name in ["username", "email", "password"] {
        if user.contains_key(name) && is_blank(user.get(name)) {
            user.remove(name);
            errors.push(FieldError::new(name, BLANK));
        }
    }
    for name in ["bio", "image"] {
        if user.contains_key(name) && is_blank(user.get(name)) {
            user.insert(name.to_owned(), Value::Null);
        }
    }
    let known = ["username", "email", "password", "bio", "image"].map(|name| (name, name));
    let fields = renamed(&mut user, &known);
    let password = fields.get("password").cloned();
    let fields = match AccountFields::from_fields(Fields::new(fields)) {
        Ok(fields) if errors.is_empty() => fields,
        Ok(_) => return Err(Problem::invalid(errors)),
        Err(others) => return Err(Problem::invalid(errors.into_iter().chain(others).collect())),
    };
    let AccountFields { username, email, password: new_password, bio, image } = fields;
    let change = AccountChange {
        username: username.set(),
        email: email.set(),
        password: new_password.set(),
        bio,
        avatar_url: image,
    };
    let (services, viewer, source, now) = (caller.services, caller.user()?.clone(), caller.source(), caller.now);
    let changed = users::change_account(services, &viewer, change, source, &mut caller.quotas, now).await?;
    let token = match password.filter(|_| changed.sessions_ended) {
        // The session that this was asked in ended with the others.
        Some(password) => {
            let login = json!(changed.user.username.to_string());
            let credentials = [("login".to_owned(), login), ("password".to_owned(), password)];
            token_for(caller, credentials.into_iter().collect()).await?
        }
        None => caller.token.unwrap_or_default().to_owned(),
    };
    let user = caller.blog().table.user(changed.user.id, Consistency::Strong).await?.unwrap_or(changed.user);
    respond(StatusCode::OK, "user", show(&user, &token))
}
