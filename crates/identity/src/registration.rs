//! How a registration is completed, whoever comes first: Cognito's trigger after an account is confirmed, the
//! registering or confirming request itself, or the first log-in after those were interrupted.

use aws::Rejected;
use domain::{User, UserId, UserStatus};
use table::{Consistency, Refused, Table};

use crate::Identity;

/// Why a registration cannot be completed.
#[derive(Debug)]
pub enum NotCompleted {
    /// The table refused it.
    Table(Refused),
    /// Cognito rejected it.
    Identity(Rejected),
}

impl From<Refused> for NotCompleted {
    fn from(refused: Refused) -> Self {
        Self::Table(refused)
    }
}

impl From<Rejected> for NotCompleted {
    fn from(rejected: Rejected) -> Self {
        Self::Identity(rejected)
    }
}

/// Gives the user their role and makes their name final. Returns the user if there was anything to complete. Every step
/// may be done again.
pub async fn complete_registration(
    identity: &Identity,
    table: &Table,
    user_id: UserId,
) -> Result<Option<User>, NotCompleted> {
    match table.user(user_id, Consistency::Strong).await? {
        Some(user) if user.status == UserStatus::Unconfirmed => {
            identity.grant(&user.cognito_name(), user.role).await?;
            Ok(Some(table.activate_user(&user).await?))
        }
        Some(_) => Ok(None),
        None => Err(Refused::RegistrationLapsed.into()),
    }
}
