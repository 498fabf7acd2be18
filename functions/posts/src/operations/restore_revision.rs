//! `POST /posts/{slug}/revisions/{version}/restore`: Restore a revision of a post. It becomes a new version, unless
//! nothing differs; no version is deleted.
//!
//! Problems: conflict, gone, precondition-failed.

use std::sync::Arc;

use domain::{Body as Markdown, Post};
use edge::{Author, Blog, Call, Path, Problem, Versioned};
use views::PostView;

use crate::shared::edit_post::Edit;
use crate::shared::lookup::check_acyclic;
use crate::shared::rendering::render;
use crate::shared::revision::{RevisionPath, find_revision, own_post};

pub async fn restore_revision(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Path(path), if_match, base_url, new_id, now, .. }: Call<Author, Path<RevisionPath>>,
) -> Result<Versioned<PostView>, Problem> {
    let post = own_post(blog, &path.slug, &viewer, now).await?;
    let (revision, body) = find_revision(blog, &post, path.version).await?;
    check_acyclic(blog, post.id, "quote_of", revision.quote_of, now).await?;
    check_acyclic(blog, post.id, "reply_to", revision.reply_to, now).await?;
    // Rendered anew, so that an old text gets what rendering has learnt since.
    let body = Markdown::try_from(body).map_err(Problem::internal)?;
    let text = render(blog, body, &base_url, now).await?;
    let restore = |post: &mut Post| {
        revision.clone().restore(post);
        Ok(Some(text.clone()))
    };
    let edit = Edit { slug: &post.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now };
    edit.make(blog, restore).await?.show(blog, &viewer).await
}
