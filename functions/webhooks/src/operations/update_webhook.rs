//! `PATCH /webhooks/{id}`: Edit a webhook (JSON merge patch): its address, its events, and whether it is enabled. `If-Match` may name the
//! version that was edited. A webhook that is disabled sends nothing, not even messages that wait for another attempt.
//!
//! Problems: conflict, precondition-failed.

use domain::{AuditAction, AuditEntry, PatchRequired, WebhookEvents, WebhookUrl, fields};
use edge::{Admin, Body, Call, Path, Problem, Versioned};
use table::Refused;

use crate::Services;
use crate::shared::lookup::{self, MAX_TRIES, WebhookPath, contended};
use crate::shared::views::WebhookView;

fields! {
    pub struct EditedWebhook {
        url: PatchRequired<WebhookUrl>,
        events: PatchRequired<WebhookEvents>,
        /// Whether messages are sent.
        enabled: PatchRequired<bool>,
    }
}

pub async fn update_webhook(
    services: &Services,
    call: Call<Admin, (Path<WebhookPath>, Body<EditedWebhook>)>,
) -> Result<Versioned<WebhookView>, Problem> {
    let Call { caller: Admin(viewer), input: (Path(path), Body(fields)), if_match, own_hosts, new_id, now, .. } = call;
    let blog = &services.blog;
    let (url, events, enabled) = (fields.url.set(), fields.events.set(), fields.enabled.set());
    if let Some(url) = &url {
        services.outside.check_reachable(url, &blog.config, &own_hosts).await?;
    }
    let audit = AuditEntry::new(new_id.into(), AuditAction::WebhookUpdated, viewer.user_id, path.id, now);
    for _ in 0..MAX_TRIES {
        let webhook = lookup::webhook(blog, path.id).await?;
        if_match.check(webhook.version)?;
        let edited = webhook.edited(url.clone(), events.clone(), enabled, now);
        let written = match edited == webhook {
            true => Ok(()),
            false => blog.table.update_webhook(&webhook, &edited, Some(&audit)).await,
        };
        match written {
            Ok(()) => return Ok(Versioned { version: edited.version, body: WebhookView::new(edited, now) }),
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(contended())
}
