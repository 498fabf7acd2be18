//! How many posts an author may publish on a day.

use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, TestStack};

/// Writes a post with this title, besides what `fields` says.
async fn write(client: &Client, title: &str, fields: Value) -> Answer {
    let mut post = json!({ "title": title, "body": "Some text." });
    post.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    client.post("/posts", post).await
}

async fn publish(client: &Client, slug: &str) -> Answer {
    client.post(&format!("/posts/{slug}/publish"), json!({})).await
}

/// The author "ada" on a stack that takes three posts a day.
async fn three_a_day() -> (TestStack, Client) {
    let stack = TestStack::start_with_parameters(&[("PostsPerDay", "3")]).await;
    let ada = stack.user("ada").await;
    (stack, ada)
}

#[tokio::test]
async fn the_fourth_post_of_a_day_waits_for_midnight() {
    let (stack, ada) = three_a_day().await;
    let published = json!({ "status": "published" });
    for title in ["1", "2"] {
        write(&ada, title, published.clone()).await.expect_status(201);
    }
    for title in ["3", "4"] {
        write(&ada, title, json!({})).await.expect_status(201);
    }
    publish(&ada, "3").await.expect_status(200);
    // However it is published.
    let refused = [
        write(&ada, "5", published.clone()).await,
        publish(&ada, "4").await,
        ada.patch("/posts/4", "*", json!({ "status": "published" })).await,
        write(&ada, "6", json!({ "status": "published", "publish_at": "1999-12-31T00:00:00Z" })).await,
    ];
    for answer in refused {
        answer.expect_problem(429, "too-many-requests");
        assert_eq!(answer.header("retry-after"), (15 * 3600 + 30 * 60).to_string(), "it is half past eight");
    }
    // What is out already does not count again; nor do drafts, replies of others, or what somebody else writes.
    ada.patch("/posts/3", "*", json!({ "title": "Three" })).await.expect_status(200);
    ada.post("/posts/3/unpublish", json!({})).await.expect_status(200);
    publish(&ada, "3").await.expect_status(200);
    ada.delete("/posts/2").await.expect_status(204);
    publish(&ada, "4").await.expect_problem(429, "too-many-requests");
    let bob = stack.user("bob").await;
    write(&bob, "Of bob", published.clone()).await.expect_status(201);
    // A repost is no post.
    ada.call("PUT", "/posts/of-bob/repost", &[], None).await.expect_status(204);

    stack.set_time("2026-11-21T23:59:59.999Z");
    let ada = stack.log_in("ada").await;
    let refused = publish(&ada, "4").await;
    refused.expect_problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "1");
    let detail = "This blog takes 3 posts of an author a day. The next day begins at midnight UTC.";
    assert_eq!(refused.body["detail"], detail);
    stack.set_time("2026-11-22T00:00:00Z");
    publish(&ada, "4").await.expect_status(200);
    // One that was out on an earlier day takes no place of this one.
    ada.post("/posts/2/restore", json!({})).await.expect_status(200);
    publish(&ada, "2").await.expect_status(200);
    for (title, status) in [("7", 201), ("8", 201), ("9", 429)] {
        write(&ada, title, published.clone()).await.expect_status(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_three_are_published() {
    let (stack, ada) = three_a_day().await;
    stack.stack.wire.one_transaction_at_a_time();
    let statuses = at_once(20, |number| {
        let ada = ada.clone();
        async move { write(&ada, &format!("Post {number}"), json!({ "status": "published" })).await }
    })
    .await;
    assert_eq!(statuses, [[201; 3].as_slice(), &[429; 17]].concat());
    assert_eq!(ada.get("/posts").await.each("slug").len(), 3);
    assert_eq!(ada.get("/me").await.body["counts"]["posts"], 3);
}

#[tokio::test]
async fn a_scheduled_post_has_a_place_on_its_day_and_gives_it_back() {
    let (stack, ada) = three_a_day().await;
    let at = |time: &str| json!({ "status": "scheduled", "publish_at": time });
    let (monday, tuesday) = ("2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z");
    for title in ["1", "2", "3"] {
        write(&ada, title, at(monday)).await.expect_status(201);
    }
    // That day is full.
    write(&ada, "4", at("2026-11-23T23:59:59Z")).await.expect_invalid(&["/publish_at"]);
    write(&ada, "4", at(tuesday)).await.expect_status(201);
    let reschedule =
        async |slug: &str, time: &str| ada.patch(&format!("/posts/{slug}"), "*", json!({ "publish_at": time })).await;
    reschedule("4", monday).await.expect_invalid(&["/publish_at"]);
    // Within a day it may move, and be edited.
    reschedule("3", "2026-11-23T11:00:00Z").await.expect_status(200);
    ada.patch("/posts/3", "*", json!({ "summary": "S" })).await.expect_status(200);
    // It gives its place back when it moves to another day, when it is a draft again, and in the trash.
    reschedule("1", tuesday).await.expect_status(200);
    reschedule("4", monday).await.expect_status(200);
    reschedule("1", monday).await.expect_invalid(&["/publish_at"]);
    ada.post("/posts/2/unpublish", json!({})).await.expect_status(200);
    reschedule("1", monday).await.expect_status(200);
    write(&ada, "5", at(monday)).await.expect_invalid(&["/publish_at"]);
    ada.delete("/posts/3").await.expect_status(204);
    write(&ada, "5", at(monday)).await.expect_status(201);
    write(&ada, "6", at(monday)).await.expect_invalid(&["/publish_at"]);
    // Published at once, it is of today.
    publish(&ada, "5").await.expect_status(200);
    write(&ada, "6", at(monday)).await.expect_status(201);
    let today = json!({ "status": "published" });
    for (title, status) in [("7", 201), ("8", 201), ("9", 429)] {
        write(&ada, title, today.clone()).await.expect_status(status);
    }
    // Today is as full for what is scheduled for later today.
    write(&ada, "9", at("2026-11-21T20:00:00Z")).await.expect_problem(429, "too-many-requests");

    // What is due is published although its day is full, and counts once: it has its place already.
    stack.set_time("2026-11-23T10:00:00Z");
    stack.minute().await;
    let ada = stack.log_in("ada").await;
    let titles = ada.get("/posts?limit=3").await.each("title");
    assert_eq!(titles.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{titles:?}");
    for title in ["1", "4", "6"] {
        assert_eq!(ada.get(&format!("/posts/{title}")).await.body["status"], "published", "{title}");
    }
    write(&ada, "9", today).await.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn what_comes_out_late_has_the_place_of_the_day_that_it_was_for() {
    let (stack, ada) = three_a_day().await;
    let at = json!({ "status": "scheduled", "publish_at": "2026-11-22T10:00:00Z" });
    write(&ada, "Late", at).await.expect_status(201);
    stack.set_time("2026-11-23T10:00:00Z");
    let ada = stack.log_in("ada").await;
    for title in ["1", "2", "3"] {
        write(&ada, title, json!({ "status": "published" })).await.expect_status(201);
    }
    stack.minute().await;
    let read = stack.visitor().get("/posts/late").await;
    read.expect_status(200);
    assert_eq!(read.body["published_at"], "2026-11-22T10:00:00.000Z");
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    for number in 0..20 {
        write(&ada, &format!("Post {number}"), json!({ "status": "published" })).await.expect_status(201);
    }
    let calls = stack.stack.wire.take_calls();
    assert!(calls.iter().any(|call| call.action == "TransactWriteItems"));
    assert!(calls.iter().all(|call| !call.request.to_string().contains("PUBLISHED#")), "no count is kept");
}
