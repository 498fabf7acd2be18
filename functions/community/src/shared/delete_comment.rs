//! How comments are deleted, by whomever.

use domain::{
    About, AuditEntry, Comment, CommentId, CommentStatus, Denied, Notification, NotificationId, Timestamp, Viewer,
};
use edge::{Blog, IfMatch, Problem};
use table::{Consistency, Decided, Refused};

/// The maximum number of tries of a change that loses races; each is made on what is stored then.
pub const MAX_TRIES: usize = 10;

/// Lets a viewer delete the comment with this id if they may, and if it is at the version that the client has seen. If its author is
/// somebody else, they are told by a notification with the id `told`, and `audit` is written. Gives what the comment was, marked as
/// deleted.
pub async fn delete(
    blog: &Blog,
    id: CommentId,
    if_match: &IfMatch,
    viewer: &Viewer,
    told: NotificationId,
    audit: &AuditEntry,
    now: Timestamp,
) -> Result<Comment, Problem> {
    for _ in 0..MAX_TRIES {
        let comment = blog.table.comment(id, Consistency::Strong).await?.ok_or(Denied::CommentNotFound)?;
        comment.check_deletable(viewer)?;
        if_match.check(comment.version)?;
        let left = comment.deleted(now);
        let is_of_other = !comment.is_by(viewer.user_id);
        let told = is_of_other.then(|| {
            let about = About::CommentRejected { post: comment.post, comment: comment.path.clone() };
            Notification::new(told, about, None, now)
        });
        let decided = Decided { told: told.as_ref(), audit: is_of_other.then_some(audit) };
        match blog.table.delete_comment(&comment, left.as_ref(), decided).await {
            Ok(()) => {
                let deleted = Comment { status: CommentStatus::Deleted, ..comment.placeholder() };
                return Ok(left.unwrap_or(deleted));
            }
            Err(Refused::Changed) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Problem::conflict("Too many others change this comment at the moment. Try again."))
}
