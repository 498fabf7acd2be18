//! The index against a scorer that looks at every word of every post, and what holds for every text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use crate::words::{Kind, Language, words};
use crate::{Builder, Document, Found, Hit, Index, Query, Segment, highlight, segments_to_merge, text_of_html};

fn parse(typed: &str) -> Query {
    let name = |typed: &str| (!typed.is_empty()).then(|| typed.to_lowercase());
    Query::parse(typed, name, name)
}

fn document(id: u128, title: &str, body: &str) -> Document {
    Document { id, author: 1, published_at: id as i64, title: title.into(), body: body.into(), ..Document::default() }
}

fn segment(documents: &[Document]) -> Arc<Segment> {
    let mut builder = Builder::default();
    documents.iter().for_each(|document| builder.add(document));
    Arc::new(builder.build().unwrap())
}

fn author(name: &str) -> Option<u128> {
    BTreeMap::from([("ada", 1), ("bob", 2)]).get(name).copied()
}

fn search(index: &Index, typed: &str) -> Vec<u128> {
    index.search(&parse(typed), author, None, 100).hits.iter().map(|hit| hit.id).collect()
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

#[test]
fn a_later_segment_has_the_last_word_and_merging_changes_nothing() {
    let old = segment(&[document(1, "One", "apple"), document(2, "Two", "apple pear"), document(3, "Three", "apple")]);
    let mut newer = Builder::default();
    newer.add(&document(2, "Two", "plum"));
    newer.add_gone(3);
    let new = Arc::new(newer.build().unwrap());
    let both = Index::new(vec![Arc::clone(&old), Arc::clone(&new)]);
    assert_eq!((both.len(), search(&both, "apple"), search(&both, "plum")), (2, vec![1], vec![2]));

    let mut merged = Builder::default();
    let said = [2, 3];
    merged.add_segment(&old, |id, _| !said.contains(&id));
    merged.add_segment(&new, |_, is_gone| !is_gone);
    let merged = Index::new(vec![Arc::new(merged.build().unwrap())]);
    for typed in ["apple", "plum", "pear", "one two", "o*"] {
        let found = |index: &Index| index.search(&parse(typed), author, None, 9);
        assert_eq!(found(&merged), found(&both), "{typed}");
    }
}

#[test]
fn segments_are_merged_so_that_there_are_few() {
    let (mut sizes, mut written) = (Vec::new(), 0);
    for _ in 0..10_000 {
        let merged = segments_to_merge(&sizes, 1);
        let size = 1 + sizes.drain(sizes.len() - merged..).sum::<usize>();
        sizes.push(size);
        written += size;
        assert!(sizes.len() <= 14, "{sizes:?}");
    }
    assert_eq!(sizes.iter().sum::<usize>(), 10_000);
    assert!(written < 14 * 10_000, "{written}");
}

#[test]
fn what_is_no_segment_is_refused() {
    let mut builder = Builder::default();
    builder.add(&document(1, "Title", "some words of a text"));
    let bytes = builder.encode();
    assert_eq!(builder.encode(), bytes);
    assert!(Segment::decode(&bytes).is_ok());
    for end in 0..bytes.len() {
        assert!(Segment::decode(&bytes[..end]).is_err(), "{end}");
    }
    assert!(Segment::decode(b"broadsheet-0\n").is_err());
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
        index.search(&query, author, None, 10);
        highlight("a b c d e f", &query, None);
        assert!(begin.elapsed().as_secs() < 5, "{:?} {}", begin.elapsed(), &hostile[..8]);
    }
}

/// What the index should find, from every word of every post.
fn brute_force(documents: &[Document], typed: &[&str]) -> Vec<(i64, u128)> {
    let forms = |text: &str, language: Option<&str>| -> Vec<String> {
        let words = words(text).into_iter().filter(|word| word.kind == Kind::Word);
        words
            .map(|word| match Language::of(&word.text, language) {
                Some(language) => language.stem(&word.text),
                None => word.text,
            })
            .collect()
    };
    let language = |document: &Document| document.language.clone();
    let texts: Vec<Vec<(String, f64)>> = documents
        .iter()
        .map(|document| {
            let of = |text: &str, weight: f64| -> Vec<(String, f64)> {
                forms(text, language(document).as_deref()).into_iter().map(|form| (form, weight)).collect()
            };
            [of(&document.title, 4.0), of(&document.tags.join(" "), 3.0), of(&document.body, 1.0)].concat()
        })
        .collect();
    let length = |text: &Vec<(String, f64)>| text.iter().map(|(_, weight)| weight).sum::<f64>();
    let average = texts.iter().map(length).sum::<f64>() / texts.len() as f64;
    let weight = |document: &Document, text: &Vec<(String, f64)>, word: &str| {
        let wanted = forms(word, language(document).as_deref());
        text.iter().filter(|(form, _)| wanted.contains(form)).map(|(_, weight)| weight).sum::<f64>()
    };
    let scores = documents.iter().zip(&texts).map(|(document, text)| {
        let per_word: Vec<f64> = typed
            .iter()
            .map(|word| {
                let frequency =
                    documents.iter().zip(&texts).filter(|(document, text)| weight(document, text, word) > 0.0).count()
                        as f64;
                let weight = weight(document, text, word);
                let idf = (1.0 + (documents.len() as f64 - frequency + 0.5) / (frequency + 0.5)).ln();
                idf * weight * 2.2 / (weight + 1.2 * (0.25 + 0.75 * length(text) / average))
            })
            .collect();
        (per_word.iter().filter(|score| **score > 0.0).count(), per_word.iter().sum::<f64>(), document)
    });
    let mut scores: Vec<_> = scores.filter(|(matched, ..)| *matched > 0).collect();
    let most = scores.iter().map(|(matched, ..)| *matched).max().unwrap_or_default();
    scores.retain(|(matched, ..)| *matched == most);
    // To a hundred thousandth, as the order of additions makes a difference.
    let rounded = |score: f64| (score * 1e5).round() as i64;
    scores.sort_by_key(|(_, score, document)| {
        (std::cmp::Reverse(rounded(*score)), std::cmp::Reverse(document.published_at), std::cmp::Reverse(document.id))
    });
    scores.into_iter().map(|(_, score, document)| (rounded(score), document.id)).collect()
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
            published_at: id as i64 / 3,
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
    ) {
        let typed: Vec<&str> = typed.into_iter().collect();
        let segments = documents.chunks(documents.len().div_ceil(divided)).map(segment).collect();
        let expected = brute_force(&documents, &typed);
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
        let (mut met, mut after, mut page) = (Vec::new(), None, 0);
        loop {
            // Every third post is there on every other page only.
            let there: Vec<_> = documents.iter().filter(|document| stays(document) || page % 2 == 0).cloned().collect();
            let Found { hits, next } = Index::new(vec![segment(&there)]).search(&query, author, after.as_ref(), size);
            met.extend(hits);
            page += 1;
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let all = Index::new(vec![segment(&documents)]).search(&query, author, None, 100).hits;
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
        Index::new(vec![segment(&documents)]).search(&query, author, None, 10);
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

    #[test]
    fn no_bytes_make_a_segment_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), to in any::<u8>()) {
        let _ = Segment::decode(&bytes);
        let mut builder = Builder::default();
        builder.add(&document(1, "Title", "some words"));
        bytes = builder.encode();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(segment) = Segment::decode(&bytes) {
            search(&Index::new(vec![Arc::new(segment)]), "some words t*");
        }
    }
}
