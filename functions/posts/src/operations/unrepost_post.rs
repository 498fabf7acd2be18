//! `DELETE /posts/{slug}/repost`: Delete the signed-in user's repost of a post. Repeating it changes nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::Slug;
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::{PostPath, current_post};

pub async fn unrepost_post(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let post = current_post(blog, &path.slug, now).await?;
    let mark = blog.table.mark(viewer.user_id, views::original(&post)).await?;
    let Some(repost) = mark.reposted_as else {
        post.check_readable(Some(&viewer))?;
        return Ok(NoContent);
    };
    if let Some(repost) = blog.table.post(&Slug::of_id(repost), now).await? {
        blog.table.delete_post(&repost, now).await?;
    }
    Ok(NoContent)
}
