//! The part of a post's address that names it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::{PostId, Title};

/// A slug: 1 to 100 of `a-z 0-9 -`, no hyphen at either end or twice in a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    pub(super) const MAX: usize = 100;
    /// Generated slugs stop here, so that a suffix still fits and addresses stay readable.
    const MAX_GENERATED: usize = 80;

    /// A slug from a title in any script, transliterated to ASCII. A title without a letter or digit that
    /// has a transliteration gives the post's id.
    pub fn from_title(title: &Title, id: PostId) -> Self {
        let whole = slug::slugify(title.as_str());
        let cut = match whole.get(..Self::MAX_GENERATED) {
            // Cut between words where there is a word boundary, so no half word stays behind.
            Some(head) => head.rsplit_once('-').map_or(head, |(words, _)| words),
            None => &whole,
        };
        Self::try_from(cut.to_owned()).unwrap_or_else(|_| Self::of_id(id))
    }

    /// The slug of a post that has no title.
    pub fn of_id(id: PostId) -> Self {
        Self(id.to_string().to_ascii_lowercase())
    }

    /// The same slug with the end of the post's id, for when another post has it already. Counting up (`-2`,
    /// `-3`) was rejected: it needs a read for each try and two writers race for the same number.
    pub fn with_suffix(&self, id: PostId) -> Self {
        let id = id.to_string().to_ascii_lowercase();
        let suffix = id.get(id.len().saturating_sub(6)..).unwrap_or(&id);
        Self(format!("{}-{suffix}", self.0))
    }

    /// The slug itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

schema! { Slug,
    /// A slug: words of `a-z 0-9`, joined by single hyphens.
    { "type": "string", "minLength": 1, "maxLength": Slug::MAX, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["hello-world"] }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl TryFrom<String> for Slug {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let well_formed = (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && text.split('-').all(|word| !word.is_empty());
        well_formed.then_some(Self(text)).ok_or("must be 1 to 100 of a-z 0-9, in words joined by single hyphens")
    }
}
