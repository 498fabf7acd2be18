//! Plug-ins of the bus: each has a rule, retries and a queue of its own, and none makes another wait.

use std::collections::BTreeSet;

use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, TestStack, walk};
use crate::logging;

async fn leave(client: &Client) {
    client.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
}

/// Who did this, in the order in which it was done.
fn who_called(stack: &TestStack, action: &str) -> Vec<String> {
    let calls = stack.stack.wire.take_calls().into_iter().filter(|call| call.action == action);
    calls.map(|call| call.request["Username"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_plug_in_is_called_only_if_it_is_switched_on() {
    for (parameter, lines) in [("false", false), ("true", true)] {
        let stack = TestStack::start_with_parameters(&[("EventLog", parameter)]).await;
        let ada = stack.user("ada").await;
        let title = format!("Logged {parameter}");
        ada.publish(&title, &[]).await;
        stack.settle().await;
        assert_eq!(stack.take_put("broadsheet").len(), 2, "what happens is told either way");
        let logged = logging::lines_with(&title).into_iter().filter(|line| line["message"] == "an event").count();
        assert_eq!(logged > 0, lines, "{parameter}");
    }
}

#[tokio::test]
async fn a_plug_in_that_fails_is_called_again_twice_and_then_its_event_is_kept() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    stack.settle().await;
    stack.take_put("broadsheet.work");
    leave(&ada).await;
    stack.visitor().get("/users/ada").await.expect_problem(404, "not-found");
    bob.patch("/me", "*", json!({ "display_name": "Bob" })).await.expect_status(200);
    // As often as the SDK tries, three times.
    stack.stack.wire.break_calls("AdminDeleteUser", 0, 3 * 3, Fault::ServerError);
    stack.settle().await;
    let kept = stack.stack.bus.given_up("DeleteUserFailures");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["detail-type"], "delete_user");
    for other in ["DeleteRestOfPostFailures", "ExportUserFailures", "RewriteBylinesFailures", "PublishEventsFailures"] {
        assert_eq!(stack.stack.bus.given_up(other), [] as [Value; 0], "{other}");
    }
    // Sent once more, as scripts/replay does, it comes to its end.
    stack.stack.bus.send(&kept[0]);
    stack.settle().await;
    stack.user("ada").await;
}

#[tokio::test]
async fn a_large_deletion_lets_a_small_one_and_a_rename_pass() {
    let stack = TestStack::start().await;
    let (large, small, other) = (stack.user("large").await, stack.user("small").await, stack.user("other").await);
    for number in 0..60 {
        large.publish(&format!("Large {number}"), &[]).await;
    }
    small.publish("Small", &[]).await;
    other.publish("Other", &[]).await;
    stack.settle().await;
    let id = |me: Value| me["id"].as_str().unwrap().to_owned();
    let (large_id, small_id) = (id(large.get("/me").await.body), id(small.get("/me").await.body));
    stack.take_put("broadsheet.work");
    leave(&large).await;
    leave(&small).await;
    other.patch("/me", "*", json!({ "username": "another" })).await.expect_status(200);
    stack.stack.wire.record();
    stack.settle().await;
    // Their accounts of a change of the address aside, which each of them may have.
    let mut deleted = who_called(&stack, "AdminDeleteUser");
    deleted.retain(|name| !name.ends_with("-address"));
    assert_eq!(deleted, [small_id, large_id.clone()]);
    let work = stack.take_put("broadsheet.work");
    let position = |kind: &str, user: &str| {
        let of = |step: &Value| step["detail-type"] == kind && step["detail"]["work"]["user_id"] == *user;
        work.iter().filter(|step| of(step)).map(|step| step["detail"]["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // Three steps of posts, and one that finds nothing left.
    assert_eq!(position("delete_user", &large_id), [1, 2, 3, 4]);
    assert_eq!(stack.visitor().get("/posts").await.each("slug"), ["other"]);
    assert_eq!(stack.visitor().get("/posts?author=another").await.each("slug"), ["other"]);
}

#[tokio::test]
async fn no_step_takes_longer_the_more_there_is() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    for number in 0..60 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    stack.take_put("broadsheet.work");
    ada.patch("/me", "*", json!({ "username": "countess" })).await.expect_status(200);
    stack.settle().await;
    let steps: Vec<_> = stack.take_put("broadsheet.work");
    // Three for the posts, and two ways through the comments, of which there are none.
    assert_eq!(steps.len(), 5, "{steps:?}");
    let shown = walk(&stack.visitor(), "/posts?author=countess", 100).await;
    assert_eq!(shown.len(), 60);
    assert!(shown.iter().all(|post| post["author"]["username"] == "countess"));
    // In any order and again they change nothing.
    for step in steps.iter().rev().chain(&steps) {
        stack.stack.bus.send(step);
    }
    stack.settle().await;
    assert_eq!(walk(&stack.visitor(), "/posts?author=countess", 100).await, shown);

    // Versions of a post go in steps too.
    bob.publish("Revised", &[]).await;
    for number in 0..40 {
        bob.patch("/posts/revised", "*", json!({ "body": format!("Version {number}.") })).await.expect_status(200);
    }
    stack.settle().await;
    stack.take_put("broadsheet.work");
    leave(&bob).await;
    stack.settle().await;
    let work = stack.take_put("broadsheet.work");
    let steps = work.iter().filter(|step| step["detail-type"] == "delete_rest_of_post").count();
    // A version and its text each, 25 at a time, and one that finds nothing left.
    assert_eq!(steps, 5, "{work:?}");
    stack.visitor().get("/posts/revised").await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_rename_is_rewritten_whatever_step_is_stopped_or_comes_last() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..30 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    for (number, (action, skip, fault)) in [
        ("PutEvents", 0, Fault::ServerError),
        ("PutEvents", 1, Fault::ServerError),
        ("PutEvents", 1, Fault::AnswerLost),
        ("PutEvents", 1, Fault::Unprocessed),
        ("Query", 0, Fault::ServerError),
        ("Query", 3, Fault::ServerError),
        ("TransactWriteItems", 27, Fault::AnswerLost),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ada-{number}");
        // Two names one after the other: the steps of both are on their way at once.
        ada.patch("/me", "*", json!({ "username": format!("not-{number}") })).await.expect_status(200);
        ada.patch("/me", "*", json!({ "username": name })).await.expect_status(200);
        stack.stack.wire.break_calls(action, skip, 3, fault);
        stack.settle().await;
        let shown = walk(&stack.visitor(), &format!("/posts?author={name}"), 100).await;
        assert_eq!(shown.len(), 30, "{action} {skip} {fault:?}");
    }
    assert_eq!(stack.stack.bus.given_up("RewriteBylinesFailures"), [] as [Value; 0]);
}

#[tokio::test]
async fn only_who_may_puts_something_on_the_bus() {
    let stack = TestStack::start().await;
    let entries = json!({ "Entries": [] });
    let may = |handler: &str| stack.stack.wire.roles().check(handler, "events", "PutEvents", &entries).is_ok();
    let who: BTreeSet<_> = stack.stack.gateway.template().functions.keys().filter(|name| may(name)).cloned().collect();
    let expected =
        ["delete_rest_of_post", "delete_user", "export_user", "home_feed", "publish_events", "rewrite_bylines"];
    // Who finds that a part of the search index is lost lets it be rebuilt.
    let of_search = ["index_posts", "merge_segments", "rebuild_index", "search", "show_search"];
    assert_eq!(who, expected.into_iter().chain(of_search).map(str::to_owned).collect());
}

/// What `functions/release_check` calls a new version of each with, before it gets anything else.
#[tokio::test]
async fn a_plug_in_that_is_tried_for_a_release_does_nothing() {
    let stack = TestStack::start().await;
    let nobody = "0".repeat(26);
    let check = include_str!("../../../functions/release_check/release_check.py");
    let mut tried = BTreeSet::new();
    for (function, work) in [
        ("DeleteMediaFiles", json!({ "media_id": nobody, "names": [] })),
        ("DeleteRestOfPost", json!({ "post_id": nobody, "slug": "release-check", "author_id": nobody, "media": [] })),
        ("DeleteUser", json!({ "user_id": nobody })),
        ("ExportUser", json!({ "user_id": nobody, "export_id": nobody, "written": null })),
        (
            "HomeFeed",
            json!({ "post": { "author": nobody, "post": nobody, "published_at": "2026-01-01T00:00:00.000Z", "place": null } }),
        ),
        ("RewriteBylines", json!({ "user_id": nobody, "place": { "posts": { "list": 0, "before": null } } })),
        ("LogEvents", Value::Null),
        ("Notify", Value::Null),
        ("TellHub", Value::Null),
    ] {
        let find = |plugin: &&events::Plugin| plugin.name.replace('_', "") == function.to_lowercase();
        let plugin = events::PLUGINS.iter().find(find).unwrap();
        tried.insert(plugin.name);
        let of_any = json!({ "httpMethod": "POST", "detail-type": "release-check", "detail": {} });
        let events = [of_any, json!({ "detail-type": "work", "detail": { "number": 1, "work": work } })];
        assert!(check.contains(&format!("\"{function}\": step(")) || work.is_null(), "{function} is tried");
        for event in events.into_iter().take(if work.is_null() { 1 } else { 2 }) {
            plugin.run(&stack.stack.events, serde_json::from_value(event).unwrap()).await.unwrap();
        }
    }
    assert_eq!(tried, events::PLUGINS.iter().map(|plugin| plugin.name).collect());
    let no_changes = serde_json::from_value(json!({ "Records": [] })).unwrap();
    for reader in events::READERS {
        let answer = reader.read(&stack.stack.events, &no_changes).await.unwrap();
        assert!(answer.batch_item_failures.is_empty());
    }
    assert_eq!(stack.stack.bus.take_recorded(), [] as [Value; 0]);
}
