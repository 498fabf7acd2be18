//! `DELETE /posts/{slug}/comments/{id}`: Delete a comment: one's own or, for editors, anybody's. If it has replies, a placeholder
//! stays in its place.
//!
//! Problems: conflict, gone, precondition-failed.

use std::sync::Arc;

use domain::{AuditAction, AuditEntry};
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::delete_comment::delete;
use crate::shared::lookup::{CommentPath, comment_on_readable_post};

pub async fn delete_comment(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Reader, Path<CommentPath>>,
) -> Result<NoContent, Problem> {
    comment_on_readable_post(blog, &path, Some(&viewer), now).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::CommentDeleted, viewer.user_id, path.id, now);
    delete(blog, path.id, &if_match, &viewer, new_id.into(), &audit, now).await?;
    Ok(NoContent)
}
