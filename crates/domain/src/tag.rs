//! What a post is about.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::text::{bounded, hides_nothing};

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
    /// A tag: 1 to 40 of `a-z 0-9 -`, folded from what is typed, which must contain a letter or a digit of any script:
    /// `Déjà vu` is `deja-vu`, `人工智能` is `ren-gong-zhi-neng`, `C++` is `cpp`, `C#` is `c-sharp`, `.NET` is `dotnet`.
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
        let folded = slug::slugify(spelled(typed.trim().trim_start_matches('#')));
        match folded.len() {
            0 => Err("must contain a letter or a digit".to_owned()),
            1..=Self::MAX => Ok(Self(folded)),
            length => Err(format!(
                "must have at most {} characters of a-z 0-9 - when it is written in them, and \u{201c}{}\u{2026}\u{201d} has {length}",
                Self::MAX,
                folded.get(..Self::MAX).unwrap_or_default(),
            )),
        }
    }
}

/// What is typed, with words for the signs that tell names apart and that the transliteration drops: `c++`, `c#`, `.net`.
/// And `й`, which it takes for `и`, as ISO 9 has it.
fn spelled(typed: &str) -> String {
    let typed: Vec<char> = typed.to_lowercase().replace("и\u{306}", "й").chars().collect();
    let is_word = |at: Option<usize>| at.and_then(|at| typed.get(at)).is_some_and(|c| c.is_alphanumeric());
    let mut spelled = String::new();
    for (at, &c) in typed.iter().enumerate() {
        let (before, after) = (is_word(at.checked_sub(1)), is_word(Some(at + 1)));
        match c {
            '+' if before && typed.get(at + 1) == Some(&'+') => spelled.push_str("pp"),
            // Of a single letter, such as c# and f#.
            '#' if before && !after && !is_word(at.checked_sub(2)) => spelled.push_str("-sharp"),
            '.' if !before && after => spelled.push_str("dot"),
            'й' => spelled.push('j'),
            c => spelled.push(c),
        }
    }
    spelled
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
        let mut schema = json_schema!({
            "description": "At most 10 tags, each once, in their order. Of those that fold to the same tag, the first counts.",
            "type": "array",
            "items": generator.subschema_for::<Tag>(),
        });
        // How many of what is typed are the same, no schema can say.
        if generator.contract().is_serialize() {
            schema.insert("maxItems".to_owned(), Self::MAX.into());
            schema.insert("uniqueItems".to_owned(), true.into());
        }
        schema
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
            // At once, because each tag is compared with all before it.
            if tags.len() > Self::MAX {
                return Err(format!("must be at most {} different tags", Self::MAX));
            }
        }
        Ok(Self(tags))
    }
}

/// How the tags of a post were typed, for an API that shows them so: by tag, each that was not typed in its folded form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagLabels(BTreeMap<String, String>);

impl TagLabels {
    /// The labels of tags that were typed like this. As with [`Tags`], of those that fold to the same tag the first counts. What is no
    /// tag, or longer than a tag or invisible on a line of text, gives no label: it is shown as it is folded.
    pub fn of_typed<'a>(typed: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = HashSet::new();
        let labels = typed.into_iter().filter_map(|typed| {
            let (tag, label) = (Tag::try_from(typed.to_owned()).ok()?.0, typed.trim());
            let is_first = seen.insert(tag.clone());
            let is_label = label != tag && bounded(label, 1, Tag::MAX).is_ok() && hides_nothing(label);
            (is_first && is_label).then(|| (tag, label.to_owned()))
        });
        Self(labels.collect())
    }

    /// What is shown of a tag.
    pub fn show<'a>(&'a self, tag: &'a Tag) -> &'a str {
        self.0.get(tag.as_str()).map_or(tag.as_str(), String::as_str)
    }

    /// Forgets the labels of all other tags.
    pub(crate) fn keep_only(&mut self, tags: &Tags) {
        self.0.retain(|labelled, _| tags.iter().any(|tag| tag.as_str() == labelled));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(typed: &str) -> Result<String, String> {
        Tag::try_from(typed.to_owned()).map(Into::into)
    }

    #[test]
    fn what_is_named_differently_is_tagged_differently() {
        for (typed, tag) in [
            ("C", "c"),
            ("C++", "cpp"),
            ("C++17", "cpp-17"),
            ("g++", "gpp"),
            ("C#", "c-sharp"),
            ("#C#", "c-sharp"),
            ("#rust#", "rust"),
            ("#rust #aws", "rust-aws"),
            (".NET", "dotnet"),
            ("ASP.NET", "asp-net"),
            ("Node.js", "node-js"),
            ("Déjà vu", "deja-vu"),
            ("и", "i"),
            ("й", "j"),
            ("и\u{306}", "j"),
            ("мой", "moj"),
            ("人工智能", "ren-gong-zhi-neng"),
        ] {
            assert_eq!(folded(typed).as_deref(), Ok(tag), "{typed}");
            assert_eq!(folded(tag).as_deref(), Ok(tag), "folding again changes nothing");
        }
        let long = folded("人工智能与机器学习的未来发展趋势").unwrap_err();
        assert!(long.contains("ren-gong-zhi-neng") && long.contains("a-z 0-9 -"), "{long}");
    }

    #[test]
    fn a_label_is_what_was_typed_if_it_is_a_line_that_differs() {
        let long = "a".repeat(40) + "!";
        let typed = [
            "foo_bar",
            " Big Data ",
            "rust",
            "#Rust",
            "foo bar",
            "a\u{202e}b",
            "a\nc",
            "!!",
            "C++",
            &long,
            "ev\u{200b}il",
            "\u{feff}bom",
            "tag\u{e0041}s",
        ];
        let labels = TagLabels::of_typed(typed);
        let shown = |typed: &str| labels.show(&Tag::try_from(typed.to_owned()).unwrap()).to_owned();
        for (tag, label) in [("foo-bar", "foo_bar"), ("big-data", "Big Data"), ("cpp", "C++"), ("rust", "rust")] {
            assert_eq!(shown(tag), label, "the first that is the same tag");
        }
        for typed in ["a\u{202e}b", "a\nc", &long, "ev\u{200b}il", "\u{feff}bom", "tag\u{e0041}s"] {
            assert_eq!(shown(typed), folded(typed).unwrap());
        }
        assert_eq!(labels.0.len(), 3);
        let stored = serde_json::to_value(&labels).unwrap();
        assert_eq!(stored, serde_json::json!({ "foo-bar": "foo_bar", "big-data": "Big Data", "cpp": "C++" }));
    }

    #[test]
    fn tags_are_counted_after_they_are_folded() {
        let tags = |typed: &[&str]| Tags::try_from(typed.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(tags(&["A", "a", "á", "Ä", "#a", "a", "a", "a", "a", "a", "a"]).unwrap().iter().count(), 1);
        let eleven = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        assert!(tags(&eleven[..10]).is_ok() && tags(&eleven).is_err());
    }
}
