//! `PUT /posts/{slug}/pin`: the post leads the blog, after those that were pinned before.

use blog::domain::Post;
use blog::edge::{Call, Editor, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{PostPath, amend};

pub struct PinPost;

impl Operation for PinPost {
    const NAME: &'static str = "pin_post";
    type Caller = Editor;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE, Problem::CONFLICT];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Editor(viewer), path, now, .. } = call;
        let pin = |post: &mut Post| {
            if !post.is_published() {
                return Err(Error::Conflict("Only a post that is published can be pinned."));
            }
            post.pinned_at = post.pinned_at.or(Some(now));
            Ok(())
        };
        amend(blog, path.slug, &viewer, now, pin).await?;
        Ok(NoContent)
    }
}
