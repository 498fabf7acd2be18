//! The stack's own rules for posts, beyond those of the API. To add one, add its setting to [`Policy`] and a function to
//! [`Policy::check`]. Every write of a post's text asks the policy, and does not know which rules there are.

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Deserializer};
use unicode_segmentation::UnicodeSegmentation;

use crate::text::is_seen;
use crate::{FieldError, MetaDescription, MetaTitle, Post, Role, Summary, Tag, Title};

/// The rules of a stack: its settings of the same names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The minimum number of words of a post; 0 is none.
    minimum_words: u64,
    /// What no post may contain: each a word, or several in a row.
    #[serde(deserialize_with = "blocked_words")]
    blocked_words: Vec<Words>,
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

/// What is written with commas between.
fn blocked_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Words>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split(',').map(Words::seen).filter(|words| !words.is_empty()).collect())
}

/// The words of a text in their order, each as Unicode takes it for one (UAX #29), without the case and the form (NFKC) of their letters.
/// In Chinese, Japanese and Thai, where no spaces are written, each character is one or nearly so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words(String);

impl Words {
    fn of(text: &str) -> Self {
        let folded = ComposingNormalizerBorrowed::new_nfkc().normalize(text).to_lowercase();
        Self(folded.unicode_words().flat_map(|word| [" ", word]).chain([" "]).collect())
    }

    /// The words that a reader sees, whatever characters that do not show are in them.
    fn seen(text: &str) -> Self {
        Self::of(&text.chars().filter(|c| is_seen(*c) || c.is_whitespace()).collect::<String>())
    }

    fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    fn contain(&self, others: &Self) -> bool {
        self.0.contains(&others.0)
    }

    /// With spaces between them.
    fn as_str(&self) -> &str {
        self.0.trim()
    }
}

impl Policy {
    /// The fields of a post that break a rule, if its text is `markdown` and a reader reads it as `read`.
    pub(crate) fn check(&self, post: &Post, markdown: &str, read: &str) -> Vec<FieldError> {
        let mut errors = self.too_few_words(post);
        errors.extend(self.blocked_words(post, markdown, read));
        errors
    }

    fn too_few_words(&self, post: &Post) -> Vec<FieldError> {
        let (min, words) = (self.minimum_words, post.word_count);
        let broken = (words < min).then(|| format!("must have at least {min} words on this blog, not {words}"));
        broken.into_iter().map(|detail| FieldError::new("body", detail)).collect()
    }

    /// What is blocked is blocked between other words only, so `class` may contain what alone is blocked. Tags and slugs are looked at
    /// as they are folded, and a slug only if somebody chose it: one that was made from the title has the title's words.
    fn blocked_words(&self, post: &Post, markdown: &str, read: &str) -> Vec<FieldError> {
        let details = &post.details;
        let lines = [
            ("title", details.title.as_ref().map(Title::as_str)),
            ("summary", details.summary.as_ref().map(Summary::as_str)),
            ("meta_title", details.meta_title.as_ref().map(MetaTitle::as_str)),
            ("meta_description", details.meta_description.as_ref().map(MetaDescription::as_str)),
        ];
        let in_lines = lines.into_iter().filter_map(|(name, text)| Some(blocked(name, self.blocked_in(&[text?])?)));
        let in_body = self.blocked_in(&[markdown, read]).map(|words| blocked("body", words));
        let slug = (!post.slug_follows_title()).then(|| ("slug", post.slug.as_str()));
        let folded = details.tags.iter().map(|tag| ("tags", Tag::as_str(tag))).chain(slug);
        let in_folded = folded.filter_map(|(name, text)| {
            let is_in = |words: &&Words| format!("-{text}-").contains(&format!("-{}-", slug::slugify(words.as_str())));
            self.blocked_words.iter().find(is_in).map(|words| blocked(name, words))
        });
        in_lines.chain(in_body).chain(in_folded).collect()
    }

    /// The first that is blocked and in one of these texts, as it is written or as it is seen. Both, because a character that does not show
    /// may end a word (Khmer) or hide in one.
    fn blocked_in(&self, texts: &[&str]) -> Option<&Words> {
        if self.blocked_words.is_empty() {
            return None;
        }
        let forms: Vec<Words> = texts.iter().flat_map(|text| [Words::of(text), Words::seen(text)]).collect();
        self.blocked_words.iter().find(|blocked| forms.iter().any(|form| form.contain(blocked)))
    }

    /// Whether a comment waits for an editor if its text is `markdown` and a reader reads it as `read`. None if it does unless its author
    /// has a published comment ([`HoldComments::First`]).
    pub fn holds_comment(&self, author: Role, markdown: &str, read: &str) -> Option<bool> {
        match self.hold_comments {
            _ if author >= Role::Editor => Some(false),
            HoldComments::All => Some(true),
            _ if self.blocked_in(&[markdown, read]).is_some() => Some(true),
            HoldComments::First => None,
            HoldComments::None => Some(false),
        }
    }
}

fn blocked(field: &str, words: &Words) -> FieldError {
    FieldError::new(field, format!("contains {:?}, which this blog does not take", words.as_str()))
}
