//! `DELETE /admin/users/{username}/suspension`: welcome again.

use blog::domain::UserStatus;
use blog::edge::{Admin, Call, NoContent, NoFields, Operation};
use blog::{Blog, Error};

use crate::administration::{UserPath, change_user};

pub struct ReinstateUser;

impl Operation for ReinstateUser {
    const NAME: &'static str = "reinstate_user";
    type Caller = Admin;
    type Path = UserPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;

    async fn run(blog: &Blog, Call { path, now, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let user = change_user(blog, &path.username, now, |user| {
            user.status = UserStatus::Active;
            user.suspension_reason = None;
            Ok(())
        })
        .await?;
        blog.identity.enable(user.id).await?;
        Ok(NoContent)
    }
}
