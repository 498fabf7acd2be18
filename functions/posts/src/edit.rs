//! How every change of a post goes: read it, check that the caller may, make the next version, write it if
//! nobody else was faster.

use blog::clock::Timestamp;
use blog::domain::{Body, Content, Patch, Post, PostId, PostName, Rendered, Slug, Viewer, render};
use blog::edge::IfMatch;
use blog::error::FieldError;
use blog::table::{Consistency, PostText, Slot};
use blog::{Blog, Error, fields};

fields! {
    /// The path of one post.
    pub struct PostPath {
        /// Its slug.
        slug: Slug,
    }
}

/// A change that lost a race is made again this often, on what is there then. If the client pinned it to a version, it
/// may be that what was faster was no edit: a reply that is counted, a new name of the author.
const TRIES: usize = 10;

/// An edit of the post at `slug`, which may also be a slug that the post had before.
pub struct Edit<'a> {
    /// Which post.
    pub slug: Slug,
    /// Who edits.
    pub viewer: &'a Viewer,
    /// Which version the client has seen.
    pub if_match: &'a IfMatch,
    /// Whether the post is to be taken out of the trash; of others, the trash is closed.
    pub restores: bool,
    /// The time of the edit.
    pub now: Timestamp,
}

impl Edit<'_> {
    /// Makes `change` of the post and writes it as its next version. `change` gets the post to alter and gives its new
    /// text, if that changes too; a change that alters nothing writes nothing.
    pub async fn make(
        self,
        blog: &Blog,
        change: impl Fn(&mut Post) -> Result<Option<NewText>, Error>,
    ) -> Result<(Post, PostText), Error> {
        let Self { slug, viewer, if_match, restores, now } = self;
        for _ in 0..TRIES {
            let (post, text) = current_post_with_text(blog, slug.clone(), now).await?;
            if restores {
                post.check_owned(viewer)?
            } else {
                post.check_editable(viewer)?
            }
            if_match.check(post.version)?;

            let mut next = post.clone();
            let new_text = change(&mut next)?;
            if next == post && new_text.is_none() {
                return Ok((post, text));
            }
            let is_new = new_text.is_some();
            let text = match new_text {
                Some(new_text) => new_text.into_post(&mut next),
                None if next.summary.is_none() && post.summary.is_some() => {
                    // How the text begins is kept only of posts that have no summary.
                    next.excerpt = rendered(Body::try_from(text.markdown.clone()).map_err(Error::internal)?)?.excerpt;
                    text
                }
                None => text,
            };
            if next.summary.is_some() {
                next.excerpt = None;
            }
            check_content(blog, &next, &text)?;
            next.version += 1;
            next.updated_at = now;
            next.edited_by = viewer.user_id;
            if is_new || next.slug != post.slug {
                next.text_version = next.version;
            }
            let written = (next.text_version != post.text_version).then_some(&text);
            match blog.table.update_post(&post, &next, written, now).await {
                Err(Error::PreconditionFailed) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok((next, text)),
            }
        }
        Err(Error::Conflict("Too many others change this post at the moment. Try again."))
    }
}

/// Changes something of a post that is no edit: it keeps its version, so nobody who has it open is disturbed.
pub async fn amend(
    blog: &Blog,
    slug: Slug,
    viewer: &Viewer,
    now: Timestamp,
    change: impl Fn(&mut Post) -> Result<(), Error>,
) -> Result<(), Error> {
    let post = current_post(blog, slug, now).await?;
    post.check_editable(viewer)?;
    blog.table.amend_post(post.id, post.slug, now, change).await.map(drop)
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

/// The same, with its text.
pub async fn current_post_with_text(blog: &Blog, slug: Slug, now: Timestamp) -> Result<(Post, PostText), Error> {
    match blog.table.post_with_text(&slug, Consistency::Strong, now).await? {
        Some(Slot::Post(found)) => Ok(found),
        None => Err(Post::not_found()),
        Some(Slot::Moved(id)) => {
            let slug = blog.table.slug_of(id).await?.ok_or_else(Post::not_found)?;
            match blog.table.post_with_text(&slug, Consistency::Strong, now).await? {
                Some(Slot::Post(found)) => Ok(found),
                _ => Err(Post::not_found()),
            }
        }
    }
}

/// A text that was just typed, and what a post says of it.
#[derive(Clone)]
pub struct NewText {
    text: PostText,
    word_count: u64,
    excerpt: Option<String>,
}

impl NewText {
    /// Gives the post what it says of its text, and gives the text.
    pub fn into_post(self, post: &mut Post) -> PostText {
        post.word_count = self.word_count;
        post.excerpt = self.excerpt.filter(|_| post.summary.is_none());
        self.text
    }
}

/// A text as it is stored, or what is wrong with it.
pub fn rendered(body: Body) -> Result<NewText, Error> {
    let Rendered { html, word_count, excerpt } =
        render(&body).map_err(|error| Error::field("body", error.to_string()))?;
    let excerpt = Some(excerpt).filter(|excerpt| !excerpt.is_empty());
    Ok(NewText { text: PostText { markdown: body.into(), html }, word_count, excerpt })
}

/// Checks what holds between the parts of a post, and what this stack wants of posts.
pub fn check_content(blog: &Blog, post: &Post, text: &PostText) -> Result<(), Error> {
    let content = Content {
        title: post.title.as_deref(),
        summary: post.summary.as_deref(),
        body: &text.markdown,
        word_count: post.word_count,
    };
    let mut errors = post.check_form(&text.markdown);
    errors.extend(blog.policy.check(&content));
    Error::if_any(errors)
}

/// The post that the field `field` names: one that everybody can read.
pub async fn other_post(
    blog: &Blog,
    field: &str,
    name: Option<PostName>,
    now: Timestamp,
) -> Result<Option<PostId>, Error> {
    let Some(name) = name else { return Ok(None) };
    match blog.table.published(&name, now).await? {
        Some(id) => Ok(Some(id)),
        None => Err(Error::ValidationFailed(vec![FieldError::new(field, "must be a post that is published")])),
    }
}

/// The same of a patch.
pub async fn other_post_patch(
    blog: &Blog,
    field: &str,
    patch: Patch<PostName>,
    now: Timestamp,
) -> Result<Patch<PostId>, Error> {
    Ok(match patch {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(name) => other_post(blog, field, Some(name), now).await?.map_or(Patch::Clear, Patch::Set),
    })
}
