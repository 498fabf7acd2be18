//! How sessions end.

use blog::clock::Timestamp;
use blog::domain::{CognitoName, SignOut, UserId};
use blog::{Blog, Error};

/// Ends every session of a user: refresh tokens at once, access tokens as soon as the authorizer asks again. `session` is
/// the one that asks for it, empty if none does.
pub async fn end_sessions(
    blog: &Blog,
    id: UserId,
    name: &CognitoName,
    session: String,
    now: Timestamp,
) -> Result<(), Error> {
    // Refresh tokens first: if we are stopped between the two, the access token is still good to try again.
    blog.identity.sign_out(name).await?;
    blog.table.sign_out(id, &SignOut { at: now.seconds(), session }).await
}
