//! `GET /rss.xml`: Get the newest posts of all authors as an RSS 2.0 feed.

use std::sync::Arc;

use edge::{Blog, Call, Problem, Rendered, Visitor};

use crate::shared::rss::Rss;
use crate::shared::read;

pub async fn get_rss_feed(blog: &Arc<Blog>, call: Call<Visitor>) -> Result<Rendered<Rss>, Problem> {
    read::site_feed(blog, call).await
}
