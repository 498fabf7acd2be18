//! Finding the post and the comment that a request is about.

use std::collections::HashSet;

use domain::{Comment, CommentId, Denied, Post, PostId, PostName, Slug, Tag, Timestamp, Viewer, fields};
use edge::{Blog, Problem};
use table::Consistency;

fields! {
    /// The path of one post.
    pub struct PostPath {
        /// The post's slug.
        slug: Slug,
    }
}

fields! {
    /// The path of one comment.
    pub struct CommentPath {
        /// The slug of the post whose thread the comment is in.
        slug: Slug,
        /// The comment's id.
        id: CommentId,
    }
}

fields! {
    /// The path of one post that is named by its slug or id.
    pub struct NamedPostPath {
        /// The post's slug or id.
        slug: PostName,
    }
}

fields! {
    /// The path of one tag.
    pub struct TagPath {
        /// The tag.
        tag: Tag,
    }
}

/// The post at a slug, or at the slug that it has now, if this viewer may read it; of a repost, the original post. Comments
/// and reactions are seen as long as their post is.
pub async fn readable_post(blog: &Blog, slug: &Slug, viewer: Option<&Viewer>, now: Timestamp) -> Result<Post, Problem> {
    let mut post = blog.table.post(slug, now).await?.ok_or(Denied::PostNotFound)?;
    if let Some(original) = views::original_slug(&blog.table, &post, Consistency::Strong).await? {
        post = blog.table.post(&original, now).await?.ok_or(Denied::PostNotFound)?;
    }
    post.check_readable(viewer)?;
    Ok(post)
}

/// The published post of this name; of a repost, the original post.
pub async fn published_post(blog: &Blog, name: &PostName, viewer: &Viewer, now: Timestamp) -> Result<Post, Problem> {
    let post = match name {
        PostName::Slug(slug) => readable_post(blog, slug, Some(viewer), now).await?,
        PostName::Id(id) => {
            let slug = blog.table.slug_of(*id).await?.ok_or(Denied::PostNotFound)?;
            readable_post(blog, &slug, Some(viewer), now).await?
        }
    };
    if post.is_published() { Ok(post) } else { Err(Denied::NotPublishedYet.into()) }
}

/// The comment of a request, with its post, if this viewer may read the post.
pub async fn comment_on_readable_post(
    blog: &Blog,
    path: &CommentPath,
    viewer: Option<&Viewer>,
    now: Timestamp,
) -> Result<(Post, Comment), Problem> {
    let post = readable_post(blog, &path.slug, viewer, now).await?;
    let comment = comment_on(blog, post.id, path.id, Consistency::for_viewer(viewer)).await?;
    Ok((post, comment.ok_or(Denied::CommentNotFound)?))
}

/// The comment with this id, if it is on this post.
pub async fn comment_on(
    blog: &Blog,
    post: PostId,
    id: CommentId,
    consistency: Consistency,
) -> Result<Option<Comment>, Problem> {
    Ok(blog.table.comment(id, consistency).await?.filter(|comment| comment.post == post))
}

/// The slug of a published post.
pub async fn slug_of_published(blog: &Blog, id: PostId) -> Result<Option<Slug>, Problem> {
    let mut found = blog.table.references(HashSet::from([id]), Consistency::Strong).await?;
    Ok(found.remove(&id).map(|reference| reference.slug))
}
