//! `POST /users/confirm`: Confirm an e-mail address with the code that was sent to it.
//!
//! Problems: conflict.

use domain::{ConfirmationCode, Email, UserId, Viewer, fields};
use edge::{Attempt, Attempted, Call, NoContent, Problem, Visitor};
use table::RateLimit;

use crate::Services;

fields! {
    pub struct Confirmation {
        email: Email,
        code: ConfirmationCode,
    }
}

impl Attempted for Confirmation {
    const LIMIT: RateLimit = RateLimit::CONFIRM_REGISTRATION;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.email.as_str().to_owned()
    }
}

pub async fn confirm_registration(
    services: &Services,
    Call { input: Attempt(body), now, .. }: Call<Visitor, Attempt<Confirmation>>,
) -> Result<NoContent, Problem> {
    // For an unknown address Cognito is asked all the same, so that the time does not tell either.
    let holder = services.blog.table.holder_of_email(&body.email, now).await?;
    let user_id: UserId = holder.map_or_else(|| services.blog.new_id(now), |guard| guard.user_id);
    services.identity.confirm(user_id, &body.code).await?;
    services.blog.table.complete_registration(user_id).await?;
    Ok(NoContent)
}
