//! `GET /tags`: all tags that published posts have, with how many do; the most used first, or by name.

use blog::domain::Tag;
use blog::edge::{Call, Limit, NoFields, Operation, Page, Visitor};
use blog::table::{Consistency, TagOrder};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Serialize;

pub struct ListTags;

fields! {
    pub struct Order {
        limit: Option<Limit>,
        /// Where the page before this one ended: its `next_cursor`.
        cursor: Option<String>,
        /// The order.
        sort: Option<TagOrder>,
    }
}

#[derive(Serialize, JsonSchema)]
pub struct CountedTag {
    #[schemars(with = "Tag")]
    tag: String,
    /// How many published posts have it.
    posts: u64,
}

impl Operation for ListTags {
    const NAME: &'static str = "list_tags";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = Order;
    type Body = NoFields;
    type Reply = Page<CountedTag>;

    async fn run(blog: &Blog, Call { caller: Visitor(viewer), query, .. }: Call<Self>) -> Result<Self::Reply, Error> {
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        let (order, limit) = (query.sort.unwrap_or_default(), query.limit.unwrap_or_default());
        let page = blog.table.tags(order, query.cursor.as_deref(), limit, consistency).await?;
        Ok(page.map(|(tag, posts)| CountedTag { tag, posts }))
    }
}
