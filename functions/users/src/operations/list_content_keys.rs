//! `GET /admin/content-keys`: List the keys of Ghost's Content API, newest first.

use domain::Page;
use edge::{Admin, Call, PageQuery, Problem, Query};

use crate::Services;
use crate::shared::content_key_view::ContentKeyView;

pub async fn list_content_keys(
    services: &Services,
    Call { input: Query(query), .. }: Call<Admin, Query<PageQuery>>,
) -> Result<Page<ContentKeyView>, Problem> {
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    Ok(services.blog.table.content_keys(cursor, limit).await?.map(ContentKeyView::new))
}
