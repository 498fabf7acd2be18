//! Registrations that nobody has completed.

use domain::{Email, Timestamp, UserId};
use edge::Problem;
use table::{Consistency, Refused};

use crate::Services;

/// Gives up the registration that holds this address and was never completed, unless it is that of `id`, tried again: whoever
/// named the address first has not shown that it is theirs. With it goes its password, so that the owner of the mailbox, who can
/// always register again, never gets an account with a stranger's password.
pub async fn replace_unconfirmed(
    services: &Services,
    email: &Email,
    id: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    let table = &services.blog.table;
    let holder = table.holder_of_email(email, now).await?;
    let Some(holder) = holder.filter(|holder| holder.is_reserved() && holder.user_id != id) else { return Ok(()) };
    let Some(stale) = table.user(holder.user_id, Consistency::Strong).await? else { return Ok(()) };
    match table.release_user(&stale).await {
        Ok(()) => Ok(services.identity.delete(&stale.cognito_name()).await?),
        // It was completed, or replaced, at this very moment. Whoever has the address now keeps it.
        Err(Refused::RegistrationLapsed) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}
