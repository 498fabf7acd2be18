//! Posts that come out by themselves when their time has come.

use std::collections::BTreeSet;

use domain::Role;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::concurrency::at_once;
use crate::harness::{Client, TestStack, walk};

/// Every list that shows a published article of ada's with the tag "t".
const LISTS: [&str; 5] =
    ["/posts", "/posts?author=ada", "/posts?author=ada&kind=article", "/posts?kind=article", "/posts?tag=t"];

/// Half an hour after the start.
const NINE: &str = "2026-11-21T09:00:00.000Z";

/// Schedules an article with the tag "t"; gives its slug.
async fn schedule(client: &Client, title: &str, at: &str) -> String {
    let post = json!({ "title": title, "body": "B", "tags": ["t"], "status": "scheduled", "publish_at": at });
    let answer = client.post("/posts", post).await;
    answer.expect_status(201);
    answer.body["slug"].as_str().unwrap().to_owned()
}

/// Expects that exactly these posts are out, each once, whoever asks and wherever they look.
async fn expect_out(stack: &TestStack, slugs: &[&str], when: &str) {
    let wanted: BTreeSet<_> = slugs.iter().map(|slug| (*slug).to_owned()).collect();
    stack.settle().await;
    let visitor = stack.visitor();
    for list in LISTS {
        let shown: Vec<_> = walk(&visitor, list, 100).await;
        let shown: Vec<_> = shown.iter().map(|card| card["slug"].as_str().unwrap().to_owned()).collect();
        assert_eq!(shown.len(), wanted.len(), "{when}, {list}: {shown:?}");
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), wanted, "{when}, {list}");
    }
    let tags = if wanted.is_empty() { json!([]) } else { json!([{ "tag": "t", "posts": wanted.len() }]) };
    assert_eq!(visitor.get("/tags").await.body["items"], tags, "{when}");
    assert_eq!(visitor.get("/tags?sort=name").await.body["items"], tags, "{when}");
    assert_eq!(visitor.get("/users/ada").await.body["counts"]["posts"], wanted.len(), "{when}");
}

#[tokio::test]
async fn a_scheduled_post_is_hidden_until_its_time_and_then_everywhere() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    schedule(&ada, "At nine", "2026-11-21T10:00:00+01:00").await;
    schedule(&ada, "Later", "2026-11-21T09:00:00.001Z").await;
    let post = ada.get("/posts/at-nine").await;
    assert_eq!((&post.body["status"], &post.body["published_at"]), (&json!("scheduled"), &json!(NINE)));

    // For all others it does not exist.
    let bob = stack.user("bob").await;
    for stranger in [stack.visitor(), bob.clone()] {
        for path in ["/posts/at-nine", "/posts/at-nine/replies", "/posts/at-nine/quotes"] {
            stranger.get(path).await.expect_problem(404, "not-found");
        }
    }
    bob.call("PUT", "/posts/at-nine/repost", &[], None).await.expect_problem(404, "not-found");
    bob.post("/posts", json!({ "body": "B", "reply_to": "at-nine" })).await.expect_invalid(&["/reply_to"]);
    bob.patch("/posts/at-nine", "*", json!({ "title": "X" })).await.expect_problem(404, "not-found");
    expect_out(&stack, &[], "before").await;
    let cards = ada.get("/me/posts?status=scheduled").await;
    assert_eq!(cards.each("slug"), ["later", "at-nine"]);
    assert_eq!(cards.each("published_at")[1], NINE);
    assert_eq!(ada.get("/me/posts?status=draft").await.each("slug"), [""; 0]);
    assert_eq!(ada.get("/me/posts").await.each("slug"), ["later", "at-nine"]);

    // A millisecond too early, and then on time.
    stack.set_time("2026-11-21T08:59:59.999Z");
    stack.minute().await;
    expect_out(&stack, &[], "too early").await;
    stack.set_time(NINE);
    stack.minute().await;
    expect_out(&stack, &["at-nine"], "on time").await;
    let read = stack.visitor().get("/posts/at-nine").await;
    assert_eq!((&read.body["status"], &read.body["published_at"]), (&json!("published"), &json!(NINE)));
    assert_eq!((&read.body["version"], &read.body["updated_at"]), (&json!(2), &json!(NINE)));
    assert_ne!(read.etag(), post.etag());
    let ada = stack.log_in("ada").await;
    assert_eq!(ada.get("/me/posts?status=scheduled").await.each("slug"), ["later"]);
    assert_eq!(ada.get("/me/posts?status=published").await.each("slug"), ["at-nine"]);
    // Once.
    stack.minute().await;
    assert_eq!(stack.visitor().get("/posts/at-nine").await.body["version"], 2);
}

#[tokio::test]
async fn what_came_due_while_nothing_ran_comes_out_with_the_time_it_asked_for() {
    for late in ["2026-11-21T10:00:00Z", "2026-11-22T09:00:00Z", "2027-01-02T00:00:00Z"] {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        schedule(&ada, "First", NINE).await;
        schedule(&ada, "Second", "2026-11-21T09:00:01Z").await;
        schedule(&ada, "Third", "2027-06-01T00:00:00Z").await;
        stack.set_time(late);
        stack.minute().await;
        expect_out(&stack, &["first", "second"], late).await;
        let list = stack.visitor().get("/posts").await;
        assert_eq!(list.each("published_at"), ["2026-11-21T09:00:01.000Z", NINE], "newest first");
    }
}

/// What somebody may not publish does not come out by itself either.
#[tokio::test]
async fn a_post_of_somebody_who_is_suspended_or_no_author_any_more_becomes_a_draft() {
    let stack = TestStack::start().await;
    let admin = stack.user_with_role("chief", Role::Admin).await;
    let mut authors = Vec::new();
    for name in ["ada", "bob", "cem", "dan"] {
        let author = stack.user(name).await;
        schedule(&author, &format!("Of {name}"), NINE).await;
        authors.push(author);
    }
    let suspension = json!({ "reason": "Spam." });
    for name in ["ada", "dan"] {
        admin.put(&format!("/admin/users/{name}/suspension"), suspension.clone()).await.expect_status(204);
    }
    admin.put("/admin/users/bob/role", json!({ "role": "reader" })).await.expect_status(200);
    admin.delete("/admin/users/dan/suspension").await.expect_status(204);
    stack.set_time(NINE);
    stack.minute().await;
    let mut out = stack.visitor().get("/posts").await.each("slug");
    out.sort_by_key(|slug| slug.to_string());
    assert_eq!(out, ["of-cem", "of-dan"]);

    // It waits for its author, and no longer for a time.
    admin.delete("/admin/users/ada/suspension").await.expect_status(204);
    stack.pass_seconds(120);
    stack.minute().await;
    let ada = stack.log_in("ada").await;
    let post = ada.get("/posts/of-ada").await;
    assert_eq!((&post.body["status"], &post.body["publish_at"]), (&json!("draft"), &Value::Null));
    ada.post("/posts/of-ada/publish", json!({})).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schedulers_at_the_same_time_publish_each_post_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut slugs = Vec::new();
    for number in 0..12 {
        slugs.push(schedule(&ada, &format!("Post {number}"), NINE).await);
    }
    stack.set_time(NINE);
    let run = || {
        tokio::spawn({
            let stack = stack.clone();
            async move { stack.minute().await }
        })
    };
    for scheduler in [run(), run(), run()] {
        scheduler.await.unwrap();
    }
    let slugs: Vec<_> = slugs.iter().map(String::as_str).collect();
    expect_out(&stack, &slugs, "three schedulers").await;
    for slug in slugs {
        assert_eq!(stack.visitor().get(&format!("/posts/{slug}")).await.body["version"], 2, "{slug}");
    }
}

#[tokio::test]
async fn a_scheduler_that_is_stopped_goes_on_in_the_next_minute() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let (mut slugs, mut stopped) = (Vec::new(), 0);
    for (action, steps, fault) in [
        ("TransactWriteItems", 3, Fault::ServerError),
        ("TransactWriteItems", 3, Fault::AnswerLost),
        ("Query", 5, Fault::ServerError),
        ("GetItem", 3, Fault::ServerError),
    ] {
        for step in 0..steps {
            let when = format!("stopped at {action} {step} by {fault:?}");
            let at = stack.stack.blog.now().plus_seconds(60).to_string();
            let mut due = Vec::new();
            for number in 0..3 {
                due.push(schedule(&ada, &format!("{action} {step} {fault:?} {number}"), &at).await);
            }
            stack.pass_seconds(60);
            stack.stack.wire.break_calls(action, step, 3, fault);
            stack.minute().await;
            // The job may not have come that far.
            stack.stack.wire.mend();
            stopped += usize::from(!ada.get("/me/posts?status=scheduled").await.each("slug").is_empty());
            stack.minute().await;
            for slug in &due {
                let post = stack.visitor().get(&format!("/posts/{slug}")).await.body;
                assert_eq!((&post["version"], &post["published_at"]), (&json!(2), &json!(at)), "{when}: {slug}");
            }
            slugs.extend(due);
        }
    }
    expect_out(&stack, &slugs.iter().map(String::as_str).collect::<Vec<_>>(), "in the end").await;
    assert!(stopped > 5, "the faults do stop it, but only {stopped} times");
}

#[tokio::test]
async fn one_post_that_cannot_be_published_keeps_no_other_back() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..5 {
        schedule(&ada, &format!("Post {number}"), NINE).await;
    }
    stack.set_time(NINE);
    stack.stack.wire.break_calls("TransactWriteItems", 0, 3, Fault::ServerError);
    stack.minute().await;
    assert_eq!(stack.visitor().get("/posts").await.each("slug").len(), 4);
    stack.minute().await;
    expect_out(&stack, &["post-0", "post-1", "post-2", "post-3", "post-4"], "in the next minute").await;
}

#[tokio::test]
async fn what_its_author_does_while_it_comes_out_counts() {
    async fn due(title: &str) -> (TestStack, Client, local::wire::Hold, tokio::task::JoinHandle<()>) {
        let stack = TestStack::start().await;
        let ada = stack.user("ada").await;
        schedule(&ada, title, NINE).await;
        stack.set_time(NINE);
        let hold = stack.stack.wire.hold_call("TransactWriteItems");
        let scheduler = tokio::spawn({
            let stack = stack.clone();
            async move { stack.minute().await }
        });
        hold.arrived().await;
        (stack, ada, hold, scheduler)
    }

    let (stack, ada, hold, scheduler) = due("Edited").await;
    ada.patch("/posts/edited", "*", json!({ "title": "Otherwise", "summary": "S" })).await.expect_status(200);
    hold.release();
    scheduler.await.unwrap();
    expect_out(&stack, &["otherwise"], "edited").await;
    let read = stack.visitor().get("/posts/otherwise").await.body;
    assert_eq!((&read["title"], &read["summary"], &read["version"]), (&json!("Otherwise"), &json!("S"), &json!(3)));
    assert_eq!(read["published_at"], NINE);

    let (stack, ada, hold, scheduler) = due("Rescheduled").await;
    let later = json!({ "publish_at": "2026-11-21T09:01:00Z" });
    ada.patch("/posts/rescheduled", "*", later).await.expect_status(200);
    hold.release();
    scheduler.await.unwrap();
    expect_out(&stack, &[], "rescheduled").await;
    stack.set_time("2026-11-21T09:01:00Z");
    stack.minute().await;
    expect_out(&stack, &["rescheduled"], "rescheduled").await;
    assert_eq!(ada.get("/posts/rescheduled").await.body["published_at"], "2026-11-21T09:01:00.000Z");

    let (stack, ada, hold, scheduler) = due("Unscheduled").await;
    ada.post("/posts/unscheduled/unpublish", json!({})).await.expect_status(200);
    hold.release();
    scheduler.await.unwrap();
    expect_out(&stack, &[], "unscheduled").await;
    assert_eq!(ada.get("/posts/unscheduled").await.body["status"], "draft");
    assert_eq!(ada.get("/posts/unscheduled").await.body["published_at"], Value::Null);

    let (stack, ada, hold, scheduler) = due("Trashed").await;
    ada.delete("/posts/trashed").await.expect_status(204);
    hold.release();
    scheduler.await.unwrap();
    expect_out(&stack, &[], "trashed").await;
    ada.post("/posts/trashed/restore", json!({})).await.expect_status(200);
    stack.minute().await;
    expect_out(&stack, &[], "restored").await;

    let (stack, ada, hold, scheduler) = due("By hand").await;
    ada.post("/posts/by-hand/publish", json!({})).await.expect_status(200);
    hold.release();
    scheduler.await.unwrap();
    expect_out(&stack, &["by-hand"], "by hand").await;
    assert_eq!(ada.get("/posts/by-hand").await.body["version"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_posts_than_one_read_holds_come_out_in_one_minute() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let ada = stack.user("ada").await;
    // 25 of a shard are read at once. There are four, so at least one has more.
    let statuses = at_once(101, |_| {
        let ada = ada.clone();
        async move { ada.post("/posts", json!({ "body": "B", "status": "scheduled", "publish_at": NINE })).await }
    })
    .await;
    assert_eq!(statuses, [201; 101]);
    stack.set_time(NINE);
    stack.minute().await;
    assert_eq!(walk(&stack.visitor(), "/posts", 100).await.len(), 101);
}

#[tokio::test]
async fn the_slug_follows_the_title_until_the_post_comes_out() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    schedule(&ada, "First thought", NINE).await;
    let edited = ada.patch("/posts/first-thought", "*", json!({ "title": "Second thought" })).await;
    edited.expect_status(200);
    assert_eq!((&edited.body["slug"], &edited.body["status"]), (&json!("second-thought"), &json!("scheduled")));
    assert_eq!(ada.get("/me/posts?status=scheduled").await.each("title"), ["Second thought"]);
    let moved = ada.get("/posts/first-thought").await;
    moved.expect_status(301);
    stack.visitor().get("/posts/first-thought").await.expect_problem(404, "not-found");
    stack.set_time(NINE);
    stack.minute().await;
    expect_out(&stack, &["second-thought"], "renamed").await;
    stack.visitor().get("/posts/first-thought").await.expect_status(301);
    ada.patch("/posts/second-thought", "*", json!({ "title": "Third thought" })).await.expect_status(200);
    expect_out(&stack, &["second-thought"], "out").await;
}

#[tokio::test]
async fn status_and_time_go_together() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let (past, now) = ("2026-11-20T00:00:00Z", "2026-11-21T08:30:00Z");
    let post = |fields: Value| {
        let mut post = json!({ "title": "T", "body": "B" });
        post.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        post
    };
    for fields in [
        json!({ "status": "scheduled" }),
        json!({ "status": "scheduled", "publish_at": now }),
        json!({ "status": "scheduled", "publish_at": past }),
        json!({ "status": "draft", "publish_at": NINE }),
        json!({ "publish_at": NINE }),
        json!({ "status": "published", "publish_at": "soon" }),
        json!({ "status": "published", "publish_at": "2026-11-21T09:00:00+25:00" }),
        json!({ "status": "published", "publish_at": "2026-11-21T09:00:00Z[UTC]" }),
        json!({ "status": "published", "publish_at": "20300101T000000Z" }),
    ] {
        ada.post("/posts", post(fields)).await.expect_invalid(&["/publish_at"]);
    }
    ada.post("/posts", post(json!({ "status": "trashed" }))).await.expect_invalid(&["/status"]);
    let created = ada.post("/posts", post(json!({ "status": "published", "publish_at": NINE }))).await;
    assert_eq!((&created.body["status"], &created.body["published_at"]), (&json!("scheduled"), &json!(NINE)));
    let created =
        ada.post("/posts", json!({ "title": "Old", "body": "B", "status": "published", "publish_at": past })).await;
    assert_eq!(created.body["status"], "published");
    assert_eq!(created.body["published_at"], "2026-11-20T00:00:00.000Z");

    // What a patch makes of each, one after the other.
    ada.post("/posts", json!({ "title": "P", "body": "B" })).await.expect_status(201);
    let patch = async |fields: Value| ada.patch("/posts/p", "*", fields).await;
    patch(json!({ "publish_at": NINE })).await.expect_invalid(&["/publish_at"]);
    patch(json!({ "status": "scheduled" })).await.expect_invalid(&["/publish_at"]);
    patch(json!({ "status": "scheduled", "publish_at": past })).await.expect_invalid(&["/publish_at"]);
    patch(json!({ "status": "draft", "publish_at": NINE })).await.expect_invalid(&["/publish_at"]);
    patch(json!({ "publish_at": null })).await.expect_invalid(&["/publish_at"]);
    let ten = "2026-11-21T10:00:00.000Z";
    for (fields, status, published_at) in [
        (json!({ "status": "scheduled", "publish_at": NINE }), "scheduled", json!(NINE)),
        (json!({ "publish_at": ten }), "scheduled", json!(ten)),
        (json!({ "title": "P" }), "scheduled", json!(ten)),
        (json!({ "status": "draft" }), "draft", Value::Null),
        (json!({ "status": "published", "publish_at": ten }), "scheduled", json!(ten)),
        (json!({ "status": "published" }), "published", json!("2026-11-21T08:30:00.000Z")),
        // To date it anew takes nothing offline.
        (json!({ "publish_at": past }), "published", json!("2026-11-20T00:00:00.000Z")),
        (json!({ "publish_at": now }), "published", json!("2026-11-21T08:30:00.000Z")),
        (json!({ "status": "draft" }), "draft", json!("2026-11-21T08:30:00.000Z")),
        (json!({ "status": "published", "publish_at": past }), "published", json!("2026-11-20T00:00:00.000Z")),
    ] {
        let what = fields.to_string();
        let patched = patch(fields).await;
        patched.expect_status(200);
        assert_eq!((&patched.body["status"], &patched.body["published_at"]), (&json!(status), &published_at), "{what}");
        assert_eq!(ada.get("/posts/p").await.body, patched.body, "{what}");
        let public = stack.visitor().get("/posts/p").await;
        public.expect_status(if status == "published" { 200 } else { 404 });
    }
    // The operation of its own.
    let publish = async |fields: Value| ada.post("/posts/p/publish", fields).await;
    // What is online stays so.
    publish(json!({ "publish_at": NINE })).await.expect_problem(409, "conflict");
    patch(json!({ "publish_at": NINE })).await.expect_problem(409, "conflict");
    patch(json!({ "publish_at": NINE, "status": "scheduled" })).await.expect_problem(409, "conflict");
    stack.visitor().get("/posts/p").await.expect_status(200);
    ada.post("/posts/p/unpublish", json!({})).await.expect_status(200);
    let scheduled = publish(json!({ "publish_at": NINE })).await;
    assert_eq!((&scheduled.body["status"], &scheduled.body["published_at"]), (&json!("scheduled"), &json!(NINE)));
    assert_eq!(publish(json!({})).await.body["status"], "published");
    stack.set_time(ten);
    stack.minute().await;
    assert_eq!(stack.visitor().get("/posts?author=ada").await.each("slug"), ["t", "p", "old"]);
}
