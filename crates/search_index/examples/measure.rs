//! Measures the index: `cargo run --release -p search_index --example measure -- 1000 20000`. Writes the table of docs/search.md.
//!
//! Posts are paragraphs of this repository's own texts, drawn anew: real sentences, with fewer different words than as many real
//! posts would have. The index is made of segments of 2,000 posts, as a rebuild makes them.

#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that fails says so")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use search_index::{Builder, Document, Index, Query, Segment, highlight};

/// Words in a post: short ones are more frequent.
const LENGTHS: [usize; 8] = [60, 120, 200, 300, 400, 600, 900, 1_500];

const STEP: usize = 2_000;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).map(|size| size.parse().expect("a number of posts")).collect();
    let paragraphs = paragraphs();
    println!(
        "| posts | text a post | index a post | index one post | decode all | warm p50 | p95 | max | slowest query |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for size in sizes {
        measure(size, &paragraphs);
    }
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

fn measure(size: usize, paragraphs: &[String]) {
    let mut random = Random(size as u64);
    let (mut text_bytes, mut index_bytes, mut indexing) = (0, 0, Duration::ZERO);
    let (mut segments, mut queries): (Vec<Vec<u8>>, Vec<String>) = Default::default();
    for begin in (0..size).step_by(STEP) {
        let documents: Vec<_> = (begin..size.min(begin + STEP)).map(|id| post(id, paragraphs, &mut random)).collect();
        text_bytes += documents.iter().map(|document| document.body.len()).sum::<usize>();
        for _ in 0..(STEP * 400).div_ceil(size).min(documents.len()) {
            let document = &documents[random.below(documents.len())];
            queries.push(query(document, &mut random));
        }
        let began = Instant::now();
        let mut builder = Builder::default();
        documents.iter().for_each(|document| builder.add(document));
        segments.push(builder.encode());
        indexing += began.elapsed();
    }
    index_bytes += segments.iter().map(Vec::len).sum::<usize>();
    let began = Instant::now();
    let segments = segments.iter().map(|bytes| Arc::new(Segment::decode(bytes).unwrap())).collect();
    let index = Index::new(segments);
    let decoding = began.elapsed();

    // As long as the excerpt of a card is.
    let excerpt: String = paragraphs.concat().chars().take(200).collect();
    let mut times = Vec::new();
    queries.extend(["a*", "the of and to in", "\"of the\"", "-the", "tag:rust", "s* t* a*"].map(str::to_owned));
    for typed in &queries {
        let began = Instant::now();
        let word = |typed: &str| Some(typed.to_owned());
        let query = Query::parse(typed, word, word);
        let found = index.search(&query, |_| None, None, 20);
        for _ in &found.hits {
            std::hint::black_box(highlight(&excerpt, &query, Some("en")));
        }
        times.push((began.elapsed(), typed));
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].0.as_secs_f64() * 1e3;
    println!(
        "| {size} | {:.1} KB | {:.2} KB | {:.2} ms | {:.0} ms | {:.1} ms | {:.1} ms | {:.1} ms | `{}` |",
        text_bytes as f64 / size as f64 / 1e3,
        index_bytes as f64 / size as f64 / 1e3,
        indexing.as_secs_f64() * 1e3 / size as f64,
        decoding.as_secs_f64() * 1e3,
        at(50),
        at(95),
        at(100),
        times.last().unwrap().1,
    );
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
        4 => format!("{} {} -{}", word(0), word(1), words[random.below(words.len())]),
        _ => format!("{} tag:{} after:2023-12", word(0), document.tags[0]),
    }
}
