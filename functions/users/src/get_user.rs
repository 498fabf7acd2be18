//! `GET /users/{username}`: a user as everybody sees them.

use blog::domain::User;
use blog::edge::{Call, MovedOr, NoFields, Operation, Versioned, Visitor};
use blog::table::Consistency;
use blog::{Blog, Error};

use crate::people::{UserPath, user_named};
use crate::profile::PublicProfile;

pub struct GetUser;

impl Operation for GetUser {
    const NAME: &'static str = "get_user";
    type Caller = Visitor;
    type Path = UserPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = MovedOr<Versioned<PublicProfile>>;

    async fn run(
        blog: &Blog,
        Call { caller: Visitor(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let id = user_named(blog, &path.username, now).await?;
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        let viewer = viewer.map(|viewer| viewer.user_id);
        let seen = blog.table.users_seen_by(viewer, &[id], consistency).await?.pop();
        let (user, following) = seen.ok_or_else(User::not_found)?;
        if user.username != path.username {
            return Ok(MovedOr::Moved(format!("/users/{}", user.username)));
        }
        Ok(MovedOr::Here(Versioned { version: user.version, body: PublicProfile::new(user, following) }))
    }
}
