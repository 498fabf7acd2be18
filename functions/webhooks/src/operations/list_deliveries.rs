//! `GET /webhooks/{id}/deliveries`: List the messages to a webhook with their attempts, newest first. They are kept for 30 days.

use domain::Page;
use edge::{Admin, Call, PageQuery, Path, Problem, Query};

use crate::Services;
use crate::shared::lookup::{self, WebhookPath};
use crate::shared::views::DeliveryView;

pub async fn list_deliveries(
    services: &Services,
    Call { input: (Path(path), Query(query)), now, .. }: Call<Admin, (Path<WebhookPath>, Query<PageQuery>)>,
) -> Result<Page<DeliveryView>, Problem> {
    let webhook = lookup::webhook(&services.blog, path.id).await?;
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let page = services.blog.table.deliveries(webhook.id, cursor, limit, now).await?;
    Ok(page.map(DeliveryView::from))
}
