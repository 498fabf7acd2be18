//! `GET /posts/{slug}`: Get a post. As JSON or, with `Accept: text/markdown`, as the Markdown that it was written in. A
//! former slug redirects to the current one.
//!
//! Problems: gone.

use std::sync::Arc;

use domain::{Denied, fields};
use edge::{Blog, Call, Document, MovedOr, Path, Problem, Query, Visitor};
use table::{Consistency, Slot};
use views::PostView;

use crate::shared::lookup::{PostPath, current_post};
use crate::shared::preview::opens;

fields! {
    pub struct Preview {
        /// The token of a preview link, which shows the post although it is not published.
        preview: Option<String>,
    }
}

pub async fn get_post(
    blog: &Arc<Blog>,
    call: Call<Visitor, (Path<PostPath>, Query<Preview>)>,
) -> Result<MovedOr<Document<PostView>>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let moved = match blog.table.slot_with_text(&path.slug, consistency, now).await? {
        None => return Err(Denied::PostNotFound.into()),
        Some(Slot::Post((post, text))) => match views::original_slug(&blog.table, &post, consistency).await? {
            None => {
                let shown_by_link = opens(blog, query.preview.as_deref(), &post, now).await?;
                if !shown_by_link {
                    post.check_readable(viewer.as_ref())?;
                }
                let (version, private) = (post.version, shown_by_link && !post.is_published());
                let markdown = text.markdown.clone();
                let body = views::post_view(&blog.table, post, text, viewer.as_ref()).await?;
                return Ok(MovedOr::Here(Document { version, body, markdown, private }));
            }
            Some(original) => format!("/posts/{original}"),
        },
        Some(Slot::Moved(_)) => {
            let post = current_post(blog, &path.slug, now).await?;
            // Only a token that opens the post is passed on: one that we made can stand in a header as it is.
            let token = if opens(blog, query.preview.as_deref(), &post, now).await? { query.preview } else { None };
            match token {
                Some(token) => format!("/posts/{}?preview={token}", post.slug),
                None => {
                    post.check_readable(viewer.as_ref())?;
                    format!("/posts/{}", post.slug)
                }
            }
        }
    };
    Ok(MovedOr::Moved(moved))
}
