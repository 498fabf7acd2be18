//! Many at once: no update is lost, nothing exists twice.

use std::future::Future;

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Answer, PASSWORD, TestStack};

/// Does `request` as often as asked, all at the same time; gives the statuses, sorted.
pub async fn at_once<F: Future<Output = Answer> + Send + 'static>(
    times: usize,
    request: impl Fn(usize) -> F,
) -> Vec<u16> {
    let mut tasks = JoinSet::new();
    for number in 0..times {
        tasks.spawn(request(number));
    }
    let mut statuses: Vec<_> = tasks.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_editors_of_one_version_one_wins() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let ada = stack.user("ada").await;
    let slug = ada.publish("Contested", &["a", "b"]).await;
    let path = format!("/posts/{slug}");
    let etag = ada.get(&path).await.etag();
    let statuses = at_once(100, |number| {
        let (ada, path, etag) = (ada.clone(), path.clone(), etag.clone());
        async move {
            ada.patch(&path, &etag, json!({ "title": format!("By {number}"), "body": format!("By {number}") })).await
        }
    })
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 99, "{statuses:?}");
    let post = ada.get(&path).await.body;
    assert_eq!((&post["version"], &post["title"]), (&json!(2), &post["body"]));
    assert_eq!(stack.visitor().get("/posts?tag=b").await.each("title"), [post["title"].as_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_who_want_one_name_or_one_address_one_gets_it() {
    let names = |number: usize| ("ada".to_owned(), format!("ada{number}@example.com"));
    let addresses = |number: usize| (format!("ada{number}"), "ada@example.com".to_owned());
    for wanted in [names as fn(usize) -> (String, String), addresses] {
        let stack = TestStack::start().await;
        stack.stack.wire.one_transaction_at_a_time();
        let statuses = at_once(200, |number| {
            let (username, email) = wanted(number);
            // Each from elsewhere, or most would be too many from one place.
            let visitor = stack.visitor().from(&format!("203.0.113.{number}"));
            let body = json!({ "username": username, "email": email, "password": PASSWORD });
            async move { visitor.post("/users", body).await }
        })
        .await;
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        // An address may be tried five times an hour; in a quarter of it, where no e-mail is sent.
        let conflicts = if wanted(0).1 == wanted(1).1 { 4 } else { 199 };
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), conflicts, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 199 - conflicts, "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_of_one_title_written_at_once_all_get_a_slug() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let ada = stack.user("ada").await;
    let statuses = at_once(20, |_| {
        let ada = ada.clone();
        let body = json!({ "title": "Same", "body": "B", "status": "published" });
        async move { ada.post("/posts", body).await }
    })
    .await;
    assert_eq!(statuses, [201; 20]);
    let mut slugs = ada.get("/posts").await.each("slug");
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 20);
    assert_eq!(ada.get("/me").await.body["counts"]["posts"], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_that_overwrite_whatever_is_there_all_happen() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("Busy", &[]).await;
    let path = format!("/posts/{slug}");
    let fields = ["title", "summary", "meta_title", "meta_description"];
    let statuses = at_once(fields.len(), |number| {
        let (ada, path) = (ada.clone(), path.clone());
        let patch = json!({ fields[number]: "changed" });
        async move { ada.patch(&path, "*", patch).await }
    })
    .await;
    assert_eq!(statuses, [200; 4]);
    let post = ada.get(&path).await.body;
    assert_eq!(post["version"], 5);
    for field in fields {
        assert_eq!(post[field], "changed", "{field} was lost");
    }
}

#[tokio::test]
async fn an_edit_that_is_overtaken_is_made_after_the_other() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = format!("/posts/{}", ada.publish("Busy", &[]).await);
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let editing = tokio::spawn({
        let (ada, path) = (ada.clone(), path.clone());
        async move { ada.patch(&path, "*", json!({ "summary": "held" })).await }
    });
    hold.arrived().await;
    ada.patch(&path, "*", json!({ "meta_title": "faster" })).await.expect_status(200);
    hold.release();
    editing.await.unwrap().expect_status(200);
    let post = ada.get(&path).await.body;
    assert_eq!((&post["summary"], &post["meta_title"]), (&json!("held"), &json!("faster")));
}
