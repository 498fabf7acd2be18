//! `POST /posts`: Create a post. It is a draft unless `status` says otherwise. Without a `slug`, the slug is made from the
//! title.
//!
//! Problems: slug-taken, conflict.

use domain::{Body as Markdown, Details, NewPost, Post, PostAuthor, PostId, PostName, PostText, Slug, Timestamp, Viewer};
use domain::{Denied, TagLabels, fields};
use edge::{Author, Blog, Body, Call, Created, Problem};
use std::sync::Arc;
use table::{Consistency, PostWrite, Refused};
use views::PostView;

use crate::shared::lookup::{author_of, optional_referenced_post};
use crate::shared::publication::{WritableStatus, check_publication};
use crate::shared::rendering::render;

/// The maximum number of tries, each of which gets out of the way of another write: a slug that is taken, a profile that
/// changes.
pub const MAX_TRIES: usize = 5;

fields! {
    pub struct PostToCreate {
        body: Markdown,
        slug: Option<Slug>,
        status: Option<WritableStatus>,
        /// The time of publication, for the status `published` or `scheduled`.
        publish_at: Option<Timestamp>,
        /// The post that this one quotes, by its id or slug.
        quote_of: Option<PostName>,
        /// The post that this one answers, by its id or slug.
        reply_to: Option<PostName>,
        ..details: Details
    }
}

pub async fn create_post(
    blog: &Arc<Blog>,
    call: Call<Author, Body<PostToCreate>>,
) -> Result<Created<PostView>, Problem> {
    create_labelled_post(blog, call, None).await
}

/// The same for an API that shows tags as they were typed.
pub async fn create_labelled_post(
    blog: &Arc<Blog>,
    Call { caller: Author(viewer), input: Body(body), base_url, new_id, now, .. }: Call<Author, Body<PostToCreate>>,
    tag_labels: Option<TagLabels>,
) -> Result<Created<PostView>, Problem> {
    let status = body.status.unwrap_or(WritableStatus::Draft);
    check_publication(status, body.publish_at, now)?;
    let quote_of = optional_referenced_post(blog, "quote_of", body.quote_of.as_ref(), now).await?;
    let reply_to = optional_referenced_post(blog, "reply_to", body.reply_to.as_ref(), now).await?;
    let text = render(blog, body.body, &base_url, now).await?;
    let id: PostId = new_id.into();
    let has_chosen_slug = body.slug.is_some();
    let mut author = author_of(blog, &viewer).await?;
    let new = NewPost { details: body.details, tag_labels, slug: body.slug, quote_of, reply_to };
    let mut post = Post::draft(new, &text, id, &author, now);
    let text = text.text;
    post.check_content(&text.markdown, || markdown::read(&text.html), &blog.config.policy)?;
    if status != WritableStatus::Draft {
        post.publish(body.publish_at, now)?;
    }
    for _ in 0..MAX_TRIES {
        let write = PostWrite::Create { post: &post, text: &text, author: &author };
        match blog.table.write_post(write, now).await {
            Ok(()) => return created(blog, post, text, &viewer).await,
            // A slug made from the title gives way to another post that has it; a chosen one is a conflict.
            Err(Refused::SlugTaken) if !has_chosen_slug => post.slug = post.slug.with_suffix(id),
            // The author changed their profile meanwhile; the post copies it as it is now.
            Err(Refused::Changed) => {
                author = author_of(blog, &viewer).await?;
                post.author = PostAuthor::from(&author);
            }
            // An earlier try of this request created it; somebody may have edited it since.
            Err(Refused::AlreadyDone) => {
                let slug = blog.table.slug_of(id).await?.ok_or(Denied::PostNotFound)?;
                let found = blog.table.post_with_text(&slug, Consistency::Strong, now).await?;
                let (post, text) = found.ok_or(Denied::PostNotFound)?;
                return created(blog, post, text, &viewer).await;
            }
            Err(refused) => return Err(Problem::of_post_write(refused, now)),
        }
    }
    Err(Problem::conflict("Your profile changes faster than this post can be written. Try again."))
}

async fn created(blog: &Blog, post: Post, text: PostText, viewer: &Viewer) -> Result<Created<PostView>, Problem> {
    let (location, version) = (format!("/posts/{}", post.slug), post.version);
    let body = views::post_view(&blog.table, post, text, Some(viewer)).await?;
    Ok(Created { location: Some(location), version: Some(version), body })
}
