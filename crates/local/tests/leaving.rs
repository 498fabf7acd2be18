//! Deleting one's account.

use aws_sdk_dynamodb::types::AttributeValue;
use local::backing::TABLE_NAME;
use local::wire::Fault;
use serde_json::json;

use crate::harness::{Answer, Client, PASSWORD, TestStack};

async fn leave(client: &Client, password: &str) -> Answer {
    client.call("DELETE", "/me", &[], Some(json!({ "password": password }))).await
}

/// The keys of all items of the table, but for what is the site's and no user's.
pub async fn left_over(stack: &TestStack) -> Vec<String> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&local::stack::sdk_config(stack.stack.wire.clone()));
    let items = dynamodb.scan().table_name(TABLE_NAME).send().await.unwrap().items.unwrap();
    let text = |value: &AttributeValue| value.as_s().unwrap().clone();
    let of_the_site = |pk: &str, sk: &str| {
        sk == "0"
            || sk == "MANIFEST"
            || ["SIGNING_KEY", "ADMINS", "SITEMAPS", "SEARCHFILES"].contains(&pk)
            || pk.starts_with("LIMIT#")
            || pk.starts_with("AUDIT")
            // That a tag moved among the others, for a day.
            || sk.starts_with("MOVE#")
    };
    let mut keys: Vec<_> = items
        .iter()
        .map(|item| (text(&item["pk"]), text(&item["sk"])))
        .filter(|(pk, sk)| !of_the_site(pk, sk))
        .map(|(pk, sk)| format!("{pk} {sk}"))
        .collect();
    keys.sort();
    keys
}

/// A stack with two users who stay, and what they have.
async fn start() -> (TestStack, Vec<String>) {
    let stack = TestStack::start().await;
    stack.user("fan").await;
    let idol = stack.user("idol").await;
    idol.publish("Of idol", &["t"]).await;
    stack.settle().await;
    let before = left_over(&stack).await;
    (stack, before)
}

/// A user with posts of every status, and with slugs that lead on.
async fn ada_with_posts(stack: &TestStack) -> Client {
    let ada = stack.user("ada").await;
    ada.publish("Published", &["t"]).await;
    ada.publish("Moved", &["t", "u"]).await;
    ada.patch("/posts/moved", "*", json!({ "slug": "moved-twice" })).await.expect_status(200);
    ada.patch("/posts/moved-twice", "*", json!({ "slug": "moved" })).await.expect_status(200);
    ada.publish("Trashed", &[]).await;
    ada.delete("/posts/trashed").await.expect_status(204);
    ada.post("/posts", json!({ "title": "Draft", "body": "B" })).await.expect_status(201);
    ada.patch("/posts/draft", "*", json!({ "title": "Renamed draft" })).await.expect_status(200);
    ada.post("/me/export", json!({})).await.expect_status(202);
    // Followed by somebody, and following somebody.
    stack.log_in("fan").await.call("PUT", "/users/ada/follow", &[], None).await.expect_status(204);
    ada.call("PUT", "/users/idol/follow", &[], None).await.expect_status(204);
    ada
}

#[tokio::test]
async fn nothing_is_left_of_a_user_who_leaves_and_others_keep_what_they_have() {
    let (stack, before) = start().await;
    let ada = ada_with_posts(&stack).await;
    leave(&ada, "wrong password").await.expect_problem(401, "invalid-credentials");
    leave(&ada, "").await.expect_problem(401, "invalid-credentials");
    ada.call("DELETE", "/me", &[], Some(json!({}))).await.expect_invalid(&["/password"]);
    ada.get("/me").await.expect_status(200);

    leave(&ada, PASSWORD).await.expect_status(204);
    // At once nobody sees them and no token counts, whatever is still to be removed.
    stack.visitor().get("/users/ada").await.expect_problem(404, "not-found");
    ada.get("/posts").await.expect_problem(401, "unauthenticated");
    ada.post("/posts", json!({ "title": "One more", "body": "B" })).await.expect_problem(401, "unauthenticated");

    stack.settle().await;
    assert_eq!(left_over(&stack).await, before);
    assert_eq!(stack.visitor().get("/posts?tag=t").await.each("slug"), ["of-idol"]);
    let counts = json!({ "followers": 0, "following": 0, "posts": 1 });
    assert_eq!(stack.visitor().get("/users/idol").await.body["counts"], counts);
    assert_eq!(stack.visitor().get("/users/fan").await.body["counts"]["following"], 0);
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    stack.visitor().post("/sessions", credentials).await.expect_problem(401, "invalid-credentials");
    stack.visitor().get("/posts/published").await.expect_problem(404, "not-found");
    // The name, the address and the slugs are free.
    let again = stack.user("ada").await;
    again.post("/posts", json!({ "title": "Moved twice", "body": "B" })).await.expect_status(201);
    assert_eq!(again.get("/me/posts").await.each("slug"), ["moved-twice"]);
}

#[tokio::test]
async fn leaving_goes_on_wherever_it_was_stopped() {
    for (action, steps) in
        [("TransactWriteItems", 16), ("Query", 14), ("GetItem", 10), ("AdminDeleteUser", 1), ("DeleteObject", 1)]
    {
        for step in 0..steps {
            let (stack, before) = start().await;
            let ada = ada_with_posts(&stack).await;
            stack.settle().await;
            leave(&ada, PASSWORD).await.expect_status(204);
            stack.stack.wire.break_calls(action, step, 3, Fault::ServerError);
            stack.settle().await;
            assert_eq!(left_over(&stack).await, before, "stopped at {action} {step}");
        }
    }
}

#[tokio::test]
async fn a_post_that_is_edited_while_its_author_leaves_goes_too() {
    let stack = TestStack::start().await;
    let editor = stack.user_with_role("eve", domain::Role::Editor).await;
    let before = left_over(&stack).await;
    let ada = stack.user("ada").await;
    ada.publish("Edited", &["t"]).await;
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let edit =
        tokio::spawn(
            async move { editor.patch("/posts/edited", "*", json!({ "slug": "elsewhere", "tags": ["u"] })).await },
        );
    hold.arrived().await;
    leave(&ada, PASSWORD).await.expect_status(204);
    stack.settle().await;
    hold.release();
    edit.await.unwrap().expect_problem(404, "not-found");
    assert_eq!(left_over(&stack).await, before);
}

#[tokio::test]
async fn the_last_administrator_cannot_leave() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    leave(&admin, PASSWORD).await.expect_problem(409, "conflict");
    stack.user("ada").await;
    admin.put("/admin/users/ada/role", json!({ "role": "admin" })).await.expect_status(200);
    leave(&admin, PASSWORD).await.expect_status(204);
    leave(&stack.log_in("ada").await, PASSWORD).await.expect_problem(409, "conflict");
}

#[tokio::test]
async fn whoever_has_left_is_told_so_while_the_token_still_passes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    leave(&ada, PASSWORD).await.expect_status(204);
    ada.patch("/me", "*", json!({ "bio": "Still here" })).await.expect_problem(401, "unauthenticated");
    leave(&ada, PASSWORD).await.expect_problem(401, "unauthenticated");
}
