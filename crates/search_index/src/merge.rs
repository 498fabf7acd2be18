//! Makes one segment of several, without having them in memory: posts are read first and numbered anew, then the lists in the order of
//! their terms, in pieces. What grows with the number of posts is 150 bytes of each.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use crate::Damaged;
use crate::footer::{Layout, Section};
use crate::postings::renumber;
use crate::segment::{Entry, ReadError, Segment, Source, Terms, read_id};
use crate::writer::{ID_BYTES, Post, Writer};

/// How many blocks are read at once, and how many bytes are written at once at least.
const BLOCKS_AT_ONCE: u32 = 32;
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// How many of the last segments are merged with what is new, given the number of posts in each segment, oldest first, and in
/// what is new: those that are not twice as large as all that comes after them. So a segment is twice as large as the next,
/// there are as many as the number of posts has binary digits, and a post is written again as often. None that is larger than `max` is
/// merged.
pub fn segments_to_merge(sizes: &[usize], new: usize, max: usize) -> usize {
    let mut sum = new;
    let mut merged = 0;
    for size in sizes.iter().rev() {
        if *size > max || *size >= sum.saturating_mul(2) {
            break;
        }
        sum = sum.saturating_add(*size);
        merged += 1;
    }
    merged
}

/// Where a segment is written to.
pub trait Sink<E> {
    /// Writes on.
    fn write(&mut self, bytes: Vec<u8>) -> impl Future<Output = Result<(), E>> + Send;
}

/// In memory.
impl<E: Send> Sink<E> for Vec<u8> {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), E> {
        self.extend_from_slice(&bytes);
        Ok(())
    }
}

/// A segment that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// How many posts it says something of.
    pub posts: usize,
    /// How many bytes were written.
    pub bytes: u64,
    /// The last of them, which say where everything is.
    pub footer: Vec<u8>,
}

/// Writes what these segments say, the oldest first, as one. What is gone is said as long as an older segment may say otherwise, that
/// is unless these `are_all`.
pub async fn merge<S: Source>(
    segments: &[Arc<Segment<S>>],
    are_all: bool,
    sink: &mut impl Sink<S::Error>,
) -> Result<Merged, ReadError<S::Error>> {
    merge_in(Layout::STORED, segments, are_all, sink).await
}

pub(crate) async fn merge_in<S: Source>(
    layout: Layout,
    segments: &[Arc<Segment<S>>],
    are_all: bool,
    sink: &mut impl Sink<S::Error>,
) -> Result<Merged, ReadError<S::Error>> {
    let mut writer = Writer::new(layout);
    let mut output = Output { sink, bytes: 0 };
    let (kept, gone) = last_words(segments).await?;
    let mut posts = read_posts(segments, &kept).await?;
    drop(kept);
    posts.sort_unstable_by_key(|(post, ..)| post.key());
    let mut numbers: Vec<Vec<u32>> =
        segments.iter().map(|segment| vec![u32::MAX; segment.footer.posts as usize]).collect();
    for ((post, segment, old), new) in posts.iter().zip(0_u32..) {
        writer.post(post);
        if let Some(number) = numbers.get_mut(*segment).and_then(|numbers| numbers.get_mut(*old as usize)) {
            *number = new;
        }
    }
    let mut said = posts.len();
    drop(posts);
    if !are_all {
        said += gone.len();
        gone.iter().for_each(|id| writer.gone(*id));
    }
    writer.end_posts();
    output.take(&mut writer).await?;

    let mut cursors: Vec<_> = segments.iter().map(Cursor::new).collect();
    for cursor in &mut cursors {
        cursor.next().await?;
    }
    while let Some(term) =
        cursors.iter().filter_map(|cursor| cursor.current.as_ref()).map(|(term, _)| term).min().cloned()
    {
        let mut lists = Vec::new();
        for (cursor, numbers) in cursors.iter_mut().zip(&numbers) {
            if cursor.current.as_ref().is_some_and(|(current, _)| *current == term) {
                lists.push((cursor.list().await?, numbers, Arc::clone(cursor.segment)));
                cursor.next().await?;
            }
        }
        let mut postings = Vec::new();
        for (parts, numbers, segment) in &lists {
            let number = |old: u32| numbers.get(old as usize).copied().filter(|number| *number != u32::MAX);
            for (raw, range) in parts {
                let part = raw.get(range.clone()).unwrap_or_default();
                renumber(&term, part, number, &mut postings).map_err(|Damaged| lost(segment))?;
            }
        }
        // Runs that are in order each: a stable sort merges them.
        postings.sort_by_key(|(post, _)| *post);
        writer.term(&term, &postings);
        if writer.ready() >= BYTES_AT_ONCE {
            output.take(&mut writer).await?;
        }
    }
    let (rest, footer) = writer.finish();
    output.write(rest).await?;
    let footer = footer.encode();
    output.write(footer.clone()).await?;
    Ok(Merged { posts: said, bytes: output.bytes, footer })
}

struct Output<'a, K> {
    sink: &'a mut K,
    bytes: u64,
}

impl<K> Output<'_, K> {
    async fn take<E>(&mut self, writer: &mut Writer) -> Result<(), ReadError<E>>
    where
        K: Sink<E>,
    {
        self.write(writer.take()).await
    }

    async fn write<E>(&mut self, bytes: Vec<u8>) -> Result<(), ReadError<E>>
    where
        K: Sink<E>,
    {
        self.bytes += bytes.len() as u64;
        self.sink.write(bytes).await.map_err(ReadError::Failed)
    }
}

fn lost<S: Source>(segment: &Segment<S>) -> ReadError<S::Error> {
    ReadError::Lost(segment.name.clone())
}

/// Which posts of each segment no later one says anything of, and who is gone.
async fn last_words<S: Source>(
    segments: &[Arc<Segment<S>>],
) -> Result<(Vec<Vec<bool>>, Vec<u128>), ReadError<S::Error>> {
    // An id, the segment, and the number of its post in it.
    let mut said: Vec<(u128, usize, Option<u32>)> = Vec::new();
    for (number, segment) in segments.iter().enumerate() {
        let blocks: Vec<u32> = segment.footer.section(Section::Ids).collect();
        for some in blocks.chunks(BLOCKS_AT_ONCE as usize) {
            for (_, raw) in segment.read(some.iter().copied().collect()).await? {
                let (entries, _) = raw.as_chunks::<ID_BYTES>();
                said.extend(entries.iter().map(read_id).map(|(id, post)| (id, number, post)));
            }
        }
    }
    said.sort_unstable();
    let mut kept: Vec<Vec<bool>> = segments.iter().map(|segment| vec![false; segment.footer.posts as usize]).collect();
    let mut gone = Vec::new();
    let mut later = said.iter().skip(1).map(|(id, ..)| Some(id)).chain([None]);
    for (id, segment, post) in &said {
        if later.next().flatten() == Some(id) {
            continue;
        }
        match post {
            None => gone.push(*id),
            Some(post) => {
                if let Some(kept) = kept.get_mut(*segment).and_then(|kept| kept.get_mut(*post as usize)) {
                    *kept = true;
                }
            }
        }
    }
    Ok((kept, gone))
}

/// The posts that are kept, each with its segment and its number there.
async fn read_posts<S: Source>(
    segments: &[Arc<Segment<S>>],
    kept: &[Vec<bool>],
) -> Result<Vec<(Post, usize, u32)>, ReadError<S::Error>> {
    let mut posts = Vec::new();
    for (number, (segment, kept)) in segments.iter().zip(kept).enumerate() {
        let fetched = segment.fetch_kept(false).await?;
        segment.keep(&fetched)?;
        let wanted: Vec<u32> = (0..).zip(kept).filter(|(_, kept)| **kept).map(|(post, _)| post).collect();
        for some in wanted.chunks(segment.footer.posts_a_block * BLOCKS_AT_ONCE as usize) {
            let read = segment.posts(some).await?.into_iter().zip(some);
            let length = |old: u32| segment.lengths().get(old as usize).copied().unwrap_or_default();
            posts.extend(read.map(|(post, old)| (Post { length: length(*old), ..post }, number, *old)));
        }
    }
    Ok(posts)
}

/// A list: pieces of blocks.
type List = Vec<(Arc<Vec<u8>>, std::ops::Range<usize>)>;

/// Goes through the terms of a segment, and reads what comes next of it in pieces.
struct Cursor<'a, S> {
    segment: &'a Arc<Segment<S>>,
    /// The terms of some blocks that are not taken yet, the next one last.
    terms: Vec<(String, Entry)>,
    current: Option<(String, Entry)>,
    next_terms: u32,
    /// Blocks of lists.
    lists: HashMap<u32, Arc<Vec<u8>>>,
}

impl<'a, S: Source> Cursor<'a, S> {
    fn new(segment: &'a Arc<Segment<S>>) -> Self {
        let next_terms = segment.footer.section(Section::Terms).start;
        Self { segment, terms: Vec::new(), current: None, next_terms, lists: HashMap::new() }
    }

    /// Goes to the next term.
    async fn next(&mut self) -> Result<(), ReadError<S::Error>> {
        let end = self.segment.footer.section(Section::Terms).end;
        if self.terms.is_empty() && self.next_terms < end {
            let wanted = self.next_terms..end.min(self.next_terms + BLOCKS_AT_ONCE);
            self.next_terms = wanted.end;
            let lists = self.segment.footer.section(Section::Lists).start;
            let damaged = |Damaged| lost(self.segment);
            for (_, raw) in self.segment.read(wanted.collect()).await? {
                let mut terms = Terms::new(&raw, lists).map_err(damaged)?;
                while let Some((term, entry)) = terms.next().map_err(damaged)? {
                    let term = String::from_utf8(term.to_vec()).map_err(|_| lost(self.segment))?;
                    self.terms.push((term, entry));
                }
            }
            self.terms.reverse();
        }
        self.current = self.terms.pop();
        Ok(())
    }

    /// The list of the current term.
    async fn list(&mut self) -> Result<List, ReadError<S::Error>> {
        let Some((_, entry)) = &self.current else { return Ok(Vec::new()) };
        let wanted = entry.blocks();
        if wanted.clone().any(|block| !self.lists.contains_key(&block)) {
            // What comes before is done with.
            self.lists.retain(|block, _| *block >= wanted.start);
            let end = self.segment.footer.section(Section::Lists).end;
            let ahead = wanted.start..end.min(wanted.end.max(wanted.start + BLOCKS_AT_ONCE));
            let missing = ahead.filter(|block| !self.lists.contains_key(block)).collect();
            self.lists.extend(self.segment.read(missing).await?);
        }
        let piece = |block: u32| {
            let raw = self.lists.get(&block)?;
            Some((Arc::clone(raw), entry.range_in(raw)))
        };
        Ok(wanted.filter_map(piece).collect())
    }
}
