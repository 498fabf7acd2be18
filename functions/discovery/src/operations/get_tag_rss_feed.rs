//! `GET /tags/{tag}/rss.xml`: Get the newest posts with a tag as an RSS 2.0 feed.

use std::sync::Arc;

use edge::{Blog, Call, Path, Problem, Rendered, Visitor};

use crate::shared::rss::Rss;
use crate::shared::read::{TagPath, tag_feed};

pub async fn get_tag_rss_feed(blog: &Arc<Blog>, call: Call<Visitor, Path<TagPath>>) -> Result<Rendered<Rss>, Problem> {
    tag_feed(blog, call).await
}
