//! `PUT /posts/{slug}/repost`: one's followers see the post, and one's own page shows it. As often as one likes; it
//! happens once.

use blog::domain::{Post, PostId, PostName};
use blog::edge::{Call, NoContent, NoFields, Operation, Reader};
use blog::error::Problem;
use blog::table::{PostText, REPOSTED_ALREADY};
use blog::{Blog, Error};

use crate::create_post::{TRIES, author_of};
use crate::edit::PostPath;

pub struct RepostPost;

impl Operation for RepostPost {
    const NAME: &'static str = "repost_post";
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
        let original = blog.table.published(&PostName::Slug(path.slug), now).await?.ok_or_else(Post::not_found)?;
        if blog.table.mark(viewer.user_id, original).await?.reposted_as.is_some() {
            return Ok(NoContent);
        }
        let id: PostId = blog.new_id(now);
        for _ in 0..TRIES {
            let author = author_of(blog, &viewer).await?;
            let repost = Post::repost(original, id, &author, now);
            match blog.table.create_post(&repost, &PostText::default(), &author, now).await {
                // The author has changed their profile meanwhile; the repost shows them as they are.
                Err(Error::PreconditionFailed) => {}
                // A request at the same time was faster.
                Err(Error::Conflict(REPOSTED_ALREADY)) => return Ok(NoContent),
                outcome => return outcome.map(|()| NoContent),
            }
        }
        Err(Error::Conflict("Your profile changes faster than this can be written. Try again."))
    }
}
