//! Counts that strangers change at the same moment: none of them waits for the others, and each is counted.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Details, Follow, NewPost, NewText, Post, PostId, PostName, PostText, Role, Slug, Timestamp, User, UserId,
};
use events::Function;
use local::backing::TABLE_NAME;
use local::stack::sdk_config;
use local::wire::OPERATION;
use serde_json::json;
use table::keys::{self, COUNT_SHARDS};
use table::{PostWrite, Refused};
use tokio::task::JoinSet;

use crate::harness::{PASSWORD, START, TestStack};

/// What strangers do to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Reply,
    Repost,
    Follow,
    Publish,
}

const ACTS: [Act; 4] = [Act::Reply, Act::Repost, Act::Follow, Act::Publish];

fn now() -> Timestamp {
    Timestamp::from_milliseconds(START)
}

/// An id that is counted in the first shard, as if there were but one; or any.
fn new_id<T: From<ulid::Ulid> + ToString>(stack: &TestStack, one_shard: bool) -> T {
    loop {
        let id: T = stack.stack.blog.new_id(now());
        if !one_shard || keys::count_shard(&id.to_string()) == 0 {
            return id;
        }
    }
}

/// Users with a profile, who need not log in.
async fn strangers(stack: &TestStack, size: usize, one_shard: bool) -> Vec<User> {
    let mut strangers = Vec::new();
    for number in 0..size {
        let name = format!("stranger-{number}");
        let email = format!("{name}@example.com").try_into().unwrap();
        let id: UserId = new_id(stack, one_shard);
        let user = User::new(id, name.try_into().unwrap(), email, Role::Author, now(), now());
        stack.stack.blog.table.adopt_user(&user, now()).await.unwrap();
        strangers.push(user.activated());
    }
    strangers
}

/// Does it as the operation does, apart from HTTP.
async fn act(stack: &TestStack, act: Act, user: User, post: PostId, ada: UserId, one: bool) -> Result<(), Refused> {
    let table = &stack.stack.blog.table;
    if act == Act::Follow {
        return table.follow(&Follow { follower: user.id, followed: ada, followed_at: now() }).await;
    }
    let id: PostId = new_id(stack, one);
    let mut details = Details::default();
    if act == Act::Publish {
        details.tags = serde_json::from_value(json!(["hot"])).unwrap();
    }
    let reply_to = (act == Act::Reply).then_some(post);
    let text = NewText { text: PostText { markdown: "B".into(), html: "<p>B</p>".into() }, ..NewText::default() };
    let written = if act == Act::Repost {
        Post::repost(post, id, &user, now())
    } else {
        let new = NewPost { details, reply_to, ..NewPost::default() };
        let mut written = Post::draft(new, &text, id, &user, now());
        written.publish(None, now()).unwrap();
        written
    };
    table.write_post(PostWrite::Create { post: &written, text: &text.text, author: &user }, now()).await
}

async fn target(stack: &TestStack) -> (PostId, UserId) {
    let ada = stack.user("ada").await;
    let slug = ada.publish("Target", &["hot"]).await;
    stack.settle().await;
    let name = PostName::Slug(Slug::try_from(slug).unwrap());
    let post = stack.stack.blog.table.published(&name, now()).await.unwrap().unwrap();
    (post, ada.get("/me").await.body["id"].as_str().unwrap().parse().unwrap())
}

/// Replies, reposts, followers, posts of the tag.
async fn counts(stack: &TestStack) -> [u64; 4] {
    let visitor = stack.visitor();
    let post = visitor.get("/posts/target").await.body["counts"].clone();
    let user = visitor.get("/users/ada").await.body["counts"].clone();
    let tags = visitor.get("/tags?sort=name").await;
    let mut tags = tags.body["items"].as_array().unwrap().iter();
    let tag = tags.find(|tag| tag["tag"] == "hot").unwrap();
    [&post["replies"], &post["reposts"], &user["followers"], &tag["posts"]].map(|count| count.as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_strangers_at_one_moment_are_all_counted() {
    let stack = TestStack::start().await;
    let (post, ada) = target(&stack).await;
    let strangers = strangers(&stack, 40, false).await;
    for kind in ACTS {
        // So long that forty in a row would take longer than a request tries.
        stack.stack.wire.transactions_take(Duration::from_millis(150));
        let mut tasks = JoinSet::new();
        for user in strangers.iter().cloned() {
            let stack = stack.clone();
            tasks.spawn(async move { act(&stack, kind, user, post, ada, false).await });
        }
        let refused: Vec<_> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
        assert!(refused.is_empty(), "{kind:?}: {} of 40 are refused: {}", refused.len(), refused[0]);
    }
    stack.stack.wire.transactions_take(Duration::ZERO);
    assert_eq!(counts(&stack).await, [40, 40, 40, 41]);
    stack.settle().await;
    let visitor = stack.visitor();
    let card = &visitor.get("/posts?author=ada&kind=article").await.body["items"][0]["counts"];
    assert_eq!((&card["replies"], &card["reposts"]), (&json!(40), &json!(40)));
    assert_eq!(visitor.get("/tags").await.body["items"][0], json!({ "tag": "hot", "posts": 41 }));
    let user = stack.stack.blog.table.user(ada, table::Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(user.followers, 40, "the copy that lists show");
}

/// The keys of all items.
pub async fn all_keys(stack: &TestStack) -> BTreeSet<(String, String)> {
    let client = DynamoDb::new(&sdk_config(stack.stack.wire.clone()));
    let mut items = client.scan().table_name(TABLE_NAME).into_paginator().items().send();
    let text = |value: &AttributeValue| value.as_s().unwrap().clone();
    let mut keys = BTreeSet::new();
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        keys.insert((text(&item["pk"]), text(&item["sk"])));
    }
    keys
}

#[tokio::test]
async fn what_is_counted_while_the_target_is_deleted_leaves_nothing() {
    for kind in [Act::Reply, Act::Repost, Act::Follow] {
        let stack = TestStack::start().await;
        let (post, ada_id) = target(&stack).await;
        let (ada, bob) = (stack.log_in("ada").await, stack.user("bob").await);
        stack.settle().await;
        let hold = stack.stack.wire.hold_call("TransactWriteItems");
        let late = tokio::spawn(async move {
            match kind {
                Act::Reply => {
                    let body = json!({ "body": "B", "reply_to": "target", "status": "published" });
                    bob.post("/posts", body).await.expect_status(201);
                }
                Act::Repost => {
                    bob.call("PUT", "/posts/target/repost", &[], None).await.expect_status(204);
                }
                _ => {
                    bob.call("PUT", "/users/ada/follow", &[], None).await.expect_status(204);
                }
            }
            bob
        });
        hold.arrived().await;
        ada.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
        stack.settle().await;
        hold.release();
        let bob = late.await.unwrap();
        stack.settle().await;
        let (post, user) = (post.to_string(), ada_id.to_string());
        // A reply is bob's own and stays, in the list of replies too.
        let is_left = |(pk, sk): &(String, String)| {
            let key = format!("{pk} {sk}");
            (key.contains(&post) && !key.starts_with("REPLIES#")) || key.contains(&user)
        };
        let left: Vec<_> = all_keys(&stack).await.into_iter().filter(is_left).collect();
        assert!(left.is_empty(), "{kind:?}: {left:?}");
        assert_eq!(bob.get("/me").await.body["counts"]["following"], 0);
        assert_eq!(stack.visitor().get("/posts?kind=repost").await.body["items"], json!([]));
    }
}

#[tokio::test]
async fn what_is_counted_at_a_slug_that_the_post_had_follows_it() {
    let stack = TestStack::start().await;
    let (post, _) = target(&stack).await;
    let (ada, bob) = (stack.log_in("ada").await, stack.user("bob").await);
    let body = json!({ "body": "B", "reply_to": "target", "status": "published" });
    bob.post("/posts", body.clone()).await.expect_status(201);
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let late = tokio::spawn(async move { bob.post("/posts", body).await });
    hold.arrived().await;
    ada.patch("/posts/target", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    assert_eq!(ada.get("/posts/renamed").await.body["counts"]["replies"], 1, "what was counted came along");
    hold.release();
    late.await.unwrap().expect_status(201);
    stack.settle().await;
    assert_eq!(stack.visitor().get("/posts/renamed").await.body["counts"]["replies"], 2);
    let stranded = |(pk, sk): &(String, String)| pk == "POST#target" && sk.contains(&post.to_string());
    assert!(!all_keys(&stack).await.iter().any(stranded));
}

/// Runs the job as its role allows.
async fn repair(stack: &TestStack) {
    let Ok(Function::Job(job)) = events::find("repair") else { panic!("repair is a job") };
    OPERATION.scope("repair".to_owned(), job.run(&stack.stack.events)).await.unwrap();
    stack.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_makes_damaged_counts_right_while_others_write() {
    let stack = TestStack::start().await;
    let (post, ada) = target(&stack).await;
    let crowd = strangers(&stack, 12, false).await;
    for user in &crowd[..6] {
        for kind in ACTS {
            act(&stack, kind, user.clone(), post, ada, false).await.unwrap();
        }
    }
    stack.settle().await;
    assert_eq!(counts(&stack).await, [6, 6, 6, 7]);
    // A shard of each is lost and the others are wrong, as is what the profile counts itself.
    let client = DynamoDb::new(&sdk_config(stack.stack.wire.clone()));
    let mut lost = BTreeSet::new();
    for (pk, sk) in all_keys(&stack).await {
        let name = if sk.starts_with("POST#COUNT#") {
            "replies"
        } else if sk.starts_with("PROFILE#COUNT#") {
            "followers"
        } else if sk.starts_with("NAME#hot#COUNT#") || (pk == format!("USER#{ada}") && sk == "PROFILE") {
            "posts"
        } else {
            continue;
        };
        let text = |value: &str| AttributeValue::S(value.to_owned());
        if sk != "PROFILE" && lost.insert(name) {
            client.delete_item().table_name(TABLE_NAME).key("pk", text(&pk)).key("sk", text(&sk)).send().await.unwrap();
            continue;
        }
        let update = client.update_item().table_name(TABLE_NAME).key("pk", text(&pk)).key("sk", text(&sk));
        let update = update.update_expression("SET #n = :n").expression_attribute_names("#n", name);
        update.expression_attribute_values(":n", AttributeValue::N("77".into())).send().await.unwrap();
    }
    assert_eq!(lost.len(), 3);
    stack.settle().await;
    let [replies, _, followers, posts] = counts(&stack).await;
    assert!(replies > 77 && followers > 77 && posts > 77, "damaged: {replies} {followers} {posts}");
    let writers = tokio::spawn({
        let (stack, crowd) = (stack.clone(), crowd[6..].to_vec());
        async move {
            for user in crowd {
                for kind in ACTS {
                    act(&stack, kind, user.clone(), post, ada, false).await.unwrap();
                }
            }
        }
    });
    repair(&stack).await;
    writers.await.unwrap();
    stack.settle().await;
    assert_eq!(counts(&stack).await, [12, 12, 12, 13]);
    let visitor = stack.visitor();
    assert_eq!(visitor.get("/users/ada").await.body["counts"], json!({ "posts": 1, "followers": 12, "following": 0 }));
    assert_eq!(visitor.get("/tags").await.body["items"][0], json!({ "tag": "hot", "posts": 13 }));
    let card = &visitor.get("/posts?author=ada&kind=article").await.body["items"][0]["counts"];
    assert_eq!((&card["replies"], &card["reposts"]), (&json!(12), &json!(12)));
}

/// The share of `writes` that are refused, `rate` of them a second, by strangers on one target. Each transaction takes 15 ms, as on AWS. That is
/// Tokio's time, which passes only while all wait: what this machine does meanwhile takes none.
async fn refused_of(kind: Act, rate: usize, writes: usize, one_shard: bool) -> f64 {
    let stack = TestStack::start().await;
    let (post, ada) = target(&stack).await;
    let wire = &stack.stack.wire;
    let strangers = strangers(&stack, writes, one_shard).await;
    wire.transactions_take(Duration::from_millis(15));
    tokio::time::pause();
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / rate as u64));
    let mut tasks = JoinSet::new();
    for user in strangers {
        tick.tick().await;
        let stack = stack.clone();
        tasks.spawn(async move { act(&stack, kind, user, post, ada, one_shard).await });
    }
    let outcomes = tasks.join_all().await;
    tokio::time::resume();
    wire.transactions_take(Duration::ZERO);
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    refused as f64 / outcomes.len() as f64
}

#[tokio::test]
async fn two_hundred_replies_in_a_second_are_all_written() {
    assert_eq!(refused_of(Act::Reply, 200, 200, false).await, 0.0);
    let in_one_shard = refused_of(Act::Reply, 400, 200, true).await;
    assert!(in_one_shard > 0.1, "only {in_one_shard} were refused where nothing is spread");
}

/// `cargo test -p local --test stories -- --ignored --nocapture how_many_writes`. What is counted in one shard is as it was before counts
/// were spread: docs/measurements-counters.md.
#[tokio::test]
#[ignore = "takes minutes"]
async fn how_many_writes_on_one_target_are_refused() {
    const SECONDS: usize = 5;
    println!("| | writes a second | 503, one shard | 503, {COUNT_SHARDS} shards |\n|---|---|---|---|");
    let mut too_many = Vec::new();
    for kind in ACTS {
        for rate in [40, 100, 200] {
            let in_one = refused_of(kind, rate, rate * SECONDS, true).await;
            let spread = refused_of(kind, rate, rate * SECONDS, false).await;
            println!("| {kind:?} | {rate} | {:.1} % | {:.2} % |", 100.0 * in_one, 100.0 * spread);
            if spread >= 0.001 {
                too_many.push((kind, rate));
            }
        }
    }
    assert!(too_many.is_empty(), "{too_many:?}");
}
