//! `GET /me/posts`: List the signed-in user's posts, newest first. Without `status`, all but those in the trash. Editors list those of
//! another author with `author`.
//!
//! Problems: not-found.

use std::sync::Arc;

use domain::{Denied, Limit, Page, Role, Username, fields};
use edge::{Blog, Call, Problem, ProblemKind, Query, Reader};
use schemars::JsonSchema;
use serde::Deserialize;
use table::{Consistency, keys};
use views::PostCard;

fields! {
    pub struct Filters {
        limit: Option<Limit>,
        /// The `next_cursor` of the page before.
        cursor: Option<String>,
        /// Only posts with this status.
        status: Option<StatusFilter>,
        /// Posts of the author with this username instead of one's own; for editors.
        author: Option<Username>,
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StatusFilter {
    Draft,
    Scheduled,
    Published,
    Trashed,
}

pub async fn list_my_posts(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Query(query), now, .. }: Call<Reader, Query<Filters>>,
) -> Result<Page<PostCard>, Problem> {
    let (id, username) = match query.author.filter(|author| *author != viewer.username) {
        None => (viewer.user_id, viewer.username.clone()),
        Some(author) => {
            let holder = blog.table.holder_of_username(&author, now).await?.filter(|holder| !holder.is_reserved());
            let id = holder.map(|holder| holder.user_id);
            // One's own former name is one's own, and so is a new one that the session does not know yet.
            if viewer.role < Role::Editor && id != Some(viewer.user_id) {
                let detail = "Only editors can list the posts of another author here.";
                return Err(Problem::new(ProblemKind::FORBIDDEN, detail));
            }
            let id = id.ok_or(Denied::UserNotFound)?;
            let author = blog.table.user(id, Consistency::Strong).await?.ok_or(Denied::UserNotFound)?;
            (id, author.username)
        }
    };
    let list = match query.status {
        None => keys::own_posts(id),
        Some(StatusFilter::Draft) => keys::drafts(id),
        Some(StatusFilter::Published) => keys::own_published_posts(&username),
        Some(StatusFilter::Trashed) => keys::trash(id),
        Some(StatusFilter::Scheduled) => keys::scheduled_posts(id),
    };
    let limit = query.limit.unwrap_or_default();
    let page = blog.table.posts(&list, query.cursor.as_deref(), limit, Consistency::Strong, now).await?;
    Ok(views::post_cards(&blog.table, page, Some(&viewer)).await?)
}
