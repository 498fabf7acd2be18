//! `GET /me/tags`: List the tags that the signed-in user follows, by name.

use std::sync::Arc;

use domain::{Page, Tag, TagFollow, Timestamp};
use edge::{Blog, Call, PageQuery, Problem, Query, Reader};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
pub struct FollowedTag {
    #[schemars(with = "Tag")]
    tag: String,
    /// Since when the user follows it.
    followed_at: Timestamp,
}

pub async fn list_followed_tags(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), .. }: Call<Reader, Query<PageQuery>>,
) -> Result<Page<FollowedTag>, Problem> {
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.followed_tags(viewer.user_id, query.cursor.as_deref(), limit).await?;
    Ok(page.map(|TagFollow { tag, followed_at }| FollowedTag { tag: tag.into(), followed_at }))
}
