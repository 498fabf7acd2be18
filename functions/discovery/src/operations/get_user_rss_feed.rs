//! `GET /users/{username}/rss.xml`: Get the newest posts of an author as an RSS 2.0 feed. Reposts are left out. A former username redirects to the
//! current one for 90 days.

use std::sync::Arc;

use edge::{Blog, Call, MovedOr, Path, Problem, Rendered, Visitor};

use crate::shared::rss::Rss;
use crate::shared::read::{UserPath, user_feed};

pub async fn get_user_rss_feed(
    blog: &Arc<Blog>,
    call: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Rendered<Rss>>, Problem> {
    user_feed(blog, call).await
}
