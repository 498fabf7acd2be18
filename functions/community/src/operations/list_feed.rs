//! `GET /me/feed`: List the home feed of the signed-in user: posts and reposts of the users whom they follow, posts of the tags that
//! they follow, and their own, newest first and each once. A page may be shorter than its limit and have a next one.

use std::sync::Arc;

use domain::Page;
use edge::{Blog, Call, PageQuery, Problem, Query, Reader};
use views::PostCard;

pub async fn list_feed(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), .. }: Call<Reader, Query<PageQuery>>,
) -> Result<Page<PostCard>, Problem> {
    let page = blog.table.home_feed(&viewer, query.cursor.as_deref(), query.limit.unwrap_or_default()).await?;
    Ok(views::post_cards(&blog.table, page, Some(&viewer)).await?)
}
