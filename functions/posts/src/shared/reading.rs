//! Reading a post as whoever has its address may.

use domain::{Denied, Post, PostText, Slug, Timestamp, Viewer};
use edge::{Blog, MovedOr, Problem};
use table::{Consistency, Slot};

use crate::shared::lookup::current_post;
use crate::shared::preview::opens;

/// A post that was read.
pub struct ReadPost {
    /// The post.
    pub post: Post,
    /// Its text.
    pub text: PostText,
    /// Whether only a preview link shows it, so that no cache may keep it.
    pub is_private: bool,
}

/// The post at a slug, if this viewer may read it or the token of a preview link shows it; or the path of where it is now, from a former
/// slug and from a repost.
pub async fn read_post(
    blog: &Blog,
    slug: &Slug,
    preview: Option<String>,
    viewer: Option<&Viewer>,
    now: Timestamp,
) -> Result<MovedOr<ReadPost>, Problem> {
    let consistency = Consistency::for_viewer(viewer);
    let moved = match blog.table.slot_with_text(slug, consistency, now).await? {
        None => return Err(Denied::PostNotFound.into()),
        Some(Slot::Post((post, text))) => match views::original_slug(&blog.table, &post, consistency).await? {
            None => {
                let shown_by_link = opens(blog, preview.as_deref(), &post, now).await?;
                if !shown_by_link {
                    post.check_readable(viewer)?;
                }
                let is_private = shown_by_link && !post.is_published();
                return Ok(MovedOr::Here(ReadPost { post, text, is_private }));
            }
            Some(original) => format!("/posts/{original}"),
        },
        Some(Slot::Moved(_)) => {
            let post = current_post(blog, slug, now).await?;
            // Only a token that opens the post is passed on: one that we made can stand in a header as it is.
            let token = if opens(blog, preview.as_deref(), &post, now).await? { preview } else { None };
            match token {
                Some(token) => format!("/posts/{}?preview={token}", post.slug),
                None => {
                    post.check_readable(viewer)?;
                    format!("/posts/{}", post.slug)
                }
            }
        }
    };
    Ok(MovedOr::Moved(moved))
}
