//! Webhooks and deliveries as the API shows them.

use domain::{
    Delivery, DeliveryAttempt, DeliveryId, DeliveryStatus, DisabledBecause, Timestamp, Webhook, WebhookEvents,
    WebhookId, WebhookUrl,
};
use schemars::JsonSchema;
use serde::Serialize;

/// A webhook.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
pub struct WebhookView {
    id: WebhookId,
    url: WebhookUrl,
    events: WebhookEvents,
    /// Whether messages are sent.
    enabled: bool,
    /// Why the blog disabled it; null if it did not.
    disabled_because: Option<DisabledBecause>,
    /// Since when every attempt fails; null if the last one did not.
    failing_since: Option<Timestamp>,
    /// Until when messages are signed with the former secret too; null if they are not.
    former_secret_until: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
}

impl WebhookView {
    /// What is shown of a webhook.
    pub fn new(webhook: Webhook, now: Timestamp) -> Self {
        Self {
            id: webhook.id,
            former_secret_until: webhook.retired.iter().map(|retired| retired.until).filter(|until| now < *until).max(),
            url: webhook.url,
            events: webhook.events,
            enabled: webhook.enabled,
            disabled_because: webhook.disabled_because,
            failing_since: webhook.failing_since,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
            version: webhook.version,
        }
    }
}

/// A webhook with its secret.
#[derive(Serialize, JsonSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// What receivers verify messages with. It is not shown again.
    pub secret: String,
}

/// A message to a webhook, with what became of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryView {
    /// The id, which the receiver gets as `webhook-id`.
    id: DeliveryId,
    /// The type of the event.
    event: String,
    status: DeliveryStatus,
    /// The attempts, the oldest first; the last 20.
    attempts: Vec<DeliveryAttempt>,
    /// When it is attempted next; null while it is being attempted, and if it is not.
    next_attempt_at: Option<Timestamp>,
    created_at: Timestamp,
    /// When it is forgotten.
    expires_at: Timestamp,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            next_attempt_at: delivery.next_attempt_at(),
            event: delivery.event_type,
            status: delivery.status,
            attempts: delivery.attempts,
            created_at: delivery.created_at,
            expires_at: Timestamp::from_milliseconds(delivery.expires_at * 1000),
        }
    }
}
