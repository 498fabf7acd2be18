//! `DELETE /users/{username}/follow`: Unfollow a user. Repeating it changes nothing.

use edge::{Call, NoContent, Path, Problem, Reader};

use crate::Services;
use crate::shared::lookup::{UserPath, other_user};

pub async fn unfollow_user(
    services: &Services,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<UserPath>>,
) -> Result<NoContent, Problem> {
    let followed = other_user(&services.blog, &viewer, &path.username, now).await?;
    services.blog.table.unfollow(viewer.user_id, followed).await?;
    Ok(NoContent)
}
