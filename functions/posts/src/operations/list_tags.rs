//! `GET /tags`: List the tags of published posts, each with the number of its posts. By default the most used tags come
//! first.

use std::sync::Arc;

use domain::{Limit, Page, Tag, fields};
use edge::{Blog, Call, Problem, Query, Visitor};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, TagOrder};

fields! {
    pub struct Order {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// The order.
        sort: Option<TagOrder>,
    }
}

#[derive(Serialize, JsonSchema)]
pub struct CountedTag {
    #[schemars(with = "Tag")]
    tag: String,
    /// The number of published posts with this tag.
    posts: u64,
}

pub async fn list_tags(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Query(query), .. }: Call<Visitor, Query<Order>>,
) -> Result<Page<CountedTag>, Problem> {
    let (order, limit) = (query.sort.unwrap_or_default(), query.limit.unwrap_or_default());
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let page = blog.table.tags(order, query.cursor.as_deref(), limit, consistency).await?;
    Ok(page.map(|(tag, posts)| CountedTag { tag, posts }))
}
