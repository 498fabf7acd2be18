//! `POST /posts/{slug}/publish`: Publish a post, now or at a future time. A `publish_at` in the past sets the date of the
//! post; without one a post that was published before keeps its date. A published post cannot be scheduled: unpublish it
//! first.
//!
//! Problems: conflict, gone, precondition-failed.

use std::sync::Arc;

use domain::{Timestamp, fields};
use edge::{Author, Blog, Body, Call, Path, Problem, Versioned};
use views::PostView;

use crate::shared::edit_post::{Edit, edit_post};
use crate::shared::lookup::PostPath;

fields! {
    pub struct Publication {
        /// The time of publication.
        publish_at: Option<Timestamp>,
    }
}

pub async fn publish_post(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<PostPath>, Body<Publication>)>,
) -> Result<Versioned<PostView>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Body(body)), if_match, new_id, now, .. } = call;
    let edit = Edit { slug: &path.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now };
    edit_post(blog, edit, |post| post.publish(body.publish_at, now)).await
}
