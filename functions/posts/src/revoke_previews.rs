//! `DELETE /posts/{slug}/preview`: the links that were made so far show the draft no more.

use blog::edge::{Author, Call, NoContent, NoFields, Operation};
use blog::error::Problem;
use blog::{Blog, Error};

use crate::edit::{PostPath, amend};

pub struct RevokePreviews;

impl Operation for RevokePreviews {
    const NAME: &'static str = "revoke_previews";
    type Caller = Author;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::GONE, Problem::CONFLICT];

    async fn run(blog: &Blog, call: Call<Self>) -> Result<Self::Reply, Error> {
        let Call { caller: Author(viewer), path, now, .. } = call;
        let revoke = |post: &mut blog::domain::Post| {
            post.preview_epoch += 1;
            Ok(())
        };
        amend(blog, path.slug, &viewer, now, revoke).await?;
        Ok(NoContent)
    }
}
