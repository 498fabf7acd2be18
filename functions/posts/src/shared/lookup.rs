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

/// The maximum number of posts that are followed from one that a post is made to answer or to quote.
const MAX_CHAIN: usize = 50;

/// Refuses that the post `id` refers to a post that refers to it, by whatever posts in between: a thread has a beginning. A
/// new post needs no check, because nothing refers to it yet. Two edits at the same moment can still make a circle: nothing that
/// the API shows follows more than one reference, so it does no harm, and to ask for every post of a chain in the transaction would
/// make all who answer it wait for each other.
pub async fn check_acyclic(
    blog: &Blog,
    id: PostId,
    field: &str,
    reference: Option<PostId>,
    now: Timestamp,
) -> Result<(), Problem> {
    // That it is not the post itself is checked of every post.
    let mut next = reference.filter(|reference| *reference != id);
    for _ in 0..MAX_CHAIN {
        let Some(current) = next else { return Ok(()) };
        if current == id {
            return Err(Problem::field(field, "must not be a post that answers or quotes this one"));
        }
        let Some(slug) = blog.table.slug_of(current).await? else { return Ok(()) };
        let post = blog.table.post_with_id(current, &slug, now).await?;
        next = post.and_then(|post| post.reply_to.or(post.quote_of));
    }
    Err(Problem::field(field, "answers or quotes too many posts one after the other"))
}

/// The profile of the caller, who becomes the author of a post.
pub async fn author_of(blog: &Blog, viewer: &Viewer) -> Result<User, Problem> {
    Ok(blog.table.active_user(viewer.user_id).await?)
}
