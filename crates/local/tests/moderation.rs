//! Moderation: which comments wait for an editor, who sees them meanwhile, and what editors decide.

use domain::Role;
use serde_json::json;

use crate::comments::{at, comment, commented, counted, start, thread};
use crate::harness::{Answer, Client, TestStack, walk};

async fn decide(editor: &Client, id: &str, decision: &str) -> Answer {
    editor.put(&format!("/moderation/comments/{id}"), json!({ "decision": decision })).await
}

/// A comment that is held.
async fn held(client: &Client, body: &str, parent: Option<&str>) -> String {
    let answer = comment(client, body, parent).await;
    answer.expect_status(201);
    assert_eq!(answer.body["status"], "held");
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn queue(editor: &Client, status: &str) -> Vec<String> {
    let queue = editor.get(&format!("/moderation/comments?status={status}")).await;
    queue.expect_status(200);
    queue.each("body")
}

async fn editor(stack: &TestStack) -> Client {
    stack.user_with_role("mona", Role::Editor).await
}

#[tokio::test]
async fn a_held_comment_is_seen_by_its_author_and_editors_only() {
    let (stack, ada, bob, eve) = start(&[("HoldComments", "all")]).await;
    let mona = editor(&stack).await;
    let top = commented(&mona, "by an editor", None).await;
    let id = held(&bob, "waits", None).await;
    // The author of the post is an author, and no editor.
    for stranger in [&ada, &eve, &stack.visitor()] {
        stranger.get(&at(&id)).await.expect_problem(404, "not-found");
        assert_eq!(thread(stranger).await, ["by an editor"]);
    }
    for client in [&eve, &ada] {
        client.patch(&at(&id), "*", json!({ "body": "x" })).await.expect_problem(404, "not-found");
        client.delete(&at(&id)).await.expect_problem(404, "not-found");
        client.post(&format!("{}/report", at(&id)), json!({ "reason": "r" })).await.expect_problem(404, "not-found");
    }
    bob.post(&format!("{}/report", at(&id)), json!({ "reason": "my own" })).await.expect_status(202);
    comment(&eve, "reply", Some(&id)).await.expect_invalid(&["/parent_id"]);
    for client in [&bob, &mona] {
        assert_eq!(client.get(&at(&id)).await.body["status"], "held");
        assert_eq!(thread(client).await, ["by an editor", "waits (held)"]);
    }
    assert_eq!(counted(&stack).await, [1, 1]);
    // It can be edited while it waits, and answers can wait too.
    bob.patch(&at(&id), "*", json!({ "body": "still waits" })).await.expect_status(200);
    let reply = held(&bob, "reply", Some(&top)).await;
    assert_eq!(queue(&mona, "held").await, ["reply", "still waits"]);
    assert_eq!(mona.get(&at(&top)).await.body["replies"], 0);

    let approved = decide(&mona, &id, "approve").await;
    approved.expect_status(200);
    assert_eq!((&approved.body["status"], &approved.body["body"]), (&json!("published"), &json!("still waits")));
    assert_eq!(decide(&mona, &id, "approve").await.body, approved.body);
    decide(&mona, &reply, "approve").await.expect_status(200);
    assert!(queue(&mona, "held").await.is_empty());
    assert_eq!(thread(&stack.visitor()).await, ["by an editor", "  reply", "still waits"]);
    assert_eq!(stack.visitor().get(&at(&top)).await.body["replies"], 1);
    assert_eq!(counted(&stack).await, [3, 3]);

    let bad = held(&eve, "bad", None).await;
    let rejected = decide(&mona, &bad, "reject").await;
    rejected.expect_status(200);
    assert_eq!((&rejected.body["status"], &rejected.body["body"]), (&json!("deleted"), &json!("")));
    decide(&mona, &bad, "reject").await.expect_problem(404, "not-found");
    eve.get(&at(&bad)).await.expect_problem(404, "not-found");
    let given_up = held(&eve, "given up", None).await;
    eve.delete(&at(&given_up)).await.expect_status(204);
    assert!(queue(&mona, "held").await.is_empty());
}

#[tokio::test]
async fn a_published_comment_that_waits_again_leaves_a_placeholder() {
    let (stack, _, bob, eve) = start(&[("HoldComments", "all")]).await;
    let mona = editor(&stack).await;
    let id = held(&bob, "first", None).await;
    decide(&mona, &id, "approve").await.expect_status(200);
    let reply = held(&eve, "reply", Some(&id)).await;
    decide(&mona, &reply, "approve").await.expect_status(200);
    let edited = bob.patch(&at(&id), "*", json!({ "body": "second" })).await;
    assert_eq!((&edited.body["status"], &edited.body["replies"]), (&json!("held"), &json!(1)));
    bob.patch(&at(&id), &edited.etag(), json!({ "body": "third" })).await.expect_status(200);
    for client in [&bob, &mona] {
        assert_eq!(thread(client).await, ["third (held)", "  reply"]);
    }
    for client in [&eve, &stack.visitor()] {
        assert_eq!(thread(client).await, ["(held)", "  reply"]);
        let seen = client.get(&at(&id)).await.body;
        assert_eq!((&seen["body"], &seen["author"]), (&json!(""), &json!(null)));
    }
    comment(&eve, "x", Some(&id)).await.expect_invalid(&["/parent_id"]);
    assert_eq!(counted(&stack).await, [1, 1]);
    // An editor who read another version does not approve this one.
    let path = format!("/moderation/comments/{id}");
    let body = Some(json!({ "decision": "approve" }));
    let stale = mona.call("PUT", &path, &[("if-match", &edited.etag())], body.clone()).await;
    stale.expect_problem(412, "precondition-failed");
    let current = mona.get(&at(&id)).await.etag();
    mona.call("PUT", &path, &[("if-match", &current)], body).await.expect_status(200);
    assert_eq!(thread(&stack.visitor()).await, ["third", "  reply"]);
    let shown = stack.visitor().get(&at(&id)).await.body;
    assert_eq!((&shown["version"], &shown["replies"]), (&json!(3), &json!(1)));
    assert_eq!(counted(&stack).await, [2, 2]);

    // Rejected, it leaves the placeholder of a deleted comment, which goes with its last reply.
    bob.patch(&at(&id), "*", json!({ "body": "fourth" })).await.expect_status(200);
    decide(&mona, &id, "reject").await.expect_status(200);
    for client in [&bob, &stack.visitor()] {
        assert_eq!(thread(client).await, ["(deleted)", "  reply"]);
    }
    eve.delete(&at(&reply)).await.expect_status(204);
    assert!(thread(&mona).await.is_empty());
    // One without replies goes at once.
    let alone = held(&bob, "alone", None).await;
    decide(&mona, &alone, "approve").await.expect_status(200);
    bob.patch(&at(&alone), "*", json!({ "body": "again" })).await.expect_status(200);
    assert!(thread(&eve).await.is_empty(), "what nobody answered shows not even its place");
    stack.visitor().get(&at(&alone)).await.expect_problem(404, "not-found");
    assert_eq!(thread(&bob).await, ["again (held)"]);
    bob.delete(&at(&alone)).await.expect_status(204);
    assert!(thread(&mona).await.is_empty());
    assert_eq!(counted(&stack).await, [0, 0]);
}

#[tokio::test]
async fn a_reply_cannot_be_approved_when_what_it_answers_is_gone() {
    let (stack, _, bob, eve) = start(&[("HoldComments", "first")]).await;
    let mona = editor(&stack).await;
    let top = commented(&mona, "top", None).await;
    let reply = held(&bob, "reply", Some(&top)).await;
    mona.delete(&at(&top)).await.expect_status(204);
    decide(&mona, &reply, "approve").await.expect_problem(409, "conflict");
    decide(&mona, &reply, "reject").await.expect_status(200);
    // Until one of theirs is approved, what somebody writes waits.
    let (one, two) = (held(&bob, "one", None).await, held(&bob, "two", None).await);
    decide(&mona, &one, "approve").await.expect_status(200);
    assert_eq!(comment(&bob, "three", None).await.body["status"], "published");
    held(&eve, "of another", None).await;
    bob.delete(&at(&two)).await.expect_status(204);
    assert_eq!(thread(&stack.visitor()).await, ["one", "three"]);
}

#[tokio::test]
async fn a_blocked_word_waits_for_an_editor() {
    let (stack, _, bob, _) = start(&[("BlockedWords", "casino, Spam")]).await;
    let mona = editor(&stack).await;
    let clean = commented(&bob, "spammers", None).await;
    held(&bob, "Best CASINO!", None).await;
    let answer = bob.patch(&at(&clean), "*", json!({ "body": "now spam" })).await;
    assert_eq!(answer.body["status"], "held");
    assert_eq!(comment(&mona, "this is spam", None).await.body["status"], "published");
    assert_eq!(thread(&stack.visitor()).await, ["this is spam"]);
}

#[tokio::test]
async fn editors_look_at_what_was_reported() {
    let (stack, ada, bob, eve) = start(&[]).await;
    let mona = editor(&stack).await;
    let (fine, bad) = (commented(&bob, "fine", None).await, commented(&bob, "bad", None).await);
    let report = async |client: &Client, id: &str, reason: &str| {
        client.post(&format!("{}/report", at(id)), json!({ "reason": reason })).await
    };
    report(&stack.visitor(), &bad, "r").await.expect_problem(401, "unauthenticated");
    report(&eve, &bad, " ").await.expect_invalid(&["/reason"]);
    for _ in 0..2 {
        report(&eve, &bad, "rude").await.expect_status(202);
    }
    report(&ada, &bad, "very rude").await.expect_status(202);
    report(&eve, &fine, "I disagree").await.expect_status(202);
    let queued = mona.get("/moderation/comments?status=reported").await;
    assert_eq!(queued.each("body"), ["bad", "fine"]);
    let first = &queued.body["items"][0];
    assert_eq!(
        (&first["reports"], &first["reason"], &first["post"]),
        (&json!(2), &json!("very rude"), &json!("hello"))
    );
    assert_eq!(walk(&mona, "/moderation/comments?status=reported", 1).await.len(), 2);
    // Nothing of it shows.
    assert_eq!(thread(&bob).await, ["fine", "bad"]);

    decide(&mona, &fine, "approve").await.expect_status(200);
    report(&eve, &fine, "I still disagree").await.expect_status(202);
    assert_eq!(queue(&mona, "reported").await, ["bad"]);
    // Out of sight while the post is.
    ada.post("/posts/hello/unpublish", json!({})).await.expect_status(200);
    assert!(queue(&mona, "reported").await.is_empty());
    decide(&mona, &bad, "reject").await.expect_problem(404, "not-found");
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    decide(&mona, &bad, "reject").await.expect_status(200);
    assert!(queue(&mona, "reported").await.is_empty());
    assert_eq!(thread(&bob).await, ["fine"]);
    report(&eve, &bad, "gone").await.expect_problem(404, "not-found");
    decide(&mona, "01KAM5K9R0000000000000000A", "approve").await.expect_problem(404, "not-found");
    mona.put(&format!("/moderation/comments/{fine}"), json!({ "decision": "x" })).await.expect_invalid(&["/decision"]);
    for other in [&ada, &bob] {
        other.get("/moderation/comments").await.expect_problem(403, "forbidden");
        decide(other, &fine, "reject").await.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn everybody_walks_through_what_they_may_see_in_reading_order() {
    let (stack, _, bob, eve) = start(&[("BlockedWords", "wait")]).await;
    let mona = editor(&stack).await;
    let mut tops = Vec::new();
    let (mut all, mut of_bob, mut public) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..7 {
        stack.pass_seconds(1);
        tops.push(commented(&bob, &format!("top {number}"), None).await);
    }
    // Replies that are written later stand between what is there.
    for (number, top) in tops.iter().enumerate() {
        stack.pass_seconds(1);
        for list in [&mut all, &mut of_bob, &mut public] {
            list.push(format!("top {number}"));
        }
        for reply in 0..number % 4 {
            let (client, by_bob) = if reply % 2 == 0 { (&bob, true) } else { (&eve, false) };
            held(client, &format!("wait {number} {reply}"), Some(top)).await;
            let shown = format!("  wait {number} {reply} (held)");
            all.push(shown.clone());
            if by_bob {
                of_bob.push(shown);
            }
        }
    }
    assert_eq!(thread(&mona).await, all);
    assert_eq!(thread(&bob).await, of_bob);
    assert_eq!(thread(&stack.visitor()).await, public);
    for limit in [1, 2, 5, 100] {
        let ids = |items: Vec<serde_json::Value>| items.iter().map(|item| item["id"].to_string()).collect::<Vec<_>>();
        let (part, whole) = (
            ids(walk(&mona, "/posts/hello/comments", limit).await),
            ids(walk(&mona, "/posts/hello/comments", 100).await),
        );
        assert_eq!(part, whole, "by {limit}");
    }
}
