//! The lists of posts that have to do with one post.

use blog::clock::Timestamp;
use blog::domain::{PostId, Slug, Viewer};
use blog::edge::{Page, PageQuery};
use blog::table::{Consistency, keys};
use blog::{Blog, Error};

use crate::edit::current_post;
use crate::representation::{Card, cards};

/// A page of the list that `list` gives for the post at `slug`, for who may read that post.
pub async fn others(
    blog: &Blog,
    slug: Slug,
    list: fn(PostId) -> keys::List,
    viewer: Option<Viewer>,
    query: PageQuery,
    now: Timestamp,
) -> Result<Page<Card>, Error> {
    let post = current_post(blog, slug, now).await?;
    post.check_readable(viewer.as_ref())?;
    let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let page = blog.table.posts(&list(post.id), cursor, limit, consistency, now).await?;
    cards(blog, page, viewer.as_ref()).await
}
