//! `POST /password/forgot`: sends a code that resets the password. The answer is the same for an address without an account.

use blog::domain::Email;
use blog::edge::{Accepted, Call, NoFields, Operation, Visitor};
use blog::table::{Guarded, RateLimit};
use blog::{Blog, Error, fields};

pub struct ForgotPassword;

fields! {
    pub struct Address {
        email: Email,
    }
}

impl Operation for ForgotPassword {
    const NAME: &'static str = "forgot_password";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::FORGOT_PASSWORD);
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Address;
    type Reply = Accepted;

    fn account(call: &Call<Self>) -> String {
        call.body.email.as_str().to_owned()
    }

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        // A registration that is not finished is nobody's account yet. The same for it and for an unknown address:
        // this must not tell who has an account.
        let holder = blog.table.holder_of_email(&body.email, now).await?.filter(|guard| guard.expires_at.is_none());
        let name = holder.map_or_else(|| blog.new_id(now), Guarded::cognito_name);
        blog.identity.forgot_password(&name).await?;
        Ok(Accepted)
    }
}
