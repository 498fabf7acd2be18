//! Following: who follows whom, in what order, and how many.

use std::collections::BTreeSet;

use edge::SignUpConfirmation;
use local::wire::Fault;
use serde_json::{Value, json};
use table::MAX_TRIES;

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};

async fn follow(client: &Client, username: &str) -> Answer {
    client.call("PUT", &format!("/users/{username}/follow"), &[], None).await
}

async fn unfollow(client: &Client, username: &str) -> Answer {
    client.delete(&format!("/users/{username}/follow")).await
}

/// How many follow a user, and how many the user follows.
async fn counts(client: &Client, username: &str) -> (u64, u64) {
    let counts = client.get(&format!("/users/{username}")).await.body["counts"].clone();
    (counts["followers"].as_u64().unwrap(), counts["following"].as_u64().unwrap())
}

/// What is counted is what is listed, on both sides.
async fn check_counts(client: &Client, usernames: &[String]) {
    for username in usernames {
        let listed = |list: &str| format!("/users/{username}/{list}");
        let followers = walk(client, &listed("followers"), 100).await.len() as u64;
        let following = walk(client, &listed("following"), 100).await.len() as u64;
        assert_eq!(counts(client, username).await, (followers, following), "{username}");
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["username"].as_str().unwrap()).collect()
}

/// Users named `PREFIX-0` and so on, signed in.
async fn crowd(stack: &TestStack, prefix: &str, size: usize) -> Vec<(String, Client)> {
    let mut crowd = Vec::new();
    for number in 0..size {
        let name = format!("{prefix}-{number}");
        let client = stack.user(&name).await;
        crowd.push((name, client));
    }
    crowd
}

#[tokio::test]
async fn one_user_follows_another_and_stops() {
    let stack = TestStack::start().await;
    let (ada, bob, visitor) = (stack.user("ada").await, stack.user("bob").await, stack.visitor());
    let before = visitor.get("/users/bob").await.etag();
    // Once, and once more, whatever the case of the name: it changes nothing.
    for name in ["bob", "bob", "BOB"] {
        let followed = follow(&ada, name).await;
        followed.expect_status(204);
        assert!(followed.bytes.is_empty());
        assert_eq!(bob.get("/me").await.body["counts"], json!({ "posts": 0, "followers": 1, "following": 0 }));
        assert_eq!(ada.get("/me").await.body["counts"], json!({ "posts": 0, "followers": 0, "following": 1 }));
        assert_eq!((counts(&visitor, "bob").await, counts(&visitor, "ada").await), ((1, 0), (0, 1)));
    }
    // A profile that was kept is not taken for the current one, and may still be edited.
    let after = visitor.get_with("/users/bob", &[("if-none-match", &before)]).await;
    after.expect_status(200);
    assert_eq!(after.etag().split('-').next(), before.split('-').next(), "the same version");

    assert_eq!(ada.get("/users/bob").await.body["following"], true);
    assert_eq!(bob.get("/users/ada").await.body["following"], false);
    assert_eq!(ada.get("/users/ada").await.body["following"], false);
    assert!(visitor.get("/users/bob").await.body.get("following").is_none());

    // Lists show the number of followers that the profile has a copy of, a moment later.
    stack.settle().await;
    let followers = visitor.get("/users/bob/followers").await;
    assert_eq!(followers.body, json!({ "items": [visitor.get("/users/ada").await.body], "next_cursor": null }));
    assert!(followers.header("cache-control").starts_with("public, "));
    let following = bob.get("/users/ada/following").await;
    assert_eq!(following.body, json!({ "items": [bob.get("/users/bob").await.body], "next_cursor": null }));
    assert_eq!(following.header("cache-control"), "private, no-store");
    let nobody = json!({ "items": [], "next_cursor": null });
    assert_eq!(visitor.get("/users/bob/following").await.body, nobody);
    assert_eq!(visitor.get("/users/ada/followers").await.body, nobody);

    for _ in 0..2 {
        unfollow(&ada, "bob").await.expect_status(204);
        assert_eq!((counts(&ada, "bob").await, counts(&ada, "ada").await), ((0, 0), (0, 0)));
        assert_eq!(ada.get("/users/bob").await.body["following"], false);
        assert_eq!(visitor.get("/users/bob/followers").await.body, nobody);
        assert_eq!(visitor.get("/users/ada/following").await.body, nobody);
    }
    // And again, at the same moment as before or at another one.
    for _ in 0..2 {
        follow(&ada, "bob").await.expect_status(204);
        assert_eq!(counts(&ada, "bob").await, (1, 0));
        unfollow(&ada, "bob").await.expect_status(204);
        stack.pass_seconds(1);
    }
    check_counts(&ada, &["ada".to_owned(), "bob".to_owned()]).await;
}

#[tokio::test]
async fn nobody_follows_themselves_or_somebody_who_is_not_there() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    for name in ["ada", "bob"] {
        let body = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        visitor.post("/users", body).await.expect_status(201);
    }
    let confirmation = json!({ "email": "ada@example.com", "code": stack.code_for("ada@example.com") });
    visitor.post("/users/confirm", confirmation).await.expect_status(204);
    let ada = stack.log_in("ada").await;
    for name in ["ada", "ADA"] {
        follow(&ada, name).await.expect_invalid(&["/username"]);
        unfollow(&ada, name).await.expect_invalid(&["/username"]);
    }
    // Bob's name is reserved, but he has not confirmed his address.
    for name in ["bob", "nobody", "not%20a%20name"] {
        follow(&ada, name).await.expect_problem(404, "not-found");
        unfollow(&ada, name).await.expect_problem(404, "not-found");
        for list in ["followers", "following"] {
            visitor.get(&format!("/users/{name}/{list}")).await.expect_problem(404, "not-found");
        }
    }
    follow(&visitor, "ada").await.expect_problem(401, "unauthenticated");
    visitor.get("/users/ada/followers?limit=0&x=1").await.expect_invalid(&["/limit", "/x"]);
    assert_eq!(counts(&ada, "ada").await, (0, 0));
}

#[tokio::test]
async fn both_lists_are_walked_to_their_end_newest_first() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    // More than fit into one batch, with what each says of the viewer.
    let crowd = crowd(&stack, "user", 55).await;
    let (mut followers, mut following, mut marked) = (Vec::new(), Vec::new(), BTreeSet::new());
    for number in 0..crowd.len() {
        stack.pass_seconds(60);
        // Neither in the order of registration nor of names.
        let (name, client) = &crowd[number * 17 % crowd.len()];
        follow(client, "ada").await.expect_status(204);
        followers.insert(0, name.as_str());
        if number % 3 == 0 {
            follow(&ada, name).await.expect_status(204);
            following.insert(0, name.as_str());
            marked.insert(name.as_str());
        }
    }
    for viewer in [&stack.visitor(), &ada] {
        for limit in [1, 7, 20, 55, 100] {
            assert_eq!(names(&walk(viewer, "/users/ada/followers", limit).await), followers, "by {limit}");
            assert_eq!(names(&walk(viewer, "/users/ada/following", limit).await), following, "by {limit}");
        }
    }
    for item in walk(&ada, "/users/ada/followers", 100).await {
        let name = item["username"].as_str().unwrap();
        assert_eq!(item["following"], marked.contains(name), "{name}");
    }
    // Who comes back comes first; who only repeats it stays where they are.
    let (first, last) = (followers.remove(0), followers.pop().unwrap());
    let client_of = |name: &str| &crowd.iter().find(|(other, _)| other == name).unwrap().1;
    stack.pass_seconds(1);
    unfollow(client_of(last), "ada").await.expect_status(204);
    follow(client_of(last), "ada").await.expect_status(204);
    stack.pass_seconds(1);
    follow(client_of(first), "ada").await.expect_status(204);
    let page = ada.get("/users/ada/followers").await;
    assert_eq!(page.each("username")[..2], [last, first]);
    assert_eq!(page.each("username").len(), 20);
    check_counts(&ada, &["ada".to_owned()]).await;
}

#[tokio::test]
async fn a_walk_sees_each_follower_once_while_others_come_and_go() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let (old, new) = (crowd(&stack, "old", 20).await, crowd(&stack, "new", 8).await);
    for (_, client) in &old {
        stack.pass_seconds(7);
        follow(client, "ada").await.expect_status(204);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for (number, (_, client)) in new.iter().enumerate() {
        let page = ada.get(&format!("/users/ada/followers?limit=3{cursor}")).await;
        page.expect_status(200);
        seen.extend(page.each("username"));
        // Between two pages somebody comes, and one of the old ones goes: the last one that was shown, too.
        stack.pass_seconds(1);
        follow(client, "ada").await.expect_status(204);
        let gone = if number == 0 { page.each("username")[2].clone() } else { format!("old-{number}") };
        let gone = &old.iter().find(|(name, _)| *name == gone).unwrap().1;
        unfollow(gone, "ada").await.expect_status(204);
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for name in names(&walk(&ada, "/users/ada/followers", 100).await) {
        let times = seen.iter().filter(|seen| *seen == name).count();
        assert_eq!(times, usize::from(name.starts_with("old")), "{name} in {seen:?}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_of_its_own_user_only() {
    let stack = TestStack::start().await;
    let crowd = crowd(&stack, "user", 3).await;
    for (name, client) in &crowd {
        client.publish("One", &[]).await;
        for (other, _) in crowd.iter().filter(|(other, _)| other != name) {
            follow(client, other).await.expect_status(204);
        }
    }
    let visitor = stack.visitor();
    let lists = ["/users/user-0/followers", "/users/user-0/following", "/users/user-1/followers", "/posts"];
    for from in lists {
        let page = visitor.get(&format!("{from}?limit=1")).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        for to in lists {
            let answer = visitor.get(&format!("{to}?cursor={cursor}")).await;
            if from == to {
                answer.expect_status(200);
            } else {
                answer.expect_problem(400, "invalid-cursor");
            }
        }
        visitor.get(&format!("{from}?cursor={}", &cursor[1..])).await.expect_problem(400, "invalid-cursor");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_follow_that_is_made_by_many_at_once_counts_once() {
    let stack = TestStack::start().await;
    stack.stack.wire.one_transaction_at_a_time();
    let (ada, _) = (stack.user("ada").await, stack.user("bob").await);
    let following = async |follows: fn(usize) -> bool| {
        at_once(50, |number| {
            let ada = ada.clone();
            async move { if follows(number) { follow(&ada, "bob").await } else { unfollow(&ada, "bob").await } }
        })
        .await
    };
    let both = ["ada".to_owned(), "bob".to_owned()];
    for _ in 0..3 {
        assert_eq!(following(|_| true).await, [204; 50]);
        assert_eq!((counts(&ada, "ada").await, counts(&ada, "bob").await), ((0, 1), (1, 0)));
        check_counts(&ada, &both).await;

        // Whichever comes last, what is counted is what is listed and what the viewer is told.
        stack.pass_seconds(1);
        assert_eq!(following(|number| number % 2 == 0).await, [204; 50]);
        check_counts(&ada, &both).await;
        let is_following = ada.get("/users/bob").await.body["following"].as_bool().unwrap();
        assert_eq!(counts(&ada, "bob").await, (u64::from(is_following), 0));

        follow(&ada, "bob").await.expect_status(204);
        assert_eq!(following(|_| false).await, [204; 50]);
        assert_eq!((counts(&ada, "ada").await, counts(&ada, "bob").await), ((0, 0), (0, 0)));
        check_counts(&ada, &both).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_follow_each_other_at_once_are_all_counted() {
    let stack = TestStack::start().await;
    let crowd = crowd(&stack, "user", 8).await;
    let usernames: Vec<_> = crowd.iter().map(|(name, _)| name.clone()).collect();
    let pairs: Vec<_> = (0..64).map(|number| (number / 8, number % 8)).filter(|(one, other)| one != other).collect();
    let each_pair = async |change: fn(usize) -> &'static str| {
        at_once(pairs.len(), |number| {
            let (one, other) = pairs[number];
            let (client, path) = (crowd[one].1.clone(), format!("/users/user-{other}/follow"));
            async move { client.call(change(number), &path, &[], None).await }
        })
        .await
    };
    assert_eq!(each_pair(|_| "PUT").await, [204; 56]);
    for name in &usernames {
        assert_eq!(counts(&crowd[0].1, name).await, (7, 7));
    }
    stack.pass_seconds(1);
    assert_eq!(each_pair(|number| if number % 3 == 0 { "PUT" } else { "DELETE" }).await, [204; 56]);
    check_counts(&crowd[0].1, &usernames).await;
    let mut followers = 0;
    for name in &usernames {
        followers += counts(&crowd[0].1, name).await.0;
    }
    assert_eq!(followers, 19);
}

#[tokio::test]
async fn a_follow_whose_answer_is_lost_counts_once() {
    let stack = TestStack::start().await;
    let (ada, _) = (stack.user("ada").await, stack.user("bob").await);
    let wire = &stack.stack.wire;
    for (method, count) in [("PUT", 1), ("DELETE", 0), ("PUT", 1), ("DELETE", 0)] {
        let change = async || ada.call(method, "/users/bob/follow", &[], None).await;
        // The SDK gets over one lost answer; after three the client is told, and tries again.
        if count == 1 {
            wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
            change().await.expect_status(204);
        } else {
            wire.break_calls("TransactWriteItems", 0, 3, Fault::AnswerLost);
            change().await.expect_problem(503, "unavailable");
            change().await.expect_status(204);
        }
        assert_eq!((counts(&ada, "bob").await, counts(&ada, "ada").await), ((count, 0), (0, count)), "{method}");
    }
    wire.break_calls("TransactWriteItems", 0, 3, Fault::AnswerLost);
    follow(&ada, "bob").await.expect_problem(503, "unavailable");
    follow(&ada, "bob").await.expect_status(204);
    wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
    unfollow(&ada, "bob").await.expect_status(204);
    assert_eq!((counts(&ada, "bob").await, counts(&ada, "ada").await), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn follows_that_meet_try_again() {
    let stack = TestStack::start().await;
    let (ada, _) = (stack.user("ada").await, stack.user("bob").await);
    let wire = &stack.stack.wire;
    for (method, before, after) in [("PUT", 0, 1), ("DELETE", 1, 0)] {
        let change = async || ada.call(method, "/users/bob/follow", &[], None).await;
        wire.break_calls("TransactWriteItems", 0, MAX_TRIES as usize, Fault::TransactionConflict);
        change().await.expect_problem(503, "unavailable");
        assert_eq!(counts(&ada, "bob").await, (before, 0), "{method}");
        wire.break_calls("TransactWriteItems", 0, MAX_TRIES as usize - 1, Fault::TransactionConflict);
        change().await.expect_status(204);
        assert_eq!(counts(&ada, "bob").await, (after, 0), "{method}");
    }
}

#[tokio::test]
async fn what_a_batch_leaves_over_is_asked_for_again() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for (_, client) in crowd(&stack, "user", MAX_TRIES as usize + 1).await {
        follow(&client, "ada").await.expect_status(204);
    }
    let wire = &stack.stack.wire;
    let whole = ada.get("/users/ada/followers").await.body;
    wire.record();
    wire.break_calls("BatchGetItem", 0, MAX_TRIES as usize - 1, Fault::Unprocessed);
    assert_eq!(ada.get("/users/ada/followers").await.body, whole);
    assert_eq!(wire.take_calls().iter().filter(|call| call.action == "BatchGetItem").count(), MAX_TRIES as usize);
    // Never a shorter page than there is.
    wire.break_calls("BatchGetItem", 0, MAX_TRIES as usize, Fault::Unprocessed);
    ada.get("/users/ada/followers").await.expect_problem(503, "unavailable");
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        wire.break_calls("BatchGetItem", 0, 3, fault);
        ada.get("/users/ada/followers").await.expect_problem(503, "unavailable");
    }
}

#[tokio::test]
async fn who_leaves_is_left_out_at_once() {
    let stack = TestStack::start().await;
    let (ada, bob, cem) = (stack.user("ada").await, stack.user("bob").await, stack.user("cem").await);
    for client in [&bob, &cem] {
        follow(client, "ada").await.expect_status(204);
    }
    let password = json!({ "password": PASSWORD });
    bob.call("DELETE", "/me", &[], Some(password)).await.expect_status(204);
    // Nothing of it has been removed yet.
    assert_eq!(ada.get("/users/ada/followers").await.each("username"), ["cem"]);
    follow(&bob, "cem").await.expect_problem(401, "unauthenticated");
    follow(&cem, "bob").await.expect_problem(404, "not-found");
    assert_eq!(counts(&ada, "cem").await, (0, 1));
    stack.settle().await;
    assert_eq!(counts(&ada, "ada").await, (1, 0));
}
