//! What holds for every input, not only for those that somebody thought of.

use std::collections::HashSet;

use domain::Timestamp;
use domain::{Body, Email, PostId, Slug, Tag, Title, UserId, Username};
use edge::IfMatch;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;
use table::keys::{self, Key};
use table::{Cursor, SigningKey};

use crate::harness::TestStack;

/// Every key that these texts can be made into.
fn keys_of(text: &str) -> Vec<(&'static str, Key)> {
    let mut all = Vec::new();
    if let Ok(username) = Username::try_from(text.to_owned()) {
        all.push(("username", keys::username(&username)));
        let list = keys::posts_by_author(&username);
        all.push(("by author", Key { pk: list.partition.clone(), sk: list.prefix.to_owned() }));
    }
    if let Ok(email) = Email::try_from(text.to_owned()) {
        all.push(("email", keys::email(&email)));
    }
    if let Ok(slug) = Slug::try_from(text.to_owned()) {
        all.extend([("post", keys::post(&slug)), ("markdown", keys::markdown(&slug)), ("html", keys::html(&slug))]);
    }
    if let Ok(tag) = Tag::try_from(text.to_owned()) {
        let list = keys::posts_by_tag(&tag);
        all.push(("by tag", Key { pk: list.partition.clone(), sk: list.prefix.to_owned() }));
        all.extend([
            ("tag's count", keys::tag_counts(&tag, 0)),
            ("tag's place", keys::tag_place(&tag)),
            ("tag's rank", keys::tag_rank(&tag, 1)),
            ("tag's move", keys::tag_move(&tag, Timestamp::from_milliseconds(0))),
        ]);
    }
    all.push(("tries", keys::tries_for_account("log_in", text, 0)));
    if let Ok(id) = text.parse::<UserId>() {
        all.push(("profile", keys::profile(id)));
        for list in [keys::own_posts(id), keys::drafts(id), keys::scheduled_posts(id), keys::trash(id)] {
            all.push(("own", Key { pk: list.partition.clone(), sk: list.prefix.to_owned() }));
        }
        all.push(("follow", keys::follow(id, id)));
        for list in [keys::followers(id), keys::following(id)] {
            all.push(("follows", Key { pk: list.partition.clone(), sk: String::new() }));
        }
    }
    if let Ok(id) = text.parse::<PostId>() {
        let user = UserId::from(ulid::Ulid::from_string(text).unwrap());
        all.extend([("reference", keys::post_reference(id)), ("mark", keys::mark(user, id))]);
        all.extend([("revision", keys::revision(id, 1)), ("revision's text", keys::revision_text(id, 1))]);
        let lists = [("replies", keys::replies(id)), ("quotes", keys::quotes(id)), ("reposts", keys::reposts(id))];
        all.extend(lists.map(|(kind, list)| (kind, Key { pk: list.partition.clone(), sk: list.prefix.to_owned() })));
    }
    all
}

/// Texts that come near what keys are made of.
fn near_keys() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_-]{2,29}",
        "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}",
        "[0-7][0-9A-HJKMNP-TV-Z]{25}",
        "[a-z#]{1,10}@[a-z#]{1,10}\\.[a-z]{2,5}",
        "(POST|USER|TAG|LATEST|#|[a-z]){1,6}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_has_as_many_parts_as_its_kind_whatever_is_put_in(text in near_keys()) {
        for (kind, key) in keys_of(&text) {
            prop_assert_eq!(key.pk.matches('#').count(), 1, "{} made {:?}", kind, key);
        }
    }

    #[test]
    fn different_things_have_different_keys(one in near_keys(), other in near_keys()) {
        let (one, other) = (keys_of(&one), keys_of(&other));
        for (kind, key) in &one {
            for (other_kind, other_key) in &other {
                // The three lists of one user share a partition and differ in the sort key.
                if kind != other_kind && key == other_key {
                    prop_assert!(false, "{kind} and {other_kind} share {key:?}");
                }
            }
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was(after in "[ -~]{0,60}", shown in proptest::collection::vec("[0-9A-Z]{26}", 0..3), list in any::<String>(), key: [u8; 32]) {
        let key = SigningKey::new(&key);
        let cursor = Cursor { after, shown };
        prop_assert_eq!(Cursor::verify(&cursor.sign(&list, &key), &list, &key).unwrap(), cursor);
    }

    #[test]
    fn a_cursor_that_was_not_signed_here_is_refused(
        after in "[ -~]{0,60}", list in any::<String>(), other in any::<String>(), keys: ([u8; 32], [u8; 32]), forged in any::<String>(), bit in any::<proptest::sample::Index>(),
    ) {
        let (key, other_key) = (SigningKey::new(&keys.0), SigningKey::new(&keys.1));
        let signed = Cursor { after, ..Cursor::default() }.sign(&list, &key);
        prop_assert!(Cursor::verify(&forged, &list, &key).is_none());
        if list != other {
            prop_assert!(Cursor::verify(&signed, &other, &key).is_none());
        }
        if keys.0 != keys.1 {
            prop_assert!(Cursor::verify(&signed, &list, &other_key).is_none());
        }
        let mut flipped = signed.clone().into_bytes();
        let position = bit.index(flipped.len());
        flipped[position] = if flipped[position] == b'x' { b'y' } else { b'x' };
        prop_assert!(Cursor::verify(&String::from_utf8(flipped).unwrap(), &list, &key).is_none());
    }

    #[test]
    fn times_sort_as_their_texts_do(one in 0_i64..250_000_000_000_000, other in 0_i64..250_000_000_000_000) {
        let (one, other) = (Timestamp::from_milliseconds(one), Timestamp::from_milliseconds(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        prop_assert_eq!(Timestamp::try_from(one.to_string()).unwrap(), one);
        prop_assert_eq!(one.to_string().len(), 24);
    }

    #[test]
    fn every_title_has_a_slug(title in any::<String>(), id: u128) {
        if let Ok(title) = Title::try_from(title) {
            let id = PostId::from(ulid::Ulid(id));
            let slug = Slug::from_title(&title, id);
            for slug in [&slug, &slug.with_suffix(id)] {
                prop_assert_eq!(Slug::try_from(slug.to_string()), Ok(slug.clone()));
            }
        }
    }

    #[test]
    fn folding_a_tag_twice_is_folding_it_once(typed in any::<String>()) {
        if let Ok(tag) = Tag::try_from(typed) {
            prop_assert_eq!(Tag::try_from(tag.to_string()), Ok(tag));
        }
    }

    #[test]
    fn what_is_rendered_cannot_run(text in prop_oneof![any::<String>(), html_like()]) {
        if let Ok(body) = Body::try_from(text) && let Ok(rendered) = markdown::render(body.as_str()) {
            check_harmless(&rendered.html)?;
        }
    }

    #[test]
    fn any_if_match_is_understood_or_matches_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let headers = HeaderMap::from_iter([(http::header::IF_MATCH, value)]);
            prop_assert_ne!(IfMatch::from_headers(&headers), IfMatch::Absent);
        }
    }
}

/// Texts that are made of what attacks are made of.
fn html_like() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("<script>"),
        Just("</script>"),
        Just("<img src=x onerror=alert(1)>"),
        Just("<svg/onload=alert(1)>"),
        Just("[a](javascript:alert(1))"),
        Just("<a href='"),
        Just("\" onmouseover=\"x"),
        Just("```"),
        Just("`"),
        Just("<!--"),
        Just("-->"),
        Just("<![CDATA["),
        Just("<style>"),
        Just("<math>"),
        Just("&#106;avascript:"),
        Just("\n"),
        Just("<"),
        Just(">"),
        Just("'"),
        Just("\""),
        Just("data:text/html,"),
        Just("[^x]"),
        Just("[^x]: "),
        Just("<iframe src=//x>"),
        Just("<base href=//x>"),
        Just("<form action=x>"),
        Just("\u{0}"),
        Just("|"),
        Just("- [ ] "),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Looks at every tag of cleaned HTML, in which a bare `<` is always a tag.
fn check_harmless(html: &str) -> Result<(), TestCaseError> {
    for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default().to_lowercase()) {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let dangerous = ["script", "style", "iframe", "object", "embed", "svg", "math", "base", "form", "meta", "link"];
        prop_assert!(!dangerous.contains(&name.as_str()), "<{}> in {}", tag, html);
        // Quoted values may hold anything; what stands outside them is names.
        let names: String = tag.split('"').step_by(2).collect();
        for name in names.split_whitespace().skip(1) {
            prop_assert!(!name.starts_with("on") && !name.starts_with("style"), "{} in {}", name, html);
        }
        for value in tag.split('"').skip(1).step_by(2) {
            let scheme: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
            prop_assert!(!scheme.starts_with("javascript:") && !scheme.starts_with("data:"), "{} in {}", value, html);
        }
    }
    Ok(())
}

/// JSON of any shape, with the names that requests have.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("2026-01-01T00:00:00Z")),
        Just(Value::from("published")),
    ];
    let name = prop_oneof![
        Just("title".to_owned()),
        Just("body".to_owned()),
        Just("tags".to_owned()),
        Just("slug".to_owned()),
        Just("status".to_owned()),
        Just("publish_at".to_owned()),
        Just("username".to_owned()),
        Just("email".to_owned()),
        Just("password".to_owned()),
        Just("login".to_owned()),
        any::<String>(),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn nothing_that_is_sent_causes_a_fault_of_ours() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stack, ada) = runtime.block_on(async {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        ada.publish("There", &[]).await;
        (stack, ada)
    });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let visitor = stack.visitor();
    runner
        .run(&(any_json(), "[ -~]{0,30}"), |(body, text)| {
            runtime.block_on(async {
                // The harness refuses every 5xx.
                let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                for path in [
                    "/users",
                    "/users/confirm",
                    "/sessions",
                    "/sessions/refresh",
                    "/password/forgot",
                    "/password/reset",
                ] {
                    visitor.post(path, body.clone()).await;
                }
                for path in ["/posts", "/posts/there/publish", "/posts/there/unpublish"] {
                    ada.post(path, body.clone()).await;
                }
                ada.patch("/posts/there", "*", body.clone()).await;
                for path in ["/posts/", "/users/", "/posts?tag=", "/posts?author=", "/posts?cursor=", "/posts?limit="] {
                    visitor.get(&format!("{path}{encoded}")).await;
                }
                ada.call("PUT", &format!("/users/{encoded}/follow"), &[], None).await;
                visitor.get(&format!("/users/ada/followers?cursor={encoded}")).await;
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn keys_of_one_post_are_all_different() {
    let slug = Slug::try_from("a-post".to_owned()).unwrap();
    let keys = [keys::post(&slug), keys::markdown(&slug), keys::html(&slug)];
    assert_eq!(HashSet::from(keys).len(), 3);
}

/// The table of access patterns at the head of `keys.rs` is what an engineer reads first, so no key may be missing there.
#[test]
fn every_partition_is_in_the_table_of_access_patterns() {
    let source = include_str!("../../table/src/keys.rs");
    let (documented, code): (Vec<_>, Vec<_>) = source.lines().partition(|line| line.starts_with("//! |"));
    let documented = documented.concat();
    let partitions: HashSet<_> = code
        .iter()
        .filter(|line| line.contains("Key::new(") || line.contains("List::new(") || line.contains("List::yearly("))
        .filter_map(|line| line.split('"').nth(1))
        .map(|text| text.split(['#', '{']).next().unwrap_or_default())
        .filter(|partition| !partition.is_empty())
        .collect();
    assert!(partitions.len() > 10, "only {partitions:?} were found");
    for partition in partitions {
        assert!(documented.contains(&format!("`{partition}")), "{partition} is in no row of the table");
    }
}
