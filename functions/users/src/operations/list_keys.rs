//! `GET /me/keys`: List the signed-in user's API keys, newest first, without the keys themselves.

use domain::Page;
use edge::{Call, PageQuery, Problem, Query, Reader};

use crate::Services;
use crate::shared::key_view::KeyView;

pub async fn list_keys(
    services: &Services,
    Call { caller: Reader(viewer), input: Query(query), .. }: Call<Reader, Query<PageQuery>>,
) -> Result<Page<KeyView>, Problem> {
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let page = services.blog.table.keys_of(viewer.user_id, cursor, limit).await?;
    Ok(page.map(|(key, last_used_on)| KeyView::new(key, last_used_on)))
}
