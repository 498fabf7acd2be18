//! `POST /posts/{slug}/restore`: Restore a post from the trash, as a draft.
//!
//! Problems: conflict, precondition-failed.

use std::sync::Arc;

use domain::{Denied, Post, PostStatus};
use edge::{Author, Blog, Call, Path, Problem, Versioned};
use views::PostView;

use crate::shared::edit_post::Edit;
use crate::shared::lookup::PostPath;

pub async fn restore_post(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Author, Path<PostPath>>,
) -> Result<Versioned<PostView>, Problem> {
    let restore = |post: &mut Post| {
        if post.status != PostStatus::Trashed {
            return Err(Denied::NotTrashed);
        }
        post.unpublish();
        Ok(None)
    };
    // The trash is closed to every other change.
    let edit = Edit { slug: &path.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now };
    edit.make_if(blog, Post::check_owned, restore).await?.show(blog, &viewer).await
}
