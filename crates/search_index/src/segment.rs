//! A segment that is read in ranges: what is asked of it says which blocks that takes, all of a round are read at once, and each is
//! compared with its checksum. It is the same for a file in memory and for one far away ([`Source`]).

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::Damaged;
use crate::block::{Block, Cache, Inflater};
use crate::bytes::Bytes;
use crate::footer::{Filter, Footer, Section};
use crate::writer::{GONE, ID_BYTES, POST_BYTES, Post};

/// The maximum number of bytes that are read by one range, of blocks that follow each other.
const MAX_RANGE: u64 = 1024 * 1024;

/// How many blocks of posts are read for one that is missing: those beside it are in the same range, and nearly every search needs some.
const POSTS_AT_ONCE: u32 = 8;

/// The maximum number of blocks of terms that the words with one beginning are looked for in: some 30,000 words.
const MAX_PREFIX_BLOCKS: u32 = 16;

/// Where the bytes of a segment are.
pub trait Source: Send + Sync {
    /// Why they cannot be read.
    type Error: fmt::Debug + Send;

    /// The bytes of each of these ranges, all read at once; none if the file is not there or not as long.
    fn read(&self, ranges: Vec<Range<u64>>) -> impl Future<Output = Result<Option<Vec<Vec<u8>>>, Self::Error>> + Send;
}

/// A file in memory.
impl Source for Vec<u8> {
    type Error = std::convert::Infallible;

    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Option<Vec<Vec<u8>>>, Self::Error> {
        let slice = |Range { start, end }| self.get(start as usize..end as usize).map(<[u8]>::to_vec);
        Ok(ranges.into_iter().map(slice).collect())
    }
}

/// Why a segment could not be read.
#[derive(Debug)]
pub enum ReadError<E> {
    /// A part of the segment with this name is not there, or is not what was written.
    Lost(String),
    /// It could not be read now.
    Failed(E),
}

/// A segment that can be searched.
pub struct Segment<S> {
    pub(crate) name: String,
    source: S,
    pub(crate) footer: Footer,
    /// What it is called in the cache.
    number: u64,
    cache: Arc<Cache>,
    lengths: OnceLock<Vec<u32>>,
    filter: OnceLock<Vec<u8>>,
    /// Whether posts of it were read.
    has_read_posts: AtomicBool,
}

impl<S> fmt::Debug for Segment<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("name", &self.name).field("posts", &self.footer.posts).finish_non_exhaustive()
    }
}

/// What is looked for among the terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Term(String),
    /// All words that begin like this.
    Prefix(String),
}

/// Where the list of a term is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// How many posts are in it.
    pub posts: u32,
    /// Its bytes.
    pub bytes: u64,
    /// Its first block of lists, and for a list that shares it where it begins there.
    block: u32,
    offset: usize,
    /// The first post of each of its blocks; none if it shares one.
    parts: Vec<u32>,
}

impl Entry {
    fn is_shared(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many of its blocks have posts before this one.
    fn parts_before(&self, horizon: u32) -> u32 {
        if self.is_shared() { 1 } else { self.parts.partition_point(|first| *first < horizon) as u32 }
    }

    /// All of its blocks.
    pub fn blocks(&self) -> Range<u32> {
        self.block..self.block.saturating_add(self.parts_before(u32::MAX))
    }

    /// Where it is in one of its blocks.
    pub fn range_in(&self, raw: &[u8]) -> Range<usize> {
        if self.is_shared() { self.offset..self.offset.saturating_add(self.bytes as usize) } else { 0..raw.len() }
    }

    /// The parts of it that have posts before this one, each as a list by itself.
    pub fn parts<'a>(&'a self, blocks: &'a Blocks, horizon: u32) -> impl Iterator<Item = &'a [u8]> {
        let numbers = self.block..self.block.saturating_add(self.parts_before(horizon));
        numbers.map(move |number| {
            let raw = blocks.get(number);
            raw.get(self.range_in(raw)).unwrap_or_default()
        })
    }
}

/// Blocks that follow each other in a file, with their numbers.
type NumberedBlocks = Vec<(u32, Block)>;

/// Blocks as they were before they were deflated, with their numbers.
type RawBlocks = Vec<(u32, Arc<Vec<u8>>)>;

/// Blocks as they are stored.
#[derive(Debug, Default)]
pub(crate) struct Fetched(Vec<(NumberedBlocks, Vec<u8>)>);

impl Fetched {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Blocks that were read.
#[derive(Debug, Default)]
pub(crate) struct Blocks(HashMap<u32, Arc<Vec<u8>>>);

impl Blocks {
    pub fn get(&self, number: u32) -> &[u8] {
        self.0.get(&number).map(|raw| raw.as_slice()).unwrap_or_default()
    }
}

impl<S: Source> Segment<S> {
    /// The segment with this footer. `name` is what [`ReadError::Lost`] calls it.
    pub fn open(name: &str, source: S, footer: &[u8], cache: &Arc<Cache>) -> Result<Self, Damaged> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            name: name.to_owned(),
            source,
            footer: Footer::decode(footer)?,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            cache: Arc::clone(cache),
            lengths: OnceLock::new(),
            filter: OnceLock::new(),
            has_read_posts: AtomicBool::new(false),
        })
    }

    /// How many posts it says something of.
    pub fn len(&self) -> usize {
        self.footer.posts as usize + self.footer.gone as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lost(&self) -> ReadError<S::Error> {
        ReadError::Lost(self.name.clone())
    }

    /// These blocks, whether they are in the cache or not: all that are not are read at once.
    pub(crate) async fn blocks(&self, wanted: impl IntoIterator<Item = u32>) -> Result<Blocks, ReadError<S::Error>> {
        self.blocks_with(wanted, |missing| missing..missing + 1).await
    }

    /// These blocks. `around` says which are read with one that is not in the cache, unless they are there.
    async fn blocks_with(
        &self,
        wanted: impl IntoIterator<Item = u32>,
        around: impl Fn(u32) -> Range<u32>,
    ) -> Result<Blocks, ReadError<S::Error>> {
        let lists = self.footer.section(Section::Lists);
        let pool = |number: u32| self.cache.pool(lists.contains(&number));
        let wanted: BTreeSet<u32> = wanted.into_iter().collect();
        let (mut blocks, mut missing) = (Blocks::default(), BTreeSet::new());
        for number in wanted {
            match pool(number).get(self.number, number) {
                Some(raw) => drop(blocks.0.insert(number, raw)),
                None => missing.extend(
                    around(number)
                        .filter(|beside| *beside == number || pool(*beside).get(self.number, *beside).is_none()),
                ),
            }
        }
        for (number, raw) in self.read(missing).await? {
            pool(number).insert(self.number, number, &raw);
            blocks.0.insert(number, raw);
        }
        Ok(blocks)
    }

    /// Reads these blocks.
    pub(crate) async fn read(&self, wanted: BTreeSet<u32>) -> Result<RawBlocks, ReadError<S::Error>> {
        let fetched = self.fetch(wanted).await?;
        self.inflate(&fetched)
    }

    /// Fetches these blocks.
    async fn fetch(&self, wanted: BTreeSet<u32>) -> Result<Fetched, ReadError<S::Error>> {
        if wanted.is_empty() {
            return Ok(Fetched::default());
        }
        let mut ranges: Vec<(Range<u64>, NumberedBlocks)> = Vec::new();
        for number in wanted {
            let block = *self.footer.blocks.get(number as usize).ok_or_else(|| self.lost())?;
            let end = block.offset + u64::from(block.bytes);
            match ranges.last_mut() {
                Some((range, blocks)) if range.end == block.offset && end - range.start <= MAX_RANGE => {
                    range.end = end;
                    blocks.push((number, block));
                }
                _ => ranges.push((block.offset..end, vec![(number, block)])),
            }
        }
        let (ranges, blocks): (_, Vec<_>) = ranges.into_iter().unzip();
        let read = self.source.read(ranges).await.map_err(ReadError::Failed)?.ok_or_else(|| self.lost())?;
        Ok(Fetched(blocks.into_iter().zip(read).collect()))
    }

    fn inflate(&self, fetched: &Fetched) -> Result<RawBlocks, ReadError<S::Error>> {
        if fetched.is_empty() {
            return Ok(Vec::new());
        }
        let (mut inflater, mut raw) = (Inflater::new(), Vec::new());
        for (blocks, bytes) in &fetched.0 {
            let mut rest = bytes.as_slice();
            for (number, block) in blocks {
                let (bytes, after) = rest.split_at_checked(block.bytes as usize).ok_or_else(|| self.lost())?;
                raw.push((*number, Arc::new(inflater.inflate(block, bytes).map_err(|Damaged| self.lost())?)));
                rest = after;
            }
        }
        Ok(raw)
    }

    /// Fetches what is kept as long as the segment is searched, unless that is known: how long each post is and, if that is
    /// asked for, the filter of its ids.
    pub(crate) async fn fetch_kept(&self, with_filter: bool) -> Result<Fetched, ReadError<S::Error>> {
        let lengths = Some(Section::Lengths).filter(|_| self.lengths.get().is_none());
        let filter = Some(Section::Filter).filter(|_| with_filter && self.filter.get().is_none());
        let sections = filter.into_iter().chain(lengths);
        self.fetch(sections.flat_map(|section| self.footer.section(section)).collect()).await
    }

    /// Keeps what was fetched.
    pub(crate) fn keep(&self, fetched: &Fetched) -> Result<(), ReadError<S::Error>> {
        let read = self.inflate(fetched)?;
        let is_of = |number: &u32, section| self.footer.section(section).contains(number);
        let (mut lengths, mut filter) = (Vec::new(), Vec::new());
        for (number, raw) in &read {
            if is_of(number, Section::Filter) {
                filter.extend_from_slice(raw);
            } else {
                let posts = (self.footer.posts as usize - lengths.len()).min(self.footer.lengths_a_block);
                read_lengths(raw, posts, &mut lengths).map_err(|Damaged| self.lost())?;
            }
        }
        if !lengths.is_empty() {
            let _ = self.lengths.set(lengths);
        }
        if !filter.is_empty() {
            let _ = self.filter.set(filter);
        }
        Ok(())
    }

    /// How long each post is, once lengths are kept.
    pub(crate) fn lengths(&self) -> &[u32] {
        self.lengths.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Which of these posts it says something of. The filter has to be kept.
    pub(crate) async fn says_of(&self, ids: &[u128]) -> Result<Vec<u128>, ReadError<S::Error>> {
        let filter = self.filter.get().map(Vec::as_slice).unwrap_or_default();
        let maybe = ids.iter().filter(|id| Filter::contains(filter, **id));
        let maybe: Vec<_> =
            maybe.filter_map(|id| Some((*id, self.footer.block_with(Section::Ids, &id.to_be_bytes())?))).collect();
        let blocks = self.blocks(maybe.iter().map(|(_, block)| *block)).await?;
        let is_there = |(id, block): &(u128, u32)| {
            let (entries, _) = blocks.get(*block).as_chunks::<ID_BYTES>();
            entries.binary_search_by_key(id, |entry| read_id(entry).0).is_ok()
        };
        Ok(maybe.into_iter().filter(is_there).map(|(id, _)| id).collect())
    }

    /// These posts, without their lengths. The first read of a segment takes only the blocks that have them, as a process may answer
    /// only one search; later reads take the blocks beside too, so that soon all are in the cache.
    pub(crate) async fn posts(&self, wanted: &[u32]) -> Result<Vec<Post>, ReadError<S::Error>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (Range { start, end }, each) = (self.footer.section(Section::Posts), self.footer.posts_a_block as u32);
        let at_once = if self.has_read_posts.swap(true, Ordering::Relaxed) { POSTS_AT_ONCE } else { 1 };
        let around = |number: u32| {
            let first = number - (number - start) % at_once;
            first..end.min(first + at_once)
        };
        let blocks = self.blocks_with(wanted.iter().map(|post| start + post / each), around).await?;
        let post = |number: &u32| {
            let (posts, _) = blocks.get(start + number / each).as_chunks::<POST_BYTES>();
            posts.get((number % each) as usize).map(read_post).ok_or_else(|| self.lost())
        };
        wanted.iter().map(post).collect()
    }

    /// The number of the first post that comes at this place, in the order of all posts, or behind it.
    pub(crate) async fn first_at(&self, place: &[u8; 24]) -> Result<u32, ReadError<S::Error>> {
        let Some(number) = self.footer.block_with(Section::Posts, place) else { return Ok(0) };
        let blocks = self.blocks([number]).await?;
        let (posts, _) = blocks.get(number).as_chunks::<POST_BYTES>();
        let within = posts.partition_point(|post| read_post(post).key() < *place);
        let before = (number - self.footer.section(Section::Posts).start) as usize * self.footer.posts_a_block;
        u32::try_from(before + within).map_err(|_| self.lost())
    }

    /// The lists of each of these.
    pub(crate) async fn find(&self, wanted: &[Wanted]) -> Result<Vec<Vec<Entry>>, ReadError<S::Error>> {
        let numbers: Vec<_> = wanted.iter().map(|wanted| self.terms_blocks(wanted)).collect();
        let blocks = self.blocks(numbers.iter().cloned().flatten()).await?;
        let lists = self.footer.section(Section::Lists).start;
        let mut found = Vec::with_capacity(wanted.len());
        for (wanted, numbers) in wanted.iter().zip(numbers) {
            let mut entries = Vec::new();
            for number in numbers {
                let mut terms = Terms::new(blocks.get(number), lists).map_err(|Damaged| self.lost())?;
                while let Some((term, entry)) = terms.next().map_err(|Damaged| self.lost())? {
                    let (is_wanted, is_behind) = match wanted {
                        Wanted::Term(word) => (term == word.as_bytes(), term >= word.as_bytes()),
                        Wanted::Prefix(prefix) => {
                            let begins = term.starts_with(prefix.as_bytes());
                            (begins, term > prefix.as_bytes() && !begins)
                        }
                    };
                    if is_wanted {
                        entries.push(entry);
                    }
                    if is_behind {
                        break;
                    }
                }
            }
            found.push(entries);
        }
        Ok(found)
    }

    /// The blocks of terms that these can be in.
    fn terms_blocks(&self, wanted: &Wanted) -> Range<u32> {
        let all = self.footer.section(Section::Terms);
        let (Wanted::Term(word) | Wanted::Prefix(word)) = wanted;
        let first = self.footer.block_with(Section::Terms, word.as_bytes());
        if let Wanted::Term(_) = wanted {
            return first.map_or(all.start..all.start, |first| first..first + 1);
        }
        let first = first.unwrap_or(all.start);
        let keys = self.footer.keys.get(first as usize..all.end as usize).unwrap_or_default();
        let is_before = |key: &&Vec<u8>| key.as_slice() < word.as_bytes() || key.starts_with(word.as_bytes());
        let count = keys.iter().skip(1).take_while(is_before).count() as u32 + u32::from(!keys.is_empty());
        first..first + count.min(MAX_PREFIX_BLOCKS)
    }

    /// The blocks of these lists, as far as they have posts before the horizon.
    pub(crate) async fn lists(
        &self,
        entries: impl Iterator<Item = &Entry>,
        horizon: u32,
    ) -> Result<Blocks, ReadError<S::Error>> {
        let numbers: Vec<u32> =
            entries.flat_map(|entry| entry.block..entry.block.saturating_add(entry.parts_before(horizon))).collect();
        self.blocks(numbers).await
    }
}

/// Appends the lengths of a block of so many posts: the lowest byte of each, then the next of each.
pub(crate) fn read_lengths(raw: &[u8], posts: usize, lengths: &mut Vec<u32>) -> Result<(), Damaged> {
    if !(1..=4).any(|bytes| Some(raw.len()) == posts.checked_mul(bytes)) {
        return Err(Damaged);
    }
    let begin = lengths.len();
    lengths.resize(begin + posts, 0);
    for (at, bytes) in raw.chunks(posts.max(1)).enumerate() {
        for (length, byte) in lengths.iter_mut().skip(begin).zip(bytes) {
            *length |= u32::from(*byte) << (8 * at);
        }
    }
    Ok(())
}

fn read_post(bytes: &[u8; POST_BYTES]) -> Post {
    let number = |range: Range<usize>| bytes.get(range).unwrap_or_default();
    let id = |range| number(range).try_into().map(u128::from_be_bytes).unwrap_or_default();
    let published_at = number(32..40).try_into().map(i64::from_be_bytes).unwrap_or_default();
    Post { id: id(0..16), author: id(16..32), published_at, length: 0 }
}

/// An id, and the number of its post; none if it is gone.
pub(crate) fn read_id(bytes: &[u8; ID_BYTES]) -> (u128, Option<u32>) {
    let (id, number) = bytes.split_at(16);
    let number = number.try_into().map(u32::from_le_bytes).unwrap_or(GONE);
    (id.try_into().map(u128::from_be_bytes).unwrap_or_default(), Some(number).filter(|number| *number != GONE))
}

/// Reads a block of terms. What is torn ends it: blocks have checksums.
pub(crate) struct Terms<'a> {
    bytes: Bytes<'a>,
    term: Vec<u8>,
    block: u32,
    offset: usize,
}

impl<'a> Terms<'a> {
    /// `lists` is the first block of lists.
    pub fn new(bytes: &'a [u8], lists: u32) -> Result<Self, Damaged> {
        let mut bytes = Bytes(bytes);
        let term = bytes.text()?.to_vec();
        let block = bytes.small()?.checked_add(lists).ok_or(Damaged)?;
        Ok(Self { term, block, offset: bytes.small()? as usize, bytes })
    }

    /// The next term, and where its list is.
    pub fn next(&mut self) -> Result<Option<(&[u8], Entry)>, Damaged> {
        if self.bytes.0.is_empty() {
            return Ok(None);
        }
        let shared = self.bytes.small()? as usize;
        if shared > self.term.len() {
            return Err(Damaged);
        }
        self.term.truncate(shared);
        self.term.extend_from_slice(self.bytes.text()?);
        let (posts, count, blocks_on) = (self.bytes.small()?, self.bytes.small()?, self.bytes.small()?);
        let bytes = self.bytes.number()?;
        if blocks_on > 0 {
            self.offset = 0;
        }
        self.block = self.block.checked_add(blocks_on).ok_or(Damaged)?;
        let mut entry = Entry { posts, bytes, block: self.block, offset: self.offset, parts: Vec::new() };
        if count > 1 {
            let mut post = 0_u32;
            for _ in 0..count {
                post = post.checked_add(self.bytes.small()?).ok_or(Damaged)?;
                entry.parts.push(post);
            }
            self.block = self.block.checked_add(count).ok_or(Damaged)?;
            self.offset = 0;
        } else {
            self.offset = self.offset.checked_add(usize::try_from(bytes).map_err(|_| Damaged)?).ok_or(Damaged)?;
        }
        Ok(Some((&self.term, entry)))
    }
}
