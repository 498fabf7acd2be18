//! How every change of a post goes: read it, check that the caller may, make the next version, write it if
//! nobody else was faster.

use blog::clock::Timestamp;
use blog::domain::{Body, Post, Rendered, Slug, Viewer, render};
use blog::edge::IfMatch;
use blog::table::{Consistency, PostText, Slot};
use blog::{Blog, Error, fields};

use crate::representation::Whole;

fields! {
    /// The path of one post.
    pub struct PostPath {
        /// Its slug.
        slug: Slug,
    }
}

/// A change that the client did not pin to a version and that lost a race is made again this often.
const TRIES: usize = 10;

/// Makes `change` of the post at `slug` and writes it as its next version. A slug that the post had before does
/// as well. `change` gets the post to alter and gives its new text, if that changes too; a change that alters
/// nothing writes nothing.
pub async fn edit_post(
    blog: &Blog,
    slug: Slug,
    viewer: &Viewer,
    if_match: &IfMatch,
    now: Timestamp,
    change: impl Fn(&mut Post) -> Result<Option<PostText>, Error>,
) -> Result<Post, Error> {
    for _ in 0..TRIES {
        let post = current_post(blog, slug.clone(), now).await?;
        post.check_editable(viewer)?;
        if_match.check(post.version)?;

        let mut next = post.clone();
        let mut text = change(&mut next)?;
        if next == post && text.is_none() {
            return Ok(post);
        }
        if next.slug != post.slug && text.is_none() {
            text = Some(current_text(blog, &post, now).await?);
        }
        next.version += 1;
        next.updated_at = now;
        if text.is_some() {
            next.text_version = next.version;
        }
        match blog.table.update_post(&post, &next, text.as_ref(), now).await {
            Err(Error::PreconditionFailed) if if_match.allows_retry() => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(next),
        }
    }
    Err(Error::Conflict("Too many others change this post at the moment. Try again."))
}

/// The text of a post that was just read. If the post has changed since, the write that this is for will fail.
async fn current_text(blog: &Blog, post: &Post, now: Timestamp) -> Result<PostText, Error> {
    match blog.table.post_with_text(&post.slug, Consistency::Strong, now).await? {
        Some(Slot::Post((_, text))) => Ok(text),
        _ => Err(Error::PreconditionFailed),
    }
}

/// The post at a slug, or at the slug it has now.
pub async fn current_post(blog: &Blog, slug: Slug, now: Timestamp) -> Result<Post, Error> {
    match blog.table.post(&slug, now).await? {
        Some(Slot::Post(post)) => Ok(post),
        None => Err(Post::not_found()),
        Some(Slot::Moved(id)) => {
            let slug = blog.table.slug_of(id).await?.ok_or_else(Post::not_found)?;
            match blog.table.post(&slug, now).await? {
                Some(Slot::Post(post)) => Ok(post),
                _ => Err(Post::not_found()),
            }
        }
    }
}

/// A changed post as it is answered: with the text that it has now.
pub async fn with_text(blog: &Blog, post: Post, now: Timestamp) -> Result<Whole, Error> {
    match blog.table.post_with_text(&post.slug, Consistency::Strong, now).await? {
        // Somebody else may have changed it since; what is answered is one version, whole.
        Some(Slot::Post((post, text))) => Ok(Whole::new(post, text, true)),
        _ => Err(Post::not_found()),
    }
}

/// A text as it is stored, or what is wrong with it.
pub fn rendered(body: Body) -> Result<(PostText, u64), Error> {
    let Rendered { html, word_count, .. } = render(&body).map_err(|error| Error::field("body", error.to_string()))?;
    Ok((PostText { markdown: body.into(), html }, word_count))
}
