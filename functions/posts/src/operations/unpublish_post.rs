//! `POST /posts/{slug}/unpublish`: Unpublish a post: make it a draft again.
//!
//! Problems: conflict, gone, precondition-failed.

use std::sync::Arc;

use edge::{Author, Blog, Call, Path, Problem, Versioned};
use views::PostView;

use crate::shared::edit_post::{Edit, edit_post};
use crate::shared::lookup::PostPath;

pub async fn unpublish_post(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Author, Path<PostPath>>,
) -> Result<Versioned<PostView>, Problem> {
    let edit = Edit { slug: &path.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now };
    edit_post(blog, edit, |post| {
        post.unpublish();
        Ok(())
    })
    .await
}
