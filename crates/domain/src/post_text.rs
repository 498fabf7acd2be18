//! The text of a post.

use crate::{Body, MediaId};

/// A post's text, as typed and as rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostText {
    /// As typed, in Markdown.
    pub markdown: String,
    /// As rendered: HTML that is safe to insert into a page.
    pub html: String,
}

/// A text that was just typed and rendered, with what a post derives from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewText {
    /// The text.
    pub text: PostText,
    /// The number of words.
    pub word_count: u64,
    /// The beginning of its prose. None if it has no prose.
    pub excerpt: Option<String>,
    /// The pictures of ours that it shows.
    pub media: Vec<MediaId>,
}

impl NewText {
    /// The text `body`, rendered as `html`, which shows the pictures `media`. An empty `excerpt` is none.
    pub fn new(body: Body, html: String, word_count: u64, excerpt: String, media: Vec<MediaId>) -> Self {
        let text = PostText { markdown: body.into(), html };
        Self { text, word_count, excerpt: Some(excerpt).filter(|excerpt| !excerpt.is_empty()), media }
    }
}
