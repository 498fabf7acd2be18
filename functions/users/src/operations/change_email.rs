//! `PUT /me/email`: Request a change of the e-mail address. A code is sent to the new address and a notice to the old one. Nothing
//! changes until the code is entered; a new request voids the previous code. The response is the same if another account has the address.
//!
//! Problems: invalid-credentials.

use domain::{Email, MailAccount, Password, Viewer, fields};
use edge::{Accepted, Attempt, Attempted, Call, Problem, Reader};
use table::RateLimit;

use crate::Services;
use crate::shared::lookup::own_profile;

fields! {
    pub struct NewAddress {
        email: Email,
        password: Password,
    }
}

impl Attempted for NewAddress {
    const LIMIT: RateLimit = RateLimit::CHANGE_EMAIL;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

pub async fn change_email(
    services: &Services,
    Call { caller: Reader(viewer), input: Attempt(body), .. }: Call<Reader, Attempt<NewAddress>>,
) -> Result<Accepted, Problem> {
    let user = own_profile(&services.blog, &viewer).await?;
    if body.email == user.email {
        return Err(Problem::field("email", "is the address of this account already"));
    }
    if body.password.repeats_address(&body.email) {
        return Err(Problem::field("email", "must not be the password"));
    }
    services.identity.log_in(&viewer.cognito_name, &body.password).await?;
    // The notice first: no code is on its way of which the owner was not told. Who has the new address is not looked at, and so shows
    // neither in the answer nor in what it costs; whoever enters the code has shown that the mailbox is theirs, and is told then.
    let id = viewer.user_id;
    services.identity.send(MailAccount::OldAddress(id), &user.email).await?;
    services.identity.send(MailAccount::NewAddress(id), &body.email).await?;
    Ok(Accepted)
}
