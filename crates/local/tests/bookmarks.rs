//! Bookmarks: the posts that users keep for later.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestStack, walk};

async fn bookmark(client: &Client, name: &str) -> Answer {
    client.call("PUT", &format!("/me/bookmarks/{name}"), &[], None).await
}

async fn slugs(client: &Client) -> Vec<String> {
    client.get("/me/bookmarks").await.each("slug")
}

async fn is_marked(client: &Client, slug: &str) -> Value {
    client.get(&format!("/posts/{slug}")).await.body["viewer"]["bookmarked"].clone()
}

#[tokio::test]
async fn what_is_bookmarked_is_listed_last_first_and_as_it_is_now() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    for number in 0..5 {
        stack.pass_seconds(1);
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    for slug in ["post-3", "post-1", "post-4", "post-1"] {
        stack.pass_seconds(1);
        bookmark(&bob, slug).await.expect_status(204);
    }
    let page = bob.get("/me/bookmarks").await;
    assert_eq!(page.each("slug"), ["post-4", "post-1", "post-3"]);
    assert_eq!(page.header("cache-control"), "private, no-store");
    let item = &page.body["items"][1];
    let mut card = bob.get("/posts").await.body["items"][3].clone();
    card["gone"] = json!(false);
    card["bookmarked_at"] = json!("2026-11-21T08:30:07.000Z");
    assert_eq!(item, &card);
    assert_eq!(walk(&bob, "/me/bookmarks", 1).await.len(), 3);
    assert_eq!((is_marked(&bob, "post-1").await, is_marked(&bob, "post-0").await), (json!(true), json!(false)));
    // They are nobody else's.
    assert_eq!(is_marked(&ada, "post-1").await, json!(false));
    assert!(slugs(&ada).await.is_empty());
    let visitor = stack.visitor();
    visitor.get("/me/bookmarks").await.expect_problem(401, "unauthenticated");
    bookmark(&visitor, "post-1").await.expect_problem(401, "unauthenticated");

    // An edit and a new slug show at once.
    ada.patch("/posts/post-1", "*", json!({ "title": "New title", "slug": "new" })).await.expect_status(200);
    assert_eq!(bob.get("/me/bookmarks").await.each("title"), ["Post 4", "New title", "Post 3"]);
    // By a former slug, and by the id.
    let id = item["id"].as_str().unwrap().to_owned();
    for name in ["post-1", "new", &id] {
        bookmark(&bob, name).await.expect_status(204);
        bob.delete(&format!("/me/bookmarks/{name}")).await.expect_status(204);
        bob.delete(&format!("/me/bookmarks/{name}")).await.expect_status(204);
        assert_eq!(slugs(&bob).await, ["post-4", "post-3"]);
    }
    assert_eq!(is_marked(&bob, "new").await, json!(false));
}

#[tokio::test]
async fn a_post_that_is_gone_is_shown_as_gone_and_comes_back() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("Hello", &[]).await;
    let draft = ada.draft("Draft").save().await;
    for name in ["draft", "nowhere", "01KAM5K9R0000000000000000A", draft["id"].as_str().unwrap()] {
        bookmark(&bob, name).await.expect_problem(404, "not-found");
    }
    bob.delete("/me/bookmarks/draft").await.expect_problem(404, "not-found");
    bob.delete("/me/bookmarks/nowhere").await.expect_problem(404, "not-found");
    bookmark(&ada, "draft").await.expect_problem(409, "conflict");
    bookmark(&bob, "hello").await.expect_status(204);
    let id = bob.get("/me/bookmarks").await.body["items"][0]["id"].clone();
    let gone = json!({ "id": id, "gone": true, "bookmarked_at": "2026-11-21T08:30:00.000Z" });
    ada.post("/posts/hello/unpublish", json!({})).await.expect_status(200);
    assert_eq!(bob.get("/me/bookmarks").await.body["items"], json!([gone]));
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    assert_eq!(slugs(&bob).await, ["hello"]);
    ada.delete("/posts/hello").await.expect_status(204);
    assert_eq!(bob.get("/me/bookmarks").await.body["items"], json!([gone]));
    // For good.
    stack.stack.blog.table.delete_post(&stored(&stack, "hello").await, stack.stack.blog.now()).await.unwrap();
    stack.settle().await;
    assert_eq!(bob.get("/me/bookmarks").await.body["items"], json!([gone]));
    bob.delete(&format!("/me/bookmarks/{}", id.as_str().unwrap())).await.expect_status(204);
    assert!(bob.get("/me/bookmarks").await.each("id").is_empty());
}

async fn stored(stack: &TestStack, slug: &str) -> domain::Post {
    let slug = slug.to_owned().try_into().unwrap();
    stack.stack.blog.table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_mark_holds_all_that_a_user_did_with_a_post() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("Hello", &[]).await;
    let viewer = async || bob.get("/posts/hello").await.body["viewer"].clone();
    let of =
        |reposted: bool, bookmarked: bool| json!({ "reaction": null, "reposted": reposted, "bookmarked": bookmarked });
    let repost = async |method: &str| {
        bob.call(method, "/posts/hello/repost", &[], None).await.expect_status(204);
        stack.pass_seconds(1);
    };
    let keep = async |method: &str| {
        bob.call(method, "/me/bookmarks/hello", &[], None).await.expect_status(204);
        stack.pass_seconds(1);
    };
    repost("PUT").await;
    keep("PUT").await;
    assert_eq!(viewer().await, of(true, true));
    repost("DELETE").await;
    assert_eq!(viewer().await, of(false, true));
    repost("PUT").await;
    keep("DELETE").await;
    assert_eq!(viewer().await, of(true, false));
    // Of a repost the original is kept.
    let own = bob.get("/posts?author=bob").await.body["items"][0]["id"].as_str().unwrap().to_lowercase();
    bookmark(&ada, &own).await.expect_status(204);
    assert_eq!(slugs(&ada).await, ["hello"]);
    ada.delete(&format!("/me/bookmarks/{own}")).await.expect_status(204);
    assert!(slugs(&ada).await.is_empty());
    repost("DELETE").await;
    assert_eq!(viewer().await, of(false, false));
    assert!(stack.stack.blog.table.marks_of(id_of(&bob).await, None, 10).await.unwrap().is_empty());
}

async fn id_of(client: &Client) -> domain::UserId {
    client.get("/me").await.body["id"].as_str().unwrap().parse().unwrap()
}
