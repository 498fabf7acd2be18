//! `GET /posts/{slug}/comments`: List the comments of a post: oldest first, each followed by its replies.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::Page;
use edge::{Blog, Call, PageQuery, Path, Problem, Query, Visitor};

use crate::shared::comment_view::CommentView;
use crate::shared::lookup::{PostPath, readable_post};
use crate::shared::thread::comments_of;

pub async fn list_comments(
    blog: &Arc<Blog>,
    call: Call<Visitor, (Path<PostPath>, Query<PageQuery>)>,
) -> Result<Page<CommentView>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let post = readable_post(blog, &path.slug, viewer.as_ref(), now).await?;
    comments_of(blog, &post, viewer.as_ref(), &query).await
}
