//! `POST /posts/{slug}/restore`: out of the trash, as a draft.

use blog::domain::{Post, PostStatus};
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{Edit, PostPath};
use crate::representation::{Whole, whole};

pub struct RestorePost;

impl Operation for RestorePost {
    const NAME: &'static str = "restore_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<Whole>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, if_match, now, .. } = call;
        let restore = |post: &mut Post| {
            if post.status != PostStatus::Trashed {
                return Err(Error::Conflict("This post is not in the trash."));
            }
            post.unpublish();
            Ok(None)
        };
        let edit = Edit { slug: path.slug, viewer: &viewer, if_match: &if_match, restores: true, now };
        let (post, text) = edit.make(blog, restore).await?;
        let body = whole(blog, post, text, Some(&viewer)).await?;
        Ok(Versioned { version: body.version(), body })
    }
}
