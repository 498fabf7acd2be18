//! `POST /posts/{slug}/unpublish`: a draft again.

use blog::domain::Post;
use blog::edge::{Author, Call, NoFields, Operation, Versioned};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{Edit, PostPath};
use crate::representation::{Whole, whole};

pub struct UnpublishPost;

impl Operation for UnpublishPost {
    const NAME: &'static str = "unpublish_post";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Versioned<Whole>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::GONE, Problem::PRECONDITION_FAILED];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, if_match, now, .. } = call;
        let unpublish = |post: &mut Post| {
            post.unpublish();
            Ok(None)
        };
        let edit = Edit { slug: path.slug, viewer: &viewer, if_match: &if_match, restores: false, now };
        let (post, text) = edit.make(blog, unpublish).await?;
        let body = whole(blog, post, text, Some(&viewer)).await?;
        Ok(Versioned { version: body.version(), body })
    }
}
