//! `PUT /users/{username}/follow`: follow a user.

use blog::domain::Follow;
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::{Blog, Error};

use crate::people::{UserPath, other_user};

pub struct FollowUser;

impl Operation for FollowUser {
    const NAME: &'static str = "follow_user";
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
        blog.table.follow(&Follow { follower: viewer.user_id, followed, followed_at: now }).await?;
        Ok(NoContent)
    }
}
