//! `PUT /posts/{slug}/pin`: Pin a post. Pinned posts come first in `GET /posts`, in the order in which they were pinned;
//! ten at most.
//!
//! Problems: gone, conflict.

use std::sync::Arc;

use domain::{AuditAction, AuditEntry, Denied, Post};
use edge::{Blog, Call, Editor, NoContent, Path, Problem};

use crate::shared::edit_post::amend_post;
use crate::shared::lookup::PostPath;

pub async fn pin_post(
    blog: &Arc<Blog>,
    Call { caller: Editor(viewer), input: Path(path), new_id, now, .. }: Call<Editor, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let pin = |post: &mut Post| {
        if !post.is_published() {
            return Err(Denied::NotPublished);
        }
        post.pinned_at = post.pinned_at.or(Some(now));
        Ok(())
    };
    let audit =
        |post: &Post| Some(AuditEntry::new(new_id.into(), AuditAction::PostPinned, viewer.user_id, post.id, now));
    amend_post(blog, &path.slug, &viewer, now, audit, pin).await?;
    Ok(NoContent)
}
