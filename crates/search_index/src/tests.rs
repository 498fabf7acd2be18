//! The index against a scorer that looks at every word of every post, and what holds for every text.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use crate::block::{Block, Inflater, Pool, deflate};
use crate::footer::{Filter, Footer, Layout, Section};
use crate::index::Cut;
use crate::merge::merge_in;
use crate::postings::{List, Postings};
use crate::reference::Reference;
use crate::segment::read_lengths;
use crate::words::words;
use crate::writer::put_lengths;
use crate::{
    Builder, Cache, Damaged, Document, Encoded, Found, Hit, Place, Query, ReadError, Segment, Source, highlight,
    segments_to_merge, text_of_html,
};

type Index = crate::Index<Vec<u8>>;

/// So small that a handful of posts has blocks of every kind, and lists of several.
const TINY: Layout = Layout { posts: 2, ids: 3, lengths: 2, filter: 4, lists: 8, terms: 24 };

/// What a future comes to that waits for nothing, but may let others go first.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let polls = (0..100).map(|_| future.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    let done = polls.filter_map(|polled| if let Poll::Ready(done) = polled { Some(done) } else { None }).next();
    done.expect("it does not wait")
}

fn open<S: Source>(name: &str, source: S, encoded: &Encoded) -> Arc<Segment<S>> {
    Arc::new(Segment::open(name, source, encoded.footer(), &Cache::new(1 << 20)).unwrap())
}

fn encode(layout: Layout, documents: &[Document], gone: &[u128]) -> Encoded {
    let mut builder = Builder::with_layout(layout);
    documents.iter().for_each(|document| builder.add(document));
    gone.iter().for_each(|id| builder.add_gone(*id));
    builder.encode()
}

/// A file that is far away: it counts rounds, and never gives more than is asked for. Parts of it may be damaged.
struct Far {
    bytes: Vec<u8>,
    rounds: AtomicUsize,
    ranges: Mutex<Vec<Range<u64>>>,
}

impl Far {
    fn new(bytes: &[u8]) -> Arc<Self> {
        Arc::new(Self { bytes: bytes.to_vec(), rounds: AtomicUsize::new(0), ranges: Mutex::default() })
    }
}

impl Source for Arc<Far> {
    type Error = std::convert::Infallible;

    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Option<Vec<Vec<u8>>>, Self::Error> {
        self.rounds.fetch_add(1, Ordering::Relaxed);
        self.ranges.lock().unwrap().extend(ranges.iter().cloned());
        self.bytes.read(ranges).await
    }
}

fn parse(typed: &str) -> Query {
    let name = |typed: &str| (!typed.is_empty()).then(|| typed.to_lowercase());
    Query::parse(typed, name, name)
}

fn document(id: u128, title: &str, body: &str) -> Document {
    Document { id, author: 1, published_at: id as i64, title: title.into(), body: body.into(), ..Document::default() }
}

fn segment(documents: &[Document]) -> Arc<Segment<Vec<u8>>> {
    segment_in(Layout::STORED, documents, &[])
}

fn segment_in(layout: Layout, documents: &[Document], gone: &[u128]) -> Arc<Segment<Vec<u8>>> {
    let encoded = encode(layout, documents, gone);
    open("a segment", encoded.bytes.clone(), &encoded)
}

fn author(name: &str) -> Option<u128> {
    BTreeMap::from([("ada", 1), ("bob", 2)]).get(name).copied()
}

fn search<S: Source>(index: &crate::Index<S>, typed: &str) -> Vec<u128> {
    page(index, &parse(typed), None, 100).hits.iter().map(|hit| hit.id).collect()
}

fn page<S: Source>(index: &crate::Index<S>, query: &Query, after: Option<&Place>, max: usize) -> Found {
    now(index.search(query, author, after, max)).unwrap()
}

/// Which of these texts each query finds, by number from 1, best first.
fn check(texts: &[(&str, &str)], queries: &[(&str, &[u128])]) {
    let documents: Vec<_> = texts
        .iter()
        .zip(1..)
        .map(|((language, text), id)| Document {
            language: (!language.is_empty()).then(|| (*language).to_owned()),
            ..document(id, "", text)
        })
        .collect();
    let index = Index::new(vec![segment(&documents)]);
    for (typed, expected) in queries {
        let mut found = search(&index, typed);
        found.sort_unstable();
        assert_eq!(found, *expected, "{typed:?}");
    }
}

#[test]
fn words_are_found_in_all_their_forms_and_scripts() {
    check(
        &[
            ("en", "Running a blog costs nothing while nobody reads it."),
            ("", "He runs; she ran. Ada's café, naïve and Straße."),
            ("ru", "Книги о Москве, ёлка и AWS Lambda functions"),
            ("fr", "L\u{2019}homme mangeait des pommes à l'hôtel"),
            ("zh", "人工智能改变世界。我爱北京"),
            ("th", "ภาษาไทยเขียนติดกัน"),
            ("ko", "인공지능은 세상을 바꾼다"),
            ("ja", "東京タワーへ行きました。ｶﾞﾝﾀﾞﾑ"),
            ("pl", "Zażółć gęślą jaźń, łódź"),
            ("ar", "الكتاب على الطاولة"),
            ("hi", "हिन्दी भाषा"),
            ("de", "Müller aus Zürich über Bücher"),
            ("en", "Upgrade node.js v18.2.1, and call foo_bar or Some::path"),
        ],
        &[
            ("run", &[1, 2]),
            ("RUNNING", &[1, 2]),
            ("cafe", &[2]),
            ("CAFÉ", &[2]),
            ("strasse", &[2]),
            ("ada", &[2]),
            ("книга", &[3]),
            ("елка", &[3]),
            ("москва", &[3]),
            ("function", &[3]),
            ("homme", &[4]),
            ("l'homme", &[4]),
            ("manger", &[4]),
            ("hotel", &[4]),
            ("人工智能", &[5]),
            ("智能", &[5]),
            ("能人", &[]),
            ("京", &[5, 8]),
            ("ไทย", &[6]),
            ("ภาษา", &[6]),
            ("인공지능", &[7]),
            ("東京タワー", &[8]),
            ("ガンダム", &[8]),
            ("zazolc lodz", &[9]),
            ("हिन्दी", &[11]),
            ("हिन्द", &[]),
            ("zuerich", &[12]),
            ("Mueller Buecher", &[12]),
            ("zürich", &[12]),
            ("node", &[13]),
            ("node.js", &[13]),
            ("js.node", &[]),
            ("v18.2", &[13]),
            ("18.2", &[]),
            ("bar", &[13]),
            ("foo_bar", &[13]),
            ("foo_b*", &[13]),
            ("-node.js upgrade", &[]),
            ("Some::path", &[13]),
        ],
    );
}

#[test]
fn the_language_of_queries() {
    let index = Index::new(vec![segment(&[
        Document {
            tags: vec!["rust".into(), "web-dev".into()],
            ..document(1, "The quick brown fox", "jumps over the lazy dog")
        },
        Document {
            author: 2,
            ..document(1_700_000_000_000, "Brown bears", "A quick e-mail about the fox: brown as can be")
        },
        Document { tags: vec!["go".into()], ..document(1_710_000_000_000, "Lambda", "Programming in the large") },
    ])]);
    let (first, second, third) = (1, 1_700_000_000_000, 1_710_000_000_000);
    for (typed, expected) in [
        ("quick fox", vec![second, first]),
        (r#""brown fox""#, vec![first]),
        ("\u{201E}brown fox\u{201D}", vec![first]),
        (r#""fox brown""#, vec![second]),
        // No phrase goes from the title into the text.
        (r#""fox jumps""#, vec![]),
        ("fox -bears", vec![first]),
        (r#"fox -"lazy dog""#, vec![second]),
        ("program*", vec![third]),
        ("programs", vec![third]),
        ("programmes*", vec![]),
        ("prog", vec![]),
        ("prog* -go", vec![]),
        ("e-mail", vec![second]),
        ("tag:rust", vec![first]),
        ("TAG:Rust fox", vec![first]),
        (r#"tag:"web-dev""#, vec![first]),
        ("-tag:rust", vec![third, second]),
        ("author:bob", vec![second]),
        ("author:@ada -lambda", vec![first]),
        ("author:nobody", vec![]),
        ("after:2023", vec![third, second]),
        ("before:2024-03 after:2023", vec![second]),
        ("before:2023-11-15 after:2023-11-14", vec![second]),
        ("-after:2000", vec![first]),
        // Read as words.
        ("before:noon", vec![]),
        ("\"quick", vec![second, first]),
        ("quick \" fox \" \"", vec![second, first]),
        ("*", vec![]),
        ("- quick", vec![second, first]),
        ("", vec![]),
        ("\" \"", vec![]),
        // None has both, so those that have one.
        ("fox elephant", vec![second, first]),
        ("elephant", vec![]),
        // What is quoted must be there.
        (r#"fox "elephant""#, vec![]),
    ] {
        let (mut found, mut expected) = (search(&index, typed), expected);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{typed:?}");
    }
    // A word in the title counts more than one in the text, and a word counts more in a short text.
    assert_eq!(search(&index, "bears fox"), [second]);
    assert_eq!(search(&index, "brown")[0], second);
}

/// The segments as one.
fn merged(layout: Layout, segments: &[Arc<Segment<Vec<u8>>>], are_all: bool) -> Arc<Segment<Vec<u8>>> {
    let mut bytes = Vec::new();
    let merged = now(merge_in(layout, segments, are_all, &mut bytes)).unwrap();
    assert_eq!(merged.bytes, bytes.len() as u64);
    let encoded = Encoded { bytes: bytes.clone(), footer: merged.footer.len() };
    assert_eq!(encoded.footer(), merged.footer);
    let segment = open("merged", bytes, &encoded);
    assert_eq!(segment.len(), merged.posts);
    segment
}

#[test]
fn a_later_segment_has_the_last_word() {
    let old = segment(&[document(1, "One", "apple"), document(2, "Two", "apple pear"), document(3, "Three", "apple")]);
    let new = segment_in(Layout::STORED, &[document(2, "Two", "plum")], &[3]);
    let both = Index::new(vec![Arc::clone(&old), Arc::clone(&new)]);
    assert_eq!((search(&both, "apple"), search(&both, "plum"), search(&both, "-x")), (vec![1], vec![2], vec![2, 1]));
    // What has most words is replaced, so what has fewer is found.
    assert_eq!(search(&both, "apple pear"), [1]);
    let found = merged(TINY, &[Arc::clone(&old), Arc::clone(&new)], true);
    assert_eq!((found.len(), search(&Index::new(vec![found]), "-x")), (2, vec![2, 1]));
    // As long as there is an older one, it says who is gone.
    let newer = merged(TINY, &[new, segment(&[document(4, "Four", "apple")])], false);
    assert_eq!((newer.len(), search(&Index::new(vec![old, newer]), "apple")), (3, vec![4, 1]));
}

#[test]
fn segments_are_merged_so_that_there_are_few() {
    let (mut sizes, mut written) = (Vec::new(), 0);
    for _ in 0..10_000 {
        let merged = segments_to_merge(&sizes, 1, usize::MAX);
        let size = 1 + sizes.drain(sizes.len() - merged..).sum::<usize>();
        sizes.push(size);
        written += size;
        assert!(sizes.len() <= 14, "{sizes:?}");
    }
    assert_eq!(sizes.iter().sum::<usize>(), 10_000);
    assert!(written < 14 * 10_000, "{written}");
    assert_eq!(segments_to_merge(&[100, 60, 50, 30], 10, 50), 0);
    assert_eq!(segments_to_merge(&[100, 60, 50, 30], 20, 50), 2);
}

#[test]
fn what_is_no_footer_is_refused() {
    let encoded = encode(TINY, &[document(1, "Title", "some words of a text")], &[2]);
    assert_eq!(encode(TINY, &[document(1, "Title", "some words of a text")], &[2]), encoded);
    let footer = encoded.footer();
    assert_eq!(Footer::decode(footer).unwrap().encode(), footer);
    for end in 0..footer.len() {
        assert_eq!(Footer::decode(&footer[..end]), Err(Damaged), "{end}");
    }
    assert_eq!(Footer::decode(b"broadsheet-1\n"), Err(Damaged));
}

/// Whatever block is torn, or of another file, is found when it is read, and no other block is read for that.
#[test]
fn a_damaged_block_is_found_by_whoever_reads_it() {
    let documents: Vec<_> = (1..9).map(|id| document(id, "Title", &format!("apple pear w{id} the"))).collect();
    let encoded = encode(TINY, &documents, &[]);
    let blocks = Footer::decode(encoded.footer()).unwrap().blocks;
    // Of a later version of the same posts: as long as the other, and nearly the same.
    let changed: Vec<_> = documents.iter().map(|document| Document { author: 7, ..document.clone() }).collect();
    let foreign = encode(TINY, &changed, &[]).bytes;
    let is_lost = |bytes: Vec<u8>, typed: &str| {
        let index = crate::Index::new(vec![open("this one", bytes, &encoded), segment(&[document(99, "", "w1")])]);
        match now(index.search(&parse(typed), author, None, 100)) {
            Err(ReadError::Lost(name)) => {
                assert_eq!(name, "this one");
                true
            }
            other => {
                other.unwrap();
                false
            }
        }
    };
    let (mut lost, mut spared) = (HashSet::new(), 0);
    for (number, Block { offset, bytes, .. }) in blocks.iter().enumerate() {
        let range = *offset as usize..*offset as usize + *bytes as usize;
        for typed in ["w1", "apple the -w3", "author:ada", "w*", "w8 pear", "w5"] {
            let mut torn = encoded.bytes.clone();
            torn[range.start + range.len() / 2] ^= 1;
            let mut mixed = encoded.bytes.clone();
            let differs = foreign.get(range.clone()).is_some_and(|other| other != &mixed[range.clone()]);
            if differs {
                mixed[range.clone()].copy_from_slice(&foreign[range.clone()]);
            }
            let cut_off = encoded.bytes[..range.start].to_vec();
            let found = is_lost(torn, typed);
            assert!(is_lost(cut_off, typed) || !found, "{number} {typed}");
            assert_eq!(is_lost(mixed, typed), found && differs, "{number} {typed}");
            lost.extend(found.then_some(number));
            spared += usize::from(!found);
        }
    }
    assert!(lost.len() * 2 > blocks.len() && spared > blocks.len(), "{} {spared} {}", lost.len(), blocks.len());
}

/// Four rounds, the first of which reads the footer: terms, lists, posts. All ranges of a round are read at once.
#[test]
fn a_search_is_three_rounds_and_reads_little() {
    let documents: Vec<_> = (1..3_000).map(|id| document(id, "Title", &format!("word{} the x{id}", id % 7))).collect();
    let encoded = encode(Layout::STORED, &documents, &[]);
    let far = Far::new(&encoded.bytes);
    let index = crate::Index::new(vec![open("far", Arc::clone(&far), &encoded)]);
    let found = page(&index, &parse("word3 the"), None, 10);
    assert_eq!(found.hits.len(), 10);
    let read = std::mem::take(&mut *far.ranges.lock().unwrap());
    // The lengths are read together with the terms, by a call of their own.
    assert_eq!(far.rounds.swap(0, Ordering::Relaxed), 4, "{read:?}");
    let bytes: u64 = read.iter().map(|range| range.end - range.start).sum();
    assert!(bytes < encoded.bytes.len() as u64 / 3, "{bytes} of {}", encoded.bytes.len());
    // What is in the cache is not read again.
    page(&index, &parse("word3 the"), None, 10);
    assert_eq!(far.rounds.load(Ordering::Relaxed), 0);
}

/// The first time, the one block of posts is read that is needed; later those beside it too.
#[test]
fn whoever_goes_on_searching_soon_knows_all_posts() {
    let with_words = |word: &str, ids: Range<u128>| {
        let documents: Vec<_> = ids.map(|id| document(id, "Title", &format!("{word}{id}"))).collect();
        encode(Layout::STORED, &documents, &[])
    };
    let segments = [with_words("x", 1..4_000), with_words("y", 5_000..9_000)];
    let end = |encoded: &Encoded| {
        let footer = Footer::decode(encoded.footer()).unwrap();
        let posts = footer.section(Section::Posts);
        assert_eq!(posts, 0..4);
        footer.blocks[posts.end as usize].offset
    };
    let far = segments.each_ref().map(|encoded| Far::new(&encoded.bytes));
    let open = |number: usize| open("far", Arc::clone(&far[number]), &segments[number]);
    let index = crate::Index::new(vec![open(0), open(1)]);
    // The bytes of posts that a search reads, of each segment.
    let read = |typed: &str| {
        far.each_ref().iter().for_each(|far| far.ranges.lock().unwrap().clear());
        assert_eq!(page(&index, &parse(typed), None, 10).hits.len(), 1);
        [0, 1].map(|number: usize| {
            let ranges = far[number].ranges.lock().unwrap();
            let of_posts = ranges.iter().filter(|range| range.end <= end(&segments[number]));
            of_posts.map(|range| range.end - range.start).sum::<u64>()
        })
    };
    let [first, other] = read("x1");
    assert!(first > 0 && first < end(&segments[0]) / 3 && other == 0, "{first} and {other}");
    // What was read is not read again.
    assert_eq!(read("x3999"), [end(&segments[0]) - first, 0]);
    assert_eq!(read("x2000"), [0, 0]);
    let [other, first] = read("y5000");
    assert!(first > 0 && first < end(&segments[1]) / 3 && other == 0, "{first} and {other}");
}

#[test]
fn a_block_is_read_whatever_its_size_and_not_if_it_ends_early() {
    let mut inflater = Inflater::new();
    for size in [0, 1, 64 * 1024, 300_000] {
        let raw: Vec<u8> = (0..size).map(|at: u32| (at / 7 % 251) as u8).collect();
        let (bytes, checksum) = deflate(&raw);
        let mut block = Block { offset: 0, bytes: bytes.len() as u32, checksum };
        assert_eq!(inflater.inflate(&block, &bytes).unwrap(), raw);
        let early = &bytes[..bytes.len() - 1];
        block.bytes -= 1;
        assert!(inflater.inflate(&block, early).is_err());
        block.checksum = zlib_rs::crc32::crc32(0, early);
        assert!(inflater.inflate(&block, early).is_err());
    }
}

#[test]
fn lengths_are_read_as_they_were_written() {
    for some in [vec![0, 0], vec![7, 0, 255], vec![256, 1], vec![65_536, 3, 70_000], vec![u32::MAX, 0, 1]] {
        let mut read = vec![9];
        let raw = put_lengths(&some);
        read_lengths(&raw, some.len(), &mut read).unwrap();
        assert_eq!(read, [&[9], some.as_slice()].concat());
        assert!(read_lengths(&raw[1..], some.len(), &mut read).is_err());
        assert!(read_lengths(&raw, 5 * raw.len(), &mut read).is_err());
    }
}

/// However many lists are read, who the posts are that were found stays known.
#[test]
fn lists_do_not_displace_posts() {
    let documents: Vec<_> = (1..3_000).map(|id| document(id, "Title", &format!("word{} the x{id}", id % 7))).collect();
    let encoded = encode(Layout::STORED, &documents, &[]);
    let far = Far::new(&encoded.bytes);
    let cache = Cache::new(512 * 1024);
    let segment = Segment::open("far", Arc::clone(&far), encoded.footer(), &cache).unwrap();
    let index = crate::Index::new(vec![Arc::new(segment)]);
    page(&index, &parse("word3"), None, 10);
    let lists = Arc::new(vec![0; 64 * 1024]);
    (0..100).for_each(|number| cache.pool(true).insert(9, number, &lists));
    far.rounds.store(0, Ordering::Relaxed);
    page(&index, &parse("word3"), None, 10);
    assert_eq!(far.rounds.load(Ordering::Relaxed), 1, "only the lists are read again");
}

#[test]
fn the_cache_is_bounded_and_keeps_what_is_used() {
    let cache = Pool::new(1_000);
    let block = Arc::new(vec![0; 100]);
    for number in 0..100 {
        cache.insert(1, number, &block);
        assert!(cache.bytes() <= 1_000);
        assert!(cache.get(1, 0).is_some() && cache.get(1, number).is_some() && cache.get(2, number).is_none());
    }
    assert!(cache.get(1, 50).is_none());
    cache.insert(1, 200, &Arc::new(vec![0; 10_000]));
    assert!(cache.get(1, 200).is_none());
}

#[test]
fn what_would_read_too_much_is_cut() {
    let clauses = parse("a b -c \"d e\" f").clauses;
    let of = |max, left_out| Cut::of(&clauses, &[50, 70, 90, 40, 10], 5, left_out, max);
    for (max, left_out, share) in [
        (300, vec![], 1.0),
        (200, vec![1], 1.0),
        (150, vec![1, 0], 1.0),
        // What is excluded or quoted stays, and one is left of the others.
        (135, vec![1, 0, 4], 1.0),
        (54, vec![1, 0, 4], 54.0 / 135.0),
    ] {
        assert_eq!(of(max, None), Cut { left_out, share }, "{max}");
    }
    // Whoever goes on leaves out what was left out.
    assert_eq!(of(150, Some(&[1])), Cut { left_out: vec![1], share: 150.0 / 195.0 });
    assert_eq!(Cut::of(&parse("a").clauses, &[100], 0, None, 10), Cut { left_out: vec![], share: 0.1 });

    // The newest are found: of the rare word those that are there, of the common one those that were read.
    let documents: Vec<_> =
        (1..=100).map(|id| document(id, "", &format!("the {}", if id % 20 == 1 { "rare" } else { "" }))).collect();
    let index = |max| Index::new(vec![segment_in(TINY, &documents, &[])]).with_max_list_bytes(max);
    assert_eq!(search(&index(10_000), "the rare"), [81, 61, 41, 21, 1]);
    assert_eq!(search(&index(30), "the rare"), [81, 61, 41, 21, 1]);
    let found = search(&index(50), "the");
    assert!(found.len() < 50 && found.len() > 10, "{found:?}");
    let newest: Vec<u128> = (1..=100).rev().take(found.len()).collect();
    assert_eq!(BTreeSet::from_iter(&found), BTreeSet::from_iter(&newest));
    assert!(search(&index(50), "-the").is_empty());
}

#[test]
fn a_filter_has_what_was_put_into_it_and_little_else() {
    let mut filter = Filter::of(10_000);
    (0..10_000).for_each(|id| filter.insert(id << 40));
    assert!((0..10_000).all(|id| Filter::contains(&filter.0, id << 40)));
    let wrong = (0..10_000).filter(|id| Filter::contains(&filter.0, *id << 40 | 1)).count();
    assert!(wrong < 25, "{wrong}");
    assert!(!Filter::contains(&Filter::of(0).0, 1));
}

#[test]
fn marks_stand_around_what_was_asked_for() {
    for (typed, text, expected) in [
        ("run", "Running & jumping", "<mark>Running</mark> &amp; jumping"),
        ("cafe", "Le <b>Café</b>", "Le &lt;b&gt;<mark>Café</mark>&lt;/b&gt;"),
        (r#""brown fox""#, "A brown fox, a brown bear", "A <mark>brown fox</mark>, a brown bear"),
        ("prog*", "Programs progress", "<mark>Programs</mark> <mark>progress</mark>"),
        ("智能", "人工智能", "人工<mark>智能</mark>"),
        ("人工智能", "人工智能", "<mark>人工智能</mark>"),
        ("库", "数据库设计，库", "数据<mark>库</mark>设计，<mark>库</mark>"),
        ("js", "node.js", "node.<mark>js</mark>"),
        ("-fox dog", "fox and dog", "fox and <mark>dog</mark>"),
        ("tag:fox", "fox", "fox"),
        ("b", "\"a' b", "&quot;a&#39; <mark>b</mark>"),
    ] {
        assert_eq!(highlight(text, &parse(typed), None), expected, "{typed:?}");
    }
}

#[test]
fn html_becomes_the_text_that_is_read() {
    let html = "<h2 id=\"a>b\">Ti<em>tl</em>e</h2>\n<p>1 &lt; 2 &amp; &quot;3&quot;&nbsp;<code>a<span class=\"b\">.c</span></code></p><p>x</p>";
    let words: Vec<_> = text_of_html(html).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["Title", "1", "<", "2", "&", "\"3\"", "a.c", "x"]);
}

/// Hostile queries of the size that a URL may have are answered, and soon.
#[test]
#[allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn a_hostile_query_takes_no_longer_than_its_first_words() {
    let documents: Vec<_> = (0..300).map(|id| document(id, "a", &format!("a b c{id} d e f ").repeat(50))).collect();
    let index = Index::new(vec![segment(&documents)]);
    let many: String = (0..10_000).map(|number| format!("c{number} ")).collect();
    let phrases: String = (0..10_000).map(|number| format!("\"a b c{number}\" ")).collect();
    for hostile in [
        many.clone(),
        phrases,
        format!("\"{many}\""),
        "\"".repeat(10_000),
        "a* ".repeat(10_000),
        "c*".into(),
        "-".repeat(10_000),
        "tag:a ".repeat(10_000),
        "a".repeat(100_000),
        "\"a\" ".repeat(10_000),
        "人".repeat(10_000),
    ] {
        let begin = std::time::Instant::now();
        let query = parse(&hostile);
        page(&index, &query, None, 10);
        highlight("a b c d e f", &query, None);
        assert!(begin.elapsed().as_secs() < 5, "{:?} {}", begin.elapsed(), &hostile[..8]);
    }
}

fn text(max: usize) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "apple",
        "apples",
        "pear",
        "run",
        "running",
        "café",
        "the",
        "of",
        "книга",
        "книги",
        "Lambda",
        "manger",
        "mangeait",
    ]);
    prop::collection::vec(word, 0..max).prop_map(|words| words.join(" "))
}

#[allow(clippy::type_complexity, reason = "what proptest draws, taken apart at once")]
fn documents() -> impl Strategy<Value = Vec<Document>> {
    let language = prop::sample::select(vec![None, Some("en"), Some("ru"), Some("fr"), Some("pl")]);
    let tags = prop::sample::subsequence(vec!["apple", "run", "x"], 0..=2);
    let one = (text(4), text(30), tags, language);
    prop::collection::vec(one, 1..12).prop_map(|all| {
        let of = |(id, (title, body, tags, language)): (u128, (String, String, Vec<&str>, Option<&str>))| Document {
            id,
            author: 1 + id % 2,
            // Days that filters name.
            published_at: id as i64 / 3 * 200 * 86_400_000,
            title,
            tags: tags.into_iter().map(str::to_owned).collect(),
            body,
            language: language.map(str::to_owned),
        };
        (1..).zip(all).map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Recall@10 is 1, and the order is that of the scores, however the posts are spread over segments.
    #[test]
    fn the_index_finds_what_looking_at_every_word_finds(
        documents in documents(),
        typed in prop::collection::btree_set(prop::sample::select(vec!["apple", "pears", "runs", "cafe", "the", "книга", "manger", "none"]), 1..4),
        divided in 1_usize..5,
        is_merged in any::<bool>(),
    ) {
        let typed: Vec<&str> = typed.into_iter().collect();
        let segments = documents.chunks(documents.len().div_ceil(divided));
        let mut segments: Vec<_> = segments.map(|some| segment_in(TINY, some, &[])).collect();
        if is_merged {
            segments = vec![merged(TINY, &segments, true)];
        }
        let mut reference = Reference::new(&typed);
        documents.iter().for_each(|document| reference.add(document));
        let expected = reference.best();
        let found = search(&Index::new(segments), &typed.join(" "));
        prop_assert_eq!(found.len(), expected.len());
        // The same score at each place, as near as two ways of adding can tell.
        let score = |id: &u128| expected.iter().find(|(_, known)| known == id).map(|(score, _)| *score);
        for (id, (wanted, _)) in found.iter().zip(&expected).take(10) {
            prop_assert!(score(id).is_some_and(|score| (score - wanted).abs() <= 2), "{:?} {:?}", found, expected);
        }
    }

    /// Each post that was there throughout is met once, and in order, although others come and go between the pages.
    #[test]
    fn who_goes_on_meets_each_post_once(documents in documents(), typed in text(3), size in 1_usize..4) {
        let query = parse(&format!("{typed} run"));
        let stays = |document: &&Document| !document.id.is_multiple_of(3);
        let (mut met, mut after, mut number) = (Vec::new(), None, 0);
        loop {
            // Every third post is there on every other page only.
            let there: Vec<_> = documents.iter().filter(|document| stays(document) || number % 2 == 0).cloned().collect();
            let index = Index::new(there.chunks(4).map(|some| segment_in(TINY, some, &[])).collect());
            let Found { hits, next } = page(&index, &query, after.as_ref(), size);
            met.extend(hits);
            number += 1;
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let all = page(&Index::new(vec![segment(&documents)]), &query, None, 100).hits;
        let staying = |hits: &[Hit]| -> Vec<u128> { hits.iter().map(|hit| hit.id).filter(|id| id % 3 != 0).collect() };
        prop_assert_eq!(staying(&met), staying(&all));
        let ids: BTreeSet<_> = met.iter().map(|hit| hit.id).collect();
        prop_assert_eq!(ids.len(), met.len());
    }

    /// Whatever is typed and written, nothing panics, and what is shown is the text and marks, and no other markup.
    #[test]
    fn a_highlight_is_safe_whatever_is_typed(typed in ".{0,40}", body in ".{0,80}", language in "[a-z]{2}|") {
        let query = parse(&typed);
        let documents = [Document { language: Some(language.clone()), ..document(1, &typed, &body) }];
        page(&Index::new(vec![segment(&documents)]), &query, None, 10);
        for query in [query, parse(&body)] {
            let html = highlight(&body, &query, Some(&language));
            let without = html.replace("<mark>", "").replace("</mark>", "");
            prop_assert!(!without.contains(['<', '>', '"', '\'']), "{}", html);
            prop_assert_eq!(html.matches("<mark>").count(), html.matches("</mark>").count());
            let text = without.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert_eq!(text.replace("&amp;", "&"), body.clone());
        }
        text_of_html(&body);
    }

    /// A post is found by each of its words, in every script. Marks stand on letters: one that stands on nothing is no word.
    #[test]
    fn a_post_is_found_by_each_of_its_words(body in "([\\p{L}\\p{N}]\\p{M}{0,2}|[ '\u{2019}.-]){1,30}", language in "(en|ru|ar|tr|el|ta|pl|de)?") {
        let index = Index::new(vec![segment(&[Document { language: Some(language).filter(|tag| !tag.is_empty()), ..document(1, "", &body) }])]);
        for word in words(&body) {
            let typed = &body[word.range];
            prop_assert_eq!(search(&index, typed), vec![1], "{:?}", typed);
        }
    }

    /// However posts are spread over segments, were edited and withdrawn, how large blocks are and where they lie: the same is found,
    /// and it is what is there, page by page.
    #[test]
    fn segments_in_memory_far_away_and_merged_answer_alike(
        documents in documents(),
        edited in prop::collection::vec((any::<prop::sample::Index>(), text(30), any::<bool>()), 0..6),
        typed in query(),
        divided in 1_usize..5,
        size in 1_usize..5,
    ) {
        let query = parse(&typed);
        // What each segment says: the later ones edit posts of the earlier ones, or withdraw them.
        let mut said: Vec<(Vec<Document>, Vec<u128>)> =
            documents.chunks(documents.len().div_ceil(divided)).map(|some| (some.to_vec(), Vec::new())).collect();
        let mut there: BTreeMap<u128, Document> = documents.iter().map(|document| (document.id, document.clone())).collect();
        for (which, body, is_gone) in edited {
            let of = which.get(&documents);
            if is_gone {
                there.remove(&of.id);
                said.push((Vec::new(), vec![of.id]));
            } else {
                let edited = Document { body, ..of.clone() };
                there.insert(of.id, edited.clone());
                said.push((vec![edited], Vec::new()));
            }
        }
        let encoded = |layout| said.iter().map(|(posts, gone)| encode(layout, posts, gone)).collect::<Vec<_>>();
        let near: Vec<_> = encoded(Layout::STORED).iter().map(|encoded| open("near", encoded.bytes.clone(), encoded)).collect();
        let far: Vec<_> = encoded(TINY).iter().map(|encoded| open("far", Far::new(&encoded.bytes), encoded)).collect();
        let near_index = Index::new(near.clone());
        let (near_found, far_found) = (page(&near_index, &query, None, 100), page(&crate::Index::new(far.clone()), &query, None, 100));
        prop_assert_eq!(&near_found, &far_found);
        // Page by page.
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let found = page(&crate::Index::new(far.clone()), &query, after.as_ref(), size);
            met.extend(found.hits);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(&met, &near_found.hits);
        // The same posts as an index that was never edited has, and when nothing is replaced any more in the same order.
        let there: Vec<_> = there.into_values().collect();
        let fresh = page(&Index::new(vec![segment(&there)]), &query, None, 100);
        let ids = |found: &Found| found.hits.iter().map(|hit| hit.id).collect::<BTreeSet<_>>();
        prop_assert_eq!(ids(&fresh), ids(&near_found));
        let one = merged(TINY, &near, true);
        prop_assert_eq!(one.len(), there.len());
        prop_assert_eq!(&page(&Index::new(vec![one]), &query, None, 100), &fresh);
        // Merging the last ones alone changes no result either.
        let (kept, last) = near.split_at(near.len() / 2);
        let some = merged(TINY, last, kept.is_empty());
        let some = page(&Index::new(kept.iter().cloned().chain([some]).collect()), &query, None, 100);
        prop_assert_eq!(ids(&some), ids(&fresh));
    }

    /// Lists are read four posts at a time where that is possible.
    #[test]
    fn weights_are_read_as_they_were_written(
        postings in prop::collection::vec((prop_oneof![9 => 0_u32..100, 1 => 100_u32..20_000], prop_oneof![9 => 1_u32..100, 1 => 100_u32..500]), 0..60),
        horizon in prop_oneof![0_u32..3_000, Just(u32::MAX)],
    ) {
        let (mut list, mut written, mut next) = (List::default(), Vec::new(), 0);
        for (ahead, weight) in postings {
            list.push_weight(next + ahead, weight);
            written.push((next + ahead, weight));
            next += ahead + 1;
        }
        written.retain(|(post, _)| *post < horizon);
        let mut read = Vec::new();
        Postings::new(&list.bytes).read_weights(false, horizon, |some| read.extend_from_slice(some));
        prop_assert_eq!(read, written);
    }

    /// What is damaged and has the right checksum all the same is some index, and makes nothing panic.
    #[test]
    fn no_bytes_make_a_segment_panic(footer in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), to in any::<u8>(), block in any::<usize>()) {
        let _ = Footer::decode(&footer);
        let encoded = encode(TINY, &[document(1, "Title", "some words"), document(2, "Words", "some w")], &[3]);
        let mut footer = encoded.footer().to_vec();
        let at = at % footer.len();
        footer[at] = to;
        let open = |bytes: Vec<u8>, footer: &[u8]| Segment::open("x", bytes, footer, &Cache::new(1 << 20));
        if let Ok(segment) = open(encoded.bytes.clone(), &footer) {
            let _ = now(crate::Index::new(vec![Arc::new(segment)]).search(&parse("some words t* author:ada"), author, None, 10));
        }
        let mut footer = Footer::decode(encoded.footer()).unwrap();
        let block = block % footer.blocks.len();
        let Block { offset, bytes, .. } = footer.blocks[block];
        let mut raw = Inflater::new().inflate(&footer.blocks[block], &encoded.bytes[offset as usize..offset as usize + bytes as usize]).unwrap();
        let place = at % raw.len();
        raw[place] = to;
        // Where the block was are now as many bytes as the other has.
        let (deflated, checksum) = deflate(&raw);
        let mut file = encoded.bytes.clone();
        let begin = file.len();
        file.extend_from_slice(&deflated);
        footer.blocks[block] = Block { offset: begin as u64, bytes: deflated.len() as u32, checksum };
        let mut segment = open(file, encoded.footer()).unwrap();
        segment.footer = footer;
        let segment = Arc::new(segment);
        let _ = now(crate::Index::new(vec![Arc::clone(&segment)]).search(&parse("some words t* \"some words\" author:ada -tag:x after:1970"), author, None, 10));
        let _ = now(merge_in(TINY, &[segment], false, &mut Vec::new()));
    }
}

/// What a reader may type about the posts of [`documents`].
fn query() -> impl Strategy<Value = String> {
    let words = ["apple", "pears", "runs", "cafe", "the", "книга", "manger", "none", "lambda"];
    let word = prop::sample::select(words.to_vec());
    let term = (word.clone(), word, 0..15).prop_map(|(one, other, kind)| match kind {
        0 => format!("\"{one} {other}\""),
        1 => format!("-{one}"),
        2 => format!("{}*", one.chars().take(2).collect::<String>()),
        3 => "tag:apple".to_owned(),
        4 => "-tag:run".to_owned(),
        5 => "author:bob".to_owned(),
        6 => "after:1970-07-20".to_owned(),
        8 => "before:1971-02-05".to_owned(),
        9 => "-before:1970-07-21".to_owned(),
        7 => format!("-\"{one} {other}\""),
        _ => one.to_owned(),
    });
    prop::collection::vec(term, 1..4).prop_map(|terms| terms.join(" "))
}
