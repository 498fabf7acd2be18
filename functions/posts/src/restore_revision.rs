//! `POST /posts/{slug}/revisions/{version}/restore`: what the post was at a version becomes its next version.

use blog::domain::{Body, Post};
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{Edit, rendered};
use crate::representation::{Whole, whole};
use crate::revision::{RevisionPath, VersionNumber, no_version, own_post};

pub struct RestoreRevision;

impl Operation for RestoreRevision {
    const NAME: &'static str = "restore_revision";
    type Caller = Author;
    type Path = RevisionPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<Whole>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::GONE, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, if_match, now, .. } = call;
        let post = own_post(blog, path.slug, &viewer, now).await?;
        let VersionNumber(version) = path.version;
        let (revision, body) = blog.table.revision(post.id, version).await?.ok_or_else(no_version)?;
        // Rendered anew, so that an old text gets what rendering has learnt since.
        let text = rendered(Body::try_from(body).map_err(Error::internal)?)?;
        let restore = |post: &mut Post| {
            let before = post.clone();
            revision.clone().restore(post);
            let is_same = *post == before && post.text_version == revision.text_version;
            Ok((!is_same).then(|| text.clone()))
        };
        let edit = Edit { slug: post.slug, viewer: &viewer, if_match: &if_match, restores: false, now };
        let (post, text) = edit.make(blog, restore).await?;
        let body = whole(blog, post, text, Some(&viewer)).await?;
        Ok(Versioned { version: body.version(), body })
    }
}
