//! `GET /me/notifications`: List the notifications of the signed-in user, newest first: comments on their posts, replies,
//! quotes, reposts, reactions, follows, and decisions of editors on their comments. What was withdrawn is left out. They are kept
//! for 90 days.

use std::sync::Arc;

use edge::{Blog, Call, PageQuery, PageWith, Problem, Query, Reader};
use schemars::JsonSchema;
use serde::Serialize;
use table::Consistency;

use crate::shared::notification_view::NotificationView;

#[derive(Serialize, JsonSchema)]
pub struct Unread {
    /// The number of all notifications of the user that are not marked as read. 100 means a hundred or more.
    #[schemars(range(max = 100))]
    unread: usize,
}

pub async fn list_notifications(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), now, .. }: Call<Reader, Query<PageQuery>>,
) -> Result<PageWith<NotificationView, Unread>, Problem> {
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let consistency = Consistency::for_viewer(Some(&viewer));
    let found = blog.table.notifications(viewer.user_id, cursor, limit, consistency, now).await?;
    Ok(PageWith { page: found.page.map(NotificationView::new), more: Unread { unread: found.unread } })
}
