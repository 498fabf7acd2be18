//! `GET /posts/{slug}/comments`: List the comments of a post: oldest first, each followed by its replies.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::{Page, Role};
use edge::{Blog, Call, PageQuery, Path, Problem, Query, Visitor};
use table::{Consistency, HeldComments};

use crate::shared::comment_view::CommentView;
use crate::shared::lookup::{PostPath, readable_post};

pub async fn list_comments(
    blog: &Arc<Blog>,
    call: Call<Visitor, (Path<PostPath>, Query<PageQuery>)>,
) -> Result<Page<CommentView>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let post = readable_post(blog, &path.slug, viewer.as_ref(), now).await?;
    let held = match &viewer {
        None => HeldComments::None,
        Some(viewer) if viewer.role >= Role::Editor => HeldComments::All,
        Some(viewer) => HeldComments::By(viewer.user_id),
    };
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let Page { items, next_cursor } = blog.table.comments(post.id, held, cursor, limit, consistency).await?;
    // A held comment that nobody answered shows to others not even its place, so a page may be shorter than its limit.
    let seen = items.into_iter().filter_map(|comment| comment.seen_by(viewer.as_ref()));
    Ok(Page { items: seen.map(|comment| CommentView::new(comment, &post.slug)).collect(), next_cursor })
}
