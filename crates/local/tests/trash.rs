//! The trash: out of sight at once, restored for 30 days, and then gone with all that hung on it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Role;
use local::backing::TABLE_NAME;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::{Client, TestStack};

const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60;

async fn ok(client: &Client, method: &str, path: &str, status: u16) -> Value {
    let answer = client.call(method, path, &[], None).await;
    answer.expect_status(status);
    answer.body
}

#[tokio::test]
async fn what_is_in_the_trash_is_nowhere_else() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let editor = stack.user_with_role("eve", Role::Editor).await;
    ada.publish("Kept", &["t"]).await;
    ada.publish("Away", &["t", "u"]).await;
    ada.patch("/posts/away", "*", json!({ "slug": "thrown-away" })).await.expect_status(200);
    let path = "/posts/thrown-away";
    let version = ada.get(path).await.etag();
    bob.delete(path).await.expect_problem(403, "forbidden");
    stack.visitor().delete(path).await.expect_problem(401, "unauthenticated");
    ada.call("DELETE", path, &[("if-match", "\"1-json\"")], None).await.expect_problem(412, "precondition-failed");
    ada.call("DELETE", path, &[("if-match", &version)], None).await.expect_status(204);
    stack.settle().await;

    for path in [path, "/posts/away"] {
        for owner in [&ada, &editor] {
            owner.get(path).await.expect_problem(410, "gone");
            owner.patch(path, "*", json!({ "title": "X" })).await.expect_problem(410, "gone");
            owner.delete(path).await.expect_problem(410, "gone");
            owner.post(&format!("{path}/publish"), json!({})).await.expect_problem(410, "gone");
            owner.post(&format!("{path}/unpublish"), json!({})).await.expect_problem(410, "gone");
        }
        for stranger in [&bob, &stack.visitor()] {
            stranger.get(path).await.expect_problem(404, "not-found");
            stranger.get(&format!("{path}/replies")).await.expect_problem(404, "not-found");
        }
        bob.delete(path).await.expect_problem(404, "not-found");
        bob.call("PUT", &format!("{path}/repost"), &[], None).await.expect_problem(404, "not-found");
        bob.call("POST", &format!("{path}/restore"), &[], None).await.expect_problem(404, "not-found");
    }
    for list in ["/posts", "/posts?author=ada", "/posts?kind=article", "/posts?author=ada&kind=article", "/posts?tag=t"]
    {
        assert_eq!(stack.visitor().get(list).await.each("slug"), ["kept"], "{list}");
    }
    assert_eq!(stack.visitor().get("/posts?tag=u").await.each("slug"), [""; 0]);
    assert_eq!(stack.visitor().get("/tags").await.body["items"], json!([{ "tag": "t", "posts": 1 }]));
    assert_eq!(stack.visitor().get("/users/ada").await.body["counts"]["posts"], 1);
    assert_eq!(ada.get("/me/posts").await.each("slug"), ["kept"]);
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("slug"), ["thrown-away"]);
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("status"), ["trashed"]);
    assert_eq!(bob.get("/me/posts?status=trashed").await.each("slug"), [""; 0]);
}

#[tokio::test]
async fn a_restored_post_is_a_draft_with_all_that_it_had() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Away", &["t", "u"]).await;
    ada.patch("/posts/away", "*", json!({ "slug": "thrown-away" })).await.expect_status(200);
    ada.post("/posts/away/restore", json!({})).await.expect_problem(409, "conflict");
    let before = ada.get("/posts/thrown-away").await.body;
    ok(&ada, "DELETE", "/posts/away", 204).await;
    stack.pass_seconds(THIRTY_DAYS - 1);
    let ada = stack.log_in("ada").await;
    // By the slug that it had before, too.
    let restored = ok(&ada, "POST", "/posts/away/restore", 200).await;
    let mut expected = before.clone();
    expected["status"] = json!("draft");
    expected["version"] = json!(4);
    expected["updated_at"] = restored["updated_at"].clone();
    assert_eq!(restored, expected);
    assert_eq!(ada.get("/posts/thrown-away").await.body, restored);
    ada.get("/posts/away").await.expect_status(301);
    assert_eq!(ada.get("/me/posts?status=draft").await.each("slug"), ["thrown-away"]);
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("slug"), [""; 0]);
    assert_eq!(ada.get("/posts/thrown-away/revisions").await.body["items"].as_array().unwrap().len(), 4);
    stack.visitor().get("/posts/thrown-away").await.expect_problem(404, "not-found");
    ada.post("/posts/thrown-away/restore", json!({})).await.expect_problem(409, "conflict");

    let published = ok(&ada, "POST", "/posts/thrown-away/publish", 200).await;
    assert_eq!(published["published_at"], before["published_at"]);
    stack.settle().await;
    for list in ["/posts", "/posts?author=ada", "/posts?kind=article", "/posts?tag=t", "/posts?tag=u"] {
        assert_eq!(stack.visitor().get(list).await.each("slug"), ["thrown-away"], "{list}");
    }
    assert_eq!(stack.visitor().get("/users/ada").await.body["counts"]["posts"], 1);
    // DynamoDB would remove it if it still had its time.
    stack.pass_seconds(2 * THIRTY_DAYS);
    stack.visitor().get("/posts/thrown-away").await.expect_status(200);
}

#[tokio::test]
async fn an_editor_restores_what_an_editor_threw_away() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let editor = stack.user_with_role("eve", Role::Editor).await;
    ada.publish("Away", &[]).await;
    ok(&editor, "DELETE", "/posts/away", 204).await;
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("slug"), ["away"]);
    assert_eq!(editor.get("/me/posts?status=trashed").await.each("slug"), [""; 0]);
    assert_eq!(ok(&editor, "POST", "/posts/away/restore", 200).await["author"]["username"], "ada");
}

#[tokio::test]
async fn after_thirty_days_it_is_gone_although_dynamodb_takes_its_time() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Away", &[]).await;
    ada.patch("/posts/away", "*", json!({ "slug": "thrown-away" })).await.expect_status(200);
    ok(&ada, "DELETE", "/posts/away", 204).await;
    stack.pass_seconds(THIRTY_DAYS);
    let ada = stack.log_in("ada").await;
    for path in ["/posts/away", "/posts/thrown-away"] {
        for (method, rest) in
            [("GET", ""), ("DELETE", ""), ("POST", "/publish"), ("POST", "/restore"), ("GET", "/revisions")]
        {
            let answer = ada.call(method, &format!("{path}{rest}"), &[], None).await;
            answer.expect_problem(404, "not-found");
        }
    }
    assert_eq!(ada.get("/me/posts?status=trashed").await.each("slug"), [""; 0]);
}

type Item = HashMap<String, AttributeValue>;

async fn items(stack: &TestStack) -> Vec<Item> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()));
    let pages = dynamodb.scan().table_name(TABLE_NAME).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.unwrap()
}

/// The keys of the items that name this post, anywhere.
async fn naming(stack: &TestStack, id: &str) -> Vec<String> {
    let names = |item: &&Item| format!("{item:?}").to_lowercase().contains(&id.to_lowercase());
    let text = |value: &AttributeValue| value.as_s().unwrap().clone();
    let mut keys: Vec<_> = items(stack)
        .await
        .iter()
        .filter(names)
        .map(|item| format!("{} {}", text(&item["pk"]), text(&item["sk"])))
        .collect();
    keys.sort();
    keys
}

/// A stack of years ago with a post of ada's in the trash on which everything hangs that can hang on a post, and the
/// post's id.
async fn with_a_post_in_the_trash() -> (TestStack, String) {
    let stack = TestStack::start().await;
    // DynamoDB goes by the system's time.
    stack.set_time("2020-01-01T00:00:00Z");
    let (ada, bob, eve) = (stack.user("ada").await, stack.user("bob").await, stack.user("eve").await);
    ada.publish("Away", &["t", "u"]).await;
    for (number, slug) in ["b", "c", "d"].into_iter().enumerate() {
        let old = ["away", "b", "c"][number];
        let patch = json!({ "slug": slug, "body": format!("Text {number}."), "tags": ["t", slug] });
        ada.patch(&format!("/posts/{old}"), "*", patch).await.expect_status(200);
    }
    for reader in [&ada, &bob, &eve] {
        ok(reader, "PUT", "/posts/away/repost", 204).await;
    }
    let id = ada.get("/posts/d").await.body["id"].as_str().unwrap().to_owned();
    for (title, field) in [("Reply", "reply_to"), ("Quote", "quote_of")] {
        let post = json!({ "title": title, "body": "B", "status": "published", field: "away" });
        bob.post("/posts", post).await.expect_status(201);
    }
    ada.put("/posts/d/aliases", json!({ "aliases": ["e", "f"] })).await.expect_status(200);
    ok(&ada, "DELETE", "/posts/d", 204).await;
    stack.settle().await;
    assert!(naming(&stack, &id).await.len() > 20, "much hangs on it");
    (stack, id)
}

/// Expects that nothing is left of the post, but that others still have what they wrote about it.
async fn expect_nothing_left(stack: &TestStack, id: &str, when: &str) {
    let mut theirs = vec![format!("REPLIES#{id} "), format!("QUOTES#{id} ")];
    for path in ["/posts/reply", "/posts/quote"] {
        let post = stack.visitor().get(path).await;
        post.expect_status(200);
        theirs.extend(["id", "slug"].map(|name| post.body[name].as_str().unwrap().to_owned()));
    }
    let mut left = naming(stack, id).await;
    left.retain(|key| !theirs.iter().any(|of_others| key.contains(of_others)));
    assert_eq!(left, [""; 0], "{when}");
    for item in items(stack).await {
        let at = item["pk"].as_s().unwrap().as_str();
        assert!(!["POST#away", "POST#b", "POST#c", "POST#d", "POST#e", "POST#f"].contains(&at), "{when}: {item:?}");
    }
}

#[tokio::test]
async fn when_dynamodb_removes_a_post_all_that_hung_on_it_goes() {
    let (stack, id) = with_a_post_in_the_trash().await;
    assert_eq!(stack.visitor().get("/posts?author=bob").await.each("slug").len(), 2, "the repost shows nothing");
    stack.set_time("2020-01-31T00:00:00Z");
    stack.stack.backing.remove_expired_now().await;
    stack.settle().await;
    expect_nothing_left(&stack, &id, "settled").await;
    let bob = stack.log_in("bob").await;
    for (path, field) in [("/posts/reply", "reply_to"), ("/posts/quote", "quote_of")] {
        let post = bob.get(path).await.body;
        assert_eq!((&post[field]["id"], &post[field]["gone"]), (&json!(id), &json!(true)));
        assert_eq!(post[field]["slug"], Value::Null);
    }
    assert_eq!(bob.get("/posts?author=bob&kind=repost").await.body["items"], json!([]));
    // Who wrote about it still does what they like with that.
    ok(&bob, "POST", "/posts/reply/unpublish", 200).await;
    ok(&bob, "DELETE", "/posts/quote", 204).await;
    // The slugs are free.
    let ada = stack.log_in("ada").await;
    for slug in ["away", "b", "c", "d"] {
        let post = json!({ "title": "New", "slug": slug, "body": "B", "status": "published" });
        ada.post("/posts", post).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_reply_is_taken_back_while_its_post_is_being_removed() {
    let (stack, _) = with_a_post_in_the_trash().await;
    stack.set_time("2020-01-31T00:00:00Z");
    let bob = stack.log_in("bob").await;
    // DynamoDB has removed the post, and nobody has heard of it yet.
    stack.stack.backing.remove_expired_now().await;
    ok(&bob, "POST", "/posts/reply/unpublish", 200).await;
    ok(&bob, "POST", "/posts/reply/publish", 200).await;
    ok(&bob, "DELETE", "/posts/reply", 204).await;
}

#[tokio::test]
async fn removal_goes_on_wherever_it_was_stopped() {
    for (action, steps) in [("Query", 5), ("GetItem", 6), ("DeleteItem", 12), ("TransactWriteItems", 8)] {
        for step in (0..steps).step_by(3) {
            let (stack, id) = with_a_post_in_the_trash().await;
            stack.set_time("2020-01-31T00:00:00Z");
            stack.stack.backing.remove_expired_now().await;
            stack.stack.wire.break_calls(action, step, 3, Fault::ServerError);
            stack.settle().await;
            expect_nothing_left(&stack, &id, &format!("stopped at {action} {step}")).await;
        }
    }
}

#[tokio::test]
async fn a_removal_that_comes_late_or_again_leaves_the_next_owner_of_a_slug_alone() {
    let (stack, id) = with_a_post_in_the_trash().await;
    stack.set_time("2020-01-31T00:00:00Z");
    stack.stack.backing.remove_expired_now().await;
    // The slug is free at once; those that led to it are not yet.
    let ada = stack.log_in("ada").await;
    let post = json!({ "title": "New", "slug": "d", "body": "New text.", "tags": ["t"], "status": "published" });
    let new = ada.post("/posts", post).await;
    new.expect_status(201);
    let changes = stack.changes();
    stack.settle().await;
    let left = naming(&stack, &id).await;
    assert!(left.iter().all(|key| !key.starts_with(&format!("POSTID#{id}"))), "{left:?}");
    let read = stack.visitor().get("/posts/d").await;
    assert_eq!((&read.body["id"], &read.body["body"]), (&new.body["id"], &json!("New text.")));
    // The former slugs go to others too, and everything is delivered once more.
    for slug in ["away", "b", "c"] {
        let post = json!({ "title": "New", "slug": slug, "body": "B", "status": "published" });
        ada.post("/posts", post).await.expect_status(201);
    }
    stack.deliver_again(&changes).await;
    for slug in ["away", "b", "c", "d"] {
        assert_eq!(stack.visitor().get(&format!("/posts/{slug}")).await.body["title"], "New", "{slug}");
    }
    assert_eq!(stack.visitor().get("/posts?tag=t").await.each("slug"), ["d"]);
    assert_eq!(stack.visitor().get("/tags").await.body["items"], json!([{ "tag": "t", "posts": 1 }]));
}
