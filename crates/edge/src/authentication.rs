//! Who sends a token.

use aws::Rejected;
use domain::{CognitoName, Denied, Timestamp, Viewer};
use table::Consistency;

use crate::{Blog, Problem};

/// The user behind an access token. The authorizer runs it for routes that need a user, the edge for public routes that
/// were given a token. It costs one read of the profile, which tells the role, and who was suspended or has signed out, and one
/// more for users whose name in Cognito is not their id.
pub async fn authenticate(blog: &Blog, token: &str, now: Timestamp) -> Result<Viewer, Problem> {
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
            wrote_lately: true,
        }),
        _ => Err(Denied::SessionEnded.into()),
    }
}
