//! Makes a segment of posts.

use std::collections::{BTreeMap, HashMap};

use crate::footer::Layout;
use crate::postings::{BODY_AT, List, TAGS_AT, renumber, weight_at};
use crate::terms::{author_term, form_term, tag_term};
use crate::words::{Kind, Language, words};
use crate::writer::{Post, Writer};

/// Between tags, so that no phrase goes across.
const GAP: u32 = 8;

/// A post, to be indexed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: u128,
    /// Its author's id.
    pub author: u128,
    /// When it was published, in milliseconds since 1970.
    pub published_at: i64,
    /// Its title; empty if it has none.
    pub title: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its text, without markup.
    pub body: String,
    /// Its language tag.
    pub language: Option<String>,
}

/// The bytes of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// All of them.
    pub bytes: Vec<u8>,
    /// How many of them, at the end, are the footer, which says where everything is.
    pub footer: usize,
}

impl Encoded {
    /// The footer.
    pub fn footer(&self) -> &[u8] {
        self.bytes.get(self.bytes.len().saturating_sub(self.footer)..).unwrap_or_default()
    }
}

/// A segment that is being made.
#[derive(Debug)]
pub struct Builder {
    layout: Layout,
    posts: Vec<Post>,
    gone: Vec<u128>,
    lists: HashMap<String, List>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::with_layout(Layout::STORED)
    }
}

impl Builder {
    pub(crate) fn with_layout(layout: Layout) -> Self {
        Self { layout, posts: Vec::new(), gone: Vec::new(), lists: HashMap::new() }
    }

    /// How many posts it says something of.
    pub fn len(&self) -> usize {
        self.posts.len() + self.gone.len()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a post. One of the same id must not be in it.
    pub fn add(&mut self, document: &Document) {
        let Ok(number) = u32::try_from(self.posts.len()) else { return };
        let mut places: HashMap<(String, Kind), Vec<u32>> = HashMap::new();
        // The part of the text that begins at one position and ends before another. Gives where the next may begin.
        let mut take = |text: &str, begin: u32, end: u32| {
            let mut next = begin;
            for word in words(text) {
                let position = begin.saturating_add(word.position);
                if position < end {
                    next = position.saturating_add(1);
                    places.entry((word.text, word.kind)).or_default().push(position);
                }
            }
            next.saturating_add(GAP)
        };
        take(&document.title, 0, TAGS_AT);
        document.tags.iter().fold(TAGS_AT, |begin, tag| take(tag, begin, BODY_AT));
        take(&document.body, BODY_AT, u32::MAX);

        let tags = document.tags.iter().map(|tag| tag_term(tag));
        let mut weights: HashMap<String, u32> =
            tags.chain([author_term(document.author)]).map(|term| (term, 1)).collect();
        let mut length: u32 = 0;
        for ((word, kind), positions) in &places {
            let weight = positions.iter().fold(0, |sum: u32, at| sum.saturating_add(weight_at(*at)));
            // The last character of a run was counted with the pair before.
            if !matches!(kind, Kind::Last { is_alone: false }) {
                length = length.saturating_add(weight);
            }
            if *kind == Kind::Word {
                let language = Language::of(word, document.language.as_deref());
                let sum = weights.entry(form_term(language, word)).or_default();
                *sum = sum.saturating_add(weight);
            }
        }
        let mut by_word: HashMap<String, Vec<u32>> = HashMap::new();
        for ((word, _), positions) in places {
            by_word.entry(word).or_default().extend(positions);
        }
        for (word, mut positions) in by_word {
            positions.sort_unstable();
            self.lists.entry(word).or_default().push_places(number, &positions);
        }
        for (term, weight) in weights {
            self.lists.entry(term).or_default().push_weight(number, weight);
        }
        let Document { id, author, published_at, .. } = *document;
        self.posts.push(Post { id, author, published_at, length });
    }

    /// Says that a post is gone.
    pub fn add_gone(&mut self, id: u128) {
        self.gone.push(id);
    }

    /// Gives its posts other ids and times.
    #[cfg(test)]
    pub(crate) fn move_posts(&mut self, to: impl Fn(u128, i64) -> (u128, i64)) {
        for post in &mut self.posts {
            (post.id, post.published_at) = to(post.id, post.published_at);
        }
    }

    /// The bytes of the segment: the same for the same posts.
    pub fn encode(&self) -> Encoded {
        let mut writer = Writer::new(self.layout);
        let mut order: Vec<_> = self.posts.iter().zip(0_u32..).collect();
        order.sort_unstable_by_key(|(post, _)| post.key());
        let mut numbers = vec![0; order.len()];
        for ((post, old), new) in order.into_iter().zip(0_u32..) {
            writer.post(post);
            if let Some(number) = numbers.get_mut(old as usize) {
                *number = new;
            }
        }
        self.gone.iter().for_each(|id| writer.gone(*id));
        writer.end_posts();
        let lists: BTreeMap<&String, &List> = self.lists.iter().collect();
        for (term, list) in lists {
            let mut postings = Vec::new();
            let number = |old: u32| numbers.get(old as usize).copied();
            // What this very builder has written is not torn.
            let _ = renumber(term, &list.bytes, number, &mut postings);
            postings.sort_unstable_by_key(|(post, _)| *post);
            writer.term(term, &postings);
        }
        let (mut bytes, footer) = writer.finish();
        let footer = footer.encode();
        bytes.extend_from_slice(&footer);
        Encoded { bytes, footer: footer.len() }
    }
}
