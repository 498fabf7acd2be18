//! `GET /posts`: List published posts, newest first. Without a filter, pinned posts come first. The filters are an author,
//! a kind, an author and a kind, or a tag. A former username redirects to the current one for 90 days.

use std::sync::Arc;

use domain::{Limit, Page, PostKind, Tag, Timestamp, Username, fields};
use edge::{Blog, Call, MovedOr, Problem, Query, Visitor};
use table::{Consistency, keys};
use views::PostCard;

fields! {
    /// The query of the list: which posts.
    pub struct Filters {
        /// The maximum number of items on the page.
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only posts of the author with this username.
        author: Option<Username>,
        /// Only posts with this tag. Cannot be combined with another filter.
        tag: Option<Tag>,
        /// Only posts of this kind.
        kind: Option<PostKind>,
    }
}

/// A page of the list, or where that of a former username is.
pub async fn list_posts(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Query(query), now, .. }: Call<Visitor, Query<Filters>>,
) -> Result<MovedOr<Page<PostCard>>, Problem> {
    let list = match (query.author.as_ref(), query.kind, query.tag.as_ref()) {
        (None, None, None) => None,
        (Some(author), None, None) => Some(keys::posts_by_author(author)),
        (Some(author), Some(kind), None) => Some(keys::posts_by_author_of_kind(author, kind)),
        (None, Some(kind), None) => Some(keys::posts_by_kind(kind)),
        (None, None, Some(tag)) => Some(keys::posts_by_tag(tag)),
        (_, _, Some(_)) => return Err(Problem::field("tag", "cannot be combined with another filter")),
    };
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let page = match list {
        Some(list) => blog.table.posts(&list, cursor, limit, consistency, now).await?,
        None => blog.table.front_page(cursor, limit, consistency).await?,
    };
    // A former name has no posts, so that only who finds none pays for the look-up.
    if let Some(author) = &query.author
        && page.items.is_empty()
        && let Some(name) = current_name(blog, author, now).await?
    {
        let kind = query.kind.map(|kind| format!("&kind={kind}")).unwrap_or_default();
        let limit = query.limit.map(|limit| format!("&limit={}", limit.get())).unwrap_or_default();
        return Ok(MovedOr::Moved(format!("/posts?author={name}{kind}{limit}")));
    }
    Ok(MovedOr::Here(views::post_cards(&blog.table, page, viewer.as_ref()).await?))
}

/// The name that the user has now who had this one before.
async fn current_name(blog: &Blog, former: &Username, now: Timestamp) -> Result<Option<Username>, Problem> {
    let Some(holder) = blog.table.holder_of_username(former, now).await? else { return Ok(None) };
    let user = blog.table.user(holder.user_id, Consistency::Eventual).await?;
    Ok(user.filter(|user| user.is_public() && user.username != *former).map(|user| user.username))
}
