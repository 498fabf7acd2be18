//! Reactions: one a user, which can be changed, and exact counts of each kind.

use std::sync::Arc;
use std::time::Duration;

use domain::{ReactionKind, Role, Timestamp, User, UserId};
use local::wire::{Fault, Hold};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, START, TestStack};
use crate::leaving::left_over;

async fn react(client: &Client, kind: &str) -> Answer {
    client.put("/posts/hello/reaction", json!({ "kind": kind })).await
}

async fn take_back(client: &Client) -> Answer {
    client.delete("/posts/hello/reaction").await
}

/// The counts of each kind, which everything else has to agree with.
async fn counts(stack: &TestStack) -> [u64; 4] {
    stack.settle().await;
    let visitor = stack.visitor();
    let shown = visitor.get("/posts/hello/reactions").await;
    shown.expect_status(200);
    let counts = ["like", "love", "insightful", "celebrate"].map(|kind| shown.body["counts"][kind].as_u64().unwrap());
    assert_eq!(shown.body["total"], counts.iter().sum::<u64>());
    assert_eq!(visitor.get("/posts/hello").await.body["counts"]["reactions"], shown.body["total"]);
    let card = &visitor.get("/posts").await.body["items"][0];
    assert_eq!(card["counts"]["reactions"], shown.body["total"]);
    counts
}

async fn own(client: &Client) -> Value {
    let post = client.get("/posts/hello").await.body["viewer"]["reaction"].clone();
    assert_eq!(client.get("/posts").await.body["items"][0]["viewer"]["reaction"], post);
    post
}

async fn start() -> (TestStack, Client, Client, Client) {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &[]).await;
    let bob = stack.user_with_role("bob", Role::Reader).await;
    let eve = stack.user("eve").await;
    (stack, ada, bob, eve)
}

#[tokio::test]
async fn a_reaction_is_changed_and_taken_back() {
    let (stack, ada, bob, eve) = start().await;
    assert_eq!((counts(&stack).await, own(&bob).await), ([0; 4], Value::Null));
    for _ in 0..2 {
        react(&bob, "like").await.expect_status(204);
        assert_eq!((counts(&stack).await, own(&bob).await), ([1, 0, 0, 0], json!("like")));
    }
    react(&eve, "love").await.expect_status(204);
    react(&bob, "love").await.expect_status(204);
    assert_eq!((counts(&stack).await, own(&bob).await), ([0, 2, 0, 0], json!("love")));
    react(&ada, "celebrate").await.expect_status(204);
    assert_eq!((counts(&stack).await, own(&eve).await), ([0, 2, 0, 1], json!("love")));
    for _ in 0..2 {
        take_back(&bob).await.expect_status(204);
        assert_eq!((counts(&stack).await, own(&bob).await), ([0, 1, 0, 1], Value::Null));
    }
    // Of a repost it goes to the original.
    bob.call("PUT", "/posts/hello/repost", &[], None).await.expect_status(204);
    let repost = bob.get("/posts?author=bob").await.body["items"][0]["id"].as_str().unwrap().to_lowercase();
    let path = format!("/posts/{repost}/reaction");
    eve.put(&path, json!({ "kind": "insightful" })).await.expect_status(204);
    assert_eq!(counts(&stack).await, [0, 0, 1, 1]);
    assert_eq!(bob.get(&format!("{path}s")).await.body["total"], 2);
    eve.delete(&path).await.expect_status(204);
    assert_eq!(counts(&stack).await, [0, 0, 0, 1]);
    // And what else somebody did with the post stays.
    react(&bob, "like").await.expect_status(204);
    let viewer = json!({ "reaction": "like", "reposted": true, "bookmarked": false });
    assert_eq!(bob.get("/posts/hello").await.body["viewer"], viewer);
    take_back(&bob).await.expect_status(204);
    assert_eq!(bob.get("/posts/hello").await.body["viewer"]["reposted"], true);

    for bad in [json!({ "kind": "hate" }), json!({ "kind": null }), json!({})] {
        bob.put("/posts/hello/reaction", bad).await.expect_invalid(&["/kind"]);
    }
    react(&stack.visitor(), "like").await.expect_problem(401, "unauthenticated");
    take_back(&stack.visitor()).await.expect_problem(401, "unauthenticated");
    bob.put("/posts/nowhere/reaction", json!({ "kind": "like" })).await.expect_problem(404, "not-found");
    bob.delete("/posts/nowhere/reaction").await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn reactions_are_out_of_sight_while_their_post_is() {
    let (stack, ada, bob, _) = start().await;
    react(&bob, "like").await.expect_status(204);
    ada.post("/posts/hello/unpublish", json!({})).await.expect_status(200);
    bob.get("/posts/hello/reactions").await.expect_problem(404, "not-found");
    react(&bob, "love").await.expect_problem(404, "not-found");
    react(&ada, "love").await.expect_problem(409, "conflict");
    // Who reacted may take it back.
    take_back(&bob).await.expect_status(204);
    take_back(&bob).await.expect_problem(404, "not-found");
    ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
    react(&bob, "love").await.expect_status(204);
    // A new slug takes them along.
    ada.patch("/posts/hello", "*", json!({ "slug": "moved" })).await.expect_status(200);
    stack.settle().await;
    assert_eq!(stack.visitor().get("/posts/hello/reactions").await.body["counts"]["love"], 1);
    assert_eq!(stack.visitor().get("/posts").await.body["items"][0]["counts"]["reactions"], 1);
}

#[tokio::test]
async fn a_reaction_whose_answer_is_lost_counts_once() {
    let (stack, _, bob, _) = start().await;
    for fault in [Fault::AnswerLost, Fault::TransactionConflict, Fault::ServerError] {
        for kind in ["like", "love"] {
            stack.stack.wire.break_calls("TransactWriteItems", 0, 1, fault);
            react(&bob, kind).await;
            stack.stack.wire.mend();
            react(&bob, kind).await.expect_status(204);
            assert_eq!(counts(&stack).await.iter().sum::<u64>(), 1);
        }
        stack.stack.wire.break_calls("TransactWriteItems", 0, 1, fault);
        take_back(&bob).await;
        stack.stack.wire.mend();
        take_back(&bob).await.expect_status(204);
        assert_eq!(counts(&stack).await, [0; 4]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_who_clicks_many_times_at_once_has_one_reaction() {
    let (stack, _, bob, _) = start().await;
    for round in 0..4 {
        let statuses = at_once(8, |number| {
            let bob = bob.clone();
            async move {
                match (number + round) % 3 {
                    0 => react(&bob, "like").await,
                    1 => react(&bob, "love").await,
                    _ => bob.call("PUT", "/me/bookmarks/hello", &[], None).await,
                }
            }
        })
        .await;
        assert!(statuses.iter().all(|status| [204, 409, 503].contains(status)), "{statuses:?}");
        let counts = counts(&stack).await;
        assert_eq!(counts.iter().sum::<u64>(), 1, "{counts:?}");
        let kind = if counts[0] == 1 { "like" } else { "love" };
        assert_eq!(own(&bob).await, kind);
    }
}

/// A reaction that is about to be written.
async fn held_like(stack: &TestStack, user: &Client) -> (Hold, JoinHandle<Answer>) {
    let (hold, user) = (stack.stack.wire.hold_call("TransactWriteItems"), user.clone());
    let reacting = tokio::spawn(async move { react(&user, "like").await });
    hold.arrived().await;
    (hold, reacting)
}

#[tokio::test]
async fn a_reaction_that_meets_a_bookmark_of_the_same_user_is_made_all_the_same() {
    let (stack, _, bob, _) = start().await;
    let (hold, reacting) = held_like(&stack, &bob).await;
    bob.call("PUT", "/me/bookmarks/hello", &[], None).await.expect_status(204);
    hold.release();
    reacting.await.unwrap().expect_status(204);
    assert_eq!((own(&bob).await, counts(&stack).await), (json!("like"), [1, 0, 0, 0]));
    assert_eq!(bob.get("/me/bookmarks").await.each("slug"), ["hello"]);
}

#[tokio::test]
async fn a_reaction_that_meets_another_of_the_same_user_counts_once() {
    let (stack, _, bob, _) = start().await;
    let (hold, reacting) = held_like(&stack, &bob).await;
    react(&bob, "love").await.expect_status(204);
    hold.release();
    reacting.await.unwrap().expect_status(204);
    assert_eq!((own(&bob).await, counts(&stack).await), (json!("like"), [1, 0, 0, 0]));
}

/// Users with a profile, who need not log in.
async fn crowd(stack: &TestStack, size: usize) -> Vec<UserId> {
    let mut crowd = Vec::new();
    let now = Timestamp::from_milliseconds(START);
    for number in 0..size {
        let name = format!("user-{number}");
        let email = format!("{name}@example.com").try_into().unwrap();
        let id: UserId = stack.stack.blog.new_id(now);
        let user = User::new(id, name.try_into().unwrap(), email, Role::Reader, now, now);
        stack.stack.blog.table.adopt_user(&user, now).await.unwrap();
        crowd.push(id);
    }
    crowd
}

/// All of them do this at the same moment, and again if the table is too busy for them, as clients do.
async fn all_at_once(stack: &TestStack, users: &[UserId], kind: impl Fn(usize) -> Option<ReactionKind>) {
    let slug = "hello".to_owned().try_into().unwrap();
    let post = stack.stack.blog.table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap().id;
    // As many as are in flight at one moment; the others wait at the door of this process.
    let door = Arc::new(Semaphore::new(40));
    let mut tasks = JoinSet::new();
    for (number, user) in users.iter().copied().enumerate() {
        let (stack, kind, door) = (stack.clone(), kind(number), Arc::clone(&door));
        tasks.spawn(async move {
            let _in = door.acquire_owned().await.unwrap();
            for _ in 0..50 {
                if stack
                    .stack
                    .blog
                    .table
                    .react(user, post, kind.map(|kind| (kind, stack.stack.blog.now())))
                    .await
                    .is_ok()
                {
                    return true;
                }
            }
            false
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|done| done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_who_react_at_once_each_is_counted_once() {
    let (stack, ..) = start().await;
    let users = crowd(&stack, 1000).await;
    stack.stack.wire.transactions_take(Duration::from_millis(2));
    let kinds = ReactionKind::ALL;
    all_at_once(&stack, &users, |number| Some(kinds[number % 4])).await;
    assert_eq!(counts(&stack).await, [250; 4]);
    // Half of them think again, and some of those take it back.
    all_at_once(&stack, &users, |number| match number % 8 {
        0 => None,
        1..=3 => Some(ReactionKind::Love),
        kept => Some(kinds[kept % 4]),
    })
    .await;
    stack.stack.wire.transactions_take(Duration::ZERO);
    assert_eq!(counts(&stack).await, [125, 500, 125, 125]);
    // That what is counted is what is there, the check at the end of each story finds (repaired.rs).
}

#[tokio::test]
async fn reactions_go_with_their_user_and_with_their_post() {
    for (what, steps) in [("user", 6), ("post", 6)] {
        for step in 0..steps {
            let (stack, ada, bob, eve) = start().await;
            if what == "post" {
                ada.delete("/posts/hello").await.expect_status(204);
            }
            let before = left_over(&stack).await;
            if what == "post" {
                ada.post("/posts/hello/restore", json!({})).await.expect_status(200);
                ada.post("/posts/hello/publish", json!({})).await.expect_status(200);
            }
            react(&eve, "love").await.expect_status(204);
            stack.settle().await;
            let with_eves = left_over(&stack).await;
            react(&bob, "like").await.expect_status(204);
            bob.call("PUT", "/posts/hello/repost", &[], None).await.expect_status(204);
            stack.settle().await;
            if what == "user" {
                bob.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
            } else {
                ada.delete("/posts/hello").await.expect_status(204);
                let slug = "hello".to_owned().try_into().unwrap();
                let table = &stack.stack.blog.table;
                let post = table.post(&slug, stack.stack.blog.now()).await.unwrap().unwrap();
                table.delete_post(&post, stack.stack.blog.now()).await.unwrap();
            }
            stack.stack.wire.break_calls("TransactWriteItems", step, 3, Fault::ServerError);
            let _ = stack.stack.streams.drain(&stack.stack.backing).await;
            stack.stack.wire.mend();
            stack.settle().await;
            let left = left_over(&stack).await;
            if what == "user" {
                assert_eq!(counts(&stack).await, [0, 1, 0, 0], "stopped at {step}");
                // What ada is told of eve's reaction is in its place again, under another id.
                let place = |key: &str| key.split(" AT#").next().map(str::to_owned);
                let known: Vec<_> = with_eves.iter().map(|key| place(key)).collect();
                assert!(left.iter().all(|key| known.contains(&place(key))), "stopped at {step}: {left:?}");
            } else {
                let new: Vec<_> = left.iter().filter(|key| !before.contains(key)).collect();
                assert!(new.is_empty(), "stopped at {step}: {new:?}");
            }
        }
    }
}
