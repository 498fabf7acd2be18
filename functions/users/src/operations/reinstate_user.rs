//! `DELETE /admin/users/{username}/suspension`: Lift the suspension of a user.
//!
//! Problems: conflict.

use domain::{AuditAction, AuditEntry, UserStatus};
use edge::{Admin, Call, IfMatch, NoContent, Path, Problem};

use crate::Services;
use crate::shared::edit_user::edit_user;
use crate::shared::lookup::{UserPath, still_admin, user_named};

pub async fn reinstate_user(
    services: &Services,
    Call { caller: Admin(viewer), input: Path(path), new_id, now, .. }: Call<Admin, Path<UserPath>>,
) -> Result<NoContent, Problem> {
    still_admin(&services.blog, &viewer).await?;
    let id = user_named(&services.blog, &path.username, now).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::UserReinstated, viewer.user_id, id, now);
    let user = edit_user(&services.blog, id, &IfMatch::Absent, Some(&audit), now, |user| {
        user.status = UserStatus::Active;
        user.suspension_reason = None;
        Ok(())
    })
    .await?;
    services.identity.enable(&user.cognito_name()).await?;
    Ok(NoContent)
}
