//! `DELETE /webhooks/{id}`: Delete a webhook. Nothing is sent to it any more, not even messages that wait for another attempt. `If-Match`
//! may name the version to delete.
//!
//! Problems: conflict, precondition-failed.

use domain::{AuditAction, AuditEntry};
use edge::{Admin, Call, NoContent, Path, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup::{self, MAX_TRIES, WebhookPath, contended};

pub async fn delete_webhook(
    services: &Services,
    Call { caller: Admin(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Admin, Path<WebhookPath>>,
) -> Result<NoContent, Problem> {
    let audit = AuditEntry::new(new_id.into(), AuditAction::WebhookDeleted, viewer.user_id, path.id, now);
    for _ in 0..MAX_TRIES {
        let webhook = lookup::webhook(&services.blog, path.id).await?;
        if_match.check(webhook.version)?;
        match services.blog.table.delete_webhook(&webhook, &audit).await {
            Ok(()) => return Ok(NoContent),
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(contended())
}
