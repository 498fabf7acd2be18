//! How comments are deleted, by whomever.

use domain::{Comment, CommentId, CommentStatus, Denied, Timestamp};
use edge::{Blog, IfMatch, Problem};
use table::{Consistency, Refused};

/// The maximum number of tries of a change that loses races; each is made on what is stored then.
pub const MAX_TRIES: usize = 10;

/// Deletes the comment with this id if `check` lets it, and if it is at the version that the client has seen. Gives what it
/// was, marked as deleted.
pub async fn delete(
    blog: &Blog,
    id: CommentId,
    if_match: &IfMatch,
    check: impl Fn(&Comment) -> Result<(), Denied>,
    now: Timestamp,
) -> Result<Comment, Problem> {
    for _ in 0..MAX_TRIES {
        let comment = blog.table.comment(id, Consistency::Strong).await?.ok_or(Denied::CommentNotFound)?;
        check(&comment)?;
        if_match.check(comment.version)?;
        let left = comment.deleted(now);
        match blog.table.delete_comment(&comment, left.as_ref()).await {
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
