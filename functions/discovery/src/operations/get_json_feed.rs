//! `GET /feed.json`: Get the newest posts of all authors as a JSON Feed 1.1.

use std::sync::Arc;

use edge::{Blog, Call, Problem, Rendered, Visitor};

use crate::shared::json_feed::JsonFeed;
use crate::shared::read;

pub async fn get_json_feed(blog: &Arc<Blog>, call: Call<Visitor>) -> Result<Rendered<JsonFeed>, Problem> {
    read::site_feed(blog, call).await
}
