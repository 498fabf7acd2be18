//! `GET /me/bookmarks`: List the posts that the signed-in user bookmarked, the last one first. Of a post that is gone the id is
//! shown.

use std::sync::Arc;

use domain::Page;
use edge::{Blog, Call, PageQuery, Problem, Query, Reader};
use views::BookmarkView;

pub async fn list_bookmarks(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), .. }: Call<Reader, Query<PageQuery>>,
) -> Result<Page<BookmarkView>, Problem> {
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.bookmarks(viewer.user_id, query.cursor.as_deref(), limit).await?;
    Ok(views::bookmarks(&blog.table, page, &viewer).await?)
}
