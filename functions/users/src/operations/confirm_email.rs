//! `POST /me/email/confirm`: Confirm the new e-mail address with the code that was sent to it. Every other session ends; this one
//! lasts until its access token expires.
//!
//! Problems: email-taken, conflict.

use domain::{ConfirmationCode, Viewer, fields};
use edge::{Attempt, Attempted, Call, NoContent, Problem, ProblemKind, Reader};
use table::RateLimit;

use crate::Services;
use crate::shared::change_email::{reserve, take};
use crate::shared::lookup::own_profile;

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

pub async fn confirm_email(
    services: &Services,
    Call { caller: Reader(viewer), input: Attempt(body), now, .. }: Call<Reader, Attempt<Code>>,
) -> Result<NoContent, Problem> {
    let (blog, identity) = (&services.blog, &services.identity);
    let user = own_profile(blog, &viewer).await?;
    let email = identity.confirm_wanted_email(user.id, &body.code).await?;

    // 1. Take the address. If we are stopped anywhere below, the same request goes on from here.
    if let Err(problem) = reserve(services, &user, &email, now).await {
        if problem.kind() == ProblemKind::EMAIL_TAKEN {
            identity.forget_wanted_email(user.id).await?;
        }
        return Err(problem);
    }

    // 2. Make it theirs. What says that the code was right goes last, so that a try which was stopped can be repeated to its end.
    take(services, &viewer, &email, now).await?;
    identity.forget_wanted_email(user.id).await?;
    Ok(NoContent)
}
