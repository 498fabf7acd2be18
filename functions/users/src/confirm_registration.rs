//! `POST /users/confirm`: confirms an e-mail address with the code that was sent to it.

use blog::domain::{ConfirmationCode, Email, UserId};
use blog::edge::{Call, NoContent, NoFields, Operation, Visitor};
use blog::error::Problem;
use blog::identity::registration::finish;
use blog::table::RateLimit;
use blog::{Blog, Error, fields};

pub struct ConfirmRegistration;

fields! {
    pub struct Confirmation {
        email: Email,
        code: ConfirmationCode,
    }
}

impl Operation for ConfirmRegistration {
    const NAME: &'static str = "confirm_registration";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::CONFIRM_REGISTRATION);
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Confirmation;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT];

    fn account(call: &Call<Self>) -> String {
        call.body.email.as_str().to_owned()
    }

    async fn run(blog: &Blog, Call { body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        // For an unknown address Cognito is asked all the same, so that the time does not tell either.
        let holder = blog.table.holder_of_email(&body.email, now).await?;
        let user_id: UserId = holder.map_or_else(|| blog.new_id(now), |guard| guard.user_id);
        blog.identity.confirm(user_id, &body.code).await?;
        finish(blog, user_id, now).await?;
        Ok(NoContent)
    }
}
