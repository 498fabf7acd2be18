//! `DELETE /posts/{slug}/pin`: Unpin a post.
//!
//! Problems: gone, conflict.

use std::sync::Arc;

use domain::Post;
use edge::{Blog, Call, Editor, NoContent, Path, Problem};

use crate::shared::edit_post::amend_post;
use crate::shared::lookup::PostPath;

pub async fn unpin_post(
    blog: &Arc<Blog>,
    Call { caller: Editor(viewer), input: Path(path), now, .. }: Call<Editor, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let unpin = |post: &mut Post| {
        post.pinned_at = None;
        Ok(())
    };
    amend_post(blog, &path.slug, &viewer, now, unpin).await?;
    Ok(NoContent)
}
