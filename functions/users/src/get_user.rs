//! `GET /users/{username}`: a user as everybody sees them.

use blog::domain::User;
use blog::edge::{Call, MovedOr, NoFields, Operation, Versioned, Visitor};
use blog::table::Consistency;
use blog::{Blog, Error};

use crate::edit::{UserPath, not_found, user_named};
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
        let user = blog.table.user(id, consistency).await?;
        let user = user.filter(User::is_public).ok_or_else(not_found)?;
        if user.username != path.username {
            return Ok(MovedOr::Moved(format!("/users/{}", user.username)));
        }
        // Nobody can follow anybody yet.
        let following = viewer.is_some().then_some(false);
        Ok(MovedOr::Here(Versioned { version: user.version, body: PublicProfile::new(user, following) }))
    }
}
