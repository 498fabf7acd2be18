//! How sessions end.

use domain::{CognitoName, SignOut, Timestamp, UserId};
use edge::Problem;

use crate::Services;

/// Ends every session of a user: refresh tokens at once, access tokens as soon as the authorizer asks again. `session` is
/// the one that asks for it, empty if none does.
pub async fn end_sessions(
    services: &Services,
    id: UserId,
    name: &CognitoName,
    session: String,
    now: Timestamp,
) -> Result<(), Problem> {
    // Refresh tokens first: if we are stopped between the two, the access token is still good to try again.
    services.identity.sign_out(name).await?;
    Ok(services.blog.table.sign_out(id, &SignOut { at: now.seconds(), session }).await?)
}
