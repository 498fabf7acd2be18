//! `PATCH /posts/{slug}`: an edit, pinned to the version that was edited.

use blog::clock::Timestamp;
use blog::domain::{
    Body, Language, MetaDescription, MetaTitle, Patch, PatchRequired, Post, PostChanges, PostName, PostStatus, Slug,
    Summary, Tags, Title, WebUrl,
};
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::error::Problem;
use blog::{Blog, Error, fields};

use crate::edit::{Edit, PostPath, other_post_patch, rendered};
use crate::publish_post::{WritableStatus, check_publication};
use crate::representation::{Whole, whole};

pub struct UpdatePost;

fields! {
    pub struct PostPatch {
        title: Patch<Title>,
        body: PatchRequired<Body>,
        slug: PatchRequired<Slug>,
        status: PatchRequired<WritableStatus>,
        publish_at: PatchRequired<Timestamp>,
        summary: Patch<Summary>,
        tags: Patch<Tags>,
        language: Patch<Language>,
        cover_image_url: Patch<WebUrl>,
        canonical_url: Patch<WebUrl>,
        meta_title: Patch<MetaTitle>,
        meta_description: Patch<MetaDescription>,
        quote_of: Patch<PostName>,
        reply_to: Patch<PostName>,
    }
}

impl Operation for UpdatePost {
    const NAME: &'static str = "update_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = PostPatch;
    type Reply = Versioned<Whole>;
    const PROBLEMS: &'static [Problem] = &[
        Problem::SLUG_TAKEN,
        Problem::CONFLICT,
        Problem::GONE,
        Problem::PRECONDITION_FAILED,
        Problem::PRECONDITION_REQUIRED,
    ];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, body: patch, if_match, now, .. } = call;
        if_match.required()?;

        let text = match patch.body {
            PatchRequired::Keep => None,
            PatchRequired::Set(body) => Some(rendered(body)?),
        };
        let publish_at = match patch.publish_at {
            PatchRequired::Keep => None,
            PatchRequired::Set(at) => Some(at),
        };
        if let PatchRequired::Set(status) = patch.status {
            check_publication(status, publish_at, now)?;
        }
        let slug_was_chosen = matches!(patch.slug, PatchRequired::Set(_));
        let changes = PostChanges {
            title: patch.title,
            slug: patch.slug,
            summary: patch.summary,
            tags: patch.tags,
            language: patch.language,
            cover_image_url: patch.cover_image_url,
            canonical_url: patch.canonical_url,
            meta_title: patch.meta_title,
            meta_description: patch.meta_description,
            quote_of: other_post_patch(blog, "quote_of", patch.quote_of, now).await?,
            reply_to: other_post_patch(blog, "reply_to", patch.reply_to, now).await?,
        };
        let change = |post: &mut Post| {
            post.apply(&changes);
            match patch.status {
                PatchRequired::Set(WritableStatus::Draft) => post.unpublish(),
                PatchRequired::Set(_) => post.publish(publish_at, now),
                PatchRequired::Keep if publish_at.is_none() => {}
                PatchRequired::Keep if post.status == PostStatus::Draft => {
                    return Err(Error::field("publish_at", "goes with the status published or scheduled"));
                }
                PatchRequired::Keep => post.publish(publish_at, now),
            }
            Ok(text.clone())
        };

        // A slug made from the title gives way to a post that has it already; a chosen one is a conflict.
        let slug = path.slug.clone();
        let edit = Edit { slug: path.slug, viewer: &viewer, if_match: &if_match, restores: false, now };
        let (post, text) = match edit.make(blog, change).await {
            Err(Error::SlugTaken) if !slug_was_chosen => {
                let with_suffix = |post: &mut Post| {
                    let text = change(post)?;
                    post.slug = post.slug.with_suffix(post.id);
                    Ok(text)
                };
                let edit = Edit { slug, viewer: &viewer, if_match: &if_match, restores: false, now };
                edit.make(blog, with_suffix).await?
            }
            edited => edited?,
        };
        let body = whole(blog, post, text, Some(&viewer)).await?;
        Ok(Versioned { version: body.version(), body })
    }
}
