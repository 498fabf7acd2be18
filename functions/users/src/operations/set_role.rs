//! `PUT /admin/users/{username}/role`: Change the role of a user. It takes effect with the user's next token. The last
//! administrator stays.
//!
//! Problems: conflict.

use domain::{Denied, Role, UserStatus, fields};
use edge::{Admin, Body, Call, IfMatch, Json, Path, Problem};
use views::PrivateProfile;

use crate::Services;
use crate::shared::edit_user::edit_user;
use crate::shared::lookup::{UserPath, user_named};

fields! {
    pub struct NewRole {
        role: Role,
    }
}

pub async fn set_role(
    services: &Services,
    Call { input: (Path(path), Body(NewRole { role })), now, .. }: Call<Admin, (Path<UserPath>, Body<NewRole>)>,
) -> Result<Json<PrivateProfile>, Problem> {
    // The table decides, because only it knows the last administrator.
    let id = user_named(&services.blog, &path.username, now).await?;
    let user = edit_user(&services.blog, id, &IfMatch::Absent, now, |user| {
        if role == Role::Admin && user.status == UserStatus::Suspended {
            return Err(Denied::field("role", "cannot be an administrator's while the user is suspended"));
        }
        user.role = role;
        Ok(())
    })
    .await?;

    // Cognito puts it into tokens. All other groups, not only the one that the table knew: if we are stopped here, the
    // same request once more makes it good.
    let name = user.cognito_name();
    services.identity.grant(&name, role).await?;
    for other in Role::ALL.into_iter().filter(|other| *other != role) {
        services.identity.withdraw(&name, other).await?;
    }
    Ok(Json(PrivateProfile::new(user, role)))
}
