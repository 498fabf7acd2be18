//! `GET /webhooks`: List all webhooks, newest first.

use domain::Page;
use edge::{Admin, Call, PageQuery, Problem, Query};

use crate::Services;
use crate::shared::views::WebhookView;

pub async fn list_webhooks(
    services: &Services,
    Call { input: Query(query), now, .. }: Call<Admin, Query<PageQuery>>,
) -> Result<Page<WebhookView>, Problem> {
    let limit = query.limit.unwrap_or_default();
    let page = services.blog.table.webhooks(query.cursor.as_deref(), limit).await?;
    Ok(page.map(|webhook| WebhookView::new(webhook, now)))
}
