//! `GET /users/{username}`: a user as everybody sees them.

use blog::domain::{UserStatus, Username};
use blog::edge::{Call, NoFields, Operation, Versioned, Visitor};
use blog::table::Consistency;
use blog::{Blog, Error, fields};

use crate::profile::PublicProfile;

pub struct GetUser;

fields! {
    pub struct Path {
        username: Username,
    }
}

impl Operation for GetUser {
    const NAME: &'static str = "get_user";
    type Caller = Visitor;
    type Path = Path;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<PublicProfile>;

    async fn run(
        blog: &Blog,
        Call { caller: Visitor(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let not_found = || Error::NotFound("There is no such user.");
        let holder = blog.table.holder_of_username(&path.username, now).await?.ok_or_else(not_found)?;
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        let user = blog.table.user(holder.user_id, consistency).await?;
        let user = user.filter(|user| user.status != UserStatus::Unconfirmed).ok_or_else(not_found)?;
        // Nobody can follow anybody yet.
        let following = viewer.is_some().then_some(false);
        Ok(Versioned { version: user.version, body: PublicProfile::new(user, following) })
    }
}
