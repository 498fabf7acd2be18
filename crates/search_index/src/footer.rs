//! The end of a segment's file, which says where everything is: the only part that is kept in memory as long as a segment is
//! searched. Whoever stores a segment keeps the SHA-256 of it. It has the checksum of every block, so a block that is torn or of
//! another file is found when it is read, without the rest of the file.
//!
//! ```text
//! MAGIC  posts  gone  length  languages: n code…  posts_a_block  lengths_a_block
//! of each section: n blocks: bytes checksum key
//! ```

use std::ops::Range;

use crate::Damaged;
use crate::block::Block;
use crate::bytes::{Bytes, put_number, put_text};

/// Changes with the format and with what a word is: a segment of another version is rebuilt like one that is lost.
const MAGIC: &[u8] = b"broadsheet-5\n";

/// What the blocks of a file have, in their order in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Of each post its id, its author and when it was published; the newest first. A key is the place of a block's first.
    Posts,
    /// The ids in order, each with the number of its post, or that it is gone. A key is a block's first id.
    Ids,
    /// A Bloom filter of the ids.
    Filter,
    /// How long each post is: of a block's posts first the lowest bytes, then the next, up to the highest that one of them needs.
    Lengths,
    /// The lists of the terms, in the order of the terms.
    Lists,
    /// The terms, in order, each with where its list is. A key is a block's first term.
    Terms,
}

impl Section {
    pub const ALL: [Self; 6] = [Self::Posts, Self::Ids, Self::Filter, Self::Lengths, Self::Lists, Self::Terms];
}

/// How large blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Posts, ids and lengths in a block.
    pub posts: usize,
    pub ids: usize,
    pub lengths: usize,
    /// Bytes of a block before it is deflated.
    pub filter: usize,
    pub lists: usize,
    pub terms: usize,
}

impl Layout {
    /// The one that is used: blocks of some 10 to 40 KB as they are stored, which S3 sends about as soon as a smaller one.
    pub const STORED: Self =
        Self { posts: 1_024, ids: 2_048, lengths: 16_384, filter: 64 * 1_024, lists: 64 * 1_024, terms: 16 * 1_024 };
}

/// The place of a post in the order of all, as a key that sorts like it: the newest first.
pub(crate) fn place_key(published_at: i64, id: u128) -> [u8; 24] {
    let mut key = [0; 24];
    let (time, rest) = key.split_at_mut(8);
    time.copy_from_slice(&(!(published_at as u64 ^ 1 << 63)).to_be_bytes());
    rest.copy_from_slice(&(!id).to_be_bytes());
    key
}

/// Where everything is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    /// How many posts the segment has, and how many it says of that they are gone.
    pub posts: u32,
    pub gone: u32,
    /// How long its posts are together.
    pub length: u64,
    /// The languages of its words.
    pub languages: Vec<String>,
    pub posts_a_block: usize,
    pub lengths_a_block: usize,
    pub blocks: Vec<Block>,
    /// The key of each block; empty if it has none.
    pub keys: Vec<Vec<u8>>,
    /// Where the blocks of each section end.
    ends: [usize; 6],
}

impl Footer {
    /// That of a file in which nothing is yet.
    pub fn new(layout: &Layout) -> Self {
        Self { posts_a_block: layout.posts, lengths_a_block: layout.lengths, ..Self::default() }
    }

    /// Adds a section's next block: sections come in their order.
    pub fn push(&mut self, section: Section, bytes: usize, checksum: u32, key: Vec<u8>) {
        let offset = self.blocks.last().map_or(0, |last| last.offset + u64::from(last.bytes));
        self.blocks.push(Block { offset, bytes: u32::try_from(bytes).unwrap_or(u32::MAX), checksum });
        self.keys.push(key);
        for end in self.ends.iter_mut().skip(section as usize) {
            *end = self.blocks.len();
        }
    }

    /// The numbers of a section's blocks.
    pub fn section(&self, section: Section) -> Range<u32> {
        let end = |section: usize| self.ends.get(section).copied().unwrap_or_default() as u32;
        (section as usize).checked_sub(1).map_or(0, end)..end(section as usize)
    }

    /// The block of a section that a key is in, if any is: the last that begins with it or before.
    pub fn block_with(&self, section: Section, key: &[u8]) -> Option<u32> {
        let Range { start, end } = self.section(section);
        let keys = self.keys.get(start as usize..end as usize).unwrap_or_default();
        (start + keys.partition_point(|first| first.as_slice() <= key) as u32).checked_sub(1).filter(|at| *at >= start)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put_number(&mut bytes, self.posts.into());
        put_number(&mut bytes, self.gone.into());
        put_number(&mut bytes, self.length);
        put_number(&mut bytes, self.languages.len() as u64);
        self.languages.iter().for_each(|code| put_text(&mut bytes, code.as_bytes()));
        put_number(&mut bytes, self.posts_a_block as u64);
        put_number(&mut bytes, self.lengths_a_block as u64);
        for section in Section::ALL {
            let numbers = self.section(section);
            put_number(&mut bytes, numbers.len() as u64);
            let range = numbers.start as usize..numbers.end as usize;
            let blocks = self.blocks.get(range.clone()).unwrap_or_default();
            for (block, key) in blocks.iter().zip(self.keys.get(range).unwrap_or_default()) {
                put_number(&mut bytes, block.bytes.into());
                bytes.extend_from_slice(&block.checksum.to_le_bytes());
                put_text(&mut bytes, key);
            }
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut bytes = Bytes(bytes.strip_prefix(MAGIC).ok_or(Damaged)?);
        let mut footer =
            Self { posts: bytes.small()?, gone: bytes.small()?, length: bytes.number()?, ..Self::default() };
        for _ in 0..bytes.small()? {
            footer.languages.push(String::from_utf8(bytes.text()?.to_vec()).map_err(|_| Damaged)?);
        }
        (footer.posts_a_block, footer.lengths_a_block) = (bytes.small()? as usize, bytes.small()? as usize);
        if footer.posts_a_block == 0 || footer.lengths_a_block == 0 {
            return Err(Damaged);
        }
        for section in Section::ALL {
            for _ in 0..bytes.small()? {
                let (length, checksum) = (bytes.small()?, u32::from_le_bytes(bytes.array()?));
                footer.push(section, length as usize, checksum, bytes.text()?.to_vec());
            }
        }
        let covers = |section, each: usize| footer.section(section).len() == (footer.posts as usize).div_ceil(each);
        let is_whole = covers(Section::Posts, footer.posts_a_block) && covers(Section::Lengths, footer.lengths_a_block);
        if bytes.0.is_empty() && is_whole { Ok(footer) } else { Err(Damaged) }
    }
}

/// A Bloom filter: an id that is not in it was not put into it, and of those that were not put into it 1 in 2,000 is in it: twenty posts are looked up in several segments, and each wrong one costs a round.
/// Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970.
pub(crate) struct Filter(pub Vec<u8>);

const BITS_AN_ID: usize = 16;
const PROBES: u64 = 11;

impl Filter {
    pub fn of(ids: usize) -> Self {
        Self(vec![0; (ids * BITS_AN_ID).div_ceil(8)])
    }

    pub fn insert(&mut self, id: u128) {
        for bit in bits(id, self.0.len()) {
            if let Some(byte) = self.0.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }

    pub fn contains(bytes: &[u8], id: u128) -> bool {
        !bytes.is_empty()
            && bits(id, bytes.len()).all(|bit| bytes.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1))
    }
}

/// The bits of an id, in a filter of so many bytes.
fn bits(id: u128, bytes: usize) -> impl Iterator<Item = usize> {
    // SplitMix64: ids that differ little have bits that differ much.
    let mix = |mut x: u64| {
        x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    };
    let hash = mix(mix(id as u64).wrapping_add((id >> 64) as u64).wrapping_add(0x9E37_79B9_7F4A_7C15));
    let (first, step) = (hash >> 32, hash & 0xFFFF_FFFF | 1);
    let bits = bytes as u64 * 8;
    (0..PROBES).map(move |probe| (first.wrapping_add(probe.wrapping_mul(step)) % bits.max(1)) as usize)
}
