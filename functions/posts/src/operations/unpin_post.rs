//! `DELETE /posts/{slug}/pin`: Unpin a post.
//!
//! Problems: gone, conflict.

use std::sync::Arc;

use domain::{AuditAction, AuditEntry, Post};
use edge::{Blog, Call, Editor, NoContent, Path, Problem};

use crate::shared::edit_post::amend_post;
use crate::shared::lookup::PostPath;

pub async fn unpin_post(
    blog: &Arc<Blog>,
    Call { caller: Editor(viewer), input: Path(path), new_id, now, .. }: Call<Editor, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let unpin = |post: &mut Post| {
        post.pinned_at = None;
        Ok(())
    };
    let audit =
        |post: &Post| Some(AuditEntry::new(new_id.into(), AuditAction::PostUnpinned, viewer.user_id, post.id, now));
    amend_post(blog, &path.slug, &viewer, now, audit, unpin).await?;
    Ok(NoContent)
}
