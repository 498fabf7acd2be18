//! `POST /posts`: a new post, a draft unless it says otherwise.

use blog::clock::Timestamp;
use blog::domain::{
    Body, Language, MetaDescription, MetaTitle, NewPost, Post, PostAuthor, PostId, Slug, Summary, Tags, Title, User,
    UserStatus, Viewer, WebUrl,
};
use blog::edge::{Author, Call, Created, NoFields, Operation};
use blog::table::Consistency;
use blog::{Blog, Error, fields};

use crate::edit::rendered;
use crate::publish_post::{WritableStatus, past};
use crate::representation::Whole;

pub struct CreatePost;

/// What stands in the way of a write (a slug that is taken, a profile that changes) is got round this often.
const TRIES: usize = 5;

fields! {
    pub struct PostToCreate {
        title: Title,
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
    }
}

impl Operation for CreatePost {
    const NAME: &'static str = "create_post";
    type Caller = Author;
    type Path = NoFields;
    type Query = NoFields;
    type Body = PostToCreate;
    type Reply = Created<Whole>;

    async fn run(
        blog: &Blog,
        Call { caller: Author(viewer), body, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let published = body.status == Some(WritableStatus::Published);
        if body.publish_at.is_some() && !published {
            return Err(Error::field("publish_at", "goes with the status published"));
        }
        let publish_at = past(body.publish_at, now)?;
        let (text, word_count) = rendered(body.body)?;
        let id: PostId = blog.new_id(now);
        let chosen_slug = body.slug;
        let slug = chosen_slug.clone().unwrap_or_else(|| Slug::from_title(&body.title, id));
        let new = NewPost {
            title: body.title,
            summary: body.summary,
            tags: body.tags.unwrap_or_default(),
            language: body.language,
            cover_image_url: body.cover_image_url,
            canonical_url: body.canonical_url,
            meta_title: body.meta_title,
            meta_description: body.meta_description,
        };
        let mut author = author_of(blog, &viewer).await?;
        let mut post = Post::draft(new, id, slug, &author, word_count, now);
        if published {
            post.publish(publish_at, now);
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
                outcome => {
                    outcome?;
                    return Ok(Created {
                        location: Some(format!("/posts/{}", post.slug)),
                        version: Some(post.version),
                        body: Whole::new(post, text, true),
                    });
                }
            }
        }
        Err(Error::Conflict("Your profile changes faster than this post can be written. Try again."))
    }
}

/// Who writes, as they are now.
async fn author_of(blog: &Blog, viewer: &Viewer) -> Result<User, Error> {
    let author = blog.table.user(viewer.user_id, Consistency::Strong).await?;
    // The authorizer's answer may be a minute old.
    author
        .filter(|author| author.status == UserStatus::Active)
        .ok_or(Error::Unauthenticated("This account is not in use."))
}
