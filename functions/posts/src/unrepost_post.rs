//! `DELETE /posts/{slug}/repost`: takes one's repost of the post back. As often as one likes.

use blog::domain::Slug;
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::error::Problem;
use blog::table::Slot;
use blog::{Blog, Error};

use crate::edit::{PostPath, current_post};
use crate::representation::subject;

pub struct UnrepostPost;

impl Operation for UnrepostPost {
    const NAME: &'static str = "unrepost_post";
    type Caller = Reader;
    type Path = PostPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = NoContent;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT, Problem::GONE];

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        let post = current_post(blog, path.slug, now).await?;
        let mark = blog.table.mark(viewer.user_id, subject(&post)).await?;
        let Some(repost) = mark.reposted_as else {
            post.check_readable(Some(&viewer))?;
            return Ok(NoContent);
        };
        if let Some(Slot::Post(repost)) = blog.table.post(&Slug::of_id(repost), now).await? {
            blog.table.delete_post(repost).await?;
        }
        Ok(NoContent)
    }
}
