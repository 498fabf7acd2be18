//! `PUT /posts/{slug}/reaction`: React to a post. Each user has one reaction to a post: another one replaces it, and repeating
//! it changes nothing.
//!
//! Problems: conflict, gone.

use std::sync::Arc;

use domain::{PostName, ReactionKind, fields};
use edge::{Blog, Body, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::{PostPath, published_post};

fields! {
    pub struct Reaction {
        kind: ReactionKind,
    }
}

pub async fn react_to_post(
    blog: &Arc<Blog>,
    call: Call<Reader, (Path<PostPath>, Body<Reaction>)>,
) -> Result<NoContent, Problem> {
    let Call { caller: Reader(viewer), input: (Path(path), Body(body)), now, .. } = call;
    let post = published_post(blog, &PostName::Slug(path.slug), &viewer, now).await?;
    blog.table.active_user(viewer.user_id).await?;
    blog.table.react(viewer.user_id, post.id, Some((body.kind, now))).await?;
    Ok(NoContent)
}
