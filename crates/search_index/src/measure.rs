//! Measures the index:
//!
//! ```text
//! SIZES="1000 20000" cargo test --release -p search_index -- --ignored --nocapture measure
//! ```
//!
//! writes the table of docs/search.md. Posts are paragraphs of this repository's own texts, drawn anew: real sentences, with fewer
//! different words than as many real posts would have, and so longer lists. From 20,000 posts on the same texts come again under other ids and at
//! other times, as to divide texts into words takes most of the time. Files lie on disk, 20 ms away; each call of DynamoDB takes 5 ms.

#![allow(clippy::disallowed_methods, reason = "how long it takes is what is measured")]

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::reference::{Counted, Reference};
use crate::{Builder, Cache, Document, Index, Query, ReadError, Segment, Sink, Source, highlight, merge};

/// Words in a post: short ones are more frequent.
const LENGTHS: [usize; 8] = [60, 120, 200, 300, 400, 600, 900, 1_500];

/// How many posts differ in more than their id.
const DIFFERENT: usize = 20_000;

/// How many posts a segment has before segments are merged.
const STEP: usize = 2_000;

/// As the function has them: a smaller index is read whole (functions/search).
const WHOLE_INDEX: u64 = 32 * 1024 * 1024;
const CACHE: usize = 256 * 1024 * 1024;

const S3: Duration = Duration::from_millis(20);
const DYNAMODB: Duration = Duration::from_millis(5);

#[test]
#[ignore = "it measures, for minutes"]
fn measure() {
    let sizes = std::env::var("SIZES").unwrap_or_else(|_| "1000 20000".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    println!(
        "| posts | text a post | index a post | segments | index one post | merge one post | cold p50 | p95 | max | warm p50 | p95 | max | slowest | \
         GETs and KB of a cold search | of a warm one | recall@10 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for size in sizes.split_whitespace() {
        runtime.block_on(measure_one(size.parse().expect("a number of posts")));
    }
}

/// Waits as long as that, to some tens of microseconds: Tokio's own timer may take two milliseconds more.
async fn wait(time: Duration) {
    tokio::task::spawn_blocking(move || std::thread::sleep(time)).await.unwrap();
}

/// A file that is 20 ms away.
struct Slow {
    file: File,
    reads: Arc<Reads>,
}

#[derive(Default)]
struct Reads {
    gets: AtomicU64,
    bytes: AtomicU64,
}

impl Slow {
    /// Reads these ranges, all at once.
    async fn ranges(&self, ranges: &[Range<u64>]) -> Vec<Vec<u8>> {
        wait(S3).await;
        let read = ranges.iter().map(|range| {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            self.file.read_exact_at(&mut bytes, range.start).unwrap();
            self.reads.gets.fetch_add(1, Ordering::Relaxed);
            self.reads.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            bytes
        });
        read.collect()
    }
}

enum Place {
    Far(Slow),
    /// To be merged, without waiting.
    Near(File),
    Memory(Vec<u8>),
}

impl Source for Place {
    type Error = std::convert::Infallible;

    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Option<Vec<Vec<u8>>>, Self::Error> {
        match self {
            Self::Far(slow) => Ok(Some(slow.ranges(&ranges).await)),
            Self::Near(file) => {
                let read = |range: &Range<u64>| {
                    let mut bytes = vec![0; (range.end - range.start) as usize];
                    file.read_exact_at(&mut bytes, range.start).unwrap();
                    bytes
                };
                Ok(Some(ranges.iter().map(read).collect()))
            }
            Self::Memory(bytes) => bytes.read(ranges).await,
        }
    }
}

struct Written(File);

impl<E: Send> Sink<E> for Written {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), E> {
        self.0.write_all(&bytes).unwrap();
        Ok(())
    }
}

/// A segment on disk: its file, its size, its footer.
struct Stored(PathBuf, u64, Vec<u8>);

impl Stored {
    fn file(&self) -> File {
        File::open(&self.0).unwrap()
    }

    /// As a process reads it that knows nothing of it.
    async fn open(&self, is_whole: bool, cache: &Arc<Cache>, reads: &Arc<Reads>) -> Arc<Segment<Place>> {
        let slow = Slow { file: self.file(), reads: Arc::clone(reads) };
        let begin = if is_whole { 0 } else { self.1 - self.2.len() as u64 };
        let bytes = slow.ranges(std::slice::from_ref(&(begin..self.1))).await.remove(0);
        let footer = bytes[bytes.len() - self.2.len()..].to_vec();
        let place = if is_whole { Place::Memory(bytes) } else { Place::Far(slow) };
        Arc::new(Segment::open("", place, &footer, cache).unwrap())
    }
}

async fn measure_one(size: usize) {
    let paragraphs = paragraphs();
    let folder = std::env::temp_dir().join(format!("broadsheet-measure-{size}"));
    std::fs::create_dir_all(&folder).unwrap();
    let mut random = Random(size as u64);
    let documents: Vec<Document> = (0..size.min(DIFFERENT)).map(|id| post(id, &paragraphs, &mut random)).collect();
    let text_bytes =
        documents.iter().map(|document| document.body.len()).sum::<usize>() as f64 / documents.len() as f64;

    let began = Instant::now();
    let mut stored: Vec<(Stored, usize)> = Vec::new();
    let mut builders = Vec::new();
    for some in documents.chunks(STEP) {
        let mut builder = Builder::default();
        some.iter().for_each(|document| builder.add(document));
        builders.push(builder);
    }
    let dividing = began.elapsed();
    let began = Instant::now();
    for copy in 0..size.div_ceil(DIFFERENT) {
        for builder in &mut builders {
            let number = stored.len();
            if number * STEP >= size {
                break;
            }
            let encoded = builder.encode();
            let path = folder.join(format!("{number}"));
            std::fs::write(&path, &encoded.bytes).unwrap();
            stored.push((Stored(path, encoded.bytes.len() as u64, encoded.footer().to_vec()), builder.len()));
            builder.move_posts(|id, time| moved(id, time, copy + 1));
        }
    }
    let encoding = began.elapsed();
    drop(builders);

    // Merged as a rebuild merges them, and then so that each is twice as large as the next.
    let began = Instant::now();
    let unmerged = stored.len();
    let mut sizes: Vec<usize> = Vec::new();
    while sizes.iter().sum::<usize>() < size {
        sizes.push(((size - sizes.iter().sum::<usize>()) * 6 / 10).next_multiple_of(STEP).max(STEP));
    }
    if unmerged > 2 {
        let mut rest = stored.into_iter();
        stored = Vec::new();
        for (number, wanted) in sizes.iter().enumerate() {
            let some: Vec<_> = rest.by_ref().take(wanted / STEP).collect();
            if some.is_empty() {
                break;
            }
            let cache = Cache::new(0);
            let open = |(stored, _): &(Stored, usize)| {
                Arc::new(Segment::open("", Place::Near(stored.file()), &stored.2, &cache).unwrap())
            };
            let segments: Vec<_> = some.iter().map(open).collect();
            let path = folder.join(format!("merged-{number}"));
            let merged = merge(&segments, true, &mut Written(File::create(&path).unwrap())).await;
            let merged = merged.map_err(|error: ReadError<_>| format!("{error:?}")).unwrap();
            stored.push((Stored(path, merged.bytes, merged.footer), merged.posts));
            some.iter().for_each(|(stored, _)| std::fs::remove_file(&stored.0).unwrap());
        }
    }
    let merging = began.elapsed();
    assert_eq!(stored.iter().map(|(_, posts)| posts).sum::<usize>(), size);
    let stored: Vec<Stored> = stored.into_iter().map(|(stored, _)| stored).collect();
    let index_bytes: u64 = stored.iter().map(|stored| stored.1).sum();
    let is_whole = index_bytes <= WHOLE_INDEX;

    let mut queries: Vec<String> = Vec::new();
    while queries.len() < 400 {
        let document = &documents[random.below(documents.len())];
        queries.push(query(document, &mut random));
    }
    let reads = Arc::new(Reads::default());
    // As long as the excerpt of a card is.
    let excerpt: String = paragraphs.concat().chars().take(200).collect();
    let open = async |cache: &Arc<Cache>| {
        let segments = stored.iter().map(|stored| stored.open(is_whole || stored.1 <= 256 * 1024, cache, &reads));
        Index::new(futures_util::future::join_all(segments).await)
    };
    let search = async |index: &Index<Place>, typed: &str| {
        let word = |typed: &str| Some(typed.to_owned());
        let query = Query::parse(typed, word, word);
        let found = index.search(&query, |_| None, None, 20).await.map_err(|error| format!("{error:?}")).unwrap();
        wait(DYNAMODB).await;
        for _ in &found.hits {
            std::hint::black_box(highlight(&excerpt, &query, Some("en")));
        }
        found
    };
    let (mut cold, mut warm, mut cold_reads, mut warm_reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let taken = || (reads.gets.swap(0, Ordering::Relaxed), reads.bytes.swap(0, Ordering::Relaxed) / 1_000);
    for typed in queries.iter().take(40) {
        let began = Instant::now();
        wait(DYNAMODB).await;
        let index = open(&Cache::new(CACHE)).await;
        search(&index, typed).await;
        cold.push((began.elapsed(), typed.clone()));
        cold_reads.push(taken());
    }
    let cache = Cache::new(CACHE);
    let index = open(&cache).await;
    // What a process knows that has answered some others.
    for typed in queries.iter().skip(300) {
        search(&index, typed).await;
    }
    taken();
    for typed in queries.iter().take(300).chain(&HOSTILE.map(str::to_owned)) {
        let began = Instant::now();
        wait(DYNAMODB).await;
        search(&index, typed).await;
        warm.push((began.elapsed(), typed.clone()));
        warm_reads.push(taken());
    }
    let recall = recall(&index, &documents, size, &queries).await;
    let times = |times: &mut Vec<(Duration, String)>| {
        times.sort();
        let at = |share: usize| times[(times.len() - 1) * share / 100].0.as_secs_f64() * 1e3;
        format!("{:.0} ms | {:.0} ms | {:.0} ms", at(50), at(95), at(100))
    };
    let read = |reads: &mut Vec<(u64, u64)>| {
        reads.sort();
        let at = |share: usize| reads[(reads.len() - 1) * share / 100];
        let (middle, most) = (at(50), at(100));
        let bytes = reads.iter().map(|(_, bytes)| *bytes).max().unwrap();
        format!("{}, {} (max {}, {bytes})", middle.0, middle.1, most.0)
    };
    println!(
        "| {size} | {:.1} KB | {:.2} KB | {} | {:.2} ms | {:.2} ms | {} | {} | `{}` | {} | {} | {recall} |",
        text_bytes / 1e3,
        index_bytes as f64 / size as f64 / 1e3,
        stored.len(),
        dividing.as_secs_f64() * 1e3 / documents.len() as f64 + encoding.as_secs_f64() * 1e3 / size as f64,
        merging.as_secs_f64() * 1e3 / size as f64,
        times(&mut cold),
        times(&mut warm),
        warm.last().unwrap().1,
        read(&mut cold_reads),
        read(&mut warm_reads),
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

const HOSTILE: [&str; 6] = ["a*", "the of and to in", "\"of the\"", "-the", "tag:rust", "s* t* a*"];

/// How many of the ten best posts that the scorer finds that looks at every word are among the first ten of the index.
async fn recall(index: &Index<Place>, documents: &[Document], size: usize, queries: &[String]) -> f64 {
    let is_plain = |typed: &&String| typed.split(' ').all(|word| word.chars().all(char::is_alphabetic));
    let typed: Vec<&String> = queries.iter().filter(is_plain).take(20).collect();
    let mut references: Vec<_> =
        typed.iter().map(|typed| Reference::new(&typed.split(' ').collect::<Vec<_>>())).collect();
    for document in documents {
        let counted = Counted::of(document);
        for copy in 0..size.div_ceil(documents.len()) {
            let (id, published_at) = moved_often(document.id, document.published_at, copy);
            let document = Document { id, published_at, body: String::new(), title: String::new(), ..document.clone() };
            references.iter_mut().for_each(|reference| reference.add_counted(&document, &counted));
        }
    }
    let (mut found, mut wanted) = (0, 0);
    for (typed, reference) in typed.iter().zip(&references) {
        let best = reference.best();
        let scores: HashMap<u128, i64> = best.iter().map(|(score, id)| (*id, *score)).collect();
        let hits = index.search(&Query::parse(typed, |_| None, |_| None), |_| None, None, 10).await;
        let hits = hits.map_err(|error| format!("{error:?}")).unwrap().hits;
        // Of posts with one score any may be shown.
        let least = best.iter().take(10).next_back().map_or(0, |(score, _)| *score);
        found += hits.iter().filter(|hit| scores.get(&hit.id).is_some_and(|score| *score >= least - 2)).count();
        wanted += best.len().min(10);
    }
    found as f64 / wanted as f64
}

/// The post as it comes again for the so many-th time.
fn moved_often(id: u128, time: i64, copies: usize) -> (u128, i64) {
    (1..=copies).fold((id, time), |(id, time), copy| moved(id, time, copy))
}

fn moved(id: u128, time: i64, copy: usize) -> (u128, i64) {
    (id ^ (copy as u128 * 0x9E37_79B9 % (1 << 30)) << 8 ^ (copy as u128) << 40, time + 1_000 * copy as i64)
}

/// The paragraphs of the repository's Markdown.
fn paragraphs() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders =
        ["", "docs", "docs/adr", "examples/posts"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<_> = folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let texts: Vec<_> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let paragraphs = texts.iter().flat_map(|text| text.split("\n\n"));
    paragraphs
        .filter(|paragraph| paragraph.split(' ').count() > 15 && !paragraph.contains('|'))
        .map(str::to_owned)
        .collect()
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

fn post(id: usize, paragraphs: &[String], random: &mut Random) -> Document {
    let length = LENGTHS[random.below(LENGTHS.len())];
    let mut body = String::new();
    while body.split(' ').count() < length {
        body.push_str(&paragraphs[random.below(paragraphs.len())]);
        body.push_str(" \n");
    }
    let title: Vec<_> = body.split_whitespace().take(4 + random.below(5)).collect();
    Document {
        // As scattered as the random part of a ULID.
        id: (id as u128) << 80 | (random.below(1 << 30) as u128) << 40 | random.below(1 << 30) as u128,
        author: (random.below(100) as u128) * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 % (1 << 127),
        published_at: 1_700_000_000_000 + id as i64 * 3_600_000,
        title: title.join(" "),
        tags: vec![["rust", "aws", "blog", "web", "life"][random.below(5)].to_owned()],
        body,
        language: Some("en".to_owned()),
    }
}

/// What a reader who looks for this post may type.
fn query(document: &Document, random: &mut Random) -> String {
    let words: Vec<_> = document.body.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).collect();
    let at = random.below(words.len().saturating_sub(3).max(1));
    let word = |offset: usize| words.get(at + offset).copied().unwrap_or("rust");
    match random.below(6) {
        0 => word(0).to_owned(),
        1 => format!("{} {}", word(0), word(2)),
        2 => format!("\"{} {}\"", word(0), word(1)),
        3 => format!("{}*", word(0).chars().take(4).collect::<String>()),
        4 => format!("{} {} -{}", word(0), word(1), words.get(random.below(words.len().max(1))).unwrap_or(&"rust")),
        _ => format!("{} tag:{} after:2023-12", word(0), document.tags[0]),
    }
}
