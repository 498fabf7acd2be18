//! `DELETE /posts/{slug}/pin`: the post stands where its time puts it.

use blog::domain::Post;
use blog::edge::{Call, Editor, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{PostPath, amend};

pub struct UnpinPost;

impl Operation for UnpinPost {
    const NAME: &'static str = "unpin_post";
    type Caller = Editor;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE, Problem::CONFLICT];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Editor(viewer), path, now, .. } = call;
        let unpin = |post: &mut Post| {
            post.pinned_at = None;
            Ok(())
        };
        amend(blog, path.slug, &viewer, now, unpin).await?;
        Ok(NoContent)
    }
}
