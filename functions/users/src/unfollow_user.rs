//! `DELETE /users/{username}/follow`: follow a user no longer.

use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::{Blog, Error};

use crate::people::{UserPath, other_user};

pub struct UnfollowUser;

impl Operation for UnfollowUser {
    const NAME: &'static str = "unfollow_user";
    type Caller = Reader;
    type Path = UserPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let followed = other_user(blog, &viewer, &path.username, now).await?;
        blog.table.unfollow(viewer.user_id, followed).await?;
        Ok(NoContent)
    }
}
