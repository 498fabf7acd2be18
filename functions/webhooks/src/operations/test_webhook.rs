//! `POST /webhooks/{id}/test`: Send a test message (`webhook.test`) to a webhook, whatever its events are. It is sent after the response
//! and appears among the deliveries.
//!
//! Problems: conflict.

use domain::Delivery;
use edge::{Admin, Call, Json, Path, Problem};
use serde_json::json;

use crate::Services;
use crate::shared::lookup::{self, WebhookPath};
use crate::shared::views::DeliveryView;

/// The type of the message. Nothing of this type happens on the blog, so it is never on the bus.
const TYPE: &str = "webhook.test";

pub async fn test_webhook(
    services: &Services,
    Call { input: Path(path), new_id, now, .. }: Call<Admin, Path<WebhookPath>>,
) -> Result<Json<DeliveryView>, Problem> {
    let blog = &services.blog;
    let webhook = lookup::webhook(blog, path.id).await?;
    webhook.check_enabled()?;
    let envelope = json!({
        "specversion": "1.0",
        "id": new_id,
        "source": format!("urn:broadsheet:{}", blog.config.stack_name),
        "type": TYPE,
        "time": now,
        "datacontenttype": "application/json",
        "data": { "webhook_id": webhook.id },
    });
    let delivery = Delivery::new(new_id.into(), webhook.id, TYPE.to_owned(), envelope.to_string(), now);
    blog.table.queue_delivery(&delivery).await?;
    Ok(Json(delivery.into()))
}
