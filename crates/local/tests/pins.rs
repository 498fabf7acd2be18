//! Posts that lead the blog.

use domain::Role;
use serde_json::json;

use crate::concurrency::at_once;
use crate::harness::{Client, TestStack, walk};

async fn pin(client: &Client, slug: &str) {
    client.call("PUT", &format!("/posts/{slug}/pin"), &[], None).await.expect_status(204);
}

async fn titles(client: &Client, limit: usize) -> Vec<String> {
    let posts = walk(client, "/posts", limit).await;
    posts.iter().map(|post| post["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pinned_posts_lead_in_the_order_they_were_pinned() {
    let stack = TestStack::start().await;
    let (ada, eve) = (stack.user("ada").await, stack.user_with_role("eve", Role::Editor).await);
    for title in ["one", "two", "three", "four", "five"] {
        stack.pass_seconds(1);
        ada.publish(title, &["t"]).await;
    }
    let visitor = stack.visitor();
    for slug in ["three", "one", "two"] {
        stack.pass_seconds(1);
        pin(&eve, slug).await;
    }
    // Pinning again changes nothing.
    stack.pass_seconds(1);
    pin(&eve, "three").await;
    for limit in [1, 2, 3, 4, 5, 100] {
        assert_eq!(titles(&visitor, limit).await, ["three", "one", "two", "five", "four"], "by {limit}");
    }
    // Other lists go by time, and the post is what it was.
    assert_eq!(visitor.get("/posts?tag=t").await.each("title"), ["five", "four", "three", "two", "one"]);
    let post = visitor.get("/posts/three").await;
    assert_eq!(post.body["version"], 1);

    // What is edited, renamed or renamed by its author leads as it is now.
    ada.patch("/posts/one", "*", json!({ "title": "uno", "slug": "uno" })).await.expect_status(200);
    ada.patch("/me", "*", json!({ "display_name": "Countess" })).await.expect_status(200);
    stack.settle().await;
    let first = visitor.get("/posts").await;
    assert_eq!(first.each("title"), ["three", "uno", "two", "five", "four"]);
    assert_eq!(first.body["items"][0]["author"]["display_name"], "Countess");

    // Taken down, or taken back, it leads no more, also when it comes back.
    eve.delete("/posts/three/pin").await.expect_status(204);
    eve.delete("/posts/three/pin").await.expect_status(204);
    ada.post("/posts/uno/unpublish", json!({})).await.expect_status(200);
    ada.delete("/posts/two").await.expect_status(204);
    assert_eq!(titles(&visitor, 2).await, ["five", "four", "three"]);
    ada.post("/posts/uno/publish", json!({})).await.expect_status(200);
    ada.post("/posts/two/restore", json!({})).await.expect_status(200);
    ada.post("/posts/two/publish", json!({})).await.expect_status(200);
    assert_eq!(titles(&visitor, 2).await, ["five", "four", "three", "two", "uno"]);
}

#[tokio::test]
async fn who_reads_on_sees_each_post_once_while_posts_are_pinned() {
    let stack = TestStack::start().await;
    let (ada, eve) = (stack.user("ada").await, stack.user_with_role("eve", Role::Editor).await);
    for number in 0..12 {
        stack.pass_seconds(1);
        ada.publish(&format!("n{number}"), &[]).await;
    }
    let mut expected: Vec<_> = (0..12).map(|number| format!("n{number}")).collect();
    expected.sort();
    let visitor = stack.visitor();
    // After each page one more is pinned and the one before it taken down: some that were shown, some that were not.
    for order in [["n1", "n11", "n0", "n5", "n2", "n9", "n7"], ["n9", "n2", "n8", "n0", "n11", "n3", "n1"]] {
        pin(&eve, "n6").await;
        let mut seen = Vec::new();
        let mut next = "/posts?limit=2".to_owned();
        let mut changes = order.iter();
        let mut before = "n6";
        loop {
            let page = visitor.get(&next).await;
            page.expect_status(200);
            assert!(page.each("title").len() <= 2);
            seen.extend(page.each("title"));
            if let Some(slug) = changes.next() {
                stack.pass_seconds(1);
                pin(&eve, slug).await;
                eve.delete(&format!("/posts/{before}/pin")).await.expect_status(204);
                before = slug;
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            next = format!("/posts?limit=2&cursor={cursor}");
        }
        eve.delete(&format!("/posts/{before}/pin")).await.expect_status(204);
        seen.sort();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn only_editors_pin_only_what_is_published_and_only_ten() {
    let stack = TestStack::start().await;
    let (ada, eve) = (stack.user("ada").await, stack.user_with_role("eve", Role::Editor).await);
    ada.publish("Mine", &[]).await;
    ada.call("PUT", "/posts/mine/pin", &[], None).await.expect_problem(403, "forbidden");
    ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await.expect_status(201);
    eve.call("PUT", "/posts/draft/pin", &[], None).await.expect_problem(409, "conflict");
    eve.call("PUT", "/posts/none/pin", &[], None).await.expect_problem(404, "not-found");
    for number in 0..9 {
        let slug = ada.publish(&format!("p{number}"), &[]).await;
        pin(&eve, &slug).await;
    }
    // Of twenty at once one finds the last place.
    for number in 0..20 {
        ada.publish(&format!("q{number}"), &[]).await;
    }
    let statuses = at_once(20, |number| {
        let eve = eve.clone();
        async move {
            loop {
                let pinned = eve.call("PUT", &format!("/posts/q{number}/pin"), &[], None).await;
                // All of them write one item: who is told that it is busy tries again.
                if pinned.status != 503 {
                    return pinned;
                }
            }
        }
    })
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 19, "{statuses:?}");
    eve.delete("/posts/p0/pin").await.expect_status(204);
    pin(&eve, "mine").await;
    eve.call("PUT", "/posts/p0/pin", &[], None).await.expect_problem(409, "conflict");
}
