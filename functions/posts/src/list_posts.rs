//! `GET /posts`: published posts, newest first; all, an author's or a tag's.

use blog::domain::{Tag, Username};
use blog::edge::{Call, Limit, NoFields, Operation, Page, Visitor};
use blog::table::{Consistency, keys};
use blog::{Blog, Error, fields};

use crate::representation::Card;

pub struct ListPosts;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        cursor: Option<String>,
        author: Option<Username>,
        tag: Option<Tag>,
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
        let list = match (query.author, query.tag) {
            (None, None) => keys::latest(),
            (Some(author), None) => keys::posts_by_author(&author),
            (None, Some(tag)) => keys::posts_by_tag(&tag),
            (Some(_), Some(_)) => return Err(Error::field("tag", "cannot be combined with author")),
        };
        let signed_in = viewer.is_some();
        let consistency = if signed_in { Consistency::Strong } else { Consistency::Eventual };
        let limit = query.limit.unwrap_or_default();
        let page = blog.table.posts(&list, query.cursor.as_deref(), limit, consistency, now).await?;
        Ok(page.map(|post| Card::new(post, signed_in)))
    }
}
