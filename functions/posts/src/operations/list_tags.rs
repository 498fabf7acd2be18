//! `GET /tags`: List the tags of published posts, each with the number of its posts. By default the most used tags come
//! first.

use std::sync::Arc;

use domain::{Limit, Page, Tag, fields};
use edge::{Blog, Call, Problem, Query, Visitor};
use schemars::JsonSchema;
use serde::Serialize;
use table::{Consistency, TagOrder};

fields! {
    /// The query of the list: in which order.
    pub struct Order {
        /// The maximum number of items on the page.
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// The order.
        sort: Option<TagOrder>,
    }
}

/// A tag, with the number of its posts.
#[derive(Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the API's document shows what its type says")]
pub struct CountedTag {
    #[schemars(with = "Tag")]
    pub tag: String,
    /// The number of published posts with this tag.
    pub posts: u64,
}

/// A page of the list.
pub async fn list_tags(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Query(query), .. }: Call<Visitor, Query<Order>>,
) -> Result<Page<CountedTag>, Problem> {
    let (order, limit) = (query.sort.unwrap_or_default(), query.limit.unwrap_or_default());
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let page = blog.table.tags(order, query.cursor.as_deref(), limit, consistency, blog.now()).await?;
    Ok(page.map(|(tag, posts)| CountedTag { tag, posts }))
}
