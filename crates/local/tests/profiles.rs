//! Changing one's profile, and what follows from it.

use local::wire::Fault;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};

#[tokio::test]
async fn a_profile_is_changed_in_part_and_cleared_in_part() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let stale = ada.get("/me").await.etag();
    stack.pass_seconds(5);
    let patch = json!({
        "display_name": "Ada Lovelace", "bio": "Mathematician.\n\nPoet.", "website_url": "https://example.com",
        "avatar_url": "https://example.com/ada.png",
    });
    let changed = ada.patch("/me", &stale, patch).await;
    changed.expect_status(200);
    assert_eq!((&changed.body["version"], &changed.body["bio"]), (&json!(2), &json!("Mathematician.\n\nPoet.")));
    assert_eq!(changed.body["updated_at"], "2026-11-21T08:30:05.000Z");
    assert_eq!(ada.get("/me").await.etag(), changed.etag());
    assert_eq!(stack.visitor().get("/users/ada").await.body["website_url"], "https://example.com/");

    ada.patch("/me", &stale, json!({ "bio": "Late" })).await.expect_problem(412, "precondition-failed");
    let cleared = ada.call("PATCH", "/me", &[], Some(json!({ "bio": null, "avatar_url": null }))).await;
    assert_eq!((&cleared.body["bio"], &cleared.body["display_name"]), (&Value::Null, &json!("Ada Lovelace")));
    let broken = json!({ "display_name": null, "username": "admin", "website_url": "ftp://x", "bio": "x".repeat(2001), "role": "admin" });
    let pointers = ["/bio", "/display_name", "/role", "/username", "/website_url"];
    ada.patch("/me", "*", broken).await.expect_invalid(&pointers);
}

#[tokio::test]
async fn a_renamed_user_is_found_by_both_names_for_ninety_days() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let visitor = stack.visitor();
    stack.user("bob").await;
    ada.patch("/me", "*", json!({ "username": "BOB" })).await.expect_problem(409, "username-taken");
    let renamed = ada.patch("/me", "*", json!({ "username": "Countess" })).await;
    assert_eq!(renamed.body["username"], "countess");
    visitor.get("/users/countess").await.expect_status(200);
    let moved = visitor.get("/users/ada").await;
    moved.expect_status(301);
    assert_eq!(moved.header("location"), "/v1/users/countess");
    // Nobody else gets the old name meanwhile; its owner may have it back, and leave it again.
    let registration = json!({ "username": "ada", "email": "other@example.com", "password": PASSWORD });
    visitor.post("/users", registration.clone()).await.expect_problem(409, "username-taken");
    for name in ["ada", "countess"] {
        ada.patch("/me", "*", json!({ "username": name })).await.expect_status(200);
    }
    stack.log_in("countess").await;
    stack.log_in("ada").await;

    stack.pass_seconds(90 * 24 * 60 * 60);
    visitor.get("/users/ada").await.expect_problem(404, "not-found");
    visitor.post("/users", registration).await.expect_status(201);
    visitor.get("/users/ada").await.expect_status(200);
    visitor.get("/users/countess").await.expect_status(200);
}

#[tokio::test]
async fn posts_follow_their_author() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let visitor = stack.visitor();
    for number in 0..5 {
        stack.pass_seconds(1);
        ada.publish(&format!("Post {number}"), &["t"]).await;
    }
    ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await.expect_status(201);
    ada.delete("/posts/post-4").await.expect_status(204);
    let before = ada.get("/posts/post-1").await;
    ada.patch("/me", "*", json!({ "username": "countess", "display_name": "The Countess" })).await.expect_status(200);
    stack.settle().await;

    let author = json!({ "username": "countess", "display_name": "The Countess", "avatar_url": null });
    for list in ["/posts", "/posts?tag=t", "/posts?author=countess"] {
        let posts = walk(&visitor, list, 3).await;
        assert_eq!(posts.len(), 4, "{list}");
        assert!(posts.iter().all(|post| post["author"] == author), "{list}: {posts:?}");
    }
    visitor.get("/posts?author=ada").await.expect_status(301);
    assert_eq!(visitor.get("/posts/post-1").await.body["author"], author);
    let ada = stack.log_in("countess").await;
    for list in ["/me/posts?status=draft", "/me/posts?status=trashed", "/me/posts?status=published", "/me/posts"] {
        let posts = walk(&ada, list, 100).await;
        assert!(!posts.is_empty() && posts.iter().all(|post| post["author"] == author), "{list}");
    }
    // No edit: who had opened the post before can still save it.
    ada.patch("/posts/post-1", &before.etag(), json!({ "title": "Saved" })).await.expect_status(200);
}

#[tokio::test]
async fn rewriting_posts_goes_on_where_it_was_stopped() {
    for stopped_after in 0..6 {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        for number in 0..4 {
            ada.publish(&format!("Post {number}"), &[]).await;
        }
        stack.settle().await;
        ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
        let changes = stack.changes();
        // The first try breaks off there, the event is delivered again.
        stack.stack.wire.break_calls("TransactWriteItems", stopped_after, 3, Fault::ServerError);
        stack.settle().await;
        let posts = walk(&stack.visitor(), "/posts?author=countess", 100).await;
        assert_eq!(posts.len(), 4, "stopped after {stopped_after}");
        // Delivered once more it changes nothing.
        let user = posts[0]["author"].clone();
        stack.deliver_again(&changes).await;
        assert_eq!(walk(&stack.visitor(), "/posts?author=countess", 100).await, posts);
        assert_eq!(user["username"], "countess");
    }
}

/// Renames `ada` and lets her posts follow while a write of hers is on its way.
async fn rename_during(
    stack: &TestStack,
    ada: &Client,
    write: impl Future<Output = Answer> + Send + 'static,
) -> Answer {
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let write = tokio::spawn(write);
    hold.arrived().await;
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    hold.release();
    let answer = write.await.unwrap();
    stack.settle().await;
    answer
}

#[tokio::test]
async fn a_post_that_is_written_while_its_author_is_renamed_has_the_new_name() {
    for status in ["draft", "published"] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        ada.publish("Before", &[]).await;
        let author = ada.clone();
        let write = async move { author.post("/posts", json!({ "title": "T", "body": "B", "status": status })).await };
        let written = rename_during(&stack, &ada, write).await;
        written.expect_status(201);
        assert_eq!(written.body["author"]["username"], "countess");
        assert_eq!(ada.get("/posts/t").await.body["author"]["username"], "countess");
    }
}

#[tokio::test]
async fn an_edit_that_is_written_while_its_author_is_renamed_keeps_both() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Post", &["old"]).await;
    let author = ada.clone();
    let edit = async move { author.patch("/posts/post", "*", json!({ "tags": ["new"] })).await };
    rename_during(&stack, &ada, edit).await.expect_status(200);
    for list in ["/posts", "/posts?tag=new", "/posts?author=countess"] {
        let posts = stack.visitor().get(list).await.body;
        assert_eq!(posts["items"][0]["author"]["username"], "countess", "{list}");
        assert_eq!(posts["items"][0]["tags"], json!(["new"]), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_post_keeps_an_old_name_whatever_is_written_at_the_same_time() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let ada = stack.user("ada").await;
    for number in 0..4 {
        ada.publish(&format!("Old {number}"), &["t"]).await;
    }
    let mut tasks = JoinSet::new();
    for number in 0..12 {
        let (stack, ada) = (stack.clone(), ada.clone());
        tasks.spawn(async move {
            match number % 3 {
                0 => ada.patch("/me", "*", json!({ "username": format!("name-{number}") })).await.expect_status(200),
                1 => drop(ada.publish(&format!("New {number}"), &["t"]).await),
                _ => {
                    let path = format!("/posts/old-{}", number % 4);
                    let patch = json!({ "tags": [format!("n{number}"), "t"], "slug": format!("moved-{number}") });
                    ada.patch(&path, "*", patch).await.expect_status(200);
                }
            }
            stack.settle().await;
        });
    }
    tasks.join_all().await;
    stack.settle().await;
    let name = ada.get("/me").await.body["username"].as_str().unwrap().to_owned();
    let posts = walk(&stack.visitor(), "/posts", 100).await;
    assert_eq!(posts.len(), 8);
    for post in posts {
        assert_eq!(post["author"]["username"], name, "{}", post["slug"]);
        let read = stack.visitor().get(&format!("/posts/{}", post["slug"].as_str().unwrap())).await;
        assert_eq!(read.body["author"], post["author"]);
    }
    assert_eq!(walk(&stack.visitor(), &format!("/posts?author={name}"), 100).await.len(), 8);
}

#[tokio::test]
async fn the_posts_of_a_renamed_user_are_found_by_the_former_name() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    ada.publish("Post", &["t"]).await;
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    for (former, current) in [
        ("/posts?author=ada", "/v1/posts?author=countess"),
        ("/posts?author=ada&kind=article", "/v1/posts?author=countess&kind=article"),
        ("/posts?author=ada&limit=5", "/v1/posts?author=countess&limit=5"),
    ] {
        let moved = visitor.get(former).await;
        moved.expect_status(301);
        assert_eq!(moved.header("location"), current);
        let found = visitor.get(current.strip_prefix("/v1").unwrap()).await;
        assert_eq!(found.each("slug"), ["post"], "{former}");
    }
    // Whoever has no posts is not moved, nor somebody whom nobody knows.
    stack.user("bob").await;
    for name in ["bob", "nobody"] {
        assert_eq!(visitor.get(&format!("/posts?author={name}")).await.each("slug"), [""; 0]);
    }
    stack.pass_seconds(91 * 24 * 60 * 60);
    assert_eq!(visitor.get("/posts?author=ada").await.each("slug"), [""; 0]);
}

#[tokio::test]
async fn an_edit_of_a_version_that_is_edited_meanwhile_is_refused() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let seen = ada.get("/me").await.etag();
    let held = stack.stack.wire.hold_call("TransactWriteItems");
    let meanwhile = async {
        held.arrived().await;
        ada.patch("/me", "*", json!({ "bio": "Second" })).await.expect_status(200);
        held.release();
    };
    let (overtaken, ()) = tokio::join!(ada.patch("/me", &seen, json!({ "bio": "First" })), meanwhile);
    overtaken.expect_problem(412, "precondition-failed");
    assert_eq!(ada.get("/me").await.body["bio"], "Second");
}
