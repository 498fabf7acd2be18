//! How an account gets another e-mail address, once it may.

use domain::{Email, Timestamp, User, Viewer};
use edge::{IfMatch, Problem};

use crate::Services;
use crate::shared::edit_user::{NotEdited, edit_user};
use crate::shared::registrations::{give_up, unconfirmed};
use crate::shared::sessions::end_sessions;

/// How long the address stays reserved for a change that is stopped before its end, in seconds: longer than any request runs.
const RESERVED_SECONDS: i64 = 15 * 60;

/// Takes the address for a user, unless somebody has it. If the change is stopped, the reservation lapses and the old address is still
/// theirs.
pub async fn reserve(services: &Services, user: &User, email: &Email, now: Timestamp) -> Result<(), Problem> {
    if let Some(stale) = unconfirmed(services, email, user.id, now).await? {
        give_up(services, &stale).await?;
    }
    Ok(services.blog.table.reserve_email(user, email, now.plus_seconds(RESERVED_SECONDS), now).await?)
}

/// Makes a reserved address the viewer's. Every other session ends: who could read the old mailbox may have one.
pub async fn take(services: &Services, viewer: &Viewer, email: &Email, now: Timestamp) -> Result<User, Problem> {
    // Cognito first: codes then go to the mailbox that was shown to be theirs, whichever address the profile has.
    services.identity.set_email(&viewer.cognito_name, email).await?;
    let edit = edit_user(&services.blog, viewer.user_id, &IfMatch::Absent, None, now, |user| {
        user.email = email.clone();
        Ok(())
    });
    let user = edit.await.map_err(NotEdited::of_own_account)?;
    end_sessions(services, viewer.user_id, &viewer.cognito_name, Some(viewer.session.clone()), now).await?;
    Ok(user)
}
