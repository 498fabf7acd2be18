//! What is typed into the search: every text is a query, and what is marked in a text is the text.

#![no_main]

libfuzzer_sys::fuzz_target!(|typed: (&str, &str)| {
    let (typed, text) = typed;
    let tag = |typed: &str| domain::Tag::try_from(typed.to_owned()).ok().map(String::from);
    let username = |typed: &str| domain::Username::try_from(typed.to_owned()).ok().map(|name| name.to_string());
    let query = search_index::Query::parse(typed, tag, username);
    let _ = (query.is_empty(), query.usernames().count());
    let plain = search_index::text_of_html(text);
    let marked = search_index::highlight(&plain, &query, None);
    assert!(!marked.replace("<mark>", "").replace("</mark>", "").contains('<'), "{marked}");
});
