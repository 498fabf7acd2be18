//! `PUT /admin/users/{username}/role`: changes what a user may do, from their next token on.

use blog::domain::{Role, UserStatus};
use blog::edge::{Admin, Call, IfMatch, Json, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error, fields};

use crate::edit::edit_user;
use crate::people::{UserPath, user_named};
use crate::profile::PrivateProfile;

pub struct SetRole;

fields! {
    pub struct NewRole {
        role: Role,
    }
}

impl Operation for SetRole {
    const NAME: &'static str = "set_role";
    type Caller = Admin;
    type Path = UserPath;
    type Query = NoFields;
    type Body = NewRole;
    type Reply = Json<PrivateProfile>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT];

    async fn run(
        blog: &Blog,
        Call { path, body: NewRole { role }, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        // The table decides, because only it knows the last administrator.
        let id = user_named(blog, &path.username, now).await?;
        let user = edit_user(blog, id, &IfMatch::Absent, now, |user| {
            if role == Role::Admin && user.status == UserStatus::Suspended {
                return Err(Error::field("role", "cannot be an administrator's while the user is suspended"));
            }
            user.role = role;
            Ok(())
        })
        .await?;

        // Cognito puts it into tokens. All other groups, not only the one that the table knew: if we are stopped
        // here, the same request once more makes it good.
        let name = user.cognito_name();
        blog.identity.grant(&name, role).await?;
        for other in Role::ALL.into_iter().filter(|other| *other != role) {
            blog.identity.withdraw(&name, other).await?;
        }
        Ok(Json(PrivateProfile::new(user, role)))
    }
}
