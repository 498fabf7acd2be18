//! Who sends a token.

use aws::Rejected;
use domain::{CognitoName, Denied, KeyInUse, Timestamp, UserStatus, Viewer};
use table::Consistency;
use tokens::ApiKeyText;

use crate::{Blog, Problem};

/// The user behind an access token. The authorizer runs it for routes that need a user, the edge for public routes that
/// were given a token. It costs one read of the profile, which tells the role, and who was suspended or has signed out, and one
/// more for users whose name in Cognito is not their id. An API key costs two reads more, both at once.
pub async fn authenticate(blog: &Blog, token: &str, now: Timestamp) -> Result<Viewer, Problem> {
    if ApiKeyText::is_meant(token) {
        return authenticate_key(blog, token, now).await;
    }
    let claims = blog.verifier.verify(token, now).await.map_err(|rejected: Rejected| Problem::from(rejected))?;
    let cognito_name = CognitoName::from(claims.username);
    let user_id = match cognito_name.as_str().parse() {
        Ok(id) => id,
        Err(_) => match blog.table.holder_of_cognito_name(&cognito_name, now).await? {
            Some(holder) => holder.user_id,
            None => return Err(Denied::BadToken.into()),
        },
    };
    let user = blog.table.user(user_id, Consistency::Eventual).await?;
    match user {
        Some(user) if user.accepts(claims.began_at, &claims.session) => Ok(Viewer {
            user_id,
            username: user.username,
            cognito_name,
            role: user.role,
            session: claims.session,
            key: None,
            wrote_lately: true,
        }),
        _ => Err(Denied::SessionEnded.into()),
    }
}

/// The owner of an API key, with the rights that they have now, and no more than the key's scopes allow.
async fn authenticate_key(blog: &Blog, text: &str, now: Timestamp) -> Result<Viewer, Problem> {
    let text = ApiKeyText::parse(text).ok_or(Denied::BadToken)?;
    let found = blog.table.key(text.id()).await?.filter(|(key, _)| text.has_hash(&key.hash) && !key.is_expired(now));
    let (key, last_used_on) = found.ok_or(Denied::BadToken)?;
    let user = blog.table.user(key.user_id, Consistency::Eventual).await?;
    let user = user.filter(|user| user.status == UserStatus::Active).ok_or(Denied::AccountNotInUse)?;
    let is_noted = last_used_on.is_some_and(|day| now.to_string().starts_with(&day));
    Ok(Viewer {
        user_id: user.id,
        cognito_name: user.cognito_name(),
        username: user.username,
        role: key.scopes.cap(user.role),
        session: String::new(),
        key: Some(KeyInUse { id: key.id, scopes: key.scopes, is_noted }),
        wrote_lately: true,
    })
}

/// Notes that an API key is used today, if that is not noted yet. A table that is busy does not stop the request.
pub async fn note_key_use(blog: &Blog, viewer: &Viewer, now: Timestamp) {
    if let Some(key) = viewer.key.as_ref().filter(|key| !key.is_noted)
        && let Err(error) = blog.table.note_key_use(key.id, now).await
    {
        tracing::warn!(causes = Problem::from(error).causes(), "the use of a key was not noted");
    }
}
