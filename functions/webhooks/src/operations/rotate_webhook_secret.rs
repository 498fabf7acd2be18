//! `POST /webhooks/{id}/secret`: Replace the secret of a webhook. For a day, messages are signed with the former secret too. The new
//! secret is not shown again. `If-Match` may name the version of the webhook.
//!
//! Problems: conflict, precondition-failed.

use domain::{AuditAction, AuditEntry};
use edge::{Admin, Call, Json, Path, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup::{self, MAX_TRIES, WebhookPath, contended};
use crate::shared::secret::Secret;
use crate::shared::views::{WebhookView, WebhookWithSecret};

pub async fn rotate_webhook_secret(
    services: &Services,
    Call { caller: Admin(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Admin, Path<WebhookPath>>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let table = &services.blog.table;
    let audit = AuditEntry::new(new_id.into(), AuditAction::WebhookSecretRotated, viewer.user_id, path.id, now);
    for _ in 0..MAX_TRIES {
        let webhook = lookup::webhook(&services.blog, path.id).await?;
        if_match.check(webhook.version)?;
        let rotated = webhook.rotated(now)?;
        match table.update_webhook(&webhook, &rotated, Some(&audit)).await {
            Ok(()) => {
                let secret = Secret::of(table.signing_key().await?, rotated.id, rotated.generation).reveal();
                return Ok(Json(WebhookWithSecret { webhook: WebhookView::new(rotated, now), secret }));
            }
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(contended())
}
