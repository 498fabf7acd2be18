//! `GET /posts`: published posts, newest first; all, led by the pinned ones, or those of an author, a tag or a kind.

use blog::domain::{PostKind, Tag, Username};
use blog::edge::{Call, Limit, NoFields, Operation, Page, Visitor};
use blog::table::{Consistency, keys};
use blog::{Blog, Error, fields};

use crate::representation::{Card, cards};

pub struct ListPosts;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// Where the page before this one ended: its `next_cursor`.
        cursor: Option<String>,
        /// Only posts of the author with this username.
        author: Option<Username>,
        /// Only posts with this tag. Cannot be combined with another filter.
        tag: Option<Tag>,
        /// Only posts of this kind.
        kind: Option<PostKind>,
    }
}

impl Operation for ListPosts {
    const NAME: &'static str = "list_posts";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = Filters;
    type Body = NoFields;
    type Reply = Page<Card>;

    async fn run(
        blog: &Blog,
        Call { caller: Visitor(viewer), query, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let list = match (query.author, query.kind, query.tag) {
            (None, None, None) => None,
            (Some(author), None, None) => Some(keys::posts_by_author(&author)),
            (Some(author), Some(kind), None) => Some(keys::posts_by_author_of_kind(&author, kind)),
            (None, Some(kind), None) => Some(keys::posts_by_kind(kind)),
            (None, None, Some(tag)) => Some(keys::posts_by_tag(&tag)),
            (_, _, Some(_)) => return Err(Error::field("tag", "cannot be combined with another filter")),
        };
        let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
        let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
        let page = match list {
            Some(list) => blog.table.posts(&list, cursor, limit, consistency, now).await?,
            None => blog.table.front_page(cursor, limit, consistency, now).await?,
        };
        cards(blog, page, viewer.as_ref()).await
    }
}
