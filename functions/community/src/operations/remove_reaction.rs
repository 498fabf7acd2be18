//! `DELETE /posts/{slug}/reaction`: Take back one's reaction to a post. Repeating it changes nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::Denied;
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::PostPath;

pub async fn remove_reaction(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<PostPath>>,
) -> Result<NoContent, Problem> {
    let post = blog.table.post(&path.slug, now).await?.ok_or(Denied::PostNotFound)?;
    let was_there = blog.table.react(viewer.user_id, views::original(&post), None).await?;
    // Nobody learns by this that a draft is there.
    if !was_there {
        post.check_readable(Some(&viewer))?;
    }
    Ok(NoContent)
}
