//! `DELETE /tags/{tag}/follow`: Unfollow a tag. Repeating it changes nothing.

use std::sync::Arc;

use edge::{Blog, Call, NoContent, Path, Problem, Reader};

use crate::shared::lookup::TagPath;

pub async fn unfollow_tag(
    blog: &Arc<Blog>,
    Call { caller: Reader(viewer), input: Path(path), .. }: Call<Reader, Path<TagPath>>,
) -> Result<NoContent, Problem> {
    blog.table.unfollow_tag(viewer.user_id, &path.tag).await?;
    Ok(NoContent)
}
