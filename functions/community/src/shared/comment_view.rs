//! How comments are shown.

use domain::{Comment, CommentId, CommentStatus, Slug, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use table::Queued;
use views::Author;

/// A comment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Comment")]
#[allow(missing_docs, reason = "the API's document shows what their types say")]
pub struct CommentView {
    pub id: CommentId,
    /// The slug of the post whose thread it is in.
    #[schemars(with = "Slug")]
    pub post: String,
    /// The comment that it answers; null if it answers the post.
    pub parent_id: Option<CommentId>,
    /// Its level in the thread: 1 for a comment that answers the post, 5 at most.
    pub depth: usize,
    pub status: CommentStatus,
    /// Who wrote it. Null if they have left, and in the placeholder of a comment that was deleted or is held.
    pub author: Option<Author>,
    /// The text in Markdown; empty in a placeholder.
    pub body: String,
    /// The text as HTML that is safe to insert into a page; empty in a placeholder.
    pub html: String,
    /// The number of direct replies, placeholders included.
    pub replies: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u64,
}

/// A comment that editors should look at.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueuedComment")]
pub struct QueuedView {
    #[serde(flatten)]
    comment: CommentView,
    /// The number of users who reported it.
    reports: u64,
    /// Why the last of them did.
    reason: Option<String>,
}

impl CommentView {
    /// A comment on the post at this slug, as the caller may see it.
    pub fn new(comment: Comment, post: &Slug) -> Self {
        Self {
            id: comment.id(),
            post: post.to_string(),
            parent_id: comment.path.parent().map(|parent| parent.id()),
            depth: comment.path.depth(),
            status: comment.status,
            author: comment.author.as_ref().map(Author::from),
            body: comment.text.markdown,
            html: comment.text.html,
            replies: comment.replies,
            created_at: comment.created_at,
            updated_at: comment.updated_at,
            version: comment.version,
        }
    }
}

impl QueuedView {
    /// The same, with what was reported of it.
    pub fn new(queued: Queued, post: &Slug) -> Self {
        let Queued { comment, reports, reason } = queued;
        Self { comment: CommentView::new(comment, post), reports, reason }
    }
}
