//! `GET /tags/{tag}/feed.json`: Get the newest posts with a tag as a JSON Feed 1.1.

use std::sync::Arc;

use edge::{Blog, Call, Path, Problem, Rendered, Visitor};

use crate::shared::json_feed::JsonFeed;
use crate::shared::read::{TagPath, tag_feed};

pub async fn get_tag_json_feed(blog: &Arc<Blog>, call: Call<Visitor, Path<TagPath>>) -> Result<Rendered<JsonFeed>, Problem> {
    tag_feed(blog, call).await
}
