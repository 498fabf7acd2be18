//! How sessions end.

use domain::{CognitoName, SignOut, Timestamp, UserId};
use edge::Problem;

use crate::Services;

/// Ends every session of a user: refresh tokens at once, access tokens as soon as the authorizer asks again. The access
/// token of the session `survivor` stays good.
pub async fn end_sessions(
    services: &Services,
    id: UserId,
    name: &CognitoName,
    survivor: Option<String>,
    now: Timestamp,
) -> Result<(), Problem> {
    // Refresh tokens first: if we are stopped between the two, the access token is still good to try again.
    services.identity.sign_out(name).await?;
    let id_of_sign_out: UserId = services.blog.new_id(now);
    let sign_out = SignOut::new(id_of_sign_out.to_string(), now, survivor);
    Ok(services.blog.table.sign_out(id, &sign_out).await?)
}
