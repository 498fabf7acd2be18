//! How a client names another post.

use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::{PostId, Slug};

/// A post's id or its slug. What spells an id is one, in small letters too: a post without a title has its id as its
/// slug, and no other post may have that slug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PostName {
    /// By its id, which stays.
    Id(PostId),
    /// By a slug that it has or had.
    Slug(Slug),
}

schema! { PostName,
    /// A post's id or its slug.
    { "type": "string", "maxLength": Slug::MAX, "pattern": "^([a-z0-9]+(-[a-z0-9]+)*|[0-7][0-9A-HJKMNP-TV-Z]{25})$" }
}

impl TryFrom<String> for PostName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Some(id) = text.parse().ok().filter(|id: &PostId| id.to_string().eq_ignore_ascii_case(&text)) {
            return Ok(Self::Id(id));
        }
        Slug::try_from(text).map(Self::Slug).map_err(|_| "must be a post's id or slug")
    }
}

impl From<PostName> for String {
    fn from(name: PostName) -> Self {
        match name {
            PostName::Id(id) => id.to_string(),
            PostName::Slug(slug) => slug.into(),
        }
    }
}
