//! `GET /users/{username}/following`: List the users whom a user follows, newest first.

use domain::Page;
use edge::{Call, PageQuery, Path, Problem, Query, Visitor};
use table::keys;
use views::PublicProfile;

use crate::Services;
use crate::shared::lookup::{UserPath, page_of_follows, user_named};

pub async fn list_following(
    services: &Services,
    call: Call<Visitor, (Path<UserPath>, Query<PageQuery>)>,
) -> Result<Page<PublicProfile>, Problem> {
    let Call { caller: Visitor(viewer), input: (Path(path), Query(query)), now, .. } = call;
    let user = user_named(&services.blog, &path.username, now).await?;
    let list = keys::following(user);
    page_of_follows(&services.blog, &list, &query, viewer.as_ref(), |follow| follow.followed).await
}
