//! Completing a registration.

use domain::{User, UserId};
use edge::Problem;
use identity::registration::NotCompleted;

use crate::Services;

/// Gives the user their role and makes their name final. Returns the user if there was anything to complete. Every step
/// may be done again.
pub async fn complete_registration(services: &Services, id: UserId) -> Result<Option<User>, Problem> {
    let completed = identity::registration::complete_registration(&services.identity, &services.blog.table, id).await;
    completed.map_err(|error| match error {
        NotCompleted::Table(refused) => refused.into(),
        NotCompleted::Identity(rejected) => rejected.into(),
    })
}
