//! Links that show a draft.

use domain::Role;
use serde_json::json;

use crate::harness::{Client, TestStack};

/// The path, below the stage, of a new link's address.
async fn link(client: &Client, slug: &str) -> String {
    let link = client.post(&format!("/posts/{slug}/preview"), json!({})).await;
    link.expect_status(201);
    let url = link.body["url"].as_str().unwrap();
    assert_eq!(link.header("location"), url.split_once("//").unwrap().1.trim_start_matches("localhost"));
    url.split_once("/v1").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_link_has_the_scheme_of_the_gateway_whatever_the_client_says() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.post("/posts", json!({ "title": "Draft", "body": "Not yet." })).await.expect_status(201);
    for said in ["https", "javascript", ""] {
        let headers = [("x-forwarded-proto", said)];
        let link = ada.call("POST", "/posts/draft/preview", &headers, Some(json!({}))).await;
        link.expect_status(201);
        assert!(link.body["url"].as_str().unwrap().starts_with("http://"), "{said}: {}", link.body);
    }
}

#[tokio::test]
async fn whoever_has_the_link_reads_the_draft_for_seven_days() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.post("/posts", json!({ "title": "Draft", "body": "Not yet." })).await.expect_status(201);
    let made = ada.post("/posts/draft/preview", json!({})).await;
    assert_eq!(made.body["expires_at"], "2026-11-28T08:30:00.000Z");
    assert!(made.body["url"].as_str().unwrap().starts_with("http://"), "{}", made.body);
    let path = link(&ada, "draft").await;

    let read = visitor.get(&path).await;
    read.expect_status(200);
    assert_eq!(read.body["body"], "Not yet.");
    assert_eq!(read.header("cache-control"), "private, no-store");
    visitor.get("/posts/draft").await.expect_problem(404, "not-found");
    // Under a new slug as well.
    ada.patch("/posts/draft", "*", json!({ "title": "Renamed" })).await.expect_status(200);
    let moved = visitor.get(&path).await;
    moved.expect_status(301);
    let there = moved.header("location").strip_prefix("/v1").unwrap();
    assert_eq!(visitor.get(there).await.body["title"], "Renamed");

    stack.pass_seconds(7 * 24 * 60 * 60 - 1);
    visitor.get(there).await.expect_status(200);
    stack.pass_seconds(1);
    visitor.get(there).await.expect_problem(404, "not-found");
    // Once published it is read like any post, with the link or without.
    stack.log_in("ada").await.post("/posts/renamed/publish", json!({})).await.expect_status(200);
    let read = visitor.get(there).await;
    read.expect_status(200);
    assert!(read.header("cache-control").starts_with("public"));
}

#[tokio::test]
async fn a_link_is_for_one_post_and_cannot_be_made_up() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    for title in ["One", "Two"] {
        ada.post("/posts", json!({ "title": title, "body": "B" })).await.expect_status(201);
        ada.publish(&format!("Public {title}"), &[]).await;
    }
    let one = link(&ada, "one").await;
    let token = one.split_once('=').unwrap().1;
    visitor.get(&one).await.expect_status(200);
    visitor.get(&format!("/posts/two?preview={token}")).await.expect_problem(404, "not-found");
    // A cursor is signed with the same key, and opens nothing.
    let cursor = visitor.get("/posts?limit=1").await.body["next_cursor"].as_str().unwrap().to_owned();
    for wrong in ["", "x", "%00", &token[1..], &token[..token.len() - 1], &cursor] {
        visitor.get(&format!("/posts/one?preview={wrong}")).await.expect_problem(404, "not-found");
    }
    visitor.get(&format!("/posts?cursor={token}")).await.expect_problem(400, "invalid-cursor");
    // A redirect does not repeat what it was sent.
    ada.patch("/posts/public-one", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    for wrong in ["%00", "%7f", "a%0d%0ab", "a%26b=c", "%E2%98%83", token] {
        let moved = visitor.get(&format!("/posts/public-one?preview={wrong}")).await;
        moved.expect_status(301);
        assert_eq!(moved.header("location"), "/v1/posts/renamed", "{wrong}");
    }
}

#[tokio::test]
async fn links_are_revoked_by_who_may_edit() {
    let stack = TestStack::start().await;
    let (ada, bob, visitor) = (stack.user("ada").await, stack.user("bob").await, stack.visitor());
    let eve = stack.user_with_role("eve", Role::Editor).await;
    let draft = ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await;
    for method in ["POST", "DELETE"] {
        bob.call(method, "/posts/draft/preview", &[], None).await.expect_problem(404, "not-found");
    }
    let (one, two) = (link(&ada, "draft").await, link(&eve, "draft").await);
    ada.delete("/posts/draft/preview").await.expect_status(204);
    for revoked in [&one, &two] {
        visitor.get(revoked).await.expect_problem(404, "not-found");
    }
    visitor.get(&link(&ada, "draft").await).await.expect_status(200);
    // Revoking is no edit: whoever has the post open can save it.
    ada.patch("/posts/draft", &draft.etag(), json!({ "summary": "S" })).await.expect_status(200);
    let last = link(&ada, "draft").await;
    ada.delete("/posts/draft").await.expect_status(204);
    visitor.get(&last).await.expect_problem(404, "not-found");
    ada.post("/posts/draft/preview", json!({})).await.expect_problem(410, "gone");
}
