//! `GET /me`: one's own profile.

use blog::edge::{Call, NoFields, Operation, Reader, Versioned};
use blog::table::Consistency;
use blog::{Blog, Error};

use crate::profile::PrivateProfile;

pub struct GetMe;

impl Operation for GetMe {
    const NAME: &'static str = "get_me";
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<PrivateProfile>;

    async fn run(blog: &Blog, Call { caller: Reader(viewer), .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let user = blog.table.user(viewer.user_id, Consistency::Strong).await?;
        let user = user.ok_or(Error::Unauthenticated("This account is not in use."))?;
        Ok(Versioned { version: user.version, body: PrivateProfile::new(user, viewer.role) })
    }
}
