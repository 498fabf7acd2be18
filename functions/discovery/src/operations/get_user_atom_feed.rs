//! `GET /users/{username}/feed.xml`: Get the newest posts of an author as an Atom feed (RFC 4287). Reposts are left out. A former username redirects to the
//! current one for 90 days.

use std::sync::Arc;

use edge::{Blog, Call, MovedOr, Path, Problem, Rendered, Visitor};

use crate::shared::atom::Atom;
use crate::shared::read::{UserPath, user_feed};

pub async fn get_user_atom_feed(
    blog: &Arc<Blog>,
    call: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Rendered<Atom>>, Problem> {
    user_feed(blog, call).await
}
