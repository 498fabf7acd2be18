//! What is kept of posts: ids and words, in a piece that never changes.
//!
//! A segment lists its posts, and for each word the posts that it is in. Words are kept twice: as they are, with their places,
//! for phrases and beginnings of words; and all forms of a word together, with how much they weigh in each post. Numbers are
//! LEB128, lists hold differences, and the whole is deflated.
//!
//! ```text
//! MAGIC deflate( posts: n (id author published_at length title_end tags_end is_gone)…
//!                words: n (shared suffix_bytes suffix list_bytes)…   in order, each sharing letters with the one before
//!                lists: (post+ …)… )
//! ```
//!
//! A post that is in two segments is what the later one says, also that it is gone.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::ops::Range;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::words::{Kind, Language, words};

/// Changes with the format and with what a word is: a segment of another version is rebuilt like one that is lost.
const MAGIC: &[u8] = b"broadsheet-1\n";

/// How much a word counts in the title and in the tags, where one in the body counts 1.
const TITLE_WEIGHT: u32 = 4;
const TAGS_WEIGHT: u32 = 3;

/// Between the parts of a post, and between tags, so that no phrase goes across.
const GAP: u32 = 8;

/// What the terms begin with that are no words as they are: no word contains these.
const FORMS: char = '\u{1}';
const TAG: char = '\u{2}';

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

/// What a segment says of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    pub id: u128,
    pub author: u128,
    pub published_at: i64,
    /// Its words, each counted as it weighs.
    pub length: u32,
    /// The position after its title, and after its tags.
    title_end: u32,
    tags_end: u32,
    /// That it is not to be found any more, whatever earlier segments say.
    pub is_gone: bool,
}

impl Post {
    /// How much a word at this position weighs.
    pub fn weight_at(&self, position: u32) -> u32 {
        match position {
            at if at < self.title_end => TITLE_WEIGHT,
            at if at < self.tags_end => TAGS_WEIGHT,
            _ => 1,
        }
    }
}

/// The term of all forms of a word: its stem in a language, or the word itself if there is no stemmer for it.
pub(crate) fn form_term(language: Option<&Language>, word: &str) -> String {
    match language {
        Some(language) => format!("{FORMS}{}:{}", language.code, language.stem(word)),
        None => format!("{FORMS}:{word}"),
    }
}

/// The term of a tag.
pub(crate) fn tag_term(tag: &str) -> String {
    format!("{TAG}{tag}")
}

/// A segment that is being made.
#[derive(Debug, Default)]
pub struct Builder {
    posts: Vec<Post>,
    lists: HashMap<String, List>,
}

/// The posts of a term: of each the difference to the one before, and what is said of it.
#[derive(Debug, Default)]
struct List {
    next: u32,
    bytes: Vec<u8>,
}

impl List {
    fn push_weight(&mut self, post: u32, weight: u32) {
        self.push_post(post);
        put_number(&mut self.bytes, weight.into());
    }

    fn push_places(&mut self, post: u32, positions: &[u32]) {
        self.push_post(post);
        put_number(&mut self.bytes, positions.len() as u64);
        let mut next = 0;
        for position in positions {
            put_number(&mut self.bytes, position.saturating_sub(next).into());
            next = *position;
        }
    }

    fn push_post(&mut self, post: u32) {
        put_number(&mut self.bytes, post.saturating_sub(self.next).into());
        self.next = post + 1;
    }
}

impl Builder {
    /// How many posts it has.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// Adds a post. One of the same id must not be in it.
    pub fn add(&mut self, document: &Document) {
        let Ok(number) = u32::try_from(self.posts.len()) else { return };
        let mut post = Post {
            id: document.id,
            author: document.author,
            published_at: document.published_at,
            length: 0,
            title_end: 0,
            tags_end: 0,
            is_gone: false,
        };
        let mut places: HashMap<(String, Kind), Vec<u32>> = HashMap::new();
        let mut next = 0;
        let mut take = |text: &str| {
            let mut end = next;
            for word in words(text) {
                end = next + word.position + 1;
                places.entry((word.text, word.kind)).or_default().push(next + word.position);
            }
            next = end + GAP;
            end
        };
        post.title_end = take(&document.title);
        post.tags_end = document.tags.iter().fold(post.title_end, |_, tag| take(tag));
        take(&document.body);

        let mut weights: HashMap<String, u32> = document.tags.iter().map(|tag| (tag_term(tag), 1)).collect();
        for ((word, kind), positions) in &places {
            let weight = positions.iter().fold(0, |sum: u32, at| sum.saturating_add(post.weight_at(*at)));
            // The last character of a run was counted with the pair before.
            if !matches!(kind, Kind::Last { is_alone: false }) {
                post.length = post.length.saturating_add(weight);
            }
            if *kind == Kind::Word {
                let language = Language::of(word, document.language.as_deref());
                *weights.entry(form_term(language, word)).or_default() += weight;
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
        self.posts.push(post);
    }

    /// Says that a post is gone.
    pub fn add_gone(&mut self, id: u128) {
        self.posts.push(Post { id, author: 0, published_at: 0, length: 0, title_end: 0, tags_end: 0, is_gone: true });
    }

    /// Adds what another segment says of those of its posts that `is_kept` wants.
    pub fn add_segment(&mut self, segment: &Segment, is_kept: impl Fn(u128, bool) -> bool) {
        let mut numbers = Vec::new();
        for post in &segment.posts {
            let number = is_kept(post.id, post.is_gone).then(|| {
                self.posts.push(post.clone());
                u32::try_from(self.posts.len() - 1).unwrap_or(u32::MAX)
            });
            numbers.push(number);
        }
        let number = |post: u32| numbers.get(post as usize).copied().flatten();
        for term in 0..segment.terms() {
            let name = segment.term(term);
            // No list that would be empty.
            let mut list = self.lists.remove(name).unwrap_or_default();
            if name.starts_with([FORMS, TAG]) {
                segment.weights(term, |post, weight| {
                    if let Some(post) = number(post) {
                        list.push_weight(post, weight);
                    }
                });
            } else {
                segment.places(term, |post, positions| {
                    if let Some(post) = number(post) {
                        list.push_places(post, positions);
                    }
                });
            }
            if !list.bytes.is_empty() {
                self.lists.insert(name.to_owned(), list);
            }
        }
    }

    /// The bytes of the segment: the same for the same posts in the same order.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_number(&mut bytes, self.posts.len() as u64);
        for post in &self.posts {
            bytes.extend_from_slice(&post.id.to_be_bytes());
            bytes.extend_from_slice(&post.author.to_be_bytes());
            put_number(&mut bytes, post.published_at.unsigned_abs());
            put_number(&mut bytes, post.length.into());
            put_number(&mut bytes, post.title_end.into());
            put_number(&mut bytes, post.tags_end.saturating_sub(post.title_end).into());
            bytes.push(post.is_gone.into());
        }
        let lists: BTreeMap<&String, &List> = self.lists.iter().collect();
        put_number(&mut bytes, lists.len() as u64);
        let mut before = "";
        for (term, list) in &lists {
            let shared = before.bytes().zip(term.bytes()).take_while(|(a, b)| a == b).count();
            put_number(&mut bytes, shared as u64);
            put_number(&mut bytes, (term.len() - shared) as u64);
            bytes.extend_from_slice(term.as_bytes().get(shared..).unwrap_or_default());
            put_number(&mut bytes, list.bytes.len() as u64);
            before = term;
        }
        for list in lists.values() {
            bytes.extend_from_slice(&list.bytes);
        }
        // Writing to memory does not fail.
        let mut encoder = DeflateEncoder::new(MAGIC.to_vec(), Compression::default());
        encoder.write_all(&bytes).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    /// The segment itself, for what is searched before it is stored.
    pub fn build(&self) -> Result<Segment, Damaged> {
        Segment::decode(&self.encode())
    }
}

/// The bytes are no segment of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no segment of this version")]
pub struct Damaged;

/// A segment in memory.
#[derive(Debug, Default)]
pub struct Segment {
    pub(crate) posts: Vec<Post>,
    /// The terms, one after the other, and where each ends.
    names: String,
    name_ends: Vec<u32>,
    lists: Vec<u8>,
    list_ends: Vec<u32>,
}

impl Segment {
    /// Reads the bytes that [`Builder::encode`] wrote. Others are refused, or read as some segment: whoever stores segments
    /// compares a checksum.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut inflated = Vec::new();
        let deflated = bytes.strip_prefix(MAGIC).ok_or(Damaged)?;
        DeflateDecoder::new(deflated).read_to_end(&mut inflated).map_err(|_| Damaged)?;
        let mut bytes = Bytes(&inflated);
        let mut segment = Self::default();
        for _ in 0..bytes.number()? {
            let id = u128::from_be_bytes(bytes.take(16)?.try_into().map_err(|_| Damaged)?);
            let author = u128::from_be_bytes(bytes.take(16)?.try_into().map_err(|_| Damaged)?);
            let published_at = i64::try_from(bytes.number()?).map_err(|_| Damaged)?;
            let (length, title_end) = (bytes.small()?, bytes.small()?);
            let tags_end = title_end.checked_add(bytes.small()?).ok_or(Damaged)?;
            let is_gone = bytes.take(1)? == [1];
            segment.posts.push(Post { id, author, published_at, length, title_end, tags_end, is_gone });
        }
        let (mut name, mut list_end) = (Vec::new(), 0_u32);
        for _ in 0..bytes.number()? {
            let shared = bytes.small()? as usize;
            if shared > name.len() {
                return Err(Damaged);
            }
            name.truncate(shared);
            let suffix = bytes.small()? as usize;
            name.extend_from_slice(bytes.take(suffix)?);
            segment.names.push_str(std::str::from_utf8(&name).map_err(|_| Damaged)?);
            segment.name_ends.push(u32::try_from(segment.names.len()).map_err(|_| Damaged)?);
            list_end = list_end.checked_add(bytes.small()?).ok_or(Damaged)?;
            segment.list_ends.push(list_end);
        }
        segment.lists = bytes.take(list_end as usize)?.to_vec();
        if bytes.0.is_empty() { Ok(segment) } else { Err(Damaged) }
    }

    /// How many posts it says something of.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// The posts that it says something of.
    pub fn ids(&self) -> impl Iterator<Item = u128> {
        self.posts.iter().map(|post| post.id)
    }

    pub(crate) fn terms(&self) -> usize {
        self.name_ends.len()
    }

    fn term(&self, number: usize) -> &str {
        self.names.get(range(&self.name_ends, number)).unwrap_or_default()
    }

    /// The number of a term.
    pub(crate) fn find(&self, term: &str) -> Option<usize> {
        let number = self.first_from(|name| name < term);
        (self.term(number) == term && number < self.terms()).then_some(number)
    }

    /// The numbers of the words that begin with `prefix`.
    pub(crate) fn find_prefix(&self, prefix: &str) -> Range<usize> {
        let begin = self.first_from(|name| name < prefix);
        begin..self.first_from(|name| name < prefix || name.starts_with(prefix))
    }

    /// The first term that is not `before`, which holds for the first terms and for no other.
    fn first_from(&self, before: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.terms());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.term(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The posts that the forms of a word, or a tag, are in, with how much it weighs there.
    pub(crate) fn weights(&self, term: usize, mut take: impl FnMut(u32, u32)) {
        let mut bytes = Bytes(self.list(term));
        let mut next = 0_u32;
        while let (Ok(skipped), Ok(weight)) = (bytes.small(), bytes.small()) {
            let post = next.saturating_add(skipped);
            take(post, weight);
            next = post.saturating_add(1);
        }
    }

    /// The posts that a word is in, with its positions there.
    pub(crate) fn places(&self, term: usize, mut take: impl FnMut(u32, &[u32])) {
        let mut bytes = Bytes(self.list(term));
        let (mut next, mut positions) = (0_u32, Vec::new());
        while let (Ok(skipped), Ok(count)) = (bytes.small(), bytes.small()) {
            let post = next.saturating_add(skipped);
            positions.clear();
            let mut position = 0_u32;
            for _ in 0..count {
                let Ok(further) = bytes.small() else { return };
                position = position.saturating_add(further);
                positions.push(position);
            }
            take(post, &positions);
            next = post.saturating_add(1);
        }
    }

    fn list(&self, term: usize) -> &[u8] {
        self.lists.get(range(&self.list_ends, term)).unwrap_or_default()
    }
}

/// From where the thing before this one ends to where it ends.
fn range(ends: &[u32], number: usize) -> Range<usize> {
    let begin = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    begin as usize..ends.get(number).copied().unwrap_or(begin) as usize
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Bytes that are being read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Damaged)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    fn small(&mut self) -> Result<u32, Damaged> {
        self.number()?.try_into().map_err(|_| Damaged)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }
}
