//! `PATCH /posts/{slug}`: Edit a post (JSON merge patch). `If-Match` names the version that was edited. Until the post is
//! first published, its slug follows its title. A published post cannot be scheduled: make it a draft first.
//!
//! Problems: slug-taken, conflict, gone, precondition-failed, precondition-required.

use std::sync::Arc;

use domain::{
    Body as Markdown, Denied, DetailsPatch, NewText, Patch, PatchRequired, Post, PostName, PostPatch, PostStatus, Slug,
    TagLabels, Timestamp, fields,
};
use edge::{Author, Blog, Body, Call, Path, Problem, Versioned};
use views::PostView;

use crate::shared::edit_post::{Edit, NotEdited};
use crate::shared::lookup::{PostPath, check_acyclic, patched_referenced_post};
use crate::shared::publication::{NEEDS_STATUS, WritableStatus, check_publication};
use crate::shared::rendering::render;

fields! {
    pub struct EditedFields {
        body: PatchRequired<Markdown>,
        slug: PatchRequired<Slug>,
        status: PatchRequired<WritableStatus>,
        /// The time of publication, for the status `published` or `scheduled`.
        publish_at: PatchRequired<Timestamp>,
        /// The post that this one quotes, by its id or slug.
        quote_of: Patch<PostName>,
        /// The post that this one answers, by its id or slug.
        reply_to: Patch<PostName>,
        ..details: DetailsPatch
    }
}

pub async fn update_post(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<PostPath>, Body<EditedFields>)>,
) -> Result<Versioned<PostView>, Problem> {
    update_labelled_post(blog, call, None).await
}

/// The same for an API that shows tags as they were typed.
pub async fn update_labelled_post(
    blog: &Arc<Blog>,
    call: Call<Author, (Path<PostPath>, Body<EditedFields>)>,
    tag_labels: Option<TagLabels>,
) -> Result<Versioned<PostView>, Problem> {
    let Call { caller: Author(viewer), input: (Path(path), Body(fields)), if_match, base_url, new_id, now, .. } = call;
    if_match.required()?;

    let text = match fields.body.set() {
        Some(body) => Some(render(blog, body, &base_url, now).await?),
        None => None,
    };
    let (status, publish_at) = (fields.status.set(), fields.publish_at.set());
    if let Some(status) = status {
        check_publication(status, publish_at, now)?;
    }
    let patch = PostPatch {
        details: fields.details,
        tag_labels,
        slug: fields.slug.set(),
        quote_of: patched_referenced_post(blog, "quote_of", &fields.quote_of, now).await?,
        reply_to: patched_referenced_post(blog, "reply_to", &fields.reply_to, now).await?,
    };
    for (field, reference) in [("quote_of", &patch.quote_of), ("reply_to", &patch.reply_to)] {
        if let Patch::Set(reference) = reference
            && let Some(post) = blog.table.post(&path.slug, now).await?
        {
            check_acyclic(blog, post.id, field, Some(*reference), now).await?;
        }
    }
    let change = |post: &mut Post| -> Result<Option<NewText>, Denied> {
        post.apply(&patch);
        match status {
            Some(WritableStatus::Draft) => post.unpublish(),
            Some(_) => post.publish(publish_at, now)?,
            None if publish_at.is_none() => {}
            None if post.status == PostStatus::Draft => return Err(Denied::field("publish_at", NEEDS_STATUS)),
            None => post.publish(publish_at, now)?,
        }
        Ok(text.clone())
    };

    let edit = || Edit { slug: &path.slug, viewer: &viewer, if_match: &if_match, audit_id: new_id.into(), now };
    let edited = match edit().make(blog, change).await {
        // A slug made from the title gives way to another post that has it; a chosen one is a conflict.
        Err(NotEdited::SlugTaken) if patch.slug.is_none() => {
            let with_suffix = |post: &mut Post| {
                let text = change(post)?;
                post.slug = post.slug.with_suffix(post.id);
                Ok(text)
            };
            edit().make(blog, with_suffix).await?
        }
        edited => edited?,
    };
    edited.show(blog, &viewer).await
}
