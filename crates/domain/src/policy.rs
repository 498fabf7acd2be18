//! The stack's own rules for posts, beyond those of the API. To add one, add its setting to [`Policy`] and a function to
//! [`Policy::check`]. Every write of a post's text asks the policy, and does not know which rules there are.

use std::borrow::Cow;
use std::iter;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Deserializer};
use unicode_segmentation::UnicodeSegmentation;

use crate::text::is_seen;
use crate::{Aliases, Denied, FieldError, MetaDescription, MetaTitle, Post, Role, Summary, Tag, Title};

/// The rules of a stack: its settings of the same names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The minimum number of words of a post; 0 is none.
    minimum_words: u64,
    /// What no post may contain: each a word, or several in a row.
    #[serde(deserialize_with = "blocked_words")]
    blocked_words: Vec<Blocked>,
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
fn blocked_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Blocked>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let blocked = text.split(',').map(|typed| Blocked { typed: typed.trim().to_owned(), words: Words::seen(typed) });
    Ok(blocked.filter(|blocked| !blocked.typed.is_empty()).collect())
}

/// A word, or several in a row, that no post may contain.
#[derive(Debug, Clone)]
struct Blocked {
    typed: String,
    words: Words,
}

impl Blocked {
    /// Whether a tag or a slug has it. What is more than letters and digits is not looked for: a slug of `c++` is a `c`.
    fn is_in_folded(&self, text: &str) -> bool {
        let is_kept = |c: char| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '-' | '\'');
        self.typed.chars().all(is_kept) && format!("-{text}-").contains(&format!("-{}-", slug::slugify(&self.typed)))
    }
}

/// What a text consists of, in its order and with spaces around: words, each other character by itself, and a line break where a paragraph
/// ends. Words are what Unicode takes for words (UAX #29), parted at what is in them, as in `don't` and `example.com`, without the case and the
/// form (NFKC) of their letters. In Chinese, Japanese and Thai, where no spaces are written, each character is one or nearly so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words(String);

impl Words {
    fn of(text: &str) -> Self {
        let folded = ComposingNormalizerBorrowed::new_nfkc().normalize(text).to_lowercase();
        let (mut words, mut lines) = (" ".to_owned(), 0);
        for segment in folded.split_word_bounds() {
            let mut is_in_word = false;
            for part in segment.graphemes(true) {
                if part.trim().is_empty() {
                    lines += usize::from(part.ends_with('\n'));
                    continue;
                }
                if lines > 1 {
                    words.push_str("\n ");
                }
                lines = 0;
                let is_letter = part.chars().next().is_some_and(char::is_alphanumeric);
                if is_letter && is_in_word {
                    words.pop();
                }
                is_in_word = is_letter;
                words.push_str(match part {
                    "’" | "ʼ" => "'",
                    "‐" | "‒" | "–" | "—" | "−" => "-",
                    part => part,
                });
                words.push(' ');
            }
        }
        Self(words)
    }

    /// The words that a reader sees, whatever characters that do not show, or only strike a letter through or enclose it, are in them.
    fn seen(text: &str) -> Self {
        let is_around = |c: char| matches!(c, '\u{334}'..='\u{338}' | '\u{20d0}'..='\u{20ff}');
        Self::of(&text.chars().filter(|c| is_seen(*c) && !is_around(*c) || c.is_whitespace()).collect::<String>())
    }

    fn contain(&self, others: &Self) -> bool {
        self.0.contains(&others.0)
    }
}

impl Policy {
    /// The fields of a post that break a rule, if its text is `markdown` and a reader reads it as `read`.
    pub(crate) fn check(&self, post: &Post, markdown: &str, read: impl FnOnce() -> String) -> Vec<FieldError> {
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
    fn blocked_words(&self, post: &Post, markdown: &str, read: impl FnOnce() -> String) -> Vec<FieldError> {
        let details = &post.details;
        let lines = [
            ("title", details.title.as_ref().map(Title::as_str)),
            ("summary", details.summary.as_ref().map(Summary::as_str)),
            ("meta_title", details.meta_title.as_ref().map(MetaTitle::as_str)),
            ("meta_description", details.meta_description.as_ref().map(MetaDescription::as_str)),
        ];
        let in_lines =
            lines.into_iter().filter_map(|(name, text)| Some(blocked(name, self.blocked_in([text?.into()])?)));
        let in_body = self.blocked_in(forms(markdown, read)).map(|word| blocked("body", word));
        let slug = (!post.slug_follows_title()).then(|| ("slug", post.slug.as_str()));
        let folded = details.tags.iter().map(|tag| ("tags", Tag::as_str(tag))).chain(slug);
        let in_folded = folded.filter_map(|(name, text)| self.blocked_in_folded(name, text));
        in_lines.chain(in_body).chain(in_folded).collect()
    }

    /// Checks the aliases of a post, which are slugs too, but for those that it had `before`.
    pub fn check_aliases(&self, aliases: &Aliases, before: &Aliases) -> Result<(), Denied> {
        let new = aliases.iter().filter(|alias| !before.contains(alias));
        Denied::if_any(new.filter_map(|alias| self.blocked_in_folded("aliases", alias.as_str())).collect())
    }

    fn blocked_in_folded(&self, field: &str, text: &str) -> Option<FieldError> {
        self.blocked_words.iter().find(|word| word.is_in_folded(text)).map(|word| blocked(field, word))
    }

    /// The first that is blocked and in one of these texts, as it is written or as it is seen. Both, because a character that does not show
    /// may end a word (Khmer) or hide in one.
    fn blocked_in<'t>(&self, texts: impl IntoIterator<Item = Cow<'t, str>>) -> Option<&Blocked> {
        if self.blocked_words.is_empty() {
            return None;
        }
        let texts: Vec<Words> = texts.into_iter().flat_map(|text| [Words::of(&text), Words::seen(&text)]).collect();
        self.blocked_words.iter().find(|blocked| texts.iter().any(|text| text.contain(&blocked.words)))
    }

    /// Whether a comment waits for an editor if its text is `markdown` and a reader reads it as `read`. None if it does unless its author
    /// has a published comment ([`HoldComments::First`]).
    pub fn holds_comment(&self, author: Role, markdown: &str, read: impl FnOnce() -> String) -> Option<bool> {
        match self.hold_comments {
            _ if author >= Role::Editor => Some(false),
            HoldComments::All => Some(true),
            _ if self.blocked_in(forms(markdown, read)).is_some() => Some(true),
            HoldComments::First => None,
            HoldComments::None => Some(false),
        }
    }
}

/// A text as it was typed and as it is read, which is asked for only if there are blocked words.
fn forms<'t>(markdown: &'t str, read: impl FnOnce() -> String + 't) -> impl Iterator<Item = Cow<'t, str>> {
    iter::once(markdown.into()).chain(iter::once_with(|| read().into()))
}

fn blocked(field: &str, blocked: &Blocked) -> FieldError {
    FieldError::new(field, format!("contains {:?}, which this blog does not take", blocked.typed))
}
