//! `POST /posts`: a new post, a draft unless it says otherwise.

use blog::clock::Timestamp;
use blog::domain::{
    Body, Language, MetaDescription, MetaTitle, NewPost, Post, PostAuthor, PostId, PostName, Slug, Summary, Tags,
    Title, User, UserStatus, Viewer, WebUrl,
};
use blog::edge::{Author, Call, Created, NoFields, Operation};
use blog::error::Problem;
use blog::table::{Consistency, PostText};
use blog::{Blog, Error, fields};

use crate::edit::{check_content, current_post_with_text, other_post, rendered};
use crate::publish_post::{WritableStatus, check_publication};
use crate::representation::{Whole, whole};

pub struct CreatePost;

/// What stands in the way of a write (a slug that is taken, a profile that changes) is got round this often.
pub const TRIES: usize = 5;

fields! {
    pub struct PostToCreate {
        title: Option<Title>,
        body: Body,
        summary: Option<Summary>,
        tags: Option<Tags>,
        slug: Option<Slug>,
        status: Option<WritableStatus>,
        publish_at: Option<Timestamp>,
        cover_image_url: Option<WebUrl>,
        canonical_url: Option<WebUrl>,
        meta_title: Option<MetaTitle>,
        meta_description: Option<MetaDescription>,
        language: Option<Language>,
        quote_of: Option<PostName>,
        reply_to: Option<PostName>,
    }
}

impl Operation for CreatePost {
    const NAME: &'static str = "create_post";
    type Caller = Author;
    type Path = NoFields;
    type Query = NoFields;
    type Body = PostToCreate;
    type Reply = Created<Whole>;
    const PROBLEMS: &'static [Problem] = &[Problem::SLUG_TAKEN, Problem::CONFLICT];

    async fn run(
        blog: &Blog,
        Call { caller: Author(viewer), body, new_id, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let status = body.status.unwrap_or(WritableStatus::Draft);
        check_publication(status, body.publish_at, now)?;
        let quote_of = other_post(blog, "quote_of", body.quote_of, now).await?;
        let reply_to = other_post(blog, "reply_to", body.reply_to, now).await?;
        let text = rendered(body.body)?;
        let id: PostId = new_id.into();
        let chosen_slug = body.slug;
        let made_slug = || body.title.as_ref().map_or_else(|| Slug::of_id(id), |title| Slug::from_title(title, id));
        let slug = chosen_slug.clone().unwrap_or_else(made_slug);
        let new = NewPost {
            title: body.title,
            summary: body.summary,
            tags: body.tags.unwrap_or_default(),
            language: body.language,
            cover_image_url: body.cover_image_url,
            canonical_url: body.canonical_url,
            meta_title: body.meta_title,
            meta_description: body.meta_description,
            quote_of,
            reply_to,
        };
        let mut author = author_of(blog, &viewer).await?;
        let mut post = Post::draft(new, id, slug, &author, now);
        let text = text.into_post(&mut post);
        check_content(blog, &post, &text)?;
        if status != WritableStatus::Draft {
            post.publish(body.publish_at, now);
        }
        for _ in 0..TRIES {
            match blog.table.create_post(&post, &text, &author, now).await {
                // A slug made from the title gives way to a post that has it already; a chosen one is a conflict.
                Err(Error::SlugTaken) if chosen_slug.is_none() => post.slug = post.slug.with_suffix(id),
                // The author has changed their profile meanwhile; the post shows them as they are.
                Err(Error::PreconditionFailed) => {
                    author = author_of(blog, &viewer).await?;
                    post.author = PostAuthor::from(&author);
                }
                // An earlier try of this request wrote it; somebody may have edited it since.
                Err(Error::AlreadyDone) => {
                    let slug = blog.table.slug_of(id).await?.ok_or_else(Post::not_found)?;
                    let (post, text) = current_post_with_text(blog, slug, now).await?;
                    return created(blog, post, text, &viewer).await;
                }
                outcome => {
                    outcome?;
                    return created(blog, post, text, &viewer).await;
                }
            }
        }
        Err(Error::Conflict("Your profile changes faster than this post can be written. Try again."))
    }
}

async fn created(blog: &Blog, post: Post, text: PostText, viewer: &Viewer) -> Result<Created<Whole>, Error> {
    let (location, version) = (format!("/posts/{}", post.slug), post.version);
    Ok(Created { location: Some(location), version: Some(version), body: whole(blog, post, text, Some(viewer)).await? })
}

/// Who writes, as they are now.
pub async fn author_of(blog: &Blog, viewer: &Viewer) -> Result<User, Error> {
    let author = blog.table.user(viewer.user_id, Consistency::Strong).await?;
    // The authorizer's answer may be a minute old.
    author
        .filter(|author| author.status == UserStatus::Active)
        .ok_or(Error::Unauthenticated("This account is not in use."))
}
