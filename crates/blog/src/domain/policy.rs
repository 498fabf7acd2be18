//! What a stack wants of posts, beyond what the API says: the one place to add a rule of one's own.
//!
//! A rule is a type with a [`Rule::check`]. [`Policy::new`] lists the rules, with what the stack's settings say for
//! them; every operation that writes the text of a post asks the policy, and none knows which rules there are.

use unicode_segmentation::UnicodeSegmentation;

use crate::config::Config;
use crate::error::FieldError;

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
    /// The rules that these settings ask for. A rule of your own is added here.
    pub fn new(config: &Config) -> Self {
        let mut rules: Vec<Box<dyn Rule>> = Vec::new();
        if config.minimum_words > 0 {
            rules.push(Box::new(MinimumWords(config.minimum_words)));
        }
        if !config.blocked_words.is_empty() {
            rules.push(Box::new(BlockedWords(config.blocked_words.clone())));
        }
        Self(rules)
    }

    /// The fields of a post that break a rule.
    pub fn check(&self, content: &Content<'_>) -> Vec<FieldError> {
        self.0.iter().flat_map(|rule| rule.check(content)).collect()
    }
}

/// A post has at least so many words.
struct MinimumWords(u64);

impl Rule for MinimumWords {
    fn check(&self, content: &Content<'_>) -> Vec<FieldError> {
        let Self(least) = self;
        let words = content.word_count;
        let broken = (words < *least).then(|| format!("must have at least {least} words on this blog, not {words}"));
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
