//! The comments of a post.

use domain::{Page, Post, Role, Viewer};
use edge::{Blog, PageQuery, Problem};
use table::{Consistency, HeldComments};

use crate::shared::comment_view::CommentView;

/// A page of the comments of a post that this viewer may read: oldest first, each followed by its replies.
pub async fn comments_of(
    blog: &Blog,
    post: &Post,
    viewer: Option<&Viewer>,
    query: &PageQuery,
) -> Result<Page<CommentView>, Problem> {
    let held = match viewer {
        None => HeldComments::None,
        Some(viewer) if viewer.role >= Role::Editor => HeldComments::All,
        Some(viewer) => HeldComments::By(viewer.user_id),
    };
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let consistency = Consistency::for_viewer(viewer);
    let Page { items, next_cursor } = blog.table.comments(post.id, held, cursor, limit, consistency).await?;
    // A held comment that nobody answered shows to others not even its place, so a page may be shorter than its limit.
    let seen = items.into_iter().filter_map(|comment| comment.seen_by(viewer));
    Ok(Page { items: seen.map(|comment| CommentView::new(comment, &post.slug)).collect(), next_cursor })
}
