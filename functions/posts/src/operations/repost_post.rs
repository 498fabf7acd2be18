//! `PUT /posts/{slug}/repost`: Repost a post: show it to the followers and on the page of the signed-in user. Repeating it changes
//! nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::{Denied, Post, PostId, PostName, PostText};
use edge::{Blog, Call, NoContent, Path, Problem, Reader};
use table::{PostWrite, Refused};

use crate::operations::create_post::MAX_TRIES;
use crate::shared::lookup::{PostPath, author_of};

pub async fn repost_post(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let original = blog.table.published(&PostName::Slug(path.slug), now).await?.ok_or(Denied::PostNotFound)?;
    if blog.table.mark(viewer.user_id, original).await?.reposted_as.is_some() {
        return Ok(NoContent);
    }
    let id: PostId = blog.new_id(now);
    for _ in 0..MAX_TRIES {
        let author = author_of(blog, &viewer).await?;
        let repost = Post::repost(original, id, &author, now);
        let write = PostWrite::Create { post: &repost, text: &PostText::default(), author: &author };
        match blog.table.write_post(write, now).await {
            // The author changed their profile meanwhile; the repost copies it as it is now.
            Err(Refused::Changed) => {}
            // A request at the same time was faster.
            Ok(()) | Err(Refused::AlreadyReposted) => return Ok(NoContent),
            Err(refused) => return Err(Problem::of_post_write(refused, now)),
        }
    }
    Err(Problem::conflict("Your profile changes faster than this can be written. Try again."))
}
