//! `GET /users/{username}/feed.json`: Get the newest posts of an author as a JSON Feed 1.1. Reposts are left out. A former username redirects to the
//! current one for 90 days.

use std::sync::Arc;

use edge::{Blog, Call, MovedOr, Path, Problem, Rendered, Visitor};

use crate::shared::json_feed::JsonFeed;
use crate::shared::read::{UserPath, user_feed};

pub async fn get_user_json_feed(
    blog: &Arc<Blog>,
    call: Call<Visitor, Path<UserPath>>,
) -> Result<MovedOr<Rendered<JsonFeed>>, Problem> {
    user_feed(blog, call).await
}
