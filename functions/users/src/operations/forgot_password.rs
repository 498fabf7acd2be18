//! `POST /password/forgot`: Send a code that resets the password. The response is the same for an address without an
//! account.

use domain::{Email, Viewer, fields};
use edge::{Accepted, Attempt, Attempted, Call, Problem, Visitor};
use table::{Guarded, RateLimit};

use crate::Services;

fields! {
    pub struct Address {
        email: Email,
    }
}

impl Attempted for Address {
    const LIMIT: RateLimit = RateLimit::FORGOT_PASSWORD;

    fn account(&self, _: Option<&Viewer>) -> String {
        self.email.as_str().to_owned()
    }
}

pub async fn forgot_password(
    services: &Services,
    Call { input: Attempt(body), now, .. }: Call<Visitor, Attempt<Address>>,
) -> Result<Accepted, Problem> {
    // A registration that is not completed is nobody's account yet. The same for it and for an unknown address: this must
    // not tell who has an account.
    let holder = services.blog.table.ask_reset(&body.email).await?;
    let name = holder.map_or_else(|| services.blog.new_id(now), Guarded::cognito_name);
    services.identity.forgot_password(&name).await?;
    Ok(Accepted)
}
