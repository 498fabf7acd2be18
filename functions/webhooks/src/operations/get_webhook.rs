//! `GET /webhooks/{id}`: Get a webhook. Its secret is not shown.

use edge::{Admin, Call, Path, Problem, Versioned};

use crate::Services;
use crate::shared::lookup::{self, WebhookPath};
use crate::shared::views::WebhookView;

pub async fn get_webhook(
    services: &Services,
    Call { input: Path(path), now, .. }: Call<Admin, Path<WebhookPath>>,
) -> Result<Versioned<WebhookView>, Problem> {
    let webhook = lookup::webhook(&services.blog, path.id).await?;
    Ok(Versioned { version: webhook.version, body: WebhookView::new(webhook, now) })
}
