//! `GET /users/{username}`: Get the public profile of a user. A former username redirects to the current one for 90 days.

use domain::Denied;
use edge::{Call, MovedOr, Path, Problem, Versioned, Visitor};
use views::PublicProfile;

use crate::Services;
use crate::shared::lookup::UserPath;

pub async fn get_user(
    services: &Services,
    Call { caller: Visitor(viewer), input: Path(path), now, .. }: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Versioned<PublicProfile>>, Problem> {
    let seen = views::user_named(&services.blog.table, &path.username, viewer.as_ref(), now).await?;
    let (user, following) = seen.ok_or(Denied::UserNotFound)?;
    if user.username != path.username {
        return Ok(MovedOr::Moved(format!("/users/{}", user.username)));
    }
    Ok(MovedOr::Here(Versioned { version: user.version, body: PublicProfile::new(user, following) }))
}
