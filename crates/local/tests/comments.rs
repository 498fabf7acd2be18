//! Comments: threads, who may do what with them, and what becomes of them when their post or their author goes.

use domain::{CommentId, Role};
use local::backing::TABLE_NAME;
use serde_json::{Value, json};

use table::Repair;

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};
use crate::leaving::left_over;
use crate::repaired;

/// Comments on the post `hello`, or answers the comment `parent`.
pub async fn comment(client: &Client, body: &str, parent: Option<&str>) -> Answer {
    let mut fields = json!({ "body": body });
    if let Some(parent) = parent {
        fields["parent_id"] = json!(parent);
    }
    client.post("/posts/hello/comments", fields).await
}

/// The id of a new comment.
pub async fn commented(client: &Client, body: &str, parent: Option<&str>) -> String {
    let answer = comment(client, body, parent).await;
    answer.expect_status(201);
    answer.body["id"].as_str().unwrap().to_owned()
}

/// Where the comment with this id is.
pub fn at(id: &str) -> String {
    format!("/posts/hello/comments/{id}")
}

/// The thread below `hello` as this client sees it, each comment as its level and its text or status.
pub async fn thread(client: &Client) -> Vec<String> {
    let shown = |comment: &Value| {
        let text = match (&comment["status"], comment["body"].as_str().unwrap()) {
            (status, "") => format!("({})", status.as_str().unwrap()),
            (status, body) if status == "published" => body.to_owned(),
            (status, body) => format!("{body} ({})", status.as_str().unwrap()),
        };
        format!("{}{text}", "  ".repeat(comment["depth"].as_u64().unwrap() as usize - 1))
    };
    walk(client, "/posts/hello/comments", 3).await.iter().map(shown).collect()
}

/// How many comments the post and its card say there are.
pub async fn counted(stack: &TestStack) -> [u64; 2] {
    stack.settle().await;
    let visitor = stack.visitor();
    let post = visitor.get("/posts/hello").await;
    let card = &visitor.get("/posts").await.body["items"][0]["counts"]["comments"].as_u64().unwrap();
    [post.body["counts"]["comments"].as_u64().unwrap(), *card]
}

/// A blog with a post of ada's, and two readers.
pub async fn start(parameters: &[(&str, &str)]) -> (TestStack, Client, Client, Client) {
    let stack = TestStack::start_with_parameters(parameters).await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &[]).await;
    let bob = stack.user_with_role("bob", Role::Reader).await;
    let eve = stack.user_with_role("eve", Role::Reader).await;
    (stack, ada, bob, eve)
}

#[tokio::test]
async fn a_thread_is_read_oldest_first_each_comment_followed_by_its_replies() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let first = comment(&bob, "I *agree*.", None).await;
    first.expect_status(201);
    let id = first.body["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/v1{}", at(&id)));
    let author = json!({ "username": "bob", "display_name": "bob", "avatar_url": null });
    let now = "2026-11-21T08:30:00.000Z";
    let shown = json!({
        "id": id, "post": "hello", "parent_id": null, "depth": 1, "status": "published", "author": author,
        "body": "I *agree*.", "html": "<p>I <em>agree</em>.</p>\n", "replies": 0, "created_at": now, "updated_at": now,
        "version": 1,
    });
    assert_eq!(first.body, shown);
    let got = stack.visitor().get(&at(&id)).await;
    assert_eq!((got.body.clone(), got.etag()), (shown, first.etag()));

    let other = commented(&eve, "other", None).await;
    let reply = commented(&ada, "reply", Some(&id)).await;
    commented(&bob, "answer to other", Some(&other)).await;
    commented(&eve, "second reply", Some(&id)).await;
    let mut deep = reply.clone();
    for level in 3..=5 {
        deep = commented(&bob, &format!("level {level}"), Some(&deep)).await;
    }
    comment(&eve, "too deep", Some(&deep)).await.expect_invalid(&["/parent_id"]);
    let expected = [
        "I *agree*.",
        "  reply",
        "    level 3",
        "      level 4",
        "        level 5",
        "  second reply",
        "other",
        "  answer to other",
    ];
    for viewer in [&stack.visitor(), &bob, &ada] {
        assert_eq!(thread(viewer).await, expected);
    }
    let all = walk(&stack.visitor(), "/posts/hello/comments", 100).await;
    for comment in &all {
        let replies = all.iter().filter(|other| other["parent_id"] == comment["id"]).count();
        assert_eq!(comment["replies"], replies, "{comment}");
        let alone = stack.visitor().get(&at(comment["id"].as_str().unwrap())).await;
        assert_eq!(&alone.body, comment);
    }
    assert_eq!(counted(&stack).await, [8, 8]);
}

#[tokio::test]
async fn what_cannot_be_commented_on_says_so() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let other = ada.publish("Other", &[]).await;
    let id = commented(&bob, "first", None).await;
    comment(&stack.visitor(), "x", None).await.expect_problem(401, "unauthenticated");
    for body in ["", " \n", &"x".repeat(10_001)] {
        comment(&bob, body, None).await.expect_invalid(&["/body"]);
    }
    comment(&bob, &"ü".repeat(10_000), None).await.expect_status(201);
    let nowhere = "01KAM5K9R0000000000000000A";
    comment(&bob, "x", Some(nowhere)).await.expect_invalid(&["/parent_id"]);
    comment(&bob, "x", Some("y")).await.expect_invalid(&["/parent_id"]);
    // A comment belongs to its post.
    let elsewhere = json!({ "body": "x", "parent_id": id });
    bob.post(&format!("/posts/{other}/comments"), elsewhere).await.expect_invalid(&["/parent_id"]);
    for client in [&bob, &stack.visitor()] {
        client.get(&format!("/posts/{other}/comments/{id}")).await.expect_problem(404, "not-found");
        client.get(&at(nowhere)).await.expect_problem(404, "not-found");
        client.get(&at("not-an-id")).await.expect_problem(404, "not-found");
        client.get("/posts/nowhere/comments").await.expect_problem(404, "not-found");
    }
    bob.post("/posts/nowhere/comments", json!({ "body": "x" })).await.expect_problem(404, "not-found");
    // Much HTML from little Markdown.
    let notes: String = (0..900).map(|_| "|a\n").collect();
    comment(&bob, &format!("|{}\n|{}\n{notes}", "a|".repeat(1500), "-|".repeat(1500)), None)
        .await
        .expect_invalid(&["/body"]);

    // A post that takes no comments keeps those that it has.
    ada.patch("/posts/hello", "*", json!({ "comments_open": false })).await.expect_status(200);
    comment(&eve, "x", None).await.expect_problem(403, "comments-closed");
    comment(&ada, "x", Some(&id)).await.expect_problem(403, "comments-closed");
    assert_eq!(thread(&eve).await[0], "first");
    bob.patch(&at(&id), "*", json!({ "body": "edited" })).await.expect_status(200);
    ada.patch("/posts/hello", "*", json!({ "comments_open": null })).await.expect_status(200);
    comment(&eve, "x", None).await.expect_status(201);
    let closed = ada.draft("Closed").with("comments_open", false).publish().await;
    assert_eq!(stack.visitor().get(&format!("/posts/{closed}")).await.body["comments_open"], false);
    bob.post(&format!("/posts/{closed}/comments"), json!({ "body": "x" })).await.expect_problem(403, "comments-closed");
    // A draft is there for its author alone, and takes none.
    let draft = ada.draft("Draft").save().await["slug"].as_str().unwrap().to_owned();
    let path = format!("/posts/{draft}/comments");
    ada.post(&path, json!({ "body": "x" })).await.expect_problem(403, "comments-closed");
    bob.post(&path, json!({ "body": "x" })).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_repost_shares_the_comments_of_its_original() {
    let (stack, _, bob, eve) = start(&[]).await;
    bob.call("PUT", "/posts/hello/repost", &[], None).await.expect_status(204);
    let repost = stack.visitor().get("/posts?author=bob").await.body["items"][0]["id"].as_str().unwrap().to_lowercase();
    let answer = eve.post(&format!("/posts/{repost}/comments"), json!({ "body": "on a repost" })).await;
    answer.expect_status(201);
    assert_eq!(answer.body["post"], "hello");
    assert_eq!(thread(&bob).await, ["on a repost"]);
}

#[tokio::test]
async fn only_its_author_edits_a_comment_and_no_edit_is_lost() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let id = commented(&bob, "first", None).await;
    let etag = bob.get(&at(&id)).await.etag();
    let edit = json!({ "body": "second" });
    bob.call("PATCH", &at(&id), &[], Some(edit.clone())).await.expect_problem(428, "precondition-required");
    let editor = stack.user_with_role("mona", Role::Editor).await;
    for other in [&eve, &ada, &editor] {
        other.patch(&at(&id), "*", edit.clone()).await.expect_problem(403, "forbidden");
    }
    stack.visitor().patch(&at(&id), "*", edit.clone()).await.expect_problem(401, "unauthenticated");
    bob.patch(&at(&id), &etag, json!({ "body": null })).await.expect_invalid(&["/body"]);
    bob.patch(&at(&id), &etag, json!({ "status": "held" })).await.expect_invalid(&["/status"]);
    // What alters nothing is no edit.
    for same in [json!({}), json!({ "body": "first" })] {
        assert_eq!(bob.patch(&at(&id), &etag, same).await.etag(), etag);
    }
    stack.pass_seconds(60);
    let edited = bob.patch(&at(&id), &etag, edit.clone()).await;
    edited.expect_status(200);
    assert_eq!((&edited.body["version"], &edited.body["html"]), (&json!(2), &json!("<p>second</p>\n")));
    assert_eq!(edited.body["updated_at"], "2026-11-21T08:31:00.000Z");
    assert_eq!(edited.body["created_at"], "2026-11-21T08:30:00.000Z");
    bob.patch(&at(&id), &etag, json!({ "body": "third" })).await.expect_problem(412, "precondition-failed");
    // A reply is no edit of what it answers.
    commented(&eve, "reply", Some(&id)).await;
    bob.patch(&at(&id), &edited.etag(), json!({ "body": "third" })).await.expect_status(200);
    assert_eq!(thread(&eve).await, ["third", "  reply"]);
}

#[tokio::test]
async fn a_deleted_comment_leaves_a_placeholder_as_long_as_it_has_replies() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let top = commented(&bob, "top", None).await;
    let middle = commented(&eve, "middle", Some(&top)).await;
    let leaf = commented(&bob, "leaf", Some(&middle)).await;
    let other = commented(&eve, "other", None).await;
    let editor = stack.user_with_role("mona", Role::Editor).await;
    // Neither the author of the post nor another reader.
    for client in [&ada, &eve] {
        client.delete(&at(&leaf)).await.expect_problem(403, "forbidden");
    }
    stack.visitor().delete(&at(&leaf)).await.expect_problem(401, "unauthenticated");
    let stale = format!("\"7-{}\"", "0".repeat(16));
    let stale = eve.call("DELETE", &at(&middle), &[("if-match", &stale)], None).await;
    stale.expect_problem(412, "precondition-failed");

    eve.delete(&at(&middle)).await.expect_status(204);
    let placeholder = stack.visitor().get(&at(&middle)).await.body;
    assert_eq!((&placeholder["status"], &placeholder["author"]), (&json!("deleted"), &Value::Null));
    assert_eq!((&placeholder["body"], &placeholder["html"]), (&json!(""), &json!("")));
    assert_eq!(thread(&bob).await, ["top", "  (deleted)", "    leaf", "other"]);
    assert_eq!(counted(&stack).await, [3, 3]);
    // It is gone for everything else.
    for client in [&eve, &editor] {
        client.delete(&at(&middle)).await.expect_problem(404, "not-found");
    }
    eve.patch(&at(&middle), "*", json!({ "body": "back" })).await.expect_problem(404, "not-found");
    comment(&ada, "x", Some(&middle)).await.expect_invalid(&["/parent_id"]);

    bob.delete(&at(&top)).await.expect_status(204);
    assert_eq!(thread(&bob).await, ["(deleted)", "  (deleted)", "    leaf", "other"]);
    // With the last reply the placeholders above it go.
    editor.delete(&at(&leaf)).await.expect_status(204);
    assert_eq!(thread(&bob).await, ["other"]);
    for id in [&top, &middle, &leaf] {
        bob.get(&at(id)).await.expect_problem(404, "not-found");
    }
    editor.delete(&at(&other)).await.expect_status(204);
    assert!(thread(&bob).await.is_empty());
    assert_eq!(counted(&stack).await, [0, 0]);
}

#[tokio::test]
async fn a_reply_that_goes_is_no_longer_counted() {
    let (stack, _, bob, _) = start(&[]).await;
    let top = commented(&bob, "top", None).await;
    let (one, _two) = (commented(&bob, "one", Some(&top)).await, commented(&bob, "two", Some(&top)).await);
    assert_eq!(stack.visitor().get(&at(&top)).await.body["replies"], 2);
    bob.delete(&at(&one)).await.expect_status(204);
    assert_eq!(stack.visitor().get(&at(&top)).await.body["replies"], 1);
    // A placeholder with two replies loses one and stays.
    let three = commented(&bob, "three", Some(&top)).await;
    bob.delete(&at(&top)).await.expect_status(204);
    bob.delete(&at(&three)).await.expect_status(204);
    assert_eq!(thread(&bob).await, ["(deleted)", "  two"]);
    assert_eq!(counted(&stack).await, [1, 1]);
}

#[tokio::test]
async fn comments_are_out_of_sight_while_their_post_is() {
    let (stack, ada, bob, _) = start(&[]).await;
    let id = commented(&bob, "first", None).await;
    let stranger = |status: u16| {
        let (bob, stack, id) = (bob.clone(), stack.clone(), id.clone());
        async move {
            for client in [bob, stack.visitor()] {
                client.get("/posts/hello/comments").await.expect_status(status);
                client.get(&at(&id)).await.expect_status(status);
            }
        }
    };
    stranger(200).await;
    ada.post("/posts/hello/unpublish", json!({})).await.expect_status(200);
    stranger(404).await;
    bob.patch(&at(&id), "*", json!({ "body": "x" })).await.expect_problem(404, "not-found");
    bob.delete(&at(&id)).await.expect_problem(404, "not-found");
    bob.post(&format!("{}/report", at(&id)), json!({ "reason": "r" })).await.expect_problem(404, "not-found");
    // Its author sees the draft, and what was said of it.
    assert_eq!(thread(&ada).await, ["first"]);
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    stranger(200).await;
    ada.delete("/posts/hello").await.expect_status(204);
    stranger(404).await;
    ada.get("/posts/hello/comments").await.expect_problem(410, "gone");
    ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
    ada.patch("/posts/hello", "*", json!({ "slug": "moved", "status": "published" })).await.expect_status(200);
    // By the slug that it had too.
    stranger(200).await;
    assert_eq!(bob.get(&at(&id)).await.body["post"], "moved");
    stack.settle().await;
    assert_eq!(stack.visitor().get("/posts").await.body["items"][0]["counts"]["comments"], 1);
}

#[tokio::test]
async fn a_walk_meets_each_comment_once_while_others_write() {
    let (stack, _, bob, eve) = start(&[]).await;
    let mut there = Vec::new();
    for number in 0..12 {
        stack.pass_seconds(1);
        let parent = if number % 3 == 0 { None } else { there.get(number / 2).map(String::as_str) };
        let id = commented(&bob, &format!("old {number}"), parent).await;
        there.push(id);
    }
    let (mut seen, mut next, mut number) = (Vec::new(), "/posts/hello/comments?limit=2".to_owned(), 0);
    loop {
        let page = eve.get(&next).await;
        page.expect_status(200);
        seen.extend(page.each("id"));
        // Between two pages somebody answers what was shown, comments anew, and takes something back.
        let last = seen.last().unwrap().clone();
        let _ = comment(&eve, &format!("new {number}"), Some(&last)).await;
        commented(&eve, &format!("top {number}"), None).await;
        if number == 2 {
            bob.delete(&at(&seen[0])).await.expect_status(204);
        }
        number += 1;
        match page.body["next_cursor"].as_str() {
            Some(cursor) if number < 40 => next = format!("/posts/hello/comments?limit=2&cursor={cursor}"),
            _ => break,
        }
        if number > 8 {
            // Let the walk come to its end.
            let rest = walk(&eve, &next.replace("limit=2&", ""), 100).await;
            seen.extend(rest.iter().map(|comment| comment["id"].as_str().unwrap().to_owned()));
            break;
        }
    }
    for id in &there {
        assert_eq!(seen.iter().filter(|other| *other == id).count(), 1, "{id} in {seen:?}");
    }
    // A cursor is of its list.
    let cursor = stack.visitor().get("/posts/hello/comments?limit=1").await.body["next_cursor"].clone();
    let other = bob.get(&format!("/posts?cursor={}", cursor.as_str().unwrap())).await;
    other.expect_problem(400, "invalid-cursor");
}

#[tokio::test]
async fn a_page_of_large_comments_fits_into_an_answer() {
    let (stack, _, bob, _) = start(&[]).await;
    // 40 KB each, and their HTML as much; control characters are six bytes in JSON.
    for body in ["𝛼".repeat(9_999), "\u{1}".repeat(9_999)] {
        for _ in 0..45 {
            let written = commented(&bob, &format!("{body}x"), None).await;
            assert!(!written.is_empty());
        }
    }
    let mut next = "/posts/hello/comments?limit=100".to_owned();
    let mut seen = 0;
    loop {
        let page = stack.visitor().get(&next).await;
        page.expect_status(200);
        assert!(page.bytes.len() < 6_000_000, "{} bytes", page.bytes.len());
        seen += page.each("id").len();
        match page.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("/posts/hello/comments?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, 90);
}

#[tokio::test]
async fn the_same_request_comments_once() {
    let (stack, _, bob, _) = start(&[]).await;
    let once = async || {
        let body = Some(json!({ "body": "once" }));
        bob.call("POST", "/posts/hello/comments", &[("idempotency-key", "k")], body).await
    };
    let (first, second) = (once().await, once().await);
    assert_eq!((&first.body, second.header("idempotency-replayed")), (&second.body, "true"));
    // And if the answer was lost before it was kept.
    for step in 0..4 {
        stack.stack.wire.break_calls("TransactWriteItems", step, 1, local::wire::Fault::AnswerLost);
        let body = Some(json!({ "body": format!("step {step}") }));
        let key = format!("key-{step}");
        for _ in 0..2 {
            stack.pass_seconds(40);
            bob.call("POST", "/posts/hello/comments", &[("idempotency-key", &key)], body.clone()).await;
        }
        stack.stack.wire.mend();
    }
    assert_eq!(thread(&bob).await, ["once", "step 0", "step 1", "step 2", "step 3"]);
    assert_eq!(counted(&stack).await, [5, 5]);
}

#[tokio::test]
async fn a_new_name_shows_in_every_comment() {
    let (stack, _, bob, eve) = start(&[("BlockedWords", "wait")]).await;
    let top = commented(&eve, "top", None).await;
    let (published, held) = (commented(&bob, "x", Some(&top)).await, commented(&bob, "wait", None).await);
    bob.patch("/me", "*", json!({ "username": "robert", "display_name": "Robert" })).await.expect_status(200);
    stack.settle().await;
    for id in [&published, &held] {
        let comment = bob.get(&at(id)).await.body;
        assert_eq!(comment["author"], json!({ "username": "robert", "display_name": "Robert", "avatar_url": null }));
        // No edit.
        assert_eq!(comment["version"], 1);
    }
}

#[tokio::test]
async fn the_comments_of_who_leaves_stay_without_a_name() {
    for (action, steps) in [("TransactWriteItems", 8), ("Query", 6), ("BatchGetItem", 3)] {
        for step in 0..steps {
            let (stack, _, bob, eve) = start(&[("BlockedWords", "wait")]).await;
            let mona = stack.user_with_role("mona", Role::Editor).await;
            let before = left_over(&stack).await;
            let top = commented(&bob, "by bob", None).await;
            let reply = commented(&eve, "by eve", Some(&top)).await;
            commented(&bob, "again", Some(&reply)).await;
            let held = commented(&bob, "wait", None).await;
            bob.post(&format!("{}/report", at(&reply)), json!({ "reason": "r" })).await.expect_status(202);
            bob.call("PUT", "/me/bookmarks/hello", &[], None).await.expect_status(204);
            bob.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
            stack.settle().await;
            bob.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
            stack.stack.wire.break_calls(action, step, 3, local::wire::Fault::ServerError);
            for _ in 0..4 {
                let _ = stack.stack.streams.drain(&stack.stack.backing).await;
            }
            stack.stack.wire.mend();
            stack.settle().await;
            let what = format!("{action} {step}");
            assert_eq!(thread(&mona).await, ["by bob", "  by eve", "    again", "wait (held)"], "{what}");
            for id in [&top, &held] {
                assert_eq!(mona.get(&at(id)).await.body["author"], Value::Null, "{what}");
            }
            assert_eq!(counted(&stack).await, [3, 3]);
            // Editors can decide on them, and when they are gone nothing is left of them, or of whoever wrote them.
            for (client, id) in [(&mona, &held), (&mona, &top), (&eve, &reply)] {
                client.delete(&at(id)).await.expect_status(204);
            }
            let last = walk(&mona, "/posts/hello/comments", 10).await.pop().unwrap();
            mona.delete(&at(last["id"].as_str().unwrap())).await.expect_status(204);
            stack.settle().await;
            let of_bob = |key: &&String| !key.contains("bob");
            let mut expected: Vec<_> = before.iter().filter(of_bob).cloned().collect();
            let mut left: Vec<_> = left_over(&stack)
                .await
                .iter()
                .filter(|key| !key.contains("COUNT") && !key.contains("MAP"))
                .cloned()
                .collect();
            expected.retain(|key| left.contains(key) && !key.contains("COUNT"));
            left.retain(|key| !expected.contains(key));
            assert!(left.is_empty(), "{what}: {left:?}");
        }
    }
}

#[tokio::test]
async fn a_post_that_is_removed_takes_its_comments_along() {
    for step in 0..12 {
        let (stack, ada, bob, eve) = start(&[("BlockedWords", "wait")]).await;
        ada.delete("/posts/hello").await.expect_status(204);
        let nobody = left_over(&stack).await;
        ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
        ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
        let top = commented(&bob, "top", None).await;
        let reply = commented(&eve, "reply", Some(&top)).await;
        commented(&eve, "wait", Some(&reply)).await;
        bob.delete(&at(&top)).await.expect_status(204);
        bob.post(&format!("{}/report", at(&reply)), json!({ "reason": "r" })).await.expect_status(202);
        stack.settle().await;
        ada.delete("/posts/hello").await.expect_status(204);
        let slug = "hello".to_owned().try_into().unwrap();
        let table = &stack.stack.blog.table;
        let post = table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap();
        table.delete_post(&post, stack.stack.blog.now()).await.unwrap();
        stack.stack.wire.break_calls("TransactWriteItems", step, 3, local::wire::Fault::ServerError);
        let _ = stack.stack.streams.drain(&stack.stack.backing).await;
        stack.stack.wire.mend();
        stack.settle().await;
        let left = left_over(&stack).await;
        let new: Vec<_> = left.iter().filter(|key| !nobody.contains(key)).collect();
        // What bob reported is his.
        assert_eq!(new.len(), 1, "stopped at {step}: {new:?}");
        assert!(new[0].starts_with("REPORTER#"), "{new:?}");
        assert!(!left.iter().any(|key| key.contains("COMMENT") || key.starts_with("HELD") || key.starts_with("MODER")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_that_is_answered_while_it_is_deleted_keeps_its_place() {
    let (stack, _, bob, eve) = start(&[]).await;
    for round in 0..6 {
        let top = commented(&bob, &format!("top {round}"), None).await;
        let statuses =
            at_once(4, |number| {
                let (bob, eve, top) = (bob.clone(), eve.clone(), top.clone());
                async move {
                    if number == 2 { bob.delete(&at(&top)).await } else { comment(&eve, "reply", Some(&top)).await }
                }
            })
            .await;
        assert!(statuses.iter().all(|status| [201, 204, 422].contains(status)), "{statuses:?}");
        let all = walk(&stack.visitor(), "/posts/hello/comments", 100).await;
        let replies: Vec<_> = all.iter().filter(|comment| comment["parent_id"] == top.as_str()).collect();
        assert_eq!(replies.len(), statuses.iter().filter(|status| **status == 201).count());
        let shown: Vec<_> = all.iter().filter(|comment| comment["id"] == top.as_str()).collect();
        assert_eq!(shown.len(), usize::from(!replies.is_empty()));
        assert!(shown.iter().all(|top| top["replies"] == replies.len() && top["status"] == "deleted"), "{shown:?}");
    }
}

/// Lets `meanwhile` happen while a transaction of `request` is on its way.
async fn during(
    stack: &TestStack,
    request: impl Future<Output = Answer> + Send + 'static,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let request = tokio::spawn(request);
    hold.arrived().await;
    meanwhile.await;
    stack.settle().await;
    hold.release();
    let answer = request.await.unwrap();
    stack.settle().await;
    answer
}

#[tokio::test]
async fn a_comment_that_is_answered_just_before_it_is_deleted_leaves_a_placeholder() {
    let (stack, _, bob, eve) = start(&[]).await;
    let top = commented(&bob, "top", None).await;
    let delete = {
        let (bob, top) = (bob.clone(), top.clone());
        async move { bob.delete(&at(&top)).await }
    };
    let reply = async {
        commented(&eve, "reply", Some(&top)).await;
    };
    during(&stack, delete, reply).await.expect_status(204);
    assert_eq!(thread(&bob).await, ["(deleted)", "  reply"]);
    // And the other way round: what is deleted takes no reply.
    let top = commented(&bob, "top", None).await;
    let reply = {
        let (eve, top) = (eve.clone(), top.clone());
        async move { comment(&eve, "too late", Some(&top)).await }
    };
    let delete = async { bob.delete(&at(&top)).await.expect_status(204) };
    during(&stack, reply, delete).await.expect_invalid(&["/parent_id"]);
    assert_eq!(thread(&bob).await, ["(deleted)", "  reply"]);
}

#[tokio::test]
async fn a_comment_that_is_written_while_its_author_is_renamed_has_the_new_name() {
    let (stack, _, bob, _) = start(&[]).await;
    let write = {
        let bob = bob.clone();
        async move { comment(&bob, "x", None).await }
    };
    let rename = async { bob.patch("/me", "*", json!({ "username": "robert" })).await.expect_status(200) };
    let written = during(&stack, write, rename).await;
    written.expect_status(201);
    let id = written.body["id"].as_str().unwrap();
    assert_eq!(bob.get(&at(id)).await.body["author"]["username"], "robert");
}

#[tokio::test]
async fn a_comment_that_comes_too_late_goes_with_its_post() {
    let (stack, ada, bob, _) = start(&[]).await;
    ada.delete("/posts/hello").await.expect_status(204);
    let before = left_over(&stack).await;
    ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    let late = {
        let bob = bob.clone();
        async move { comment(&bob, "too late", None).await }
    };
    let remove = async {
        let slug = "hello".to_owned().try_into().unwrap();
        let table = &stack.stack.blog.table;
        let post = table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap();
        table.delete_post(&post, stack.stack.blog.now()).await.unwrap();
    };
    during(&stack, late, remove).await.expect_status(201);
    let left = left_over(&stack).await;
    assert!(left.iter().all(|key| before.contains(key)), "{left:?}");
}

/// What reading a page costs: calls of DynamoDB that read, and their capacity.
async fn page_of(stack: &TestStack, path: &str) -> (Answer, usize, f64) {
    stack.stack.wire.take_calls();
    let page = stack.visitor().get(path).await;
    page.expect_status(200);
    let calls = stack.stack.wire.take_calls();
    let calls: Vec<_> = calls.iter().filter(|call| call.service == "dynamodb").collect();
    (page, calls.len(), calls.iter().map(|call| call.capacity).sum())
}

#[tokio::test]
async fn each_page_of_ten_thousand_comments_is_within_its_budget() {
    let (stack, _, bob, _) = start(&[]).await;
    // With its HTML it is a kilobyte.
    let first = commented(&bob, &"a word ".repeat(70), None).await;
    stack.settle().await;
    let database = stack.stack.backing.database();
    let slug = "hello".to_owned().try_into().unwrap();
    let now = stack.stack.blog.now();
    let post = stack.stack.blog.table.post(&slug, now).await.unwrap().unwrap().id;
    let partition = format!("COMMENTS#{post}");
    let query = json!({
        "TableName": TABLE_NAME,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": partition } },
    });
    let found = database.query(serde_json::from_value(query).unwrap()).unwrap();
    let item = serde_json::to_value(found).unwrap()["Items"][0].clone();
    assert_eq!(item["sk"]["S"], json!(first));

    // Two thousand threads of five levels, straight into the database.
    let mut puts = Vec::new();
    let mut paths = Vec::new();
    for _ in 0..2_000 {
        let mut path = String::new();
        for level in 0..5 {
            let id: CommentId = stack.stack.blog.new_id(now);
            path = if level == 0 { id.to_string() } else { format!("{path}/{id}") };
            let mut item = item.clone();
            item["sk"]["S"] = json!(path);
            item["replies"]["N"] = json!(u8::from(level < 4).to_string());
            puts.push(json!({ "PutRequest": { "Item": item } }));
            paths.push(id.to_string());
        }
    }
    for batch in puts.chunks(25) {
        let request = json!({ "RequestItems": { TABLE_NAME: batch } });
        database.batch_write_item(serde_json::from_value(request).unwrap()).unwrap();
    }
    let blog = &stack.stack.blog;
    let mended = blog.table.repair(Repair::Mend, repaired::settings(blog), now, &mut |_| {}).await.unwrap();
    assert_eq!(mended.unsettled, 0);
    assert_eq!(counted(&stack).await, [10_001; 2]);

    let mut seen = Vec::new();
    let mut next = "/posts/hello/comments?limit=100".to_owned();
    let mut number = 0;
    loop {
        // A comment takes 0.15 units, the post 1.
        let (page, reads, units) = page_of(&stack, &next).await;
        assert!(reads <= 2 && units <= 17.0, "page {number} took {reads} reads, {units} RCU");
        seen.extend(page.each("id"));
        if number % 25 == 0 {
            let (_, reads, units) = page_of(&stack, &next.replace("limit=100", "limit=20")).await;
            assert!(reads <= 2 && units <= 4.0, "20 comments from page {number} took {reads} reads, {units} RCU");
        }
        number += 1;
        match page.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("/posts/hello/comments?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen[0], first);
    assert_eq!(seen[1..], paths);
}
