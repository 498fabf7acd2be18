//! The stack's own rules for posts, beyond those of the API. Add a rule of your own here.
//!
//! A rule is a type with a [`Rule::check`]. [`Policy::new`] lists the rules with the settings that they take. Every write
//! of a post's text asks the policy; none knows which rules there are.

use unicode_segmentation::UnicodeSegmentation;

use crate::{FieldError, Post, Summary, Title};

/// What rules look at: a post as it would be.
pub struct Content<'a> {
    /// The title, if it has one.
    pub title: Option<&'a str>,
    /// The summary, if it has one.
    pub summary: Option<&'a str>,
    /// The text, in Markdown.
    pub body: &'a str,
    /// How many words the text has.
    pub word_count: u64,
}

/// A rule for posts.
pub trait Rule: Send + Sync {
    /// The fields that break it.
    fn check(&self, content: &Content<'_>) -> Vec<FieldError>;
}

/// All rules of a stack.
pub struct Policy(Vec<Box<dyn Rule>>);

impl Policy {
    /// The rules that these settings ask for: a minimum number of words (0 is none), and words that no post may contain,
    /// in lower case. Add a rule of your own here.
    pub fn new(min_words: u64, blocked_words: Vec<String>) -> Self {
        let mut rules: Vec<Box<dyn Rule>> = Vec::new();
        if min_words > 0 {
            rules.push(Box::new(MinWords(min_words)));
        }
        if !blocked_words.is_empty() {
            rules.push(Box::new(BlockedWords(blocked_words)));
        }
        Self(rules)
    }

    /// The fields of a post that break a rule.
    pub(crate) fn check(&self, post: &Post, markdown: &str) -> Vec<FieldError> {
        let content = Content {
            title: post.details.title.as_ref().map(Title::as_str),
            summary: post.details.summary.as_ref().map(Summary::as_str),
            body: markdown,
            word_count: post.word_count,
        };
        self.0.iter().flat_map(|rule| rule.check(&content)).collect()
    }
}

/// A post has at least so many words.
struct MinWords(u64);

impl Rule for MinWords {
    fn check(&self, content: &Content<'_>) -> Vec<FieldError> {
        let Self(min) = self;
        let words = content.word_count;
        let broken = (words < *min).then(|| format!("must have at least {min} words on this blog, not {words}"));
        broken.into_iter().map(|detail| FieldError::new("body", detail)).collect()
    }
}

/// A post has none of these words, which are in lower case. A word is what Unicode takes for one, so `class` may contain
/// what alone is blocked.
struct BlockedWords(Vec<String>);

impl Rule for BlockedWords {
    fn check(&self, content: &Content<'_>) -> Vec<FieldError> {
        let fields = [("title", content.title), ("summary", content.summary), ("body", Some(content.body))];
        let found = fields.into_iter().filter_map(|(name, text)| {
            let text = text?.to_lowercase();
            let word = text.unicode_words().find(|word| self.0.iter().any(|blocked| blocked == word))?.to_owned();
            Some(FieldError::new(name, format!("contains the word {word:?}, which this blog does not take")))
        });
        found.collect()
    }
}
