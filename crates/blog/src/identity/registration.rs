//! How a registration is finished, whoever comes first: Cognito's trigger after an account is confirmed, the
//! registering or confirming request itself, or the first log-in after those were interrupted.

use crate::clock::Timestamp;
use crate::config::SignUpConfirmation;
use crate::domain::{User, UserId, UserStatus};
use crate::table::{Consistency, LAPSED};
use crate::{Blog, Error};

/// How long a name stays reserved for a registration that is not finished, in seconds.
pub fn reserved_seconds(confirmation: SignUpConfirmation) -> i64 {
    match confirmation {
        // Longer than any request runs.
        SignUpConfirmation::Auto => 15 * 60,
        // As long as Cognito's confirmation code is good for.
        SignUpConfirmation::Email => 24 * 60 * 60,
    }
}

/// Gives the user their role and makes their name final; gives the user if there was anything to finish. Every step
/// may be done again.
pub async fn finish(blog: &Blog, user_id: UserId, now: Timestamp) -> Result<Option<User>, Error> {
    match blog.table.user(user_id, Consistency::Strong).await? {
        Some(user) if user.status == UserStatus::Unconfirmed => {
            blog.identity.grant(&user.cognito_name(), user.role).await?;
            blog.table.activate_user(&user, now).await.map(Some)
        }
        Some(_) => Ok(None),
        None => Err(LAPSED),
    }
}
