//! `GET /me/posts`: one's own posts, newest first; all but the trash, or those of one status.

use blog::edge::{Call, Limit, NoFields, Operation, Page, Reader};
use blog::table::{Consistency, keys};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::representation::{Card, cards};

pub struct ListMyPosts;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// Where the page before this one ended: its `next_cursor`.
        cursor: Option<String>,
        /// Only posts that stand so; all but the trash without it.
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

impl Operation for ListMyPosts {
    const NAME: &'static str = "list_my_posts";
    type Caller = Reader;
    type Path = NoFields;
    type Query = Filters;
    type Body = NoFields;
    type Reply = Page<Card>;

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), query, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let list = match query.status {
            None => keys::own_posts(viewer.user_id),
            Some(StatusFilter::Draft) => keys::drafts(viewer.user_id),
            Some(StatusFilter::Published) => keys::posts_by_author(&viewer.username),
            Some(StatusFilter::Trashed) => keys::trash(viewer.user_id),
            Some(StatusFilter::Scheduled) => keys::scheduled_posts(viewer.user_id),
        };
        let limit = query.limit.unwrap_or_default();
        let page = blog.table.posts(&list, query.cursor.as_deref(), limit, Consistency::Strong, now).await?;
        cards(blog, page, Some(&viewer)).await
    }
}
