//! The tags that users follow.

use serde_json::json;

use crate::harness::{TestStack, walk};

#[tokio::test]
async fn a_user_follows_tags_and_stops() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    // Folded as the tags of posts are.
    for tag in ["rust", "Aws", "RUST", "zig", "%23go"] {
        ada.call("PUT", &format!("/tags/{tag}/follow"), &[], None).await.expect_status(204);
        stack.pass_seconds(1);
    }
    let tags = ada.get("/me/tags").await;
    assert_eq!(tags.each("tag"), ["aws", "go", "rust", "zig"]);
    // Repeating it leaves it as it was.
    assert_eq!(tags.body["items"][2], json!({ "tag": "rust", "followed_at": "2026-11-21T08:30:00.000Z" }));
    for limit in [1, 3, 4] {
        assert_eq!(walk(&ada, "/me/tags", limit).await.len(), 4);
    }
    assert!(bob.get("/me/tags").await.each("tag").is_empty());
    for _ in 0..2 {
        ada.delete("/tags/rust/follow").await.expect_status(204);
        assert_eq!(ada.get("/me/tags").await.each("tag"), ["aws", "go", "zig"]);
    }
    ada.call("PUT", "/tags/%20/follow", &[], None).await.expect_problem(404, "not-found");
    let visitor = stack.visitor();
    visitor.call("PUT", "/tags/rust/follow", &[], None).await.expect_problem(401, "unauthenticated");
    visitor.get("/me/tags").await.expect_problem(401, "unauthenticated");
}
