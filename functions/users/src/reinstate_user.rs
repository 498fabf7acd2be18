//! `DELETE /admin/users/{username}/suspension`: takes a user's suspension back.

use blog::domain::UserStatus;
use blog::edge::{Admin, Call, IfMatch, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::edit_user;
use crate::people::{UserPath, user_named};

pub struct ReinstateUser;

impl Operation for ReinstateUser {
    const NAME: &'static str = "reinstate_user";
    type Caller = Admin;
    type Path = UserPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT];

    async fn run(blog: &Blog, Call { path, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let id = user_named(blog, &path.username, now).await?;
        let user = edit_user(blog, id, &IfMatch::Absent, now, |user| {
            user.status = UserStatus::Active;
            user.suspension_reason = None;
            Ok(())
        })
        .await?;
        blog.identity.enable(&user.cognito_name()).await?;
        Ok(NoContent)
    }
}
