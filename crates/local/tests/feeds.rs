//! Feeds: what is in them, as readers read them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode as AxumStatus;
use axum::routing::post;
use local::wire::Fault;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use roxmltree::{Document, Node};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::harness::{Answer, Client, TestStack};

const FILES: [(&str, &str); 3] = [
    ("feed.xml", "application/atom+xml; charset=utf-8"),
    ("feed.json", "application/feed+json"),
    ("rss.xml", "application/rss+xml; charset=utf-8"),
];

/// An entry as any of the three formats tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    id: String,
    url: String,
    title: Option<String>,
    html: Option<String>,
    author: String,
    tags: Vec<String>,
    language: Option<String>,
    image: Option<String>,
    published: String,
}

fn child<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    parent.children().find(|child| child.tag_name().name() == name)
}

fn text(node: Node<'_, '_>) -> String {
    node.children().filter_map(|child| child.text()).collect()
}

fn of(parent: Node<'_, '_>, name: &str) -> Option<String> {
    child(parent, name).map(text)
}

fn link(parent: Node<'_, '_>, rel: &str) -> Option<String> {
    let links = parent.children().filter(|child| child.tag_name().name() == "link");
    links.filter(|link| link.attribute("rel") == Some(rel)).find_map(|link| link.attribute("href").map(str::to_owned))
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

const LANG: (&str, &str) = ("http://www.w3.org/XML/1998/namespace", "lang");

fn of_atom(body: &str) -> Vec<Read> {
    let document = Document::parse(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let entries = document.root_element().children().filter(|child| child.tag_name().name() == "entry");
    let read = |entry: Node<'_, '_>| Read {
        id: of(entry, "id").unwrap(),
        url: link(entry, "alternate").unwrap(),
        title: child(entry, "title").map(|title| match title.attribute("type") {
            Some("html") => unescape(&text(title)),
            _ => text(title),
        }),
        html: of(entry, "content"),
        author: of(child(entry, "author").unwrap(), "name").unwrap(),
        tags: entry.children().filter_map(|it| it.attribute("term")).map(str::to_owned).collect(),
        language: entry.attribute(LANG).map(str::to_owned),
        image: link(entry, "enclosure"),
        published: of(entry, "published").unwrap(),
    };
    entries.map(read).collect()
}

fn of_rss(body: &str) -> Vec<Read> {
    let document = Document::parse(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let channel = child(document.root_element(), "channel").unwrap();
    let read = |item: Node<'_, '_>| Read {
        id: of(item, "guid").unwrap(),
        url: of(item, "link").unwrap(),
        title: of(item, "title")
            .map(|title| if title.contains("&lt;") || title.contains("&amp;") { unescape(&title) } else { title }),
        html: of(item, "encoded").or_else(|| of(item, "description")),
        author: of(item, "creator").unwrap(),
        tags: item.children().filter(|it| it.tag_name().name() == "category").map(text).collect(),
        language: of(item, "language"),
        image: ["enclosure", "content"].iter().find_map(|name| child(item, name)?.attribute("url").map(str::to_owned)),
        published: of(item, "pubDate").unwrap(),
    };
    channel.children().filter(|child| child.tag_name().name() == "item").map(read).collect()
}

fn of_json(body: &Value) -> Vec<Read> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = |item: &Value| Read {
        id: text(&item["id"]).unwrap(),
        url: text(&item["url"]).unwrap(),
        title: text(&item["title"]),
        html: text(&item["content_html"]),
        author: text(&item["authors"][0]["name"]).unwrap(),
        tags: item["tags"].as_array().unwrap().iter().filter_map(text).collect(),
        language: text(&item["language"]),
        image: text(&item["image"]),
        published: text(&item["date_published"]).unwrap(),
    };
    body["items"].as_array().unwrap().iter().map(read).collect()
}

fn body(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.bytes).unwrap()
}

/// The entries of the three feeds of a folder.
async fn read(client: &Client, folder: &str) -> [Vec<Read>; 3] {
    let mut answers = Vec::new();
    for (file, media_type) in FILES {
        let answer = client.get(&format!("{folder}/{file}")).await;
        answer.expect_status(200);
        assert_eq!(answer.header("content-type"), media_type);
        answers.push(answer);
    }
    let json: Value = serde_json::from_slice(&answers[1].bytes).unwrap();
    [of_atom(body(&answers[0])), of_json(&json), of_rss(body(&answers[2]))]
}

fn titles(entries: &[Read]) -> Vec<&str> {
    entries.iter().map(|entry| entry.title.as_deref().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_feed_has_the_newest_posts_with_their_whole_texts() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.patch("/me", "*", json!({ "display_name": "Ada Lovelace" })).await.expect_status(200);
    ada.publish("Oldest", &[]).await;
    stack.pass_seconds(60);
    let text =
        "See [this](/other), ![it](cat.png?a=1&b=2) and note[^1].\n\n```rust\nlet a = \"<b>\";\n```\n\n[^1]: Here.";
    let draft = ada.draft("Engines & <notes>").tags(&["Zebra", "apple"]).with("body", text);
    let draft = draft.with("summary", "All about engines").with("language", "de-AT");
    let draft = draft.with("cover_image_url", "https://img.example.com/Cover.PNG?x=[1]|2");
    draft.with("canonical_url", "https://elsewhere.example.com/engines").publish().await;
    stack.pass_seconds(60);
    bob.draft("").without("title").with("body", "Just a note.").publish().await;
    ada.draft("A secret").tags(&["apple"]).save().await;
    let later = ada.draft("Later").tags(&["apple"]).with("status", "scheduled");
    later.with("publish_at", "2027-01-01T00:00:00Z").save().await;

    let post = stack.visitor().get("/posts/engines-notes").await.body;
    let [atom, json, rss] = read(&stack.visitor(), "").await;
    assert_eq!(titles(&atom), ["Just a note.", "Engines & <notes>", "Oldest"]);
    assert_eq!(titles(&json), ["", "Engines & <notes>", "Oldest"]);
    assert_eq!(titles(&rss), titles(&json));
    let html = post["html"].as_str().unwrap();
    let entry = &json[1];
    let base = "http://localhost";
    assert_eq!(entry.url, format!("{base}/posts/engines-notes"));
    assert_eq!(entry.language.as_deref(), Some("de-AT"));
    assert_eq!(entry.tags, ["zebra", "apple"]);
    assert_eq!(entry.author, "Ada Lovelace");
    assert_eq!(entry.image.as_deref(), Some("https://img.example.com/Cover.PNG?x=%5B1%5D%7C2"));
    assert_eq!(entry.published, post["published_at"].as_str().unwrap());
    let whole = entry.html.as_deref().unwrap();
    assert!(whole.contains(&format!("<a href=\"{base}/other\"")), "{whole}");
    assert!(whole.contains(&format!("src=\"{base}/posts/cat.png?a=1&amp;b=2\"")), "{whole}");
    assert!(whole.contains(&format!("href=\"{base}/posts/engines-notes#fn-")), "{whole}");
    // Nothing else changes, but for what a reader of feeds takes for unsafe.
    let addresses = [("href=\"/", format!("href=\"{base}/")), ("src=\"cat", format!("src=\"{base}/posts/cat"))];
    let mut expected = addresses.iter().fold(html.to_owned(), |html, (from, to)| html.replace(from, to));
    expected = expected.replace("href=\"#", &format!("href=\"{base}/posts/engines-notes#"));
    let label = expected.find(" aria-label=\"").map(|at| (at, expected[at + 13..].find('"').unwrap() + at + 14));
    let (from, to) = label.expect("a footnote has a label");
    expected.replace_range(from..to, "");
    assert_eq!(whole, expected);

    for (one, other) in [(&atom[1], &json[1]), (&rss[1], &json[1])] {
        let published = one.published.clone();
        assert_eq!(*one, Read { published, ..other.clone() });
    }
    assert_eq!(atom[1].published, json[1].published);
    assert_eq!(rss[1].published, "Sat, 21 Nov 2026 08:31:00 GMT");
    let atom = stack.visitor().get("/feed.xml").await;
    assert!(body(&atom).contains("rel=\"via\" href=\"https://elsewhere.example.com/engines\""), "{}", body(&atom));
    for (file, _) in FILES {
        for folder in ["", "/users/ada", "/tags/apple"] {
            // Nor to who may read them otherwise.
            for client in [&stack.visitor(), &ada] {
                let feed = client.get(&format!("{folder}/{file}")).await;
                for hidden in ["secret", "Later"] {
                    assert!(!body(&feed).contains(hidden), "{folder}/{file}");
                }
            }
        }
    }
}

/// What readers show besides, and by what they tell what is new: in each format where it belongs.
#[tokio::test]
async fn each_format_says_when_by_whom_and_in_short() {
    let stack = TestStack::start_with_parameters(&[("SiteDescription", "About engines")]).await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let profile = json!({ "display_name": "Ada Lovelace", "avatar_url": "https://img.example.com/ada" });
    ada.patch("/me", "*", profile).await.expect_status(200);
    bob.patch("/me", "*", json!({ "display_name": "<b>Bob</b>" })).await.expect_status(200);
    let draft =
        ada.draft("Engines").tags(&["one", "two"]).with("summary", "In short: R&amp;D").with("body", "The text.");
    draft.with("cover_image_url", "https://img.example.com/cover.png").with("language", "xx").save().await;
    stack.pass_seconds(60);
    ada.post("/posts/engines/publish", json!({})).await.expect_status(200);
    stack.pass_seconds(60);
    bob.draft("Newest").with("cover_image_url", "https://img.example.com/cover").publish().await;
    stack.pass_seconds(60);
    ada.patch("/posts/engines", "*", json!({ "body": "The other text." })).await.expect_status(200);
    stack.pass_seconds(60);
    let [published, newest, edited] = [1, 2, 3].map(|minute| format!("2026-11-21T08:3{minute}:00.000Z"));
    let page = "http://localhost/users/ada";

    let atom = stack.visitor().get("/feed.xml").await;
    assert_eq!(atom.header("last-modified"), "Sat, 21 Nov 2026 08:33:00 GMT");
    let document = Document::parse(body(&atom)).unwrap();
    let feed = document.root_element();
    assert_eq!(of(feed, "updated").as_ref(), Some(&edited), "of whichever entry was changed last");
    assert_eq!(of(feed, "subtitle").as_deref(), Some("About engines"));
    let entries: Vec<_> = feed.children().filter(|child| child.tag_name().name() == "entry").collect();
    let times = |entry: Node<'_, '_>| [of(entry, "published").unwrap(), of(entry, "updated").unwrap()];
    assert_eq!(times(entries[0]), [newest.clone(), newest.clone()]);
    assert_eq!(times(entries[1]), [published.clone(), edited.clone()]);
    let [author, content, summary] = ["author", "content", "summary"].map(|name| child(entries[1], name).unwrap());
    assert_eq!((of(author, "name").as_deref(), of(author, "uri").as_deref()), (Some("Ada Lovelace"), Some(page)));
    assert_eq!(content.attribute("type"), Some("html"));
    assert_eq!((summary.attribute("type"), unescape(&text(summary)).as_str()), (Some("html"), "In short: R&amp;D"));
    assert_eq!(entries[1].attribute(LANG), Some("und"), "a language that nobody knows");
    let cover = entries[1].children().find(|child| child.attribute("rel") == Some("enclosure")).unwrap();
    assert_eq!(cover.attribute("type"), Some("image/png"));
    let bob_name = of(child(entries[0], "author").unwrap(), "name");
    assert_eq!(bob_name.as_deref(), Some("bob"), "a name cannot be HTML in Atom");

    let json: Value = serde_json::from_slice(&stack.visitor().get("/feed.json").await.bytes).unwrap();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!((&json["home_page_url"], &json["description"]), (&json!("http://localhost/"), &json!("About engines")));
    let item = &json["items"][1];
    assert_eq!((&item["date_published"], &item["date_modified"]), (&json!(published), &json!(edited)));
    let author = json!([{ "name": "Ada Lovelace", "url": page, "avatar": "https://img.example.com/ada" }]);
    assert_eq!((&item["authors"], &item["summary"]), (&author, &json!("In short: R&amp;D")));
    assert_eq!((&item["content_text"], &item["language"]), (&Value::Null, &json!("xx")));
    assert_eq!(json["items"][0]["authors"][0]["name"], "<b>Bob</b>");

    let rss = stack.visitor().get("/rss.xml").await;
    let document = Document::parse(body(&rss)).unwrap();
    let channel = child(document.root_element(), "channel").unwrap();
    assert_eq!(of(channel, "description").as_deref(), Some("About engines"));
    assert_eq!(of(channel, "lastBuildDate").as_deref(), Some("Sat, 21 Nov 2026 08:33:00 GMT"));
    let items: Vec<_> = channel.children().filter(|child| child.tag_name().name() == "item").collect();
    assert_eq!(of(items[1], "pubDate").as_deref(), Some("Sat, 21 Nov 2026 08:31:00 GMT"));
    assert_eq!(of(items[1], "modified").as_ref(), Some(&edited));
    assert_eq!(child(items[1], "guid").unwrap().attribute("isPermaLink"), Some("false"));
    assert_eq!(unescape(&of(items[1], "description").unwrap()), "In short: R&amp;D");
    assert!(of(items[1], "encoded").unwrap().contains("The other text."));
    let cover = child(items[1], "enclosure").unwrap();
    assert_eq!((cover.attribute("length"), cover.attribute("type")), (Some("0"), Some("image/png")));
    // Of an unknown type there can be no enclosure.
    let cover = child(items[0], "content").unwrap();
    assert_eq!((cover.attribute("url"), child(items[0], "enclosure")), (Some("https://img.example.com/cover"), None));
    assert_eq!(of(items[0], "creator").as_deref(), Some("<b>Bob</b>"));
}

#[tokio::test]
async fn a_feed_of_a_tag_or_an_author_has_theirs() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("One", &["x"]).await;
    stack.pass_seconds(1);
    bob.publish("Two", &["x", "y"]).await;
    stack.pass_seconds(1);
    ada.draft("Reply").with("reply_to", "two").publish().await;
    let visitor = stack.visitor();
    for (folder, expected) in [
        ("", vec!["Reply", "Two", "One"]),
        ("/tags/x", vec!["Two", "One"]),
        ("/tags/y", vec!["Two"]),
        ("/tags/nothing", vec![]),
        ("/users/ada", vec!["Reply", "One"]),
        ("/users/bob", vec!["Two"]),
    ] {
        for entries in read(&visitor, folder).await {
            assert_eq!(titles(&entries), expected, "{folder}");
        }
    }
    // What others wrote is theirs, however often it is reposted.
    for number in 0..21 {
        stack.pass_seconds(1);
        let slug = bob.publish(&format!("Post {number}"), &[]).await;
        ada.call("PUT", &format!("/posts/{slug}/repost"), &[], None).await.expect_status(204);
    }
    for entries in read(&visitor, "/users/ada").await {
        assert_eq!(titles(&entries), ["Reply", "One"]);
    }
    for entries in read(&visitor, "").await {
        assert_eq!(entries.len(), 20);
        assert_eq!(titles(&entries)[0], "Post 20");
    }
    // Read kind by kind they are in order, and as many as of anybody else.
    for number in 0..24 {
        stack.pass_seconds(1);
        let draft = ada.draft(&format!("Own {number}"));
        match number % 3 {
            0 => draft.publish().await,
            1 => draft.with("reply_to", "two").publish().await,
            _ => draft.with("quote_of", "two").publish().await,
        };
    }
    ada.call("PUT", "/posts/two/repost", &[], None).await.expect_status(204);
    let newest: Vec<_> = (4..24).rev().map(|number| format!("Own {number}")).collect();
    for entries in read(&visitor, "/users/ada").await {
        assert_eq!(titles(&entries), newest);
    }
    visitor.get("/users/nobody/feed.xml").await.expect_problem(404, "not-found");
    visitor.get("/users/n/feed.xml").await.expect_problem(404, "not-found");
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    for (file, _) in FILES {
        let moved = visitor.get(&format!("/users/ada/{file}")).await;
        moved.expect_status(301);
        assert_eq!(moved.header("location"), format!("/v1/users/countess/{file}"));
    }
    visitor.get("/feed.xml?limit=3").await.expect_invalid(&["/limit"]);
}

#[tokio::test]
async fn ids_stay_whatever_else_changes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("First", &["x"]).await;
    let at = |host: &'static str| {
        let stack = stack.clone();
        async move {
            let mut ids = Vec::new();
            for folder in ["", "/users/ada", "/tags/x"] {
                let atom = stack.visitor().get_with(&format!("{folder}/feed.xml"), &[("host", host)]).await;
                let document = Document::parse(body(&atom)).unwrap();
                ids.push(of(document.root_element(), "id").unwrap());
                ids.push(of_atom(body(&atom))[0].id.clone());
            }
            ids
        }
    };
    let before = at("first.example.com").await;
    assert!(before.iter().all(|id| id.starts_with("tag:first.example.com,2026-11-21:")), "{before:?}");
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), 4, "three feeds and a post: {before:?}");
    ada.patch("/posts/first", "*", json!({ "slug": "renamed", "title": "Renamed" })).await.expect_status(200);
    stack.set_time("2028-01-01T00:00:00.000Z");
    assert_eq!(at("second.example.com").await, before);
    let [atom, json, rss] = read(&stack.visitor(), "").await;
    assert_eq!([&atom[0].id, &json[0].id, &rss[0].id], [&before[1]; 3]);
}

/// What a release tries a new version with (`functions/release_check`): a request of nobody, for no host. It leaves nothing behind.
#[tokio::test]
async fn a_release_does_not_decide_what_ids_begin_with() {
    let stack = TestStack::start().await;
    let event = json!({
        "resource": "/", "path": "/", "httpMethod": "POST", "headers": {}, "multiValueHeaders": {}, "pathParameters": {}, "body": "",
        "isBase64Encoded": false, "queryStringParameters": null, "multiValueQueryStringParameters": null, "stageVariables": null,
        "requestContext": {
            "requestId": "release-check", "stage": "v1", "path": "/v1/", "resourcePath": "/", "httpMethod": "POST",
            "identity": { "sourceIp": "127.0.0.1" },
        },
    });
    for operation in ["get_atom_feed", "get_json_feed", "get_rss_feed", "get_sitemap", "get_robots"] {
        let request = serde_json::from_value::<lambda_http::request::LambdaRequest>(event.clone()).unwrap();
        let answer = stack.stack.gateway.function(operation).unwrap().call(request.into()).await;
        assert!(!answer.status().is_server_error(), "{operation}: {}", answer.status());
    }
    let feed = stack.visitor().get_with("/feed.xml", &[("host", "blog.example.com")]).await;
    assert!(body(&feed).contains("<id>tag:blog.example.com,"), "{}", body(&feed));
}

#[tokio::test]
async fn each_feed_can_be_the_first_that_anybody_asks_for() {
    for folder in ["", "/users/ada", "/tags/x"] {
        for (file, _) in FILES {
            let stack = TestStack::start().await;
            let ada = stack.user("ada").await;
            ada.publish("First", &["x"]).await;
            // At the same moment two may be the first.
            let path = format!("{folder}/{file}");
            stack.stack.wire.break_calls("PutItem", 0, 1, Fault::DoneButRefused("ConditionalCheckFailedException"));
            let answer = stack.visitor().get(&path).await;
            answer.expect_status(200);
            assert!(body(&answer).contains("tag:localhost,2026-11-21:posts/"), "{}", body(&answer));
            stack.stack.wire.mend();
        }
    }
}

#[tokio::test]
async fn a_client_that_has_the_feed_is_told_so() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("First", &["x"]).await;
    stack.pass_seconds(90);
    ada.publish("Second", &["x"]).await;
    let visitor = stack.visitor();
    let mut seen = Vec::new();
    for folder in ["", "/users/ada", "/tags/x"] {
        for (file, _) in FILES {
            let path = format!("{folder}/{file}");
            let feed = visitor.get(&path).await;
            let (etag, time) = (feed.etag(), feed.header("last-modified").to_owned());
            assert_eq!(time, "Sat, 21 Nov 2026 08:31:30 GMT");
            for headers in [
                vec![("if-none-match", etag.as_str())],
                vec![("if-modified-since", time.as_str())],
                vec![("if-none-match", etag.as_str()), ("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT")],
            ] {
                let unchanged = visitor.get_with(&path, &headers).await;
                unchanged.expect_status(304);
                assert!(unchanged.bytes.is_empty());
                assert_eq!((unchanged.etag(), unchanged.header("last-modified")), (etag.clone(), time.as_str()));
            }
            for headers in [
                vec![("if-none-match", "\"other\""), ("if-modified-since", time.as_str())],
                vec![("if-modified-since", "Sat, 21 Nov 2026 08:31:29 GMT")],
                vec![("if-modified-since", "yesterday")],
            ] {
                visitor.get_with(&path, &headers).await.expect_status(200);
            }
            let head = visitor.call("HEAD", &path, &[], None).await;
            head.expect_status(200);
            assert_eq!((head.etag(), head.header("last-modified")), (etag.clone(), time.as_str()));
            seen.push((path, etag, time));
        }
    }
    // What is withdrawn is gone at once, also for who asks with a time.
    ada.post("/posts/second/unpublish", json!({})).await.expect_status(200);
    for (path, etag, time) in seen {
        for headers in [[("if-none-match", etag.as_str())], [("if-modified-since", time.as_str())]] {
            let feed = visitor.get_with(&path, &headers).await;
            feed.expect_status(200);
            assert!(!body(&feed).contains("Second"));
        }
        assert_eq!(visitor.get(&path).await.header("last-modified"), "Sat, 21 Nov 2026 08:30:00 GMT");
    }
}

#[tokio::test]
async fn an_operator_says_what_the_site_is_called_and_where_it_is() {
    let parameters = [
        ("SiteUrl", "https://www.example.com/blog/"),
        ("SiteTitle", "Ada & <friends>"),
        ("SiteDescription", "About R&D"),
        ("SiteLanguage", "pt-BR"),
        ("FeedUrl", "https://www.example.com/"),
        ("WebSubHub", "https://hub.example.com/?a=b&c=d"),
    ];
    let stack = TestStack::start_with_parameters(&parameters).await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &["x"]).await;
    let visitor = stack.visitor();
    let (atom, json, rss) =
        (visitor.get("/feed.xml").await, visitor.get("/feed.json").await, visitor.get("/tags/x/rss.xml").await);
    let document = Document::parse(body(&atom)).unwrap();
    let feed = document.root_element();
    assert_eq!(of(feed, "title").as_deref(), Some("Ada &amp; &lt;friends&gt;"));
    assert_eq!(child(feed, "title").unwrap().attribute("type"), Some("html"));
    assert_eq!(feed.attribute(LANG), Some("pt-BR"));
    assert_eq!(link(feed, "self").as_deref(), Some("https://www.example.com/feed.xml"));
    assert_eq!(link(feed, "alternate").as_deref(), Some("https://www.example.com/blog/"));
    assert_eq!(link(feed, "hub").as_deref(), Some("https://hub.example.com/?a=b&c=d"));
    assert_eq!(of_atom(body(&atom))[0].url, "https://www.example.com/blog/posts/hello");
    assert!(of_atom(body(&atom))[0].id.starts_with("tag:www.example.com,"));
    let links = "<https://hub.example.com/?a=b&c=d>; rel=\"hub\", <https://www.example.com/feed.xml>; rel=\"self\"";
    assert_eq!(atom.header("link"), links);
    let json: Value = serde_json::from_slice(&json.bytes).unwrap();
    assert_eq!(json["title"], "Ada & <friends>");
    assert_eq!(json["description"], "About R&D");
    assert_eq!(json["hubs"], json!([{ "type": "WebSub", "url": "https://hub.example.com/?a=b&c=d" }]));
    assert_eq!(json["feed_url"], "https://www.example.com/feed.json");
    let document = Document::parse(body(&rss)).unwrap();
    let channel = child(document.root_element(), "channel").unwrap();
    assert_eq!(of(channel, "title").as_deref(), Some("#x – Ada &amp; &lt;friends&gt;"));
    assert_eq!(of(channel, "link").as_deref(), Some("https://www.example.com/blog/tags/x"));
    assert_eq!(link(channel, "self").as_deref(), Some("https://www.example.com/tags/x/rss.xml"));
    let robots = visitor.get("/robots.txt").await;
    assert!(body(&robots).contains("\nSitemap: https://www.example.com/sitemap.xml\n"));
}

#[tokio::test]
async fn without_posts_a_feed_is_still_valid() {
    let stack = TestStack::start().await;
    let atom = stack.visitor().get("/feed.xml").await;
    let document = Document::parse(body(&atom)).unwrap();
    assert_eq!(of(document.root_element(), "updated").as_deref(), Some("2026-11-21T08:30:00.000Z"));
    assert_eq!(link(document.root_element(), "self").as_deref(), Some("http://localhost/v1/feed.xml"));
    let rss = stack.visitor().get("/rss.xml").await;
    Document::parse(body(&rss)).unwrap();
    assert_eq!(stack.visitor().get("/feed.json").await.bytes.last(), Some(&b'}'));
}

#[tokio::test]
async fn two_entries_were_never_updated_at_the_same_time() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..20 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.pass_seconds(1);
    ada.patch("/posts/post-7", "*", json!({ "title": "Changed" })).await.expect_status(200);
    let atom = stack.visitor().get("/feed.xml").await;
    let document = Document::parse(body(&atom)).unwrap();
    let entries = document.root_element().children().filter(|child| child.tag_name().name() == "entry");
    let updated: Vec<_> = entries.filter_map(|entry| of(entry, "updated")).collect();
    assert_eq!(updated.iter().collect::<BTreeSet<_>>().len(), 20, "{updated:?}");
    assert!(updated.contains(&"2026-11-21T08:30:01.000Z".to_owned()), "one that differs is as it is: {updated:?}");
    let within = |time: &String| time.starts_with("2026-11-21T08:30:00.000") && time.len() == 27;
    assert_eq!(updated.iter().filter(|time| within(time)).count(), 19, "{updated:?}");
    assert_eq!(body(&stack.visitor().get("/feed.xml").await), body(&atom));
}

#[tokio::test]
async fn a_feed_of_huge_posts_can_be_answered() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    // Most of the HTML of each is what has to be escaped once more.
    let huge = "< \"\n".repeat(40_000);
    for number in 0..7 {
        stack.pass_seconds(1);
        ada.draft(&format!("Huge {number}")).with("body", huge.as_str()).with("summary", "S").publish().await;
    }
    stack.pass_seconds(1);
    ada.draft("Small").with("body", "tiny").publish().await;
    for (file, _) in FILES {
        let feed = stack.visitor().get(&format!("/{file}")).await;
        feed.expect_status(200);
        // What Lambda answers is JSON, in which the feed is a text.
        let answered = serde_json::to_string(body(&feed)).unwrap().len();
        assert!((1_000_000..6 * 1024 * 1024).contains(&answered), "{file}: {answered} bytes");
    }
    let json: Value = serde_json::from_slice(&stack.visitor().get("/feed.json").await.bytes).unwrap();
    let last = &json["items"][7];
    assert_eq!((&last["content_text"], &last["content_html"]), (&json!("S"), &Value::Null), "one of the two");
    for entries in read(&stack.visitor(), "").await {
        assert_eq!(entries.len(), 8, "every post is there");
        assert!(entries[0].html.as_deref().is_some_and(|html| html.contains("tiny")));
        assert!(entries[1].html.as_deref().is_some_and(|html| html.len() > 250_000), "the newest are whole");
        assert!(entries[7].html.as_deref().is_none_or(|html| html.len() < 100), "the oldest are summaries");
    }
}

/// The entries of a feed, of which `change` happens between its list and its texts.
async fn feed_during(stack: &TestStack, change: impl Future<Output = ()>) -> Vec<Read> {
    let hold = stack.stack.wire.hold_call("BatchGetItem");
    let visitor = stack.visitor();
    let feed = tokio::spawn(async move { visitor.get("/feed.json").await });
    hold.arrived().await;
    change.await;
    hold.release();
    let feed = feed.await.unwrap();
    feed.expect_status(200);
    of_json(&serde_json::from_slice(&feed.bytes).unwrap())
}

#[tokio::test]
async fn a_feed_shows_posts_as_they_are_while_they_are_written() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("First", &[]).await;
    ada.publish("Second", &[]).await;
    let edit = json!({ "title": "Changed", "body": "New text" });
    let change = async { ada.patch("/posts/first", "*", edit).await.expect_status(200) };
    let entries = feed_during(&stack, change).await;
    let first = entries.iter().find(|entry| entry.url.ends_with("/first")).unwrap();
    assert_eq!(first.title.as_deref(), Some("Changed"));
    assert!(first.html.as_deref().unwrap().contains("New text"));
    let change = async { ada.patch("/posts/first", "*", json!({ "slug": "moved" })).await.expect_status(200) };
    let entries = feed_during(&stack, change).await;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().any(|entry| entry.url.ends_with("/moved")), "{entries:?}");
    // What is withdrawn while its text is being changed is not shown with either.
    let change = async {
        ada.patch("/posts/second", "*", json!({ "body": "Never seen" })).await.expect_status(200);
        ada.post("/posts/second/unpublish", json!({})).await.expect_status(200);
    };
    let entries = feed_during(&stack, change).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
}

/// Texts that the API takes, with what is odd in them more often than by chance.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = proptest::sample::select(vec![
        "</b>",
        "<script>",
        "]]>",
        "&amp;",
        "&nbsp",
        "&",
        "<",
        "\"",
        "'",
        "\u{fffe}",
        "\u{ffff}",
        "\u{fffd}",
        "\u{e000}",
        "\u{10ffff}",
        "שלום",
        "العربية",
        "\u{200f}",
        "😀👩‍👩‍👧",
        "日本語",
        "a",
        "B",
        " ",
        "1",
        "-",
        "\u{feff}",
        "<a@b.example>",
    ]);
    proptest::collection::vec(odd, 1..12).prop_map(|pieces| pieces.concat())
}

/// What of a text a feed in XML shows.
fn shown(text: &str) -> String {
    let gone = |c: &char| matches!(u32::from(*c), 0..=8 | 11 | 12 | 14..=31 | 0x80..=0x9f | 0xfffd..=0xffff);
    text.chars().filter(|c| !gone(c)).collect::<String>().trim().to_owned()
}

/// Whatever the API takes, all nine feeds are well-formed and say the same as the API.
#[tokio::test]
async fn whatever_is_published_reads_back_as_it_was_written() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let texts = (
        odd_text(),
        odd_text(),
        proptest::collection::vec(odd_text(), 1..6).prop_map(|lines| lines.join("\n\n\u{b}\u{85}\r")),
        odd_text(),
        "[A-Za-z]{2,8}",
        "[!-~]{0,20}",
    );
    let mut taken = 0;
    for number in 0..30 {
        let (title, summary, body, name, language, url) = texts.new_tree(&mut runner).unwrap().current();
        ada.patch("/me", "*", json!({ "display_name": name })).await;
        let url = format!("https://img.example.com/{url}");
        let title = if number % 5 == 0 { Value::Null } else { json!(title) };
        let post = json!({
            "title": title, "summary": summary, "body": body, "language": language, "cover_image_url": url, "tags": ["odd", "x & y"],
            "status": "published",
        });
        stack.pass_seconds(1);
        let answer = ada.post("/posts", post).await;
        assert!(matches!(answer.status.as_u16(), 201 | 422), "{}", answer.body);
        if answer.status.as_u16() == 422 {
            continue;
        }
        taken += 1;
        let post = answer.body;
        {
            let folder = ["", "/tags/odd", "/users/ada"][number % 3];
            let [atom, json, rss] = read(&stack.visitor(), folder).await;
            let (atom, json, rss) = (&atom[0], &json[0], &rss[0]);
            let title = post["title"].as_str();
            assert_eq!(json.title.as_deref(), title);
            assert_eq!(json.author, post["author"]["display_name"]);
            assert_eq!(json.language.as_deref(), post["language"].as_str());
            assert_eq!([&atom.id, &rss.id], [&json.id; 2]);
            assert_eq!([&atom.url, &rss.url], [&json.url; 2]);
            assert_eq!([&atom.tags, &rss.tags], [&json.tags; 2]);
            assert_eq!([&atom.image, &rss.image], [&json.image; 2]);
            let title = title.map(shown).filter(|title| !title.is_empty());
            assert_eq!(rss.title.as_deref().map(unescape), title.as_deref().map(unescape));
            if let Some(title) = &title {
                assert_eq!(atom.title.as_deref().map(unescape), Some(unescape(title)));
            }
            assert!(atom.title.as_deref().is_some_and(|title| !title.is_empty()));
            let name = shown(&json.author);
            assert_eq!(rss.author, if name.is_empty() { "ada" } else { &name });
            assert_eq!(atom.author, if name.is_empty() || name.contains('<') { "ada" } else { &name });
            let html = json.html.as_deref().unwrap();
            let in_xml: String =
                html.chars().filter(|c| *c == '\u{fffd}' || !shown(&format!("a{c}a")).eq("aa")).collect();
            let in_xml = in_xml.replace('\u{fffd}', "&#xFFFD;");
            assert_eq!(atom.html.as_deref(), Some(in_xml.as_str()));
            assert_eq!(rss.html.as_deref(), Some(in_xml.as_str()));
        }
    }
    assert!(taken > 15, "only {taken} of 30 were taken");
}

type Told = Arc<Mutex<Vec<String>>>;

/// A hub that writes down what it is told, and is broken as often as `failures` says.
async fn hub(failures: usize) -> (String, Told) {
    let told: Told = Arc::default();
    let left = Arc::new(Mutex::new(failures));
    let answer = |State((told, left)): State<(Told, Arc<Mutex<usize>>)>, form: String| async move {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return AxumStatus::INTERNAL_SERVER_ERROR;
        }
        told.lock().unwrap().push(form);
        AxumStatus::ACCEPTED
    };
    let router = Router::new().route("/publish", post(answer)).with_state((Arc::clone(&told), left));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/publish", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, told)
}

fn topics(form: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!(pairs[0], ("hub.mode".to_owned(), "publish".to_owned()));
    assert!(pairs[1..].iter().all(|(name, _)| name == "hub.url"));
    pairs.into_iter().skip(1).map(|(_, url)| url).collect()
}

#[tokio::test]
async fn a_hub_is_told_which_feeds_have_changed() {
    let (url, told) = hub(2).await;
    let parameters = [("WebSubHub", url.as_str()), ("FeedUrl", "https://blog.example.com/v1")];
    let stack = TestStack::start_with_parameters(&parameters).await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.draft("Hidden").save().await;
    ada.publish("Hello", &["x", "y"]).await;
    stack.settle().await;
    let take = || std::mem::take(&mut *told.lock().unwrap());
    // Though it failed twice before.
    let forms = take();
    assert_eq!(forms.len(), 1);
    let mut expected = BTreeSet::new();
    for folder in ["", "/tags/x", "/tags/y", "/users/ada"] {
        for (file, _) in FILES {
            let path = format!("{folder}/{file}");
            let feed = stack.visitor().get(&path).await;
            let own = format!("https://blog.example.com/v1{path}");
            assert!(
                feed.header("link").contains(&format!("<{own}>; rel=\"self\"")),
                "a hub is told the address that the feed tells"
            );
            expected.insert(own);
        }
    }
    assert_eq!(topics(&forms[0]).into_iter().collect::<BTreeSet<_>>(), expected);
    // An edit changes feeds, also those that the post leaves. What is no edit, a draft and a repost do not.
    ada.patch("/posts/hello", "*", json!({ "tags": ["y"] })).await.expect_status(200);
    stack.settle().await;
    let forms = take();
    assert_eq!(forms.len(), 1);
    assert_eq!(topics(&forms[0]).into_iter().collect::<BTreeSet<_>>(), expected);
    bob.call("PUT", "/posts/hello/repost", &[], None).await.expect_status(204);
    bob.put("/posts/hello/reaction", json!({ "kind": "like" })).await.expect_status(204);
    ada.patch("/posts/hidden", "*", json!({ "title": "Still hidden" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(take(), [] as [String; 0]);
    // A hub fetches what is new, and there is no way to tell it what is gone.
    ada.post("/posts/hello/unpublish", json!({})).await.expect_status(200);
    stack.settle().await;
    assert_eq!(take(), [] as [String; 0]);
}

#[tokio::test]
async fn a_hub_that_never_answers_keeps_nobody_back() {
    let (url, told) = hub(usize::MAX).await;
    let parameters = [("WebSubHub", url.as_str()), ("FeedUrl", "https://blog.example.com/v1")];
    let stack = TestStack::start_with_parameters(&parameters).await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &[]).await;
    stack.settle().await;
    assert_eq!(stack.stack.bus.given_up("TellHubFailures").len(), 1);
    assert!(told.lock().unwrap().is_empty());
    let stack = TestStack::start().await;
    stack.user("ada").await.publish("Nobody is told", &[]).await;
    stack.settle().await;
    assert_eq!(stack.stack.bus.given_up("TellHubFailures").len(), 0);
}
