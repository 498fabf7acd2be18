//! What a post is about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A tag: 1 to 40 of `a-z 0-9 -`, folded from what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
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

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(typed: String) -> Result<Self, String> {
        // A leading # is how people write a tag; everything else folds as a title does for a slug.
        let folded = slug::slugify(typed.trim_start_matches('#'));
        match folded.len() {
            0 => Err("must contain a letter or a digit".to_owned()),
            1..=40 => Ok(Self(folded)),
            length => Err(format!("must have at most 40 characters, not {length}")),
        }
    }
}

/// The tags of a post: at most 10, each once, in the order they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    const MOST: usize = 10;

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
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
        if tags.len() > Self::MOST {
            return Err(format!("must be at most {} tags, not {}", Self::MOST, tags.len()));
        }
        Ok(Self(tags))
    }
}
