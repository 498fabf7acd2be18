//! `GET /users/{username}/followers`: who follows a user, newest first.

use blog::edge::{Call, NoFields, Operation, Page, PageQuery, Visitor};
use blog::table::keys;
use blog::{Blog, Error};

use crate::people::{UserPath, page_of_follows, user_named};
use crate::profile::PublicProfile;

pub struct ListFollowers;

impl Operation for ListFollowers {
    const NAME: &'static str = "list_followers";
    type Caller = Visitor;
    type Path = UserPath;
    type Query = PageQuery;
    type Body = NoFields;
    type Reply = Page<PublicProfile>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Visitor(viewer), path, query, now, .. } = call;
        let user = user_named(blog, &path.username, now).await?;
        page_of_follows(blog, &keys::followers(user), query, viewer, now, |follow| follow.follower).await
    }
}
