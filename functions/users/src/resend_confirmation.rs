//! `POST /users/confirm/resend`: sends the code once more. The answer is the same for an address without an account.

use blog::domain::Email;
use blog::edge::{Accepted, Call, NoFields, Operation, Visitor};
use blog::table::RateLimit;
use blog::{Blog, Error, fields};

pub struct ResendConfirmation;

fields! {
    pub struct Address {
        email: Email,
    }
}

impl Operation for ResendConfirmation {
    const NAME: &'static str = "resend_confirmation";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::RESEND_CONFIRMATION);
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Address;
    type Reply = Accepted;

    fn account(call: &Call<Self>) -> String {
        call.body.email.as_str().to_owned()
    }

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        // The same for an unknown address: this must not tell who has an account.
        let holder = blog.table.holder_of_email(&body.email, now).await?;
        let user_id = holder.map_or_else(|| blog.new_id(now), |guard| guard.user_id);
        blog.identity.resend_confirmation(user_id).await?;
        Ok(Accepted)
    }
}
