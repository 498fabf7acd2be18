//! The stack's own rules for posts, beyond those of the API. To add one, add its setting to [`Policy`] and a function to
//! [`Policy::check`]. Every write of a post's text asks the policy, and does not know which rules there are.

use serde::{Deserialize, Deserializer};
use unicode_segmentation::UnicodeSegmentation;

use crate::{FieldError, MetaDescription, MetaTitle, Post, Role, Summary, Tag, Title};

/// The rules of a stack: its settings of the same names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The minimum number of words of a post; 0 is none.
    minimum_words: u64,
    /// Words that no post may contain, in lower case.
    #[serde(deserialize_with = "words")]
    blocked_words: Vec<String>,
    /// Which comments wait for an editor.
    hold_comments: HoldComments,
}

/// Which comments wait for an editor before others see them. Those of editors never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldComments {
    /// None but those with a blocked word.
    None,
    /// Those of a user who has no published comment yet.
    First,
    /// All.
    All,
}

/// Words in lower case, written with commas between them.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split(',').map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect())
}

impl Policy {
    /// The fields of a post that break a rule.
    pub(crate) fn check(&self, post: &Post, markdown: &str) -> Vec<FieldError> {
        let mut errors = self.too_few_words(post);
        errors.extend(self.blocked_words(post, markdown));
        errors
    }

    fn too_few_words(&self, post: &Post) -> Vec<FieldError> {
        let (min, words) = (self.minimum_words, post.word_count);
        let broken = (words < min).then(|| format!("must have at least {min} words on this blog, not {words}"));
        broken.into_iter().map(|detail| FieldError::new("body", detail)).collect()
    }

    /// A word is what Unicode takes for one, so `class` may contain what alone is blocked. Tags and slugs are looked at
    /// as they are folded, and a slug only if somebody chose it: one that was made from the title has the title's words.
    fn blocked_words(&self, post: &Post, markdown: &str) -> Vec<FieldError> {
        let details = &post.details;
        let texts = [
            ("title", details.title.as_ref().map(Title::as_str)),
            ("summary", details.summary.as_ref().map(Summary::as_str)),
            ("meta_title", details.meta_title.as_ref().map(MetaTitle::as_str)),
            ("meta_description", details.meta_description.as_ref().map(MetaDescription::as_str)),
            ("body", Some(markdown)),
        ];
        let slug = (!post.slug_follows_title()).then(|| ("slug", post.slug.as_str()));
        let folded = details.tags.iter().map(|tag| ("tags", Tag::as_str(tag))).chain(slug);
        let in_texts = texts.into_iter().filter_map(|(name, text)| Some(blocked(name, &self.blocked_word(text?)?)));
        let in_folded = folded.filter_map(|(name, text)| {
            let is_in = |word: &&String| format!("-{text}-").contains(&format!("-{}-", slug::slugify(word)));
            self.blocked_words.iter().find(is_in).map(|word| blocked(name, word))
        });
        in_texts.chain(in_folded).collect()
    }

    /// The first word of a text that is blocked.
    fn blocked_word(&self, text: &str) -> Option<String> {
        let text = text.to_lowercase();
        let word = text.unicode_words().find(|word| self.blocked_words.iter().any(|blocked| blocked == word))?;
        Some(word.to_owned())
    }

    /// Whether a comment with this text waits for an editor. None if it does unless its author has a
    /// published comment ([`HoldComments::First`]).
    pub fn holds_comment(&self, author: Role, markdown: &str) -> Option<bool> {
        match self.hold_comments {
            _ if author >= Role::Editor => Some(false),
            HoldComments::All => Some(true),
            _ if self.blocked_word(markdown).is_some() => Some(true),
            HoldComments::First => None,
            HoldComments::None => Some(false),
        }
    }
}

fn blocked(field: &str, word: &str) -> FieldError {
    FieldError::new(field, format!("contains the word {word:?}, which this blog does not take"))
}
