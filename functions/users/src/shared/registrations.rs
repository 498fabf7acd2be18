//! Who may register, and registrations that nobody has completed.

use domain::{Denied, Email, Invitation, Timestamp, User, UserId};
use edge::{InvitationCode, Problem, RegistrationMode};
use table::{Consistency, Refused};

use crate::Services;

/// Lets somebody register, if the stack does: with the invitation that they come with, if they come with one. `replaced` is whose
/// registration of the same address is given up for theirs.
pub async fn admit(
    services: &Services,
    email: &Email,
    code: Option<&str>,
    id: UserId,
    replaced: Option<UserId>,
    now: Timestamp,
) -> Result<Option<Invitation>, Problem> {
    let config = &services.blog.config;
    // The first administrator needs nobody who lets them in.
    let mode = if config.is_admin_email(email) { RegistrationMode::Open } else { config.registration };
    match (mode, code) {
        (RegistrationMode::Open, None) => Ok(None),
        (RegistrationMode::Open | RegistrationMode::Invite, Some(code)) => {
            let found = match InvitationCode::parse(code) {
                Some(code) => {
                    let found = services.blog.table.invitation(code.id()).await?;
                    found.filter(|found| code.has_hash(&found.hash))
                }
                None => None,
            };
            let usable = found.filter(|found| found.check(id, replaced, email, now).is_ok());
            Ok(Some(usable.ok_or(not_usable(mode))?))
        }
        (RegistrationMode::Closed, _) | (RegistrationMode::Invite, None) => Err(Denied::RegistrationClosed.into()),
    }
}

/// What is said of an invitation that cannot be used: where nobody needs one, that the field is wrong.
pub fn not_usable(mode: RegistrationMode) -> Denied {
    if mode == RegistrationMode::Open { Denied::InvitationNotUsable } else { Denied::RegistrationClosed }
}

/// The registration that holds this address and was never completed, unless it is that of `id`, tried again.
pub async fn unconfirmed(
    services: &Services,
    email: &Email,
    id: UserId,
    now: Timestamp,
) -> Result<Option<User>, Problem> {
    let table = &services.blog.table;
    let holder = table.holder_of_email(email, now).await?;
    match holder.filter(|holder| holder.is_reserved() && holder.user_id != id) {
        Some(holder) => Ok(table.user(holder.user_id, Consistency::Strong).await?),
        None => Ok(None),
    }
}

/// Gives up a registration that was never completed: whoever named the address first has not shown that it is theirs. With it goes its
/// password, so that the owner of the mailbox, who can always register again, never gets an account with a stranger's password.
pub async fn give_up(services: &Services, stale: &User) -> Result<(), Problem> {
    match services.blog.table.release_user(stale).await {
        Ok(()) => Ok(services.identity.delete(&stale.cognito_name()).await?),
        // It was completed, or replaced, at this very moment. Whoever has the address now keeps it.
        Err(Refused::RegistrationLapsed) => Ok(()),
        Err(refused) => Err(refused.into()),
    }
}
