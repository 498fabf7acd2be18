//! `DELETE /me/bookmarks/{slug}`: Remove a bookmark, by the slug of the post or by its id, which also names a post that is gone.
//! Repeating it changes nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::{Denied, PostName};
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::NamedPostPath;

pub async fn remove_bookmark(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<NamedPostPath>>,
) -> Result<NoContent, Problem> {
    let (id, post) = match &path.slug {
        // One that is gone is known by its id alone.
        PostName::Id(id) => {
            let post = match blog.table.slug_of(*id).await? {
                Some(slug) => blog.table.post_with_id(*id, &slug, now).await?,
                None => None,
            };
            (post.as_ref().map_or(*id, views::original), None)
        }
        PostName::Slug(slug) => {
            let post = blog.table.post(slug, now).await?.ok_or(Denied::PostNotFound)?;
            (views::original(&post), Some(post))
        }
    };
    let was_there = blog.table.remove_bookmark(viewer.user_id, id).await?;
    // Nobody learns by this that a draft is there.
    if let Some(post) = post.filter(|_| !was_there) {
        post.check_readable(Some(&viewer))?;
    }
    Ok(NoContent)
}
