//! `PUT /admin/users/{username}/suspension`: Suspend a user. Their requests are refused within a minute. The last
//! administrator stays.
//!
//! Problems: conflict.

use domain::{AuditAction, AuditEntry, Reason, UserStatus, fields};
use edge::{Admin, Body, Call, IfMatch, NoContent, Path, Problem};

use crate::Services;
use crate::shared::edit_user::{NotEdited, edit_user};
use crate::shared::lookup::{UserPath, still_admin, user_named};

fields! {
    pub struct Suspension {
        reason: Reason,
    }
}

pub async fn suspend_user(
    services: &Services,
    call: Call<Admin, (Path<UserPath>, Body<Suspension>)>,
) -> Result<NoContent, Problem> {
    let Call { caller: Admin(viewer), input: (Path(path), Body(body)), new_id, now, .. } = call;
    still_admin(&services.blog, &viewer).await?;
    // The profile says it to the authorizer, which asks at most a minute later.
    let id = user_named(&services.blog, &path.username, now).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::UserSuspended, viewer.user_id, id, now);
    let suspend = edit_user(&services.blog, id, &IfMatch::Absent, Some(&audit), now, |user| {
        user.status = UserStatus::Suspended;
        user.suspension_reason = Some(body.reason.as_str().to_owned());
        Ok(())
    });
    let user = suspend.await.map_err(|not_edited| match not_edited {
        NotEdited::LastAdmin => {
            Problem::conflict("The last administrator cannot be suspended. Make another user an administrator first.")
        }
        other => other.into(),
    })?;
    // And Cognito gives them no more tokens.
    services.identity.disable(&user.cognito_name()).await?;
    services.identity.sign_out(&user.cognito_name()).await?;
    Ok(NoContent)
}
