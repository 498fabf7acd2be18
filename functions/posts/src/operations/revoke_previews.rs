//! `DELETE /posts/{slug}/preview`: Revoke all preview links of a post.
//!
//! Problems: gone, conflict.

use std::sync::Arc;

use domain::{AuditAction, AuditEntry, Post};
use edge::{Author, Blog, Call, NoContent, Path, Problem};

use crate::shared::edit_post::amend_post;
use crate::shared::lookup::PostPath;

pub async fn revoke_previews(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), new_id, now, .. }: Call<Author, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let revoke = |post: &mut Post| {
        post.preview_epoch += 1;
        Ok(())
    };
    let audit = |post: &Post| {
        let entry = AuditEntry::new(new_id.into(), AuditAction::PreviewsRevoked, viewer.user_id, post.id, now);
        (post.author.id != viewer.user_id).then_some(entry)
    };
    amend_post(blog, &path.slug, &viewer, now, audit, revoke).await?;
    Ok(NoContent)
}
