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
        let made = Self::try_from(Self::shortened(&whole).to_owned());
        made.ok().filter(|made| made.as_id().is_none()).unwrap_or_else(|| Self::of_id(id))
    }

    /// The words that fit into a generated slug. A script without spaces makes words so long that to leave out the last
    /// one would leave nearly nothing; such a word is cut.
    fn shortened(whole: &str) -> &str {
        let Some(head) = whole.get(..Self::MAX_GENERATED).filter(|head| head.len() < whole.len()) else { return whole };
        let words =
            if whole[head.len()..].starts_with('-') { Some(head) } else { head.rsplit_once('-').map(|it| it.0) };
        words.filter(|words| words.len() >= Self::MAX_GENERATED / 2).unwrap_or(head)
    }

    /// The id that this slug spells, if it does. Only the post with that id may have it.
    pub fn as_id(&self) -> Option<PostId> {
        self.0.parse().ok().filter(|id| Self::of_id(*id) == *self)
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01KAM5K9R0000000000000000A";

    fn slug(title: &str) -> String {
        let title = Title::try_from(title.to_owned()).unwrap();
        Slug::from_title(&title, ID.parse().unwrap()).into()
    }

    #[test]
    fn a_slug_keeps_the_words_that_fit() {
        let eighty = format!("{} {}", "a".repeat(39), "b".repeat(40));
        assert_eq!(slug(&eighty), eighty.replace(' ', "-"), "80 fit");
        assert_eq!(slug(&format!("{eighty} c")), eighty.replace(' ', "-"), "the words before the cut are whole");
        assert_eq!(
            slug(&format!("{eighty}b")),
            format!("{}-{}", "a".repeat(39), "b".repeat(40)),
            "cut, for it is half"
        );
        assert_eq!(slug(&format!("{} {}", "a".repeat(50), "b".repeat(40))), "a".repeat(50));
        let thai = slug(&format!("2 {}", "มนุษย์ทั้งหลายเกิดมามีอิสระ".repeat(5)));
        assert!((40..=80).contains(&thai.len()) && thai.starts_with("2-m"), "{thai}");
    }

    #[test]
    fn a_title_that_spells_an_id_makes_no_slug_of_it() {
        assert_eq!(slug("01BX5ZZKBKACTAV9WEVGEMMVRZ"), ID.to_lowercase());
        // No ULID begins with 8, and none has an L.
        for other in ["81bx5zzkbkactav9wevgemmvrz", "01bx5zzkbkactav9wevgemmvrl"] {
            assert_eq!(slug(other), other);
        }
    }
}
