//! `POST /users/confirm/resend`: Send the confirmation code again. The response is the same for an address without an
//! account.

use domain::{Email, Viewer, fields};
use edge::{Accepted, Attempt, Attempted, Call, Problem, Visitor};
use table::RateLimit;

use crate::Services;

fields! {
    pub struct Address {
        email: Email,
    }
}

impl Attempted for Address {
    const LIMIT: RateLimit = RateLimit::RESEND_CONFIRMATION;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.email.as_str().to_owned()
    }
}

pub async fn resend_confirmation(
    services: &Services,
    Call { input: Attempt(body), now, .. }: Call<Visitor, Attempt<Address>>,
) -> Result<Accepted, Problem> {
    // The same for an unknown address: this must not tell who has an account.
    let holder = services.blog.table.holder_of_email(&body.email, now).await?;
    let user_id = holder.map_or_else(|| services.blog.new_id(now), |guard| guard.user_id);
    services.identity.resend_confirmation(user_id).await?;
    Ok(Accepted)
}
