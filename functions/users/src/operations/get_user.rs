//! `GET /users/{username}`: Get the public profile of a user. A former username redirects to the current one for 90 days.

use domain::Denied;
use edge::{Call, MovedOr, Path, Problem, Versioned, Visitor};
use table::Consistency;
use views::PublicProfile;

use crate::Services;
use crate::shared::lookup::{UserPath, user_named};

pub async fn get_user(
    services: &Services,
    Call { caller: Visitor(viewer), input: Path(path), now, .. }: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Versioned<PublicProfile>>, Problem> {
    let id = user_named(&services.blog, &path.username, now).await?;
    let consistency = Consistency::for_viewer(viewer.as_ref());
    let viewer = viewer.map(|viewer| viewer.user_id);
    let seen = services.blog.table.user_seen_by(viewer, id, consistency).await?;
    let (user, following) = seen.ok_or(Denied::UserNotFound)?;
    if user.username != path.username {
        return Ok(MovedOr::Moved(format!("/users/{}", user.username)));
    }
    Ok(MovedOr::Here(Versioned { version: user.version, body: PublicProfile::new(user, following) }))
}
