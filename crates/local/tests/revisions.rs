//! What a post was: its versions are listed, read, compared and restored.

use domain::Role;
use expect_test::expect;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{TestStack, walk};

#[tokio::test]
async fn every_version_is_listed_and_read() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let me = ada.get("/me").await.body["id"].clone();
    let body = json!({ "title": "First", "body": "One.\n", "tags": ["a"], "summary": "S" });
    ada.post("/posts", body).await.expect_status(201);
    stack.pass_seconds(60);
    ada.patch("/posts/first", "*", json!({ "body": "Two.\n" })).await.expect_status(200);
    stack.pass_seconds(60);
    ada.patch("/posts/first", "*", json!({ "tags": ["b"], "title": "Third" })).await.expect_status(200);
    ada.post("/posts/third/publish", json!({})).await.expect_status(200);

    let list = ada.get("/posts/third/revisions").await;
    list.expect_status(200);
    let shown = |field: &str| -> Vec<Value> {
        list.body["items"].as_array().unwrap().iter().map(|revision| revision[field].clone()).collect()
    };
    assert_eq!(shown("version"), [4, 3, 2, 1]);
    assert_eq!(shown("title"), ["Third", "Third", "First", "First"]);
    assert_eq!(shown("status"), ["published", "draft", "draft", "draft"]);
    assert_eq!(walk(&ada, "/posts/third/revisions", 1).await, *list.body["items"].as_array().unwrap());

    let second = ada.get("/posts/third/revisions/2").await;
    assert_eq!(second.body["edited_by"], me);
    expect![[r#"
        {
          "body": "Two.\n",
          "canonical_url": null,
          "comments_open": true,
          "cover_image_url": null,
          "created_at": "2026-11-21T08:31:00.000Z",
          "edited_by": "01M7YKM0T00000000000000002",
          "language": null,
          "meta_description": null,
          "meta_title": null,
          "quote_of": null,
          "reply_to": null,
          "status": "draft",
          "summary": "S",
          "tags": [
            "a"
          ],
          "title": "First",
          "version": 2
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&second.body).unwrap());
    ada.get_with("/posts/third/revisions/2", &[("if-none-match", &second.etag())]).await.expect_status(304);
    // By an old slug as well.
    assert_eq!(ada.get("/posts/first/revisions/1").await.body["body"], "One.\n");
    for wrong in ["5", "0", "-1", "x", "99999999999"] {
        ada.get(&format!("/posts/third/revisions/{wrong}")).await.expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn two_versions_are_compared() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "title": "T", "body": "one\ntwo\nthree\n", "tags": ["a"] });
    ada.post("/posts", body).await.expect_status(201);
    let patch = json!({ "body": "one\n2\nthree\n", "meta_title": "M" });
    ada.patch("/posts/t", "*", patch).await.expect_status(200);
    let compared = ada.get("/posts/t/revisions/2?compare_to=1").await;
    compared.expect_status(200);
    let changes = json!({
        "compared_to": 1, "fields": ["meta_title", "body"],
        "diff": "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
    });
    assert_eq!(compared.body["changes"], changes);
    let same = ada.get("/posts/t/revisions/2?compare_to=2").await;
    assert_eq!(same.body["changes"], json!({ "compared_to": 2, "fields": [], "diff": "" }));
    ada.get("/posts/t/revisions/2?compare_to=3").await.expect_problem(404, "not-found");
    ada.get("/posts/t/revisions/2?compare_to=x").await.expect_invalid(&["/compare_to"]);

    // Texts as large and as different as they can be are compared in bounded time.
    let lines = |from: usize| (from..from + 20_000).map(|number| format!("{number}\n")).collect::<String>();
    ada.patch("/posts/t", "*", json!({ "body": lines(10_000) })).await.expect_status(200);
    ada.patch("/posts/t", "*", json!({ "body": lines(50_000) })).await.expect_status(200);
    ada.get("/posts/t/revisions/4?compare_to=3").await.expect_status(200);
}

#[tokio::test]
async fn restoring_a_version_makes_a_new_one_and_deletes_none() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "title": "Kept", "body": "# Old\n\nText", "tags": ["a", "b"], "status": "published" });
    ada.post("/posts", body).await.expect_status(201);
    let patch = json!({ "title": "New", "body": "Overwritten", "tags": ["c"], "summary": "S", "slug": "new" });
    let etag = ada.patch("/posts/kept", "*", patch).await.etag();

    let restored = ada.post("/posts/new/revisions/1/restore", json!({})).await;
    restored.expect_status(200);
    assert_eq!(restored.body["version"], 3);
    for (field, value) in [
        ("title", json!("Kept")),
        ("body", json!("# Old\n\nText")),
        ("tags", json!(["a", "b"])),
        ("summary", json!("Text")),
        // Where it stands is not what was lost.
        ("slug", json!("new")),
        ("status", json!("published")),
    ] {
        assert_eq!(restored.body[field], value, "{field}");
    }
    assert!(restored.body["html"].as_str().unwrap().contains("<p>Text</p>"));
    let visitor = stack.visitor();
    assert_eq!(visitor.get("/posts/new").await.body["body"], "# Old\n\nText");
    assert_eq!(visitor.get("/posts?tag=a").await.each("title"), ["Kept"]);
    assert!(visitor.get("/posts?tag=c").await.each("title").is_empty());
    let versions = ada.get("/posts/new/revisions").await;
    assert_eq!(versions.body["items"].as_array().unwrap().len(), 3);
    assert_eq!(ada.get("/posts/new/revisions/2").await.body["body"], "Overwritten");

    // The version that is there already is not made again, nor one like it.
    assert_eq!(ada.post("/posts/new/revisions/1/restore", json!({})).await.body["version"], 3);
    let same = json!({ "body": "# Old\n\nText" });
    assert_eq!(ada.patch("/posts/new", "*", same).await.body["version"], 3);
    assert_eq!(ada.post("/posts/new/revisions/3/restore", json!({})).await.body["version"], 3);
    let stale = ada.call("POST", "/posts/new/revisions/2/restore", &[("if-match", &etag)], None).await;
    stale.expect_problem(412, "precondition-failed");
    ada.post("/posts/new/revisions/9/restore", json!({})).await.expect_problem(404, "not-found");

    // What it quotes is shown with it.
    let quote = ada.draft("Quote").with("quote_of", "new").publish().await;
    ada.patch(&format!("/posts/{quote}"), "*", json!({ "body": "Another text." })).await.expect_status(200);
    let restored = ada.post(&format!("/posts/{quote}/revisions/1/restore"), json!({})).await;
    assert_eq!((&restored.body["body"], &restored.body["quote_of"]["slug"]), (&json!("Some text."), &json!("new")));
}

#[tokio::test]
async fn versions_are_the_authors_and_the_editors() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    let eve = stack.user_with_role("eve", Role::Editor).await;
    ada.publish("Public", &[]).await;
    ada.post("/posts", json!({ "title": "Secret", "body": "B" })).await.expect_status(201);
    for path in ["/revisions", "/revisions/1", "/revisions/1/restore"] {
        let method = if path.ends_with("restore") { "POST" } else { "GET" };
        bob.call(method, &format!("/posts/public{path}"), &[], None).await.expect_problem(403, "forbidden");
        bob.call(method, &format!("/posts/secret{path}"), &[], None).await.expect_problem(404, "not-found");
        eve.call(method, &format!("/posts/secret{path}"), &[], None).await.expect_status(200);
        ada.call(method, &format!("/posts/none{path}"), &[], None).await.expect_problem(404, "not-found");
    }
    // Who made a version is told: here an editor.
    eve.patch("/posts/public", "*", json!({ "summary": "Better" })).await.expect_status(200);
    let editor = eve.get("/me").await.body["id"].clone();
    assert_eq!(ada.get("/posts/public/revisions/2").await.body["edited_by"], editor);
    // In the trash they can be looked at, and not restored.
    ada.delete("/posts/public").await.expect_status(204);
    ada.get("/posts/public/revisions/1").await.expect_status(200);
    ada.post("/posts/public/revisions/1/restore", json!({})).await.expect_problem(410, "gone");
}

#[tokio::test]
async fn reading_a_post_does_not_pay_for_its_versions() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Often edited", &[]).await;
    let cost = async || {
        stack.stack.wire.record();
        stack.stack.wire.take_calls();
        stack.visitor().get("/posts/often-edited").await.expect_status(200);
        stack.stack.wire.take_calls().iter().map(|call| call.capacity).sum::<f64>()
    };
    let before = cost().await;
    for number in 0..30 {
        ada.patch("/posts/often-edited", "*", json!({ "body": format!("{number:02} text") })).await.expect_status(200);
    }
    assert_eq!(cost().await, before);
    assert_eq!(walk(&ada, "/posts/often-edited/revisions", 7).await.len(), 31);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_at_once_leave_a_version_each() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Busy", &[]).await;
    let statuses = at_once(8, |number| {
        let ada = ada.clone();
        async move { ada.patch("/posts/busy", "*", json!({ "body": format!("Text {number}") })).await }
    })
    .await;
    let made = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(statuses.iter().filter(|status| **status == 409).count() + made, 8, "{statuses:?}");
    let versions = walk(&ada, "/posts/busy/revisions", 100).await;
    assert_eq!(versions.len(), made + 1);
    let mut texts = Vec::new();
    for version in 1..=versions.len() {
        texts.push(ada.get(&format!("/posts/busy/revisions/{version}")).await.body["body"].to_string());
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), made + 1, "each version has the text that it wrote");
}
