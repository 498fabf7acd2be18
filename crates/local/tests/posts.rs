//! Writing, publishing, editing, trashing.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Role;
use expect_test::expect;
use serde_json::{Value, json};

use crate::harness::TestStack;

#[tokio::test]
async fn an_author_writes_publishes_and_everybody_reads() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let visitor = stack.visitor();
    let draft = ada
        .post(
            "/posts",
            json!({
                "title": "On the Analytical Engine",
                "body": "# Notes\n\nIt *weaves* [patterns](https://example.com).",
                "summary": "What it can do.",
                "tags": ["Mathematics", "  Small Machines ", "mathematics"],
                "cover_image_url": "https://example.com/engine.jpg",
                "canonical_url": "https://example.com/original",
                "meta_title": "The Engine",
                "meta_description": "About the Engine.",
                "language": "en-GB",
            }),
        )
        .await;
    draft.expect_status(201);
    assert_eq!(draft.header("location"), "/v1/posts/on-the-analytical-engine");
    let path = "/posts/on-the-analytical-engine";
    visitor.get(path).await.expect_problem(404, "not-found");
    assert_eq!(ada.get(path).await.body, draft.body);
    assert_eq!(visitor.get("/posts").await.body["items"], json!([]));

    stack.pass_seconds(60);
    let published = ada.call("POST", &format!("{path}/publish"), &[], None).await;
    published.expect_status(200);
    let read = visitor.get(path).await;
    read.expect_status(200);
    expect![[r##"
        {
          "author": {
            "avatar_url": null,
            "display_name": "ada",
            "username": "ada"
          },
          "body": "# Notes\n\nIt *weaves* [patterns](https://example.com).",
          "canonical_url": "https://example.com/original",
          "comments_open": true,
          "counts": {
            "comments": 0,
            "reactions": 0,
            "replies": 0,
            "reposts": 0
          },
          "cover_image_url": "https://example.com/engine.jpg",
          "created_at": "2026-11-21T08:30:00.000Z",
          "html": "<h1 id=\"user-content-notes\">Notes</h1>\n<p>It <em>weaves</em> <a href=\"https://example.com\" rel=\"noopener noreferrer\">patterns</a>.</p>\n",
          "id": "01M7YKM0T00000000000000006",
          "kind": "article",
          "language": "en-GB",
          "meta_description": "About the Engine.",
          "meta_title": "The Engine",
          "published_at": "2026-11-21T08:31:00.000Z",
          "quote_of": null,
          "reading_time_minutes": 1,
          "reply_to": null,
          "slug": "on-the-analytical-engine",
          "status": "published",
          "summary": "What it can do.",
          "tags": [
            "mathematics",
            "small-machines"
          ],
          "title": "On the Analytical Engine",
          "updated_at": "2026-11-21T08:31:00.000Z",
          "version": 2,
          "word_count": 4
        }"##]]
    .assert_eq(&serde_json::to_string_pretty(&read.body).unwrap());
    assert_eq!(ada.get(path).await.body["viewer"], json!({ "reaction": null, "reposted": false, "bookmarked": false }));

    // The card in every list is the post without its text.
    let mut card = read.body.clone();
    card.as_object_mut().unwrap().retain(|name, _| name != "body" && name != "html");
    for list in ["/posts", "/posts?author=ada", "/posts?tag=mathematics", "/posts?tag=Small+Machines"] {
        assert_eq!(visitor.get(list).await.body, json!({ "items": [card], "next_cursor": null }), "{list}");
    }
    assert_eq!(visitor.get("/users/ada").await.body["counts"]["posts"], 1);

    let again = visitor.get_with(path, &[("if-none-match", &read.etag())]).await;
    again.expect_status(304);
    assert!(again.bytes.is_empty());
    assert_eq!(again.etag(), read.etag());
    visitor.get_with(path, &[("if-none-match", "\"other\", *")]).await.expect_status(304);
    visitor.get_with(path, &[("if-none-match", "\"other\"")]).await.expect_status(200);
    assert!(read.header("cache-control").starts_with("public, "));
    let vary: Vec<_> = read.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Accept", "Authorization"]);
}

#[tokio::test]
async fn an_edit_needs_the_version_that_was_edited() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("First", &["one", "two"]).await;
    let path = format!("/posts/{slug}");
    let stale = ada.get(&path).await.etag();

    let blind = ada.call("PATCH", &path, &[], Some(json!({ "title": "Blind" }))).await;
    blind.expect_problem(428, "precondition-required");
    stack.pass_seconds(1);
    let patch = json!({ "body": "New *text*.", "summary": "New.", "tags": ["two", "three"] });
    let edited = ada.patch(&path, &stale, patch).await;
    edited.expect_status(200);
    assert_eq!(edited.body["version"], 2);
    assert_eq!(edited.body["html"], "<p>New <em>text</em>.</p>\n");
    assert_eq!(ada.get(&path).await.etag(), edited.etag());
    ada.patch(&path, &stale, json!({ "title": "Late" })).await.expect_problem(412, "precondition-failed");
    for no_version in ["\"nonsense\"", stale.trim_matches('"'), "1"] {
        let refused = ada.patch(&path, no_version, json!({ "title": "Late" })).await;
        refused.expect_problem(412, "precondition-failed");
        assert!(refused.body["detail"].as_str().unwrap().starts_with("If-Match names no version."), "{no_version}");
    }
    ada.patch(&path, &format!("W/{}", edited.etag()), json!({ "title": "W" }))
        .await
        .expect_problem(412, "precondition-failed");
    ada.patch(&path, &format!("\"other\", {}", edited.etag()), json!({ "title": "Listed" })).await.expect_status(200);
    let forced = ada.patch(&path, "*", json!({ "title": "Forced", "summary": null })).await;
    forced.expect_status(200);

    // Absent kept, null cleared, and every list shows it.
    // Without a summary the text's beginning stands for it.
    assert_eq!((&forced.body["title"], &forced.body["summary"]), (&json!("Forced"), &json!("New text.")));
    assert_eq!(forced.body["body"], "New *text*.");
    let visitor = stack.visitor();
    for (list, there) in
        [("?tag=one", false), ("?tag=two", true), ("?tag=three", true), ("?author=ada", true), ("", true)]
    {
        let titles = visitor.get(&format!("/posts{list}")).await.each("title");
        assert_eq!(titles, if there { vec!["Forced"] } else { vec![] }, "{list}");
    }
    // A published post keeps its address, whatever its title becomes.
    assert_eq!(forced.body["slug"], slug);

    let unchanged = ada.patch(&path, &forced.etag(), json!({ "title": "Forced" })).await;
    assert_eq!(unchanged.body["version"], forced.body["version"]);
    let nulls = json!({ "title": null, "body": null, "slug": null, "html": "<p>" });
    ada.patch(&path, "*", nulls).await.expect_invalid(&["/body", "/html", "/slug"]);
    ada.call("DELETE", &path, &[("if-match", &stale)], None).await.expect_problem(412, "precondition-failed");
    ada.call("DELETE", &path, &[("if-match", &unchanged.etag())], None).await.expect_status(204);
}

#[tokio::test]
async fn only_its_author_and_editors_change_a_post() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    let eve = stack.user_with_role("eve", Role::Editor).await;
    let slug = ada.publish("Mine", &[]).await;
    let path = format!("/posts/{slug}");
    let patch = json!({ "title": "Ours" });

    bob.patch(&path, "*", patch.clone()).await.expect_problem(403, "forbidden");
    bob.delete(&path).await.expect_problem(403, "forbidden");
    bob.post(&format!("{path}/unpublish"), json!({})).await.expect_problem(403, "forbidden");
    eve.patch(&path, "*", patch.clone()).await.expect_status(200);
    eve.post(&format!("{path}/unpublish"), json!({})).await.expect_status(200);

    // A draft does not even exist for others.
    bob.get(&path).await.expect_problem(404, "not-found");
    bob.patch(&path, "*", patch).await.expect_problem(404, "not-found");
    bob.delete(&path).await.expect_problem(404, "not-found");
    bob.post(&format!("{path}/publish"), json!({})).await.expect_problem(404, "not-found");
    eve.get(&path).await.expect_status(200);
    assert_eq!(eve.get(&path).await.body["author"]["username"], "ada");
}

#[tokio::test]
async fn publishing_can_be_taken_back() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let visitor = stack.visitor();
    let slug = ada.publish("Now", &["news"]).await;
    let path = format!("/posts/{slug}");
    let posts = async || visitor.get("/users/ada").await.body["counts"]["posts"].clone();
    assert_eq!(posts().await, 1);
    ada.post(&format!("{path}/publish"), json!({})).await.expect_status(200);
    assert_eq!(posts().await, 1, "publishing twice counts once");

    stack.pass_seconds(3600);
    let draft = ada.post(&format!("{path}/unpublish"), json!({})).await;
    assert_eq!(draft.body["status"], "draft");
    for list in ["/posts", "/posts?author=ada", "/posts?tag=news"] {
        assert!(visitor.get(list).await.each("slug").is_empty(), "{list}");
    }
    visitor.get(&path).await.expect_problem(404, "not-found");
    assert_eq!(posts().await, 0);

    // Coming back it keeps its date, unless another is given.
    let again = ada.post(&format!("{path}/publish"), json!({})).await;
    assert_eq!(again.body["published_at"], "2026-11-21T08:30:00.000Z");
    let moved = ada.post(&format!("{path}/publish"), json!({ "publish_at": "2009-02-13T23:31:30+01:00" })).await;
    assert_eq!(moved.body["published_at"], "2009-02-13T22:31:30.000Z");
    assert_eq!(visitor.get("/posts").await.each("published_at"), ["2009-02-13T22:31:30.000Z"]);
    ada.post(&format!("{path}/publish"), json!({ "publish_at": "yesterday" })).await.expect_invalid(&["/publish_at"]);
    ada.patch(&path, "*", json!({ "status": "draft" })).await.expect_status(200);
    ada.patch(&path, "*", json!({ "publish_at": "2009-02-13T22:31:30Z" })).await.expect_invalid(&["/publish_at"]);
}

#[tokio::test]
async fn a_slug_follows_the_title_until_it_was_published_and_old_ones_lead_on() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let visitor = stack.visitor();
    let draft = ada.post("/posts", json!({ "title": "One", "body": "Text." })).await;
    assert_eq!(draft.body["slug"], "one");
    let two = ada.patch("/posts/one", "*", json!({ "title": "Two" })).await;
    assert_eq!(two.body["slug"], "two");
    assert_eq!(two.body["body"], "Text.");
    // For strangers the old address of a draft is as secret as the new one.
    visitor.get("/posts/one").await.expect_problem(404, "not-found");
    ada.get("/posts/one").await.expect_status(301);

    ada.post("/posts/one/publish", json!({})).await.expect_status(200);
    let moved = visitor.get("/posts/one").await;
    moved.expect_status(301);
    assert_eq!(moved.header("location"), "/v1/posts/two");
    assert_eq!(ada.patch("/posts/two", "*", json!({ "title": "Three" })).await.body["slug"], "two");
    let chosen = ada.patch("/posts/two", "*", json!({ "slug": "four" })).await;
    assert_eq!(chosen.body["slug"], "four");
    for old in ["one", "two"] {
        assert_eq!(visitor.get(&format!("/posts/{old}")).await.header("location"), "/v1/posts/four");
    }
    assert_eq!(visitor.get("/posts").await.each("slug"), ["four"]);

    // A slug that leads somewhere is taken, except for the post that it leads to.
    let bob = stack.user("bob").await;
    bob.post("/posts", json!({ "title": "X", "body": "Y", "slug": "one" })).await.expect_problem(409, "slug-taken");
    bob.post("/posts", json!({ "title": "X", "body": "Y", "slug": "four" })).await.expect_problem(409, "slug-taken");
    assert_eq!(ada.patch("/posts/four", "*", json!({ "slug": "one" })).await.body["slug"], "one");
    assert_eq!(visitor.get("/posts/four").await.header("location"), "/v1/posts/one");
    visitor.get("/posts/one").await.expect_status(200);

    // One made from a title gives way.
    let second = bob.post("/posts", json!({ "title": "One", "body": "Y" })).await;
    second.expect_status(201);
    assert!(second.body["slug"].as_str().unwrap().starts_with("one-"), "{}", second.body["slug"]);
    let third = bob.post("/posts", json!({ "title": "Else", "body": "Y" })).await;
    let renamed = bob.patch("/posts/else", "*", json!({ "title": "One" })).await;
    assert!(renamed.body["slug"].as_str().unwrap().starts_with("one-"), "{}", renamed.body["slug"]);
    assert_ne!(renamed.body["slug"], second.body["slug"]);
    assert_eq!(renamed.body["id"], third.body["id"]);
    bob.patch("/posts/else", "*", json!({ "slug": "one" })).await.expect_problem(409, "slug-taken");
}

#[tokio::test]
async fn a_trashed_post_is_gone_for_others_at_once_and_for_all_after_thirty_days() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    let slug = ada.publish("Mistake", &["oops"]).await;
    let path = format!("/posts/{slug}");
    ada.delete(&path).await.expect_status(204);

    ada.get(&path).await.expect_problem(410, "gone");
    ada.patch(&path, "*", json!({ "title": "Back" })).await.expect_problem(410, "gone");
    ada.delete(&path).await.expect_problem(410, "gone");
    bob.get(&path).await.expect_problem(404, "not-found");
    stack.visitor().get(&path).await.expect_problem(404, "not-found");
    for list in ["/posts", "/posts?author=ada", "/posts?tag=oops", "/me/posts", "/me/posts?status=published"] {
        assert!(ada.get(list).await.each("slug").is_empty(), "{list}");
    }
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("slug"), [slug]);
    assert_eq!(stack.visitor().get("/users/ada").await.body["counts"]["posts"], 0);

    stack.pass_seconds(30 * 24 * 60 * 60);
    let ada = stack.log_in("ada").await;
    ada.get(&path).await.expect_problem(404, "not-found");
    assert!(ada.get("/me/posts?status=trashed").await.each("slug").is_empty());
}

#[tokio::test]
async fn texts_of_every_kind_are_kept() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for (title, slug) in [
        ("🎉 مرحبا بالعالم 🦀", "tada-mrhb-bl-lm-crab"),
        ("Ωραία μέρα", "oraia-mera"),
        ("日本語のブログ", "ri-ben-yu-noburogu"),
        ("Größe & Maß", "grosse-mass"),
        ("  trimmed  ", "trimmed"),
    ] {
        let post = ada.post("/posts", json!({ "title": title, "body": title, "status": "published" })).await;
        post.expect_status(201);
        assert_eq!(post.body["slug"], slug);
        let read = stack.visitor().get(&format!("/posts/{slug}")).await;
        assert_eq!((&read.body["title"], &read.body["body"]), (&json!(title.trim()), &json!(title)));
    }
    // Nothing that could become an address: the id stands in.
    let post = ada.post("/posts", json!({ "title": "!?…", "body": "x" })).await;
    assert_eq!(post.body["slug"], post.body["id"].as_str().unwrap().to_lowercase());

    let long = "word ".repeat(41 * 1000).trim_end().to_owned() + "!";
    assert_eq!(long.len(), 205_000 - 1 + 1);
    ada.post("/posts", json!({ "title": "Too long", "body": long })).await.expect_invalid(&["/body"]);
    let exact = "é".repeat(100 * 1024);
    let post = ada.post("/posts", json!({ "title": "Longest", "body": exact, "status": "published" })).await;
    post.expect_status(201);
    assert_eq!(stack.visitor().get("/posts/longest").await.body["body"], exact);
    // Random text hardly compresses; it has to fit all the same.
    let mut state = 1_u64;
    let random: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + u8::try_from((state >> 33) % 94).unwrap())
    })
    .take(200 * 1024)
    .collect();
    let post = ada.post("/posts", json!({ "title": "Random", "body": random, "status": "published" })).await;
    post.expect_status(201);
    assert_eq!(stack.visitor().get("/posts/random").await.body["body"], random);
}

#[tokio::test]
async fn what_breaks_a_rule_is_named() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let post = |extra: Value| {
        let mut post = json!({ "title": "T", "body": "B" });
        post.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        post
    };
    ada.post("/posts", json!({ "title": 1 })).await.expect_invalid(&["/body", "/title"]);
    for (field, wrong) in [
        ("title", json!("")),
        ("title", json!(" \t ")),
        ("title", json!("x".repeat(201))),
        ("title", json!("two\nlines")),
        ("title", json!(["x"])),
        ("body", json!("  ")),
        ("body", json!(null)),
        ("tags", json!("rust")),
        ("tags", json!(["", "rust"])),
        ("tags", json!(["x".repeat(41)])),
        ("tags", json!(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"])),
        ("tags", json!([1])),
        ("slug", json!("Not A Slug")),
        ("slug", json!("-x")),
        ("slug", json!("a--b")),
        ("slug", json!("a#b")),
        ("status", json!("trashed")),
        ("publish_at", json!("2026-11-20T00:00:00Z")),
        ("cover_image_url", json!("javascript:alert(1)")),
        ("canonical_url", json!("/relative")),
        ("canonical_url", json!("https://user:secret@example.com/")),
        ("meta_title", json!("")),
        ("meta_description", json!("x".repeat(501))),
        ("language", json!("not a language")),
        ("kind", json!("note")),
        ("author", json!("bob")),
    ] {
        let answer = ada.post("/posts", post(json!({ field: wrong }))).await;
        answer.expect_invalid(&[&format!("/{field}")]);
    }
    let nulls = post(json!({ "summary": null, "tags": null, "slug": null, "status": null, "publish_at": null }));
    ada.post("/posts", nulls).await.expect_status(201);
}

/// A query reads its items one by one, so beside a write it may catch a post and a text of different versions.
#[tokio::test]
async fn a_post_is_never_shown_with_a_text_of_another_version() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("Torn", &[]).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()));
    for (version, status) in [("2", 503), ("1", 200)] {
        dynamodb
            .update_item()
            .table_name(local::backing::TABLE_NAME)
            .key("pk", AttributeValue::S(format!("POST#{slug}")))
            .key("sk", AttributeValue::S("POST#HTML".to_owned()))
            .update_expression("SET version = :version")
            .expression_attribute_values(":version", AttributeValue::N(version.to_owned()))
            .send()
            .await
            .unwrap();
        stack.visitor().get(&format!("/posts/{slug}")).await.expect_status(status);
    }
}
