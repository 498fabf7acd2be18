//! `DELETE /me`: Delete the signed-in user's account. Profile, credentials, posts, reposts, follows and exports are deleted within a
//! minute.
//!
//! Problems: invalid-credentials, conflict, precondition-failed.

use domain::{Password, Role, UserStatus, Viewer, fields};
use edge::{Attempt, Attempted, Call, NoContent, Problem, Reader};
use table::RateLimit;

use crate::Services;
use crate::shared::edit_user::{NotEdited, edit_user};

fields! {
    pub struct Confirmation {
        password: Password,
    }
}

impl Attempted for Confirmation {
    const LIMIT: RateLimit = RateLimit::DELETE_ME;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

pub async fn delete_me(
    services: &Services,
    call: Call<Reader, Attempt<Confirmation>>,
) -> Result<NoContent, Problem> {
    let Call { caller: Reader(viewer), input: Attempt(body), if_match, now, .. } = call;
    services.identity.log_in(&viewer.cognito_name, &body.password).await?;

    // From here on no token of theirs counts, nobody sees them, and the plug-in `delete_user` deletes what they have. An
    // administrator gives the role back with it, so that the last one stays.
    let leave = edit_user(&services.blog, viewer.user_id, &if_match, None, now, |user| {
        user.status = UserStatus::Deleting;
        user.role = Role::Reader;
        Ok(())
    });
    match leave.await {
        Ok(_) => Ok(NoContent),
        Err(NotEdited::LastAdmin) => {
            Err(Problem::conflict("The last administrator cannot leave. Make another user an administrator first."))
        }
        Err(not_edited) => Err(not_edited.of_own_account()),
    }
}
