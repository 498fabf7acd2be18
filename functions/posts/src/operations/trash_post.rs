//! `DELETE /posts/{slug}`: Move a post to the trash. After 30 days it is deleted with everything that belongs to it.
//!
//! Problems: conflict, gone, precondition-failed.

use std::sync::Arc;

use domain::Post;
use edge::{Author, Blog, Call, NoContent, Path, Problem};

use crate::shared::edit_post::Edit;
use crate::shared::lookup::PostPath;

pub async fn trash_post(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Author, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let trash = |post: &mut Post| {
        post.trash(now);
        Ok(None)
    };
    Edit { slug: &path.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now }.make(blog, trash).await?;
    Ok(NoContent)
}
