//! What a post is about.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::schema::schema;

/// A tag: 1 to 40 of `a-z 0-9 -`, folded from what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    const MAX: usize = 40;

    /// The tag itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

schema! { Tag,
    /// A tag: 1 to 40 of `a-z 0-9 -`, folded from what is typed, which must contain a letter or a digit of any script.
    request {
        "type": "string",
        "minLength": 1,
        "examples": ["rust"],
    }
    reply { "type": "string", "maxLength": Tag::MAX, "pattern": "^[a-z0-9-]+$", "examples": ["rust"] }
}

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(typed: String) -> Result<Self, String> {
        // A leading # is how people write a tag; everything else folds as a title does for a slug.
        let folded = slug::slugify(typed.trim_start_matches('#'));
        match folded.len() {
            0 => Err("must contain a letter or a digit".to_owned()),
            1..=Self::MAX => Ok(Self(folded)),
            length => Err(format!("must have at most {} characters, not {length}", Self::MAX)),
        }
    }
}

/// The tags of a post: at most 10, each once, in the order they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    const MAX: usize = 10;

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }
}

impl JsonSchema for Tags {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "At most 10 tags, each once, in their order.",
            "type": "array",
            "maxItems": Self::MAX,
            "items": generator.subschema_for::<Tag>(),
        })
    }
}

impl TryFrom<Vec<String>> for Tags {
    type Error = String;

    fn try_from(typed: Vec<String>) -> Result<Self, String> {
        let mut tags = Vec::new();
        for (position, typed) in typed.into_iter().enumerate() {
            let tag = Tag::try_from(typed).map_err(|error| format!("tag {} {error}", position + 1))?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        if tags.len() > Self::MAX {
            return Err(format!("must be at most {} tags, not {}", Self::MAX, tags.len()));
        }
        Ok(Self(tags))
    }
}
