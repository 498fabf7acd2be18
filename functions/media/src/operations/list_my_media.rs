//! `GET /me/media`: List the signed-in user's pictures, newest first. With `unused=true`, a page may have fewer than `limit`.

use std::collections::HashSet;

use domain::{Limit, Page, fields};
use edge::{Author, Call, Problem, Query, media_root};
use schemars::JsonSchema;
use serde::Deserialize;
use views::MediaView;

use crate::Services;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only pictures that none of the user's posts shows.
        unused: Option<Unused>,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Unused {
    True,
    False,
}

pub async fn list_my_media(
    services: &Services,
    Call { caller: Author(viewer), input: Query(query), base_url, now, .. }: Call<Author, Query<Filters>>,
) -> Result<Page<MediaView>, Problem> {
    let table = &services.blog.table;
    let limit = query.limit.unwrap_or_default();
    let mut page = table.media_of(viewer.user_id, query.cursor.as_deref(), limit, now).await?;
    if query.unused == Some(Unused::True) {
        let shown = match (page.items.last(), page.items.first()) {
            (Some(oldest), Some(newest)) => table.shown_media(viewer.user_id, oldest.id, newest.id).await?,
            _ => HashSet::new(),
        };
        page.items.retain(|media| !shown.contains(&media.id));
    }
    let root = media_root(&services.blog.config, &base_url);
    Ok(page.map(|media| MediaView::new(media, &root, Some(&viewer))))
}
