//! What is typed into the search: every text is a query, and what is marked in a text is the text.

#![cfg_attr(fuzzing, no_main)]

/// The first line is what is typed, the others are a text in HTML.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (typed, text) = text.split_once('\n').unwrap_or((text, text));
    let tag = |typed: &str| domain::Tag::try_from(typed.to_owned()).ok().map(String::from);
    let username = |typed: &str| domain::Username::try_from(typed.to_owned()).ok().map(|name| name.to_string());
    let query = search_index::Query::parse(typed, tag, username);
    let _ = (query.is_empty(), query.usernames().count());
    let plain = search_index::text_of_html(text);
    let marked = search_index::highlight(&plain, &query, None);
    assert!(!marked.replace("<mark>", "").replace("</mark>", "").contains('<'), "{marked}");
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
