//! `POST /webhooks`: Create a webhook: an address that gets a signed message of each event (Standard Webhooks). The response contains the
//! secret that receivers verify messages with; it is not shown again.
//!
//! Problems: conflict.

use domain::{AuditAction, AuditEntry, Webhook, WebhookEvents, WebhookUrl, fields};
use edge::{Admin, Body, Call, Created, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup;
use crate::shared::secret::Secret;
use crate::shared::views::{WebhookView, WebhookWithSecret};

fields! {
    pub struct NewWebhook {
        url: WebhookUrl,
        events: WebhookEvents,
    }
}

pub async fn create_webhook(
    services: &Services,
    Call { caller: Admin(viewer), input: Body(new), own_hosts, new_id, now, .. }: Call<Admin, Body<NewWebhook>>,
) -> Result<Created<WebhookWithSecret>, Problem> {
    let blog = &services.blog;
    services.outside.check_reachable(&new.url, &blog.config, &own_hosts).await?;
    let mut webhook = Webhook::new(new_id.into(), new.url, new.events, now);
    let audit = AuditEntry::new(new_id.into(), AuditAction::WebhookCreated, viewer.user_id, webhook.id, now);
    match blog.table.create_webhook(&webhook, &audit).await {
        Ok(()) => {}
        // By an earlier try of the same request. The secret is the same, because it follows from the id.
        Err(Refused::AlreadyDone) => webhook = lookup::webhook(blog, webhook.id).await?,
        Err(refused) => return Err(refused.into()),
    }
    let secret = Secret::of(blog.table.signing_key().await?, webhook.id, webhook.generation);
    Ok(Created {
        location: Some(format!("/webhooks/{}", webhook.id)),
        version: Some(webhook.version),
        body: WebhookWithSecret { webhook: WebhookView::new(webhook, now), secret: secret.reveal() },
    })
}
