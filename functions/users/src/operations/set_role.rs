//! `PUT /admin/users/{username}/role`: Change the role of a user. It takes effect within a minute. The last
//! administrator stays.
//!
//! Problems: conflict.

use domain::{AuditAction, AuditEntry, Role, fields};
use edge::{Admin, Body, Call, IfMatch, Json, Path, Problem};
use views::PrivateProfile;

use crate::Services;
use crate::shared::edit_user::edit_user;
use crate::shared::lookup::{UserPath, still_admin, user_named};

fields! {
    pub struct NewRole {
        role: Role,
    }
}

pub async fn set_role(
    services: &Services,
    call: Call<Admin, (Path<UserPath>, Body<NewRole>)>,
) -> Result<Json<PrivateProfile>, Problem> {
    let Call { caller: Admin(viewer), input: (Path(path), Body(NewRole { role })), new_id, now, .. } = call;
    still_admin(&services.blog, &viewer).await?;
    let id = user_named(&services.blog, &path.username, now).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::RoleChanged, viewer.user_id, id, now).with_role(role);
    let user = edit_user(&services.blog, id, &IfMatch::Absent, Some(&audit), now, |user| {
        user.role = role;
        Ok(())
    })
    .await?;
    Ok(Json(PrivateProfile::new(user)))
}
