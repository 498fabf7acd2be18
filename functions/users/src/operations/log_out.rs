//! `DELETE /sessions`: Log out everywhere. Refresh tokens are revoked at once, access tokens within a minute.

use edge::{Call, NoContent, Problem, Reader};

use crate::Services;
use crate::shared::sessions::end_sessions;

pub async fn log_out(
    services: &Services,
    Call { caller: Reader(viewer), now, .. }: Call<Reader>,
) -> Result<NoContent, Problem> {
    end_sessions(services, viewer.user_id, &viewer.cognito_name, None, now).await?;
    Ok(NoContent)
}
