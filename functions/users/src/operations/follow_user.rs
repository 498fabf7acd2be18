//! `PUT /users/{username}/follow`: Follow a user. Repeating it changes nothing.

use domain::Follow;
use edge::{Call, NoContent, Path, Problem, Reader};

use crate::Services;
use crate::shared::lookup::{UserPath, other_user};

pub async fn follow_user(
    services: &Services,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<UserPath>>,
) -> Result<NoContent, Problem> {
    let followed = other_user(&services.blog, &viewer, &path.username, now).await?;
    services.blog.table.follow(&Follow { follower: viewer.user_id, followed, followed_at: now }).await?;
    Ok(NoContent)
}
