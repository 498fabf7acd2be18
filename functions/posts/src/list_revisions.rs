//! `GET /posts/{slug}/revisions`: every version that the post had, newest first.

use blog::edge::{Author, Call, Operation, Page, PageQuery};
use blog::{Blog, Error};

use crate::edit::PostPath;
use crate::revision::{RevisionCard, own_post};

pub struct ListRevisions;

impl Operation for ListRevisions {
    const NAME: &'static str = "list_revisions";
    type Caller = Author;
    type Path = PostPath;
    type Query = PageQuery;
    type Body = blog::edge::NoFields;
    type Reply = Page<RevisionCard>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, query, now, .. } = call;
        let post = own_post(blog, path.slug, &viewer, now).await?;
        let limit = query.limit.unwrap_or_default();
        let page = blog.table.revisions(post.id, query.cursor.as_deref(), limit, now).await?;
        Ok(page.map(RevisionCard::from))
    }
}
