//! `PUT /admin/users/{username}/suspension`: Suspend a user. Their requests are refused within a minute.
//!
//! Problems: conflict.

use domain::{Denied, Reason, Role, UserStatus, fields};
use edge::{Admin, Body, Call, IfMatch, NoContent, Path, Problem};

use crate::Services;
use crate::shared::edit_user::edit_user;
use crate::shared::lookup::{UserPath, user_named};

fields! {
    pub struct Suspension {
        reason: Reason,
    }
}

pub async fn suspend_user(
    services: &Services,
    Call { input: (Path(path), Body(body)), now, .. }: Call<Admin, (Path<UserPath>, Body<Suspension>)>,
) -> Result<NoContent, Problem> {
    // The profile says it to the authorizer, which asks at most a minute later.
    let id = user_named(&services.blog, &path.username, now).await?;
    let user = edit_user(&services.blog, id, &IfMatch::Absent, now, |user| {
        if user.role == Role::Admin {
            return Err(Denied::IsAdmin);
        }
        user.status = UserStatus::Suspended;
        user.suspension_reason = Some(body.reason.as_str().to_owned());
        Ok(())
    })
    .await?;
    // And Cognito gives them no more tokens.
    services.identity.disable(&user.cognito_name()).await?;
    services.identity.sign_out(&user.cognito_name()).await?;
    Ok(NoContent)
}
