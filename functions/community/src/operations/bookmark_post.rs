//! `PUT /me/bookmarks/{slug}`: Bookmark a post, by its slug or id. Repeating it changes nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::Bookmark;
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::{NamedPostPath, published_post};

pub async fn bookmark_post(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<NamedPostPath>>,
) -> Result<NoContent, Problem> {
    let post = published_post(blog, &path.slug, &viewer, now).await?;
    blog.table.active_user(viewer.user_id).await?;
    let bookmark = Bookmark { post: post.id, author: post.author.id, bookmarked_at: now };
    blog.table.bookmark(viewer.user_id, &bookmark).await?;
    Ok(NoContent)
}
