//! `GET /posts/{slug}/comments/{id}`: Get a comment.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::Denied;
use edge::{Blog, Call, Path, Problem, Versioned, Visitor};

use crate::shared::comment_view::CommentView;
use crate::shared::lookup::{CommentPath, comment_on_readable_post};

pub async fn get_comment(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Path(path), now, .. }: Call<Visitor, Path<CommentPath>>,
) -> Result<Versioned<CommentView>, Problem> {
    let (post, comment) = comment_on_readable_post(blog, &path, viewer.as_ref(), now).await?;
    let comment = comment.seen_by(viewer.as_ref()).ok_or(Denied::CommentNotFound)?;
    Ok(Versioned { version: comment.version, body: CommentView::new(comment, &post.slug) })
}
