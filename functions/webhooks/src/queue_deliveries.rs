//! The plug-in that writes a delivery of each event for each webhook that wants it. Switched on by the parameter `Webhooks`.

use aws_lc_rs::digest;
use domain::{Delivery, DeliveryId, Timestamp, WebhookId};
use edge::{BusEvent, Problem};
use serde::Deserialize;
use table::Refused;
use ulid::Ulid;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "queue_deliveries";

/// What of an envelope tells an event from others.
#[derive(Deserialize)]
struct Envelope {
    id: String,
    time: Timestamp,
}

/// Writes the deliveries. An event that comes again finds its own written, because their ids follow from it. One that cannot be written
/// keeps no other back.
pub async fn queue_deliveries(services: &Services, event: BusEvent) -> Result<(), Problem> {
    let table = &services.blog.table;
    let Envelope { id, time } = Deserialize::deserialize(&event.detail).map_err(Problem::internal)?;
    let body = event.detail.to_string();
    let mut failure = None;
    for webhook in table.all_webhooks().await? {
        if !webhook.enabled || !webhook.events.contain(&event.detail_type) {
            continue;
        }
        let delivery = delivery_id(webhook.id, &id, time);
        let (kind, now) = (event.detail_type.clone(), services.blog.now());
        match table.queue_delivery(&Delivery::new(delivery, webhook.id, kind, body.clone(), now)).await {
            Ok(()) | Err(Refused::AlreadyDone) => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// The id of the delivery of an event to a webhook: the same whenever the event comes, sorting by the time of the event.
fn delivery_id(webhook: WebhookId, event: &str, time: Timestamp) -> DeliveryId {
    let hash = digest::digest(&digest::SHA256, format!("{webhook}#{event}").as_bytes());
    // A ULID takes 80 bits.
    let bits = hash.as_ref().iter().take(10).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    Ulid::from_parts(time.milliseconds().unsigned_abs(), bits).into()
}
