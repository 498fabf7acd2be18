//! Finding the post that a request is about, and the posts that it refers to.

use domain::{Denied, Patch, Post, PostId, PostName, Slug, Timestamp, User, Viewer, fields};
use edge::{Blog, Problem};

fields! {
    /// The path of one post.
    pub struct PostPath {
        /// The post's slug.
        slug: Slug,
    }
}

/// The post at a slug, or at the slug that it has now; strongly consistent.
pub async fn current_post(blog: &Blog, slug: &Slug, now: Timestamp) -> Result<Post, Problem> {
    Ok(blog.table.post(slug, now).await?.ok_or(Denied::PostNotFound)?)
}

/// The post that the field `field` refers to: one that everybody can read.
pub async fn referenced_post(blog: &Blog, field: &str, name: &PostName, now: Timestamp) -> Result<PostId, Problem> {
    let found = blog.table.published(name, now).await?;
    found.ok_or_else(|| Problem::field(field, "must be a post that is published"))
}

/// The same of a field that may be absent.
pub async fn optional_referenced_post(
    blog: &Blog,
    field: &str,
    name: Option<&PostName>,
    now: Timestamp,
) -> Result<Option<PostId>, Problem> {
    match name {
        Some(name) => referenced_post(blog, field, name, now).await.map(Some),
        None => Ok(None),
    }
}

/// The same of a field of a patch.
pub async fn patched_referenced_post(
    blog: &Blog,
    field: &str,
    patch: &Patch<PostName>,
    now: Timestamp,
) -> Result<Patch<PostId>, Problem> {
    Ok(match patch {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(name) => Patch::Set(referenced_post(blog, field, name, now).await?),
    })
}

/// The profile of the caller, who becomes the author of a post.
pub async fn author_of(blog: &Blog, viewer: &Viewer) -> Result<User, Problem> {
    Ok(blog.table.active_user(viewer.user_id).await?)
}
