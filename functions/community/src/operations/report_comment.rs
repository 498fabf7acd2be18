//! `POST /posts/{slug}/comments/{id}/report`: Report a comment to the editors. Each user reports a comment once; repeating it
//! changes nothing.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::{CommentReport, Denied, Reason, fields};
use edge::{Accepted, Blog, Body, Call, Path, Problem, Reader};
use table::Refused;

use crate::shared::lookup::{CommentPath, comment_on_readable_post};

fields! {
    pub struct Report {
        /// What is wrong with the comment.
        reason: Reason,
    }
}

pub async fn report_comment(
    blog: &Arc<Blog>,
    call: Call<Reader, (Path<CommentPath>, Body<Report>)>,
) -> Result<Accepted, Problem> {
    let Call { caller: Reader(viewer), input: (Path(path), Body(body)), now, .. } = call;
    let (post, comment) = comment_on_readable_post(blog, &path, Some(&viewer), now).await?;
    // What waits for an editor has one's attention.
    if !comment.is_published() {
        let seen = comment.seen_by(Some(&viewer)).filter(|comment| !comment.text.markdown.is_empty());
        return seen.map(|_| Accepted).ok_or_else(|| Denied::CommentNotFound.into());
    }
    let report =
        CommentReport { comment: path.id, post: post.id, reason: body.reason.into(), reported_at: now };
    match blog.table.report_comment(viewer.user_id, &comment, &report).await {
        Ok(()) | Err(Refused::AlreadyReported) => Ok(Accepted),
        Err(refused) => Err(refused.into()),
    }
}
