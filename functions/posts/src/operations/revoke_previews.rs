//! `DELETE /posts/{slug}/preview`: Revoke all preview links of a post.
//!
//! Problems: gone, conflict.

use std::sync::Arc;

use domain::Post;
use edge::{Author, Blog, Call, NoContent, Path, Problem};

use crate::shared::edit_post::amend_post;
use crate::shared::lookup::PostPath;

pub async fn revoke_previews(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), now, .. }: Call<Author, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let revoke = |post: &mut Post| {
        post.preview_epoch += 1;
        Ok(())
    };
    amend_post(blog, &path.slug, &viewer, now, revoke).await?;
    Ok(NoContent)
}
