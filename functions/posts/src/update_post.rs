//! `PATCH /posts/{slug}`: an edit, pinned to the version that was edited.

use blog::clock::Timestamp;
use blog::domain::{
    Body, Language, MetaDescription, MetaTitle, Patch, PatchRequired, Post, PostChanges, PostStatus, Slug, Summary,
    Tags, Title, WebUrl,
};
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::{Blog, Error, fields};

use crate::edit::{PostPath, edit_post, rendered, with_text};
use crate::publish_post::{WritableStatus, past};
use crate::representation::Whole;

pub struct UpdatePost;

fields! {
    pub struct PostPatch {
        title: PatchRequired<Title>,
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
    }
}

impl Operation for UpdatePost {
    const NAME: &'static str = "update_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = PostPatch;
    type Reply = Versioned<Whole>;

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, body: patch, if_match, now, .. } = call;
        if_match.required()?;

        let text = match patch.body {
            PatchRequired::Keep => None,
            PatchRequired::Set(body) => Some(rendered(body)?),
        };
        let publish_at = match patch.publish_at {
            PatchRequired::Keep => None,
            PatchRequired::Set(at) => past(Some(at), now)?,
        };
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
        };
        let change = |post: &mut Post| {
            post.apply(&changes);
            match patch.status {
                PatchRequired::Set(WritableStatus::Published) => post.publish(publish_at, now),
                PatchRequired::Set(WritableStatus::Draft) => post.unpublish(),
                PatchRequired::Keep if publish_at.is_some() && post.status == PostStatus::Published => {
                    post.publish(publish_at, now);
                }
                PatchRequired::Keep => {}
            }
            if publish_at.is_some() && post.status != PostStatus::Published {
                return Err(Error::field("publish_at", "goes with the status published"));
            }
            Ok(text.as_ref().map(|(text, word_count)| {
                post.word_count = *word_count;
                text.clone()
            }))
        };

        // A slug made from the title gives way to a post that has it already; a chosen one is a conflict.
        let edit = edit_post(blog, path.slug.clone(), &viewer, &if_match, now, change).await;
        let post = match edit {
            Err(Error::SlugTaken) if !slug_was_chosen => {
                let with_suffix = |post: &mut Post| {
                    let text = change(post)?;
                    post.slug = post.slug.with_suffix(post.id);
                    Ok(text)
                };
                edit_post(blog, path.slug, &viewer, &if_match, now, with_suffix).await?
            }
            edit => edit?,
        };
        let whole = with_text(blog, post, now).await?;
        Ok(Versioned { version: whole.version(), body: whole })
    }
}
