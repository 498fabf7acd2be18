//! The pages of the site, as readers and machines see them.

use std::collections::BTreeSet;

use domain::{Colour, Denied, Role};
use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};
use template::Template;

use crate::harness::{Answer, Client, TestStack};

const PUBLIC: &str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";

/// A page that is there, which has everything that every page has.
async fn page(client: &Client, path: &str) -> Answer {
    let answer = client.page(path).await;
    answer.expect_status(200);
    check(&answer, path);
    answer
}

/// What holds for every page, also for one that says what is wrong.
fn check(answer: &Answer, path: &str) {
    let text = answer.text();
    assert!(text.starts_with("<!doctype html>\n<html lang="), "{path}: {text}");
    for once in [
        "<title>",
        "<h1",
        "<main id=\"main\"",
        "<header class=\"site\">",
        "<footer class=\"site\">",
        "href=\"#main\"",
        "<li><a href=\"/write\">Write</a></li>",
    ] {
        assert_eq!(text.matches(once).count(), 1, "{once} of {path}: {text}");
    }
    // Data is no script; nothing else is in such an element, and nothing runs from an attribute.
    let data = "<script type=\"application/ld+json\">";
    assert_eq!(text.matches("<script").count(), text.matches(data).count(), "{path}: {text}");
    for rest in text.split(data).skip(1) {
        let (json, _) = rest.split_once("</script>").unwrap();
        let json: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{path}: {error}: {json}"));
        assert_eq!(json["@context"], "https://schema.org");
    }
    for never in [" style=", " onclick", " onerror", "javascript:"] {
        assert!(!tags(text).any(|tag| tag.contains(never)), "{never} in {path}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; ") && !policy.contains("script-src"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    assert_eq!(answer.header("set-cookie"), "", "{path}");
}

/// The tags of a page, without the values of their attributes. It has no `<` elsewhere, and all values in double quotes.
fn tags(text: &str) -> impl Iterator<Item = String> {
    let without_values = |tag: &str| tag.split('"').step_by(2).collect::<String>();
    text.split('<').skip(1).map(move |tag| without_values(tag).split('>').next().unwrap_or_default().to_owned())
}

/// A page that is not there.
async fn problem(client: &Client, path: &str, status: u16) -> Answer {
    let answer = client.page(path).await;
    answer.expect_status(status);
    check(&answer, path);
    assert!(answer.text().contains("<meta name=\"robots\" content=\"noindex\">"), "{path}");
    answer
}

/// What a page tells search engines.
fn json_ld(answer: &Answer) -> Value {
    let (_, rest) = answer.text().split_once("<script type=\"application/ld+json\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// The links with this `rel`.
fn links<'a>(answer: &'a Answer, rel: &str) -> Vec<&'a str> {
    let rel = format!("<link rel=\"{rel}\" ");
    let tags = answer.text().split(&rel).skip(1).map(|rest| rest.split_once('>').unwrap().0);
    tags.map(|tag| tag.rsplit_once("href=\"").unwrap().1.trim_end_matches('"')).collect()
}

#[track_caller]
fn has(answer: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(answer.text().contains(part), "no {part:?} in {}", answer.text());
    }
}

#[track_caller]
fn has_not(answer: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(!answer.text().contains(part), "{part:?} in {}", answer.text());
    }
}

#[tokio::test]
async fn a_blog_without_a_post_says_what_to_do() {
    let stack = TestStack::start().await;
    let home = page(&stack.visitor(), "/").await;
    has(
        &home,
        &[
            "There is no post here yet.",
            "<a href=\"/write/register\">Register</a>",
            "<a href=\"/write\">go to the editor</a>",
        ],
    );
    stack.user("ada").await.publish("Hello", &[]).await;
    has_not(&page(&stack.visitor(), "/").await, &["no post here yet"]);
}

#[tokio::test]
async fn the_home_page_has_the_newest_posts_and_the_pinned_ones_first() {
    let stack = TestStack::start().await;
    let ada = stack.user_with_role("ada", Role::Editor).await;
    ada.patch("/me", "*", json!({ "display_name": "Ada Lovelace" })).await.expect_status(200);
    let first = ada.draft("The first").tags(&["engines"]).with("summary", "How it began.").publish().await;
    stack.pass_seconds(60);
    ada.draft("Zweitens")
        .with("language", "de")
        .with("cover_image_url", "https://img.example.com/c.jpg")
        .publish()
        .await;
    ada.call("PUT", &format!("/posts/{first}/pin"), &[], None).await.expect_status(204);
    ada.draft("").without("title").with("body", "A note.").publish().await;
    stack.settle().await;

    let home = page(&stack.visitor(), "/").await;
    has(
        &home,
        &[
            "<title>Broadsheet</title>",
            "<link rel=\"canonical\" href=\"http://localhost/\">",
            "<meta property=\"og:type\" content=\"website\">",
            "<p class=\"label\" lang=\"en\">Pinned</p>",
            "<a href=\"/posts/the-first\">The first</a>",
            "<p class=\"summary\" dir=\"auto\">How it began.</p>",
            "<a href=\"/tags/engines\" rel=\"tag\">engines</a>",
            "<h2 dir=\"auto\" lang=\"de\"><a href=\"/posts/zweitens\" hreflang=\"de\">Zweitens</a></h2>",
            "<img src=\"https://img.example.com/c.jpg\" alt=\"\" loading=\"lazy\">",
            "<a href=\"/users/ada\" rel=\"author\"><span dir=\"auto\">Ada Lovelace</span></a>",
            "<time datetime=\"2026-11-21T08:30:00.000Z\">21 November 2026</time>",
            "<article class=\"card note\">",
        ],
    );
    let at = |text: &str| home.text().find(text).unwrap();
    assert!(at(">The first</a>") < at(">Zweitens</a>"), "what is pinned leads");
    assert_eq!(links(&home, "alternate")[1..], ["/feed.xml", "/rss.xml", "/feed.json"]);
    assert_eq!(json_ld(&home)["@type"], "Blog");
}

#[tokio::test]
async fn a_page_is_kept_as_the_api_is() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &["greetings"]).await;
    let visitor = stack.visitor();
    for path in ["/", "/posts/hello", "/users/ada", "/tags", "/tags/greetings"] {
        let answer = page(&visitor, path).await;
        assert_eq!(answer.header("cache-control"), PUBLIC, "{path}");
        let etag = answer.etag();
        let again = visitor.page_with(path, &[("if-none-match", &etag)]).await;
        again.expect_status(304);
        assert!(again.bytes.is_empty(), "{path}");
        assert_eq!(again.etag(), etag, "{path}");
    }
    let etag = page(&visitor, "/posts/hello").await.etag();
    ada.post("/posts/hello/comments", json!({ "body": "First" })).await.expect_status(201);
    visitor.page_with("/posts/hello", &[("if-none-match", &etag)]).await.expect_status(200);
    assert_eq!(page(&visitor, "/search?q=hello").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_post_has_what_readers_and_machines_look_for() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let body = "# Überschrift\n\n| a | b |\n|---|---|\n| c | d |\n\nx[^1]\n\n```rust\nfn main() {}\n```\n\n- [x] y\n\n[^1]: Note.";
    let draft = ada.draft("Über Maschinen").tags(&["engines", "bernoulli"]).with("language", "de").with("body", body);
    let slug = draft
        .with("summary", "Was sie können.")
        .with("cover_image_url", "https://img.example.com/c.jpg")
        .publish()
        .await;
    bob.put(&format!("/posts/{slug}/reaction"), json!({ "kind": "love" })).await.expect_status(204);
    bob.call("PUT", &format!("/posts/{slug}/repost"), &[], None).await.expect_status(204);
    let answer = bob.draft("An answer").with("reply_to", slug.as_str()).publish().await;
    stack.settle().await;

    let post = page(&stack.visitor(), &format!("/posts/{slug}")).await;
    has(
        &post,
        &[
            "<html lang=\"de\">",
            "<title>Über Maschinen – Broadsheet</title>",
            "<meta name=\"description\" content=\"Was sie können.\">",
            &format!("<link rel=\"canonical\" href=\"http://localhost/posts/{slug}\">"),
            &format!("<link rel=\"alternate\" hreflang=\"de\" href=\"http://localhost/posts/{slug}\">"),
            "<meta property=\"og:type\" content=\"article\">",
            "<meta property=\"og:locale\" content=\"de\">",
            "<meta property=\"og:image\" content=\"https://img.example.com/c.jpg\">",
            "<meta name=\"twitter:card\" content=\"summary_large_image\">",
            "<meta property=\"article:published_time\" content=\"2026-11-21T08:30:00.000Z\">",
            "<meta property=\"article:tag\" content=\"engines\">",
            "<h1 dir=\"auto\" lang=\"de\">Über Maschinen</h1>",
            "<h2 id=\"user-content-überschrift\">",
            "<div class=\"scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>",
            "<pre tabindex=\"0\">",
            "class=\"hl-keyword\"",
            "class=\"footnotes\"",
            "aria-label=\"Done\"",
            "<li>1 reaction</li>",
            "<li>1 repost</li>",
            "<li>1 reply</li>",
            "<h2 id=\"answers\" lang=\"en\">Posts in reply</h2>",
            &format!("<a href=\"/posts/{answer}\">An answer</a>"),
        ],
    );
    has_not(&post, &["noindex", "Changed on"]);
    let data = json_ld(&post);
    for (field, value) in [
        ("@type", "BlogPosting"),
        ("headline", "Über Maschinen"),
        ("inLanguage", "de"),
        ("datePublished", "2026-11-21T08:30:00.000Z"),
        ("image", "https://img.example.com/c.jpg"),
    ] {
        assert_eq!(data[field], value, "{data}");
    }
    assert_eq!(data["author"]["url"], "http://localhost/users/ada");
    assert_eq!(data["keywords"], json!(["engines", "bernoulli"]));

    // Without a cover, it is shared with its first picture.
    let pictured = ada.draft("Pictured").with("body", "Text.\n\n![One](/one.png?a&b) ![Two](https://e.example/2.png)");
    let pictured = page(&stack.visitor(), &format!("/posts/{}", pictured.publish().await)).await;
    has(&pictured, &["<meta property=\"og:image\" content=\"http://localhost/one.png?a&#38;b\">"]);
    assert_eq!(json_ld(&pictured)["image"], "http://localhost/one.png?a&b");

    // What it answers is named above an answer, and what it quotes is shown in a quote.
    has(
        &page(&stack.visitor(), &format!("/posts/{answer}")).await,
        &[&format!("<span lang=\"en\">In reply to</span> <a href=\"/posts/{slug}\" dir=\"auto\">Über Maschinen</a>")],
    );
    let quote = bob.draft("So true").tags(&["quotes"]).with("quote_of", slug.as_str()).publish().await;
    has(&page(&stack.visitor(), "/tags/quotes").await, &[">Über Maschinen</a>"]);
    has(
        &page(&stack.visitor(), &format!("/posts/{quote}")).await,
        &["<blockquote class=\"quoted\">", ">Über Maschinen</a>"],
    );
    // An author's page has reposts, and says so.
    has(
        &page(&stack.visitor(), "/users/bob").await,
        &["Reposted by <a href=\"/users/bob\" dir=\"auto\">bob</a>", ">Über Maschinen</a>"],
    );

    ada.delete(&format!("/posts/{slug}")).await.expect_status(204);
    stack.settle().await;
    let visitor = stack.visitor();
    has(&page(&visitor, &format!("/posts/{quote}")).await, &["The post that is quoted here is gone."]);
    has(
        &page(&visitor, &format!("/posts/{answer}")).await,
        &["<span lang=\"en\">In reply to a post that is gone</span>"],
    );
    has_not(&page(&visitor, "/users/bob").await, &["Über Maschinen"]);
}

#[tokio::test]
async fn what_an_author_says_for_machines_goes_first() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let draft = ada
        .draft("Title")
        .with("summary", "Summary")
        .with("meta_title", "For machines")
        .with("meta_description", "Described");
    let slug = draft.with("canonical_url", "https://elsewhere.example.com/a?b=1&c=2").publish().await;
    stack.pass_seconds(3 * 24 * 60 * 60);
    let ada = stack.log_in("ada").await;
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "body": "Changed." })).await.expect_status(200);
    has(
        &page(&stack.visitor(), &format!("/posts/{slug}")).await,
        &[
            "<title>For machines – Broadsheet</title>",
            "<meta name=\"description\" content=\"Described\">",
            "<link rel=\"canonical\" href=\"https://elsewhere.example.com/a?b=1&#38;c=2\">",
            "First published at <a href=\"https://elsewhere.example.com/a?b=1&#38;c=2\" rel=\"noopener\">",
            "Changed on <time datetime=\"2026-11-24T08:30:00.000Z\">24 November 2026</time>",
            ">Title</h1>",
        ],
    );
}

#[tokio::test]
async fn what_moved_is_found_where_it_is() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let slug = ada.publish("Hello", &[]).await;
    ada.patch("/posts/hello", "*", json!({ "slug": "moved" })).await.expect_status(200);
    bob.call("PUT", "/posts/moved/repost", &[], None).await.expect_status(204);
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    let visitor = stack.visitor();
    for (from, to) in [(format!("/posts/{slug}"), "/posts/moved"), ("/users/ada".to_owned(), "/users/countess")] {
        let answer = visitor.page(&from).await;
        answer.expect_status(301);
        assert_eq!(answer.header("location"), to);
        assert_eq!(answer.header("cache-control"), PUBLIC);
        page(&visitor, to).await;
    }
    let draft = ada.draft("Not yet").save().await["slug"].as_str().unwrap().to_owned();
    let link = ada.post(&format!("/posts/{draft}/preview"), json!({})).await.body["url"].as_str().unwrap().to_owned();
    let token = link.split_once("preview=").unwrap().1;
    ada.patch(&format!("/posts/{draft}"), "*", json!({ "slug": "soon" })).await.expect_status(200);
    let answer = visitor.page(&format!("/posts/{draft}?preview={token}")).await;
    answer.expect_status(301);
    assert_eq!(answer.header("location"), format!("/posts/soon?preview={token}"));
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.draft("Draft").save().await;
    ada.publish("Gone", &[]).await;
    ada.delete("/posts/gone").await.expect_status(204);
    let visitor = stack.visitor();
    for path in [
        "/nothing",
        "/a/b/c",
        "/posts/nothing",
        "/posts/draft",
        "/posts/gone",
        "/posts/Caf%C3%A9",
        "/users/nobody",
        "/users/A%20b",
        "/posts",
        "/posts//draft",
        "//evil",
        "/\\evil.example/",
    ] {
        let answer = problem(&visitor, path, 404).await;
        has(&answer, &["<h1 lang=\"en\">Not found</h1>", "<a href=\"/\">To the newest posts</a>"]);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    problem(&visitor, "/?cursor=forged", 400).await;
    problem(&visitor, "/tags/a?cursor=forged", 400).await;
    problem(&ada, "/none", 404).await;
    // Nobody is signed in on a page: what only the author may read is not there for the author either.
    let answer = problem(&ada, "/posts/draft", 404).await;
    has(&answer, &["<h1 lang=\"en\">Not found</h1>"]);
    // A tag may get posts, and until then there is nothing for a search engine.
    has(&page(&visitor, "/tags/none").await, &["There is no post with this tag.", "noindex"]);
    visitor.call("POST", "/pages/posts/draft", &[], Some(json!({}))).await.expect_problem(405, "method-not-allowed");
}

/// Whoever links to a page adds parameters to its address.
#[tokio::test]
async fn a_page_ignores_parameters_that_it_does_not_know() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &["rust"]).await;
    let slug = ada.publish("Former", &[]).await;
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "slug": "moved" })).await.expect_status(200);
    stack.settle().await;
    let visitor = stack.visitor();
    for path in ["/", "/posts/hello", "/users/ada", "/tags", "/tags/rust", "/search"] {
        let plain = page(&visitor, path).await;
        let linked = page(&visitor, &format!("{path}?ref=ghost&utm_source=x&page=2&page=3")).await;
        assert_eq!((linked.text(), linked.header("etag")), (plain.text(), plain.header("etag")), "{path}");
    }
    let found = page(&visitor, "/search?q=hello&srsltid=1").await;
    has(&found, &["href=\"/posts/hello\""]);
    let answer = visitor.page(&format!("/posts/{slug}?ref=ghost")).await;
    answer.expect_status(301);
    assert_eq!(answer.header("location"), "/posts/moved");
    // The API says what it does not know.
    visitor.get("/posts?ref=ghost").await.expect_problem(422, "validation-failed");
}

/// No visitor is told that: the API tells it only who may read what is in the trash.
#[tokio::test]
async fn what_the_api_says_is_gone_is_gone() {
    let stack = TestStack::start_with_parameters(&[("SiteTitle", "A <b>log")]).await;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::GONE;
    let response = pages::problem_page(&stack.stack.blog.config, &Denied::PostTrashed.into(), response);
    assert_eq!(response.status(), StatusCode::GONE);
    let Body::Text(text) = response.body() else { panic!("{response:?}") };
    for part in ["<h1 lang=\"en\">Gone</h1>", "noindex", "A &#60;b&#62;log"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_page_shows_its_author_what_it_shows_everybody() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.post("/posts", json!({ "title": "Not yet", "body": "B" })).await.expect_status(201);
    ada.publish("Out", &[]).await;
    // Caches keep a page for all, whoever asked for it.
    for client in [&ada, &stack.visitor()] {
        assert_eq!(client.page("/posts/not-yet").await.status, 404);
        has_not(&page(client, "/users/ada").await, &["Not yet", "noindex"]);
    }
    // Whoever makes a profile for its link is not read by search engines.
    let bob = stack.user("bob").await;
    bob.patch("/me", "*", json!({ "website_url": "https://example.com/" })).await.expect_status(200);
    has(&page(&stack.visitor(), "/users/bob").await, &["noindex"]);
}

#[tokio::test]
async fn a_preview_link_shows_the_draft_and_nobody_keeps_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.draft("Draft").with("body", "Not yet.").save().await;
    let link = ada.post("/posts/draft/preview", json!({})).await.body["url"].as_str().unwrap().to_owned();
    let token = link.split_once("preview=").unwrap().1.to_owned();
    let visitor = stack.visitor();
    let draft = page(&visitor, &format!("/posts/draft?preview={token}")).await;
    has(&draft, &["This is a preview.", "<p>Not yet.</p>", "<meta name=\"robots\" content=\"noindex\">"]);
    has_not(&draft, &["ld+json", "id=\"comments\""]);
    assert_eq!(draft.header("cache-control"), "private, no-store");
    assert_eq!(draft.header("referrer-policy"), "no-referrer");
    problem(&visitor, "/posts/draft?preview=forged", 404).await;
    ada.post("/posts/draft/publish", json!({})).await.expect_status(200);
    let published = page(&visitor, &format!("/posts/draft?preview={token}")).await;
    has_not(&published, &["This is a preview.", "noindex"]);
    assert_eq!(published.header("cache-control"), PUBLIC);
}

/// Whatever is typed is text, wherever a page shows it.
#[tokio::test]
async fn hostile_text_stays_text() {
    let stack = TestStack::start().await;
    let hostile = "</script></title><script>alert(1)</script>\"><img src=x onerror=alert(2)>'&amp;<!--";
    let escaped = "&#60;/script&#62;&#60;/title&#62;&#60;script&#62;alert(1)";
    let stack_name = [
        ("SiteTitle", "A <b>log</b> & 'more'"),
        ("SiteDescription", "</title><script>"),
        ("SiteFooter", "<script>alert(3)</script>"),
    ];
    let titled = TestStack::start_with_parameters(&stack_name).await;
    for stack in [&stack, &titled] {
        let ada = stack.user_with_role("ada", Role::Editor).await;
        let profile =
            json!({ "display_name": &hostile[..70], "bio": hostile, "website_url": "https://e.example/\"'<>&" });
        ada.patch("/me", "*", profile).await.expect_status(200);
        let draft = ada.draft(hostile).with("summary", hostile).with("meta_description", hostile).with("body", hostile);
        let draft = draft.with("cover_image_url", "https://e.example/\"'<>&`").with("slug", "hostile");
        draft.with("canonical_url", "https://e.example/\"'<>&?</script>").tags(&["<script>"]).publish().await;
        ada.draft("").without("title").with("body", hostile).with("quote_of", "hostile").publish().await;
        ada.post("/posts/hostile/comments", json!({ "body": hostile })).await.expect_status(201);
        ada.draft("Answer").with("reply_to", "hostile").publish().await;
        ada.call("PUT", "/posts/hostile/pin", &[], None).await.expect_status(204);
        stack.settle().await;
        let visitor = stack.visitor();
        for path in [
            "/",
            "/posts/hostile",
            "/users/ada",
            "/tags/script",
            "/tags",
            "/search?q=alert",
            "/search?q=%3Cscript%3E%22%3E%3Cimg+src=x+onerror=alert(1)%3E",
            "/search?q=%3C/title%3E",
        ] {
            let shown = page(&visitor, path).await;
            has_not(&shown, &["<img src=x", "</title><"]);
            assert!(!tags(shown.text()).any(|tag| tag.contains("onerror")), "{path}");
        }
        has(&page(&visitor, "/posts/hostile").await, &[escaped]);
        assert_eq!(json_ld(&page(&visitor, "/posts/hostile").await)["headline"], hostile);
    }
    has(
        &page(&titled.visitor(), "/").await,
        &["A &#60;b&#62;log&#60;/b&#62; &#38; &#39;more&#39;", "&#60;script&#62;alert(3)"],
    );
}

#[tokio::test]
async fn a_thread_shows_what_everybody_may_read() {
    let stack = TestStack::start_with_parameters(&[("HoldComments", "first")]).await;
    let (ada, bob) = (stack.user_with_role("ada", Role::Editor).await, stack.user("bob").await);
    ada.publish("Hello", &[]).await;
    let thread = "/posts/hello/comments";
    let say = async |client: &Client, body: &str, parent: &Value| {
        let comment = client.post(thread, json!({ "body": body, "parent_id": parent })).await;
        comment.expect_status(201);
        comment.body["id"].clone()
    };
    let top = say(&ada, "# Heading\n\nOn top.", &Value::Null).await;
    let reply = say(&ada, "# Heading\n\nBelow.", &top).await;
    let held = say(&bob, "Held for now.", &top).await;
    stack.settle().await;
    let visitor = stack.visitor();
    let shown = page(&visitor, "/posts/hello").await;
    has(&shown, &["<p>On top.</p>", "class=\"comment depth-2\"", "<p>Below.</p>", "2 comments"]);
    has_not(&shown, &["Held for now.", held.as_str().unwrap()]);
    // No id is there twice, although two comments have the same heading.
    let ids: Vec<_> = shown.text().split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");

    ada.put(&format!("/moderation/comments/{}", held.as_str().unwrap()), json!({ "decision": "approve" }))
        .await
        .expect_status(200);
    ada.delete(&format!("{thread}/{}", top.as_str().unwrap())).await.expect_status(204);
    stack.settle().await;
    let shown = page(&visitor, "/posts/hello").await;
    has(&shown, &["Held for now.", "A comment that is not shown.", reply.as_str().unwrap()]);
    has_not(&shown, &["On top."]);
    ada.patch("/posts/hello", "*", json!({ "comments_open": false })).await.expect_status(200);
    has_not(&page(&visitor, "/posts/hello").await, &["Write a comment"]);
}

/// The addresses of all pages of a list, as its links to the next one lead, and how many `part`s they have.
async fn walk(client: &Client, path: &str, part: &str) -> (Vec<String>, usize) {
    let (mut paths, mut found, mut next) = (Vec::<String>::new(), 0, Some(path.to_owned()));
    while let Some(path) = next.take() {
        let shown = page(client, &path).await;
        found += shown.text().matches(part).count();
        if let Some(before) = paths.last() {
            let previous = links(&shown, "prev");
            let begins = |path: &str| path.replace("&#38;", "&").split("&from=").next().unwrap().to_owned();
            assert_eq!(previous.iter().map(|link| begins(link)).collect::<Vec<_>>(), [begins(before)], "{path}");
            has(&shown, &[" rel=\"prev\">Page before</a>", ">First page</a>"]);
        }
        next = links(&shown, "next").first().map(|link| link.replace("&#38;", "&"));
        paths.push(path);
    }
    (paths, found)
}

#[tokio::test]
async fn every_list_goes_on_page_by_page() {
    // A stack for each, so that each is the first to need the key that cursors are signed with.
    for (path, part) in [
        ("/", "<article class=\"card\">"),
        ("/tags/many", "<article class=\"card\">"),
        ("/users/ada", "<article class=\"card\">"),
        ("/tags", "class=\"count\""),
        ("/search?q=number", "<article class=\"card\">"),
        ("/posts/number-0", "class=\"comment depth-1\""),
    ] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        for number in 0..41 {
            stack.pass_seconds(1);
            ada.publish(&format!("Number {number}"), &["many", &format!("tag-{number}")]).await;
        }
        if path.starts_with("/posts") {
            for number in 0..41 {
                ada.post("/posts/number-0/comments", json!({ "body": format!("{number}") })).await.expect_status(201);
            }
        }
        stack.settle().await;
        let (paths, found) = walk(&stack.visitor(), path, part).await;
        assert_eq!((paths.len(), found), (3, if path == "/tags" { 42 } else { 41 }), "{path}: {paths:?}");
        let second = page(&stack.visitor(), &paths[1]).await;
        let is_post = path.starts_with("/posts");
        assert_eq!(second.text().contains("#comments\" rel=\"next\">Next page</a>"), is_post, "{path}");
        let canonical = links(&second, "canonical");
        assert!(canonical.iter().all(|link| !link.contains("from=")), "{canonical:?}");
    }
}

#[tokio::test]
async fn a_search_shows_what_was_found() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for title in ["Analytical engines", "Difference engines", "Looms", "Punched cards", "Steam"] {
        ada.publish(title, &["machines"]).await;
        stack.settle().await;
    }
    let visitor = stack.visitor();
    let form = page(&visitor, "/search").await;
    has(&form, &["<form action=\"/search\" role=\"search\"", "name=\"q\"", "noindex"]);
    has_not(&form, &["Nothing was found."]);
    let found = page(&visitor, "/search?q=engines").await;
    has(&found, &["value=\"engines\"", "/posts/analytical-engines", "<mark>engines</mark>"]);
    has_not(&found, &["/posts/looms"]);
    has(&page(&visitor, "/search?q=zebra").await, &["Nothing was found."]);
    page(&visitor, "/search?q=").await;
    problem(&visitor, "/search?q=engines&cursor=forged", 400).await;

    // If a part of the index is lost, the rest is searched, and it is built anew.
    let state = async || stack.stack.blog.table.search_state().await.unwrap();
    let sdk = aws::Sdk::new(local::stack::sdk_config(stack.stack.wire.clone()));
    let bucket = bucket::Bucket::new(&sdk, local::s3::BUCKET_NAME.to_owned());
    let segment = state().await.manifest.segments.remove(0);
    bucket.delete(&format!("search/{}", segment.name)).await.unwrap();
    let fresh = pages::Services::new(std::sync::Arc::clone(&stack.stack.blog), &sdk);
    let request = lambda_http::http::Request::get("/pages/search").body(Body::Empty).unwrap();
    let query = std::collections::HashMap::from([("q".to_owned(), vec!["engines".to_owned()])]);
    let request = lambda_http::RequestExt::with_query_string_parameters(request, query);
    let show = pages::OPERATIONS.iter().find(|entry| entry.operation.name == "show_search").unwrap();
    let answer = local::wire::OPERATION.scope("show_search".to_owned(), (show.handle)(&fresh, &request)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    stack.settle().await;
    let manifest = state().await.manifest;
    assert!(manifest.rebuild.is_none() && manifest.segments.iter().all(|one| one.name != segment.name));
    has(&page(&visitor, "/search?q=engines").await, &["/posts/analytical-engines", "/posts/difference-engines"]);
}

#[tokio::test]
async fn a_site_is_called_and_coloured_as_settings_say() {
    let parameters = [
        ("SiteTitle", "Notes"),
        ("SiteDescription", "On engines."),
        ("SiteLanguage", "pt-BR"),
        ("SiteUrl", "https://notes.example.com"),
        ("SiteLogo", "https://notes.example.com/logo.png"),
        ("SiteAccent", "#FFD400"),
        ("SiteFooter", "Ada & friends"),
    ];
    let stack = TestStack::start_with_parameters(&parameters).await;
    stack.user("ada").await.publish("Hello", &[]).await;
    let home = page(&stack.visitor(), "/").await;
    has(
        &home,
        &[
            "<html lang=\"pt-BR\">",
            "<title>Notes</title>",
            "<meta name=\"description\" content=\"On engines.\">",
            "<link rel=\"canonical\" href=\"https://notes.example.com/\">",
            "<meta property=\"og:locale\" content=\"pt_BR\">",
            "<meta property=\"og:image\" content=\"https://notes.example.com/logo.png\">",
            "<img src=\"https://notes.example.com/logo.png\" alt=\"\" width=\"32\" height=\"32\">",
            "Ada &#38; friends",
        ],
    );
    // Yellow cannot be read on white, and so it is darker there.
    let style = stack.visitor().page(links(&home, "stylesheet")[0]).await;
    let (light, rest) = style.text().split_once("--accent: ").unwrap().1.split_once(';').unwrap();
    let (dark, _) = rest.split_once("--accent: ").unwrap().1.split_once(';').unwrap();
    let (light, dark): (Colour, Colour) = (light.parse().unwrap(), dark.parse().unwrap());
    assert!(light.contrast(Colour::WHITE) >= 4.5, "{light}");
    assert_eq!(dark.to_string(), "#ffd400", "in the dark it can be read");
}

#[tokio::test]
#[should_panic(expected = "must be a colour such as #0b5cad")]
async fn an_accent_that_is_no_colour_is_refused_at_the_start() {
    TestStack::start_with_parameters(&[("SiteAccent", "red; } body { display: none")]).await;
}

#[tokio::test]
async fn browsers_ask_for_a_stylesheet_once() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let home = page(&visitor, "/").await;
    let address = links(&home, "stylesheet")[0].to_owned();
    let style = visitor.page(&address).await;
    style.expect_status(200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    for class in ["hl-comment", "hl-keyword", "footnotes", "task-list-item-checkbox", "contains-task-list"] {
        assert!(style.text().contains(&format!(".{class}")), "{class}");
    }
    // Another version is not kept: a release that goes on would leave pages with the style of the other.
    for other in ["/style.css", "/style.css?v=other"] {
        assert_eq!(visitor.page(other).await.header("cache-control"), PUBLIC, "{other}");
    }
    let other = TestStack::start_with_parameters(&[("SiteAccent", "#aa0000")]).await;
    assert_ne!(links(&page(&other.visitor(), "/").await, "stylesheet")[0], address);
}

#[tokio::test]
async fn files_of_the_site_are_those_of_the_api() {
    let stack = TestStack::start().await;
    stack.user("ada").await.publish("Hello", &["greetings"]).await;
    stack.settle().await;
    let visitor = stack.visitor();
    for path in [
        "/feed.xml",
        "/rss.xml",
        "/feed.json",
        "/users/ada/feed.xml",
        "/tags/greetings/feed.json",
        "/sitemap.xml",
        "/robots.txt",
    ] {
        let (site, api) = (visitor.page(path).await, visitor.get(path).await);
        assert_eq!((site.status, site.bytes), (StatusCode::OK, api.bytes), "{path}");
    }
    visitor.page("/favicon.ico").await.expect_problem(404, "not-found");
    // Behind the CDN feeds are at the root, and say so.
    let cdn = TestStack::start_with_parameters(&[("Cdn", "true"), ("SiteUrl", "https://blog.example.com")]).await;
    assert!(cdn.visitor().page("/robots.txt").await.text().contains("Sitemap: https://blog.example.com/sitemap.xml"));
}

#[test]
fn the_document_of_the_api_has_no_page() {
    let template = Template::read(template::SOURCE, &local::backing::refs()).unwrap();
    let pages: Vec<_> = template.routes.iter().filter(|route| template.is_page(route)).collect();
    assert!(pages.len() > 7, "{pages:?}");
    let document = openapi::document(&template).unwrap();
    assert!(pages.iter().all(|route| document["paths"][&route.path].is_null()));
}

/// Reads, and what they take, of a request.
async fn cost(stack: &TestStack, paths: &[&str]) -> (usize, f64) {
    stack.stack.wire.take_calls();
    for path in paths {
        let answer = match path.strip_prefix("API ") {
            Some(path) => stack.visitor().get(path).await,
            None => page(&stack.visitor(), path).await,
        };
        answer.expect_status(200);
    }
    let calls = stack.stack.wire.take_calls();
    let calls: Vec<_> = calls.iter().filter(|call| call.service == "dynamodb").collect();
    assert!(calls.iter().all(|call| !call.action.contains("Write") && !call.action.contains("Update")), "{calls:?}");
    (calls.len(), calls.iter().map(|call| call.capacity).sum())
}

#[tokio::test]
async fn a_page_costs_what_its_operations_cost() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..25 {
        stack.pass_seconds(1);
        ada.publish(&format!("Number {number}"), &["many"]).await;
    }
    for number in 0..25 {
        ada.post("/posts/number-1/comments", json!({ "body": format!("{number}") })).await.expect_status(201);
    }
    ada.draft("Answer").with("reply_to", "number-2").publish().await;
    stack.settle().await;
    // A warm process.
    page(&stack.visitor(), "/?").await;
    page(&stack.visitor(), "/search?q=number").await;
    stack.visitor().get("/search?q=number").await.expect_status(200);
    stack.stack.wire.record();
    for (shown, operations) in [
        ("/", vec!["API /posts"]),
        ("/tags/many", vec!["API /posts?tag=many"]),
        ("/tags", vec!["API /tags"]),
        ("/users/ada", vec!["API /users/ada", "API /posts?author=ada"]),
        ("/posts/number-0", vec!["API /posts/number-0"]),
        ("/search?q=number", vec!["API /search?q=number"]),
        ("/style.css", vec![]),
    ] {
        let path = if shown == "/style.css" { "API /style.css" } else { shown };
        assert_eq!(cost(&stack, &[path]).await, cost(&stack, &operations).await, "{shown}");
    }
    // A post with comments is read once, for itself and for them; so is one that others answer.
    for (post, rest) in
        [("/posts/number-1", "API /posts/number-1/comments"), ("/posts/number-2", "API /posts/number-2/replies")]
    {
        let shown = cost(&stack, &[post]).await;
        let with = cost(&stack, &[&format!("API {post}"), rest]).await;
        assert_eq!(shown.0, with.0 - 1, "{post}");
        assert!(shown.1 < with.1, "{post}: {shown:?} of {with:?}");
    }
}
