//! Lists of posts that are related to one post.

use domain::{Page, PostId, Slug, Timestamp, Viewer};
use edge::{Blog, PageQuery, Problem};
use table::{Consistency, keys};
use views::PostCard;

use crate::shared::lookup::current_post;

/// A page of the list that `list` gives for the post at `slug`, for who may read that post.
pub async fn related_posts(
    blog: &Blog,
    slug: &Slug,
    list: fn(PostId) -> keys::List,
    viewer: Option<&Viewer>,
    query: &PageQuery,
    now: Timestamp,
) -> Result<Page<PostCard>, Problem> {
    let post = current_post(blog, slug, now).await?;
    post.check_readable(viewer)?;
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let page = blog.table.posts(&list(post.id), cursor, limit, Consistency::for_viewer(viewer), now).await?;
    Ok(views::post_cards(&blog.table, page, viewer).await?)
}
