//! Finding the webhook and the delivery that a request is about.

use domain::{Delivery, DeliveryId, Denied, Timestamp, Webhook, WebhookId, fields};
use edge::{Blog, Problem};

/// How often an edit begins anew when another was faster.
pub const MAX_TRIES: usize = 5;

fields! {
    /// The path of one webhook.
    pub struct WebhookPath {
        /// The webhook's id.
        id: WebhookId,
    }
}

fields! {
    /// The path of one delivery.
    pub struct DeliveryPath {
        /// The webhook's id.
        id: WebhookId,
        /// The delivery's id.
        delivery_id: DeliveryId,
    }
}

/// The webhook with this id.
pub async fn webhook(blog: &Blog, id: WebhookId) -> Result<Webhook, Problem> {
    Ok(blog.table.webhook(id).await?.ok_or(Denied::WebhookNotFound)?)
}

/// The delivery with this id to a webhook.
pub async fn delivery(blog: &Blog, path: &DeliveryPath, now: Timestamp) -> Result<Delivery, Problem> {
    Ok(blog.table.delivery(path.id, path.delivery_id, now).await?.ok_or(Denied::DeliveryNotFound)?)
}

/// What is said if others were faster again and again.
pub fn contended() -> Problem {
    Problem::conflict("Too many others change this webhook at the moment. Try again.")
}
