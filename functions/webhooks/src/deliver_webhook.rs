//! The plug-in that makes one attempt to deliver one message.

use domain::{Delivery, DeliveryAttempt, DeliveryId, DeliveryStatus, Webhook, WebhookId};
use edge::{BusEvent, Problem};
use serde::Deserialize;
use table::Refused;
use url::Url;

use crate::Services;
use crate::shared::secret::Secret;

/// What the template calls it.
pub const NAME: &str = "deliver_webhook";

/// What `publish_events` puts on the bus.
#[derive(Deserialize)]
struct Called {
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
    /// A call that was made again since has another number.
    call: u32,
}

/// Makes an attempt, unless this call is an old one that comes again. Stopped before its outcome is written, it is called once more:
/// receivers get each message at least once.
pub async fn deliver_webhook(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let Called { webhook_id, delivery_id, call } = serde_json::from_value(event.detail).map_err(Problem::internal)?;
    let (blog, table) = (&services.blog, &services.blog.table);
    let delivery = table.delivery(webhook_id, delivery_id, blog.now()).await?;
    let Some(delivery) = delivery.filter(|delivery| delivery.awaits(call)) else { return Ok(()) };
    // What was deleted or disabled sends nothing, not even what was begun before.
    let webhook = table.webhook(webhook_id).await?.filter(|webhook| webhook.enabled);
    let Some(webhook) = webhook else { return update(services, &delivery, &delivery.given_up()).await };

    let attempt = attempt(services, &webhook, &delivery).await?;
    let now = blog.now();
    let gives_up = delivery.after(attempt.clone(), true, now).status == DeliveryStatus::Failed;
    let mut after = webhook.after(&attempt, gives_up, now);
    if after != webhook {
        match table.update_webhook(&webhook, &after, None).await {
            Ok(()) => {}
            // It was edited, so this attempt says nothing of it any more; or deleted, which the next call finds.
            Err(Refused::Changed) => after = webhook,
            Err(error) => return Err(error.into()),
        }
    }
    update(services, &delivery, &delivery.after(attempt, after.enabled, now)).await
}

/// Writes what became of a delivery, unless somebody else was faster: another call of the same attempt, or who sends it anew.
async fn update(services: &Services, old: &Delivery, new: &Delivery) -> Result<(), Problem> {
    match services.blog.table.update_delivery(old, new).await {
        Ok(()) | Err(Refused::Changed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sends the message. An error is one of ours; what the receiver does wrong is an attempt that failed.
async fn attempt(services: &Services, webhook: &Webhook, delivery: &Delivery) -> Result<DeliveryAttempt, Problem> {
    let blog = &services.blog;
    let at = blog.now();
    let key = blog.table.existing_signing_key().await?.ok_or_else(|| Problem::internal("there is no signing key"))?;
    let id = delivery.id.to_string();
    let secrets = webhook.signing_generations(at).map(|generation| Secret::of(key, webhook.id, generation));
    let signatures: Vec<_> = secrets.map(|secret| secret.sign(&id, at.seconds(), &delivery.body)).collect();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", "Broadsheet-Webhooks/1".to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", at.seconds().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let url = Url::parse(webhook.url.as_str()).map_err(Problem::internal)?;
    let answer = match services.outside.check(&url, &blog.config, &[]) {
        Ok(()) => services.outside.post(&url, &headers, delivery.body.clone()).await,
        Err(refusal) => Err(refusal.into()),
    };
    let duration_ms = (blog.now().milliseconds() - at.milliseconds()).unsigned_abs();
    let (status, answer, error) = match answer {
        Ok(answer) => (Some(answer.status), Some(answer.beginning), None),
        Err(error) => (None, None, Some(error.to_string())),
    };
    tracing::info!(status, error, "an attempt to deliver a message");
    Ok(DeliveryAttempt { number: delivery.call, at, duration_ms, status, answer, error })
}
