//! `PUT /tags/{tag}/follow`: Follow a tag. Repeating it changes nothing. A user follows at most 30 tags.
//!
//! Problems: conflict.

use std::sync::Arc;

use domain::TagFollow;
use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::TagPath;

pub async fn follow_tag(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<TagPath>>,
) -> Result<NoContent, Problem> {
    blog.table.active_user(viewer.user_id).await?;
    blog.table.follow_tag(viewer.user_id, &TagFollow { tag: path.tag, followed_at: now }).await?;
    Ok(NoContent)
}
