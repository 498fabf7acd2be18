//! `POST /me/email/confirm`: Confirm the new e-mail address with the code that was sent to it. Every other session ends; this one
//! lasts until its access token expires.
//!
//! Problems: email-taken, conflict.

use domain::{ConfirmationCode, Viewer, fields};
use edge::{Attempt, Attempted, Call, IfMatch, NoContent, Problem, Reader};
use table::{RateLimit, Refused};

use crate::Services;
use crate::shared::edit_user::{NotEdited, edit_user};
use crate::shared::lookup::own_profile;
use crate::shared::registrations::replace_unconfirmed;
use crate::shared::sessions::end_sessions;

fields! {
    pub struct Code {
        code: ConfirmationCode,
    }
}

impl Attempted for Code {
    const LIMIT: RateLimit = RateLimit::CONFIRM_EMAIL;

    fn account(&self, viewer: Option<&Viewer>) -> String {
        viewer.map(|viewer| viewer.user_id.to_string()).unwrap_or_default()
    }
}

/// How long the address stays reserved for a change that is stopped before its end, in seconds: longer than any request runs.
const RESERVED_SECONDS: i64 = 15 * 60;

pub async fn confirm_email(
    services: &Services,
    Call { caller: Reader(viewer), input: Attempt(body), now, .. }: Call<Reader, Attempt<Code>>,
) -> Result<NoContent, Problem> {
    let (blog, identity) = (&services.blog, &services.identity);
    let user = own_profile(blog, &viewer).await?;
    let email = identity.confirm_wanted_email(user.id, &body.code).await?;

    // 1. Take the address. If we are stopped anywhere below, the same request goes on from here, and if it never comes, the
    //    reservation lapses and the old address is still theirs.
    replace_unconfirmed(services, &email, user.id, now).await?;
    let until = now.plus_seconds(RESERVED_SECONDS);
    if let Err(refused) = blog.table.reserve_email(&user, &email, until, now).await {
        if matches!(refused, Refused::EmailTaken) {
            identity.forget_wanted_email(user.id).await?;
        }
        return Err(refused.into());
    }

    // 2. Cognito first: codes then go to the mailbox that was shown to be theirs, whichever address the profile has.
    identity.set_email(&viewer.cognito_name, &email).await?;
    edit_user(blog, user.id, &IfMatch::Absent, now, |user| {
        user.email = email.clone();
        Ok(())
    })
    .await
    .map_err(NotEdited::of_own_account)?;

    // 3. Who could read the old mailbox may have a session. What says that the code was right goes last, so that a try which
    //    was stopped can be repeated to its end.
    end_sessions(services, user.id, &viewer.cognito_name, Some(viewer.session), now).await?;
    identity.forget_wanted_email(user.id).await?;
    Ok(NoContent)
}
