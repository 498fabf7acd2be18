//! `GET /me/posts`: List the signed-in user's posts, newest first. Without `status`, all but those in the trash.

use std::sync::Arc;

use domain::{Limit, Page, fields};
use edge::{Blog, Call, Problem, Query, Reader};
use schemars::JsonSchema;
use serde::Deserialize;
use table::{Consistency, keys};
use views::PostCard;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only posts with this status.
        status: Option<StatusFilter>,
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StatusFilter {
    Draft,
    Scheduled,
    Published,
    Trashed,
}

pub async fn list_my_posts(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), now, .. }: Call<Reader, Query<Filters>>,
) -> Result<Page<PostCard>, Problem> {
    let list = match query.status {
        None => keys::own_posts(viewer.user_id),
        Some(StatusFilter::Draft) => keys::drafts(viewer.user_id),
        Some(StatusFilter::Published) => keys::own_published_posts(&viewer.username),
        Some(StatusFilter::Trashed) => keys::trash(viewer.user_id),
        Some(StatusFilter::Scheduled) => keys::scheduled_posts(viewer.user_id),
    };
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.posts(&list, query.cursor.as_deref(), limit, Consistency::Strong, now).await?;
    Ok(views::post_cards(&blog.table, page, Some(&viewer)).await?)
}
