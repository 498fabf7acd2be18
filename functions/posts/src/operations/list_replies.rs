//! `GET /posts/{slug}/replies`: List the posts that answer a post, newest first.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::Page;
use edge::{Blog, Call, PageQuery, Path, Problem, Query, Visitor};
use table::keys;
use views::PostCard;

use crate::shared::lookup::PostPath;
use crate::shared::related_posts::related_posts;

pub async fn list_replies(
    blog: &Arc<Blog>,
    call: Call<Visitor, (Path<PostPath>, Query<PageQuery>)>,
) -> Result<Page<PostCard>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    related_posts(blog, &path.slug, keys::replies, viewer.as_ref(), &query, now).await
}
