//! `DELETE /me`: ends one's account, with everything that hangs on it, within moments.
//!
//! `delete_user` does it.

use blog::domain::{Password, Role, UserStatus};
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::error::Problem;
use blog::table::RateLimit;
use blog::{Blog, Error, fields};

use crate::edit::edit_own_account;

pub struct DeleteMe;

fields! {
    pub struct Confirmation {
        password: Password,
    }
}

impl Operation for DeleteMe {
    const NAME: &'static str = "delete_me";
    const RATE_LIMIT: Option<RateLimit> = Some(RateLimit::DELETE_ME);
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = Confirmation;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] =
        &[Problem::INVALID_CREDENTIALS, Problem::CONFLICT, Problem::PRECONDITION_FAILED];

    fn account(call: &Call<Self>) -> String {
        call.caller.0.user_id.to_string()
    }

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Reader(viewer), body, if_match, now, .. } = call;
        blog.identity.log_in(&viewer.cognito_name, &body.password).await?;

        // From here on no token of theirs counts, nobody sees them, and the stream knows what is to be done. An
        // administrator gives the role back with it, so that the last one stays.
        let leave = edit_own_account(blog, &viewer, &if_match, now, |user| {
            user.status = UserStatus::Deleting;
            user.role = Role::Reader;
            Ok(())
        });
        match leave.await {
            Err(Error::ValidationFailed(_)) => {
                Err(Error::Conflict("The last administrator cannot leave. Make somebody else one first."))
            }
            outcome => outcome.map(|_| NoContent),
        }
    }
}
