//! The list of a term: the posts that it is in, and what is said of each.
//!
//! ```text
//! list:    (post+ payload)…           post+ is the difference to the post before, less one
//! payload: weight                     of the forms of a word, a tag, an author
//!          n*2+h [n at+…] at+…        of a word as it is: n places in the body; if h, before them those in the title and the tags
//! ```

use crate::Damaged;
use crate::bytes::{Bytes, put_number};
use crate::terms::is_word;

/// How much a word counts in the title and in the tags, where one in the body counts 1.
const TITLE_WEIGHT: u32 = 4;
const TAGS_WEIGHT: u32 = 3;

/// Where the tags and the body of a post begin. No title and no tags are as long as that: what is beyond is left out.
pub(crate) const TAGS_AT: u32 = 1 << 16;
pub(crate) const BODY_AT: u32 = 1 << 17;

/// How much a word at this position weighs.
pub(crate) fn weight_at(position: u32) -> u32 {
    match position {
        0..TAGS_AT => TITLE_WEIGHT,
        TAGS_AT..BODY_AT => TAGS_WEIGHT,
        _ => 1,
    }
}

/// Appends where a word is in a post: its positions, in order.
pub(crate) fn put_places(payload: &mut Vec<u8>, positions: &[u32]) {
    let (head, body) = positions.split_at(positions.partition_point(|position| *position < BODY_AT));
    put_number(payload, (body.len() as u64) << 1 | u64::from(!head.is_empty()));
    if !head.is_empty() {
        put_number(payload, head.len() as u64);
    }
    for (places, begin) in [(head, 0), (body, BODY_AT)] {
        let mut next = begin;
        for position in places {
            put_number(payload, position.saturating_sub(next).into());
            next = *position;
        }
    }
}

/// Reads a part of a list that begins by itself. What is torn ends it: blocks have checksums.
pub(crate) struct Postings<'a> {
    bytes: Bytes<'a>,
    next: u32,
}

impl<'a> Postings<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Bytes(bytes), next: 0 }
    }

    fn post(&mut self) -> Option<u32> {
        let post = self.next.saturating_add(self.bytes.small().ok()?);
        self.next = post.saturating_add(1);
        Some(post)
    }

    /// Gives the posts before the horizon, some at a time, and how much the term weighs in each.
    #[inline(always)]
    pub fn read_weights(mut self, is_word: bool, horizon: u32, mut take: impl FnMut(&[(u32, u32)])) {
        while let Some(one) = self.next_weight(is_word).filter(|(post, _)| *post < horizon) {
            take(&[one]);
            while !is_word && let Some(four) = self.next_four(horizon) {
                take(&four);
            }
        }
    }

    /// The next post and how much the term weighs there.
    #[inline(always)]
    fn next_weight(&mut self, is_word: bool) -> Option<(u32, u32)> {
        // Most numbers are one byte.
        if let [post @ ..0x80, weight @ ..0x80, rest @ ..] = self.bytes.0
            && !is_word
        {
            let post = self.next.saturating_add(u32::from(*post));
            (self.next, self.bytes.0) = (post.saturating_add(1), rest);
            return Some((post, u32::from(*weight)));
        }
        self.next_weight_of_any(is_word)
    }

    /// The next four posts and how much the term weighs in each, if that is in eight bytes, as it mostly is, and they are before the horizon. Not of a word as it is.
    #[inline(always)]
    fn next_four(&mut self, horizon: u32) -> Option<[(u32, u32); 4]> {
        let (bytes, rest) = self.bytes.0.split_first_chunk::<8>()?;
        if u64::from_le_bytes(*bytes) & 0x8080_8080_8080_8080 != 0 {
            return None;
        }
        let mut next = self.next;
        let [a, a_weight, b, b_weight, c, c_weight, d, d_weight] = bytes.map(u32::from);
        let four = [(a, a_weight), (b, b_weight), (c, c_weight), (d, d_weight)].map(|(ahead, weight)| {
            let post = next.saturating_add(ahead);
            next = post.saturating_add(1);
            (post, weight)
        });
        if next > horizon {
            return None;
        }
        (self.next, self.bytes.0) = (next, rest);
        Some(four)
    }

    /// Of a word as it is, places in the body are not read: each weighs 1.
    fn next_weight_of_any(&mut self, is_word: bool) -> Option<(u32, u32)> {
        let post = self.post()?;
        if !is_word {
            return Some((post, self.bytes.small().ok()?));
        }
        let (head, body) = self.counts()?;
        let (mut position, mut weight) = (0_u32, u32::try_from(body).unwrap_or(u32::MAX));
        for _ in 0..head {
            position = position.saturating_add(self.bytes.small().ok()?);
            weight = weight.saturating_add(weight_at(position));
        }
        self.skip(body)?;
        Some((post, weight))
    }

    /// The next post, of a list of places; `take` gets the positions there, if they are wanted of this post.
    pub fn next_places(&mut self, wanted: impl FnOnce(u32) -> bool, mut take: impl FnMut(u32)) -> Option<u32> {
        let post = self.post()?;
        let (head, body) = self.counts()?;
        if !wanted(post) {
            self.skip(head.saturating_add(body))?;
            return Some(post);
        }
        for (count, begin) in [(head, 0), (body, BODY_AT)] {
            let mut position: u32 = begin;
            for _ in 0..count {
                position = position.saturating_add(self.bytes.small().ok()?);
                take(position);
            }
        }
        Some(post)
    }

    /// How many places follow: those in the title and the tags, and those in the body.
    fn counts(&mut self) -> Option<(u64, u64)> {
        let counts = self.bytes.number().ok()?;
        let head = if counts & 1 == 1 { self.bytes.number().ok()? } else { 0 };
        Some((head, counts >> 1))
    }

    /// The next post and what is said of it, as it is stored.
    pub fn next_payload(&mut self, is_word: bool) -> Result<Option<(u32, &'a [u8])>, Damaged> {
        if self.bytes.0.is_empty() {
            return Ok(None);
        }
        let post = self.post().ok_or(Damaged)?;
        let begin = self.bytes.0;
        let counts = self.bytes.number()?;
        if is_word {
            let head = if counts & 1 == 1 { self.bytes.number()? } else { 0 };
            self.skip(head.saturating_add(counts >> 1)).ok_or(Damaged)?;
        }
        let length = begin.len() - self.bytes.0.len();
        Ok(Some((post, begin.get(..length).unwrap_or_default())))
    }

    /// Skips so many numbers.
    fn skip(&mut self, numbers: u64) -> Option<()> {
        let mut left = numbers;
        let mut ends = self.bytes.0.iter().enumerate().filter(|(_, byte)| **byte < 0x80);
        while left > 1 {
            ends.next()?;
            left -= 1;
        }
        let end = if left == 1 { ends.next()?.0 + 1 } else { 0 };
        self.bytes.take(end).ok()?;
        Some(())
    }
}

/// A list that is being made, of posts by numbers that may be other ones later.
#[derive(Debug, Default)]
pub(crate) struct List {
    next: u32,
    pub bytes: Vec<u8>,
}

impl List {
    pub fn push_weight(&mut self, post: u32, weight: u32) {
        self.push_post(post);
        put_number(&mut self.bytes, weight.into());
    }

    pub fn push_places(&mut self, post: u32, positions: &[u32]) {
        self.push_post(post);
        put_places(&mut self.bytes, positions);
    }

    fn push_post(&mut self, post: u32) {
        put_number(&mut self.bytes, post.saturating_sub(self.next).into());
        self.next = post.saturating_add(1);
    }
}

/// Adds the postings of a part of a list under the numbers that `number` gives to its posts; without those that get none.
pub(crate) fn renumber<'a>(
    term: &str,
    bytes: &'a [u8],
    number: impl Fn(u32) -> Option<u32>,
    postings: &mut Vec<(u32, &'a [u8])>,
) -> Result<(), Damaged> {
    let mut list = Postings::new(bytes);
    while let Some((post, payload)) = list.next_payload(is_word(term))? {
        postings.extend(number(post).map(|number| (number, payload)));
    }
    Ok(())
}
