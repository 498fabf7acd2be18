//! `GET /tags/{tag}/feed.xml`: Get the newest posts with a tag as an Atom feed (RFC 4287).

use std::sync::Arc;

use edge::{Blog, Call, Path, Problem, Rendered, Visitor};

use crate::shared::atom::Atom;
use crate::shared::read::{TagPath, tag_feed};

pub async fn get_tag_atom_feed(blog: &Arc<Blog>, call: Call<Visitor, Path<TagPath>>) -> Result<Rendered<Atom>, Problem> {
    tag_feed(blog, call).await
}
