//! `DELETE /sessions`: Log out everywhere. Refresh tokens are revoked at once, access tokens within a minute.

use edge::{Call, NoContent, Problem, Reader, SessionCookie, WithSessionCookie};

use crate::Services;
use crate::shared::sessions::end_sessions;

pub async fn log_out(
    services: &Services,
    Call { caller: Reader(viewer), browser, now, .. }: Call<Reader>,
) -> Result<WithSessionCookie<NoContent>, Problem> {
    end_sessions(services, viewer.user_id, &viewer.cognito_name, None, now).await?;
    let cookie = browser.refresh_token().map(|_| SessionCookie::Forget);
    Ok(WithSessionCookie(NoContent, cookie))
}
