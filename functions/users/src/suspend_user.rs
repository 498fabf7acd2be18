//! `PUT /admin/users/{username}/suspension`: suspends a user, who is refused within a minute.

use blog::domain::{Reason, Role, UserStatus};
use blog::edge::{Admin, Call, IfMatch, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error, fields};

use crate::edit::edit_user;
use crate::people::{UserPath, user_named};

pub struct SuspendUser;

fields! {
    pub struct Suspension {
        reason: Reason,
    }
}

impl Operation for SuspendUser {
    const NAME: &'static str = "suspend_user";
    type Caller = Admin;
    type Path = UserPath;
    type Query = NoFields;
    type Body = Suspension;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT];

    async fn run(blog: &Blog, Call { path, body, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        // The profile says it to the authorizer, which asks at most a minute later.
        let id = user_named(blog, &path.username, now).await?;
        let user = edit_user(blog, id, &IfMatch::Absent, now, |user| {
            if user.role == Role::Admin {
                return Err(Error::Conflict("An administrator cannot be suspended. Give them another role first."));
            }
            user.status = UserStatus::Suspended;
            user.suspension_reason = Some(body.reason.as_str().to_owned());
            Ok(())
        })
        .await?;
        // And Cognito gives them no more tokens.
        blog.identity.disable(&user.cognito_name()).await?;
        blog.identity.sign_out(&user.cognito_name()).await?;
        Ok(NoContent)
    }
}
