//! `GET /feed.xml`: Get the newest posts of all authors as an Atom feed (RFC 4287).

use std::sync::Arc;

use edge::{Blog, Call, Problem, Rendered, Visitor};

use crate::shared::atom::Atom;
use crate::shared::read;

pub async fn get_atom_feed(blog: &Arc<Blog>, call: Call<Visitor>) -> Result<Rendered<Atom>, Problem> {
    read::site_feed(blog, call).await
}
