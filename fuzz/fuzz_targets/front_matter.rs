//! Front matter: what a file says, the server takes, and it is the same when it is written down and read again.

#![cfg_attr(fuzzing, no_main)]

use std::path::Path;

use importer::{Document, read_file};
use jiff::Timestamp;
use serde_json::json;

/// The bytes are a file.
pub fn check(bytes: &[u8]) {
    let read = |bytes: &[u8]| read_file(Path::new("a-post.md"), bytes, Timestamp::UNIX_EPOCH);
    let document = match read(bytes) {
        Ok(document) => document,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(domain::Slug::try_from(document.slug.clone()).is_ok(), "{:?} is no slug", document.slug);
    assert!(!document.title.contains('\n'), "{:?} has two lines", document.title);
    let tags = document.tags.iter().flatten();
    for tag in tags.clone() {
        assert!(domain::Tag::try_from(tag.clone()).is_ok(), "{tag:?} is no tag");
    }
    assert!(tags.count() <= 10, "{:?} are too many", document.tags);
    if let Some(language) = &document.language {
        assert!(domain::Language::try_from(language.clone()).is_ok(), "{language:?} is no language");
    }
    for url in [&document.cover_image_url, &document.canonical_url].into_iter().flatten() {
        assert!(domain::WebUrl::try_from(url.clone()).is_ok(), "{url:?} is no address");
    }
    if let Some(summary) = &document.summary {
        assert!(domain::Summary::try_from(summary.clone()).is_ok(), "{summary:?} is no summary");
    }
    // An empty title is none.
    if document.title.is_empty() {
        return;
    }
    let front_matter = json!({
        "title": document.title, "slug": document.slug, "date": document.date.map(|date| date.to_string()),
        "draft": document.hidden.is_some(), "summary": document.summary, "tags": document.tags, "language": document.language,
        "cover_image": document.cover_image_url, "canonical_url": document.canonical_url,
    });
    let written = format!("{front_matter:#}\n\n{}\n", document.body);
    let again = match read(written.as_bytes()) {
        Ok(again) => again,
        Err(error) => panic!("{error} {written}"),
    };
    let said = |document: &Document| {
        let Document { title, body, slug, date, summary, tags, language, cover_image_url, canonical_url, .. } =
            document.clone();
        let is_hidden = document.hidden.is_some();
        (title, body, slug, date, is_hidden, summary, tags, language, cover_image_url, canonical_url)
    };
    assert_eq!(said(&again), said(&document), "{written}");
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
