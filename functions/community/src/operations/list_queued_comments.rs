//! `GET /moderation/comments`: List the comments that editors should look at, newest first: those that are held or those that
//! were reported.

use std::collections::HashSet;
use std::sync::Arc;

use domain::{Limit, Page, fields};
use edge::{Blog, Call, Editor, Problem, Query};
use table::{Consistency, Queue};

use crate::shared::comment_view::QueuedView;

fields! {
    pub struct QueueQuery {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Which comments: by default those that are held.
        status: Option<Queue>,
    }
}

pub async fn list_queued_comments(
    blog: &Arc<Blog>,
    Call { input: Query(query), .. }: Call<Editor, Query<QueueQuery>>,
) -> Result<Page<QueuedView>, Problem> {
    let (queue, limit) = (query.status.unwrap_or_default(), query.limit.unwrap_or_default());
    let Page { items, next_cursor } = blog.table.moderation_queue(queue, query.cursor.as_deref(), limit).await?;
    let posts: HashSet<_> = items.iter().map(|queued| queued.comment.post).collect();
    // Comments are out of sight while their post is.
    let posts = blog.table.references(posts, Consistency::Strong).await?;
    let items = items.into_iter().filter_map(|queued| {
        let slug = &posts.get(&queued.comment.post)?.slug;
        Some(QueuedView::new(queued, slug))
    });
    Ok(Page { items: items.collect(), next_cursor })
}
