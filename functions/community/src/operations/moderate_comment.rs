//! `PUT /moderation/comments/{id}`: Decide on a comment. To approve it publishes it if it was held, and dismisses its reports;
//! to reject it deletes it. Its author is told.
//!
//! Problems: conflict, precondition-failed.

use std::sync::Arc;

use domain::{About, AuditAction, AuditEntry, Comment, CommentId, Decision, Denied, Notification, Slug, Viewer, fields};
use edge::{Blog, Body, Call, Editor, Json, Path, Problem};
use table::{Consistency, Decided, Refused};

use crate::shared::comment_view::CommentView;
use crate::shared::delete_comment::{MAX_TRIES, delete};
use crate::shared::lookup::slug_of_published;

fields! {
    pub struct QueuedCommentPath {
        /// The comment's id.
        id: CommentId,
    }
}

fields! {
    pub struct Verdict {
        /// What is decided.
        decision: Decision,
    }
}

pub async fn moderate_comment(
    blog: &Arc<Blog>,
    call: Call<Editor, (Path<QueuedCommentPath>, Body<Verdict>)>,
) -> Result<Json<CommentView>, Problem> {
    let Call { caller: Editor(viewer), input: (Path(path), Body(body)), if_match, new_id, now, .. } = call;
    let audit = |action| AuditEntry::new(new_id.into(), action, viewer.user_id, path.id, now);
    let (post, comment) = queued_comment(blog, path.id, &viewer).await?;
    if body.decision == Decision::Reject {
        let audit = audit(AuditAction::CommentRejected);
        let deleted = delete(blog, path.id, &if_match, &viewer, new_id.into(), &audit, now).await?;
        return Ok(Json(CommentView::new(deleted, &post)));
    }
    let audit = audit(AuditAction::CommentApproved);
    let mut comment = comment;
    for _ in 0..MAX_TRIES {
        if_match.check(comment.version)?;
        if comment.is_published() {
            blog.table.dismiss_reports(path.id, &audit).await?;
            return Ok(Json(CommentView::new(comment, &post)));
        }
        let approved = comment.approved();
        let told = (!comment.is_by(viewer.user_id)).then(|| {
            let about = About::CommentApproved { post: comment.post, comment: comment.path.clone() };
            Notification::new(new_id.into(), about, None, now)
        });
        let decided = Decided { told: told.as_ref(), audit: Some(&audit) };
        match blog.table.approve_comment(&comment, &approved, decided).await {
            Ok(()) => return Ok(Json(CommentView::new(approved, &post))),
            Err(Refused::Changed) => comment = queued_comment(blog, path.id, &viewer).await?.1,
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Too many others change this comment at the moment. Try again."))
}

/// The comment that is decided on, with the slug of its post. One that was deleted has been decided on.
async fn queued_comment(blog: &Blog, id: CommentId, viewer: &Viewer) -> Result<(Slug, Comment), Problem> {
    let comment = blog.table.comment(id, Consistency::Strong).await?.ok_or(Denied::CommentNotFound)?;
    comment.check_deletable(viewer)?;
    let slug = slug_of_published(blog, comment.post).await?.ok_or(Denied::CommentNotFound)?;
    Ok((slug, comment))
}
