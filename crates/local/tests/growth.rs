//! The local stack does not slow as it grows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use local::backing::{Backing, Emulators, Storage, TABLE_NAME, refs};
use rusqlite::{Connection, StatementStatus};
use serde_json::json;
use template::{self, Template};

use crate::harness::{Client, TestStack};

/// What `dynoxide` asks its database before each record that it adds, and for records.
const QUESTIONS: [&str; 2] = [
    "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
    "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
     FROM _stream_records WHERE table_name = ?1 AND shard_id <> '' AND CAST(sequence_number AS INTEGER) > 0
     ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 10",
];

/// The steps that SQLite needs to answer them.
fn steps(database: &Path) -> [i32; 2] {
    let connection = Connection::open(database).unwrap();
    QUESTIONS.map(|question| {
        let mut statement = connection.prepare(question).unwrap();
        let mut rows = statement.query([TABLE_NAME]).unwrap();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        statement.get_status(StatementStatus::VmStep)
    })
}

async fn backing(folder: &Path) -> Backing {
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let storage = Storage::Folder(folder.to_owned());
    let clock = edge::Clock::system();
    Backing::start(&template, &storage, &clock, Emulators::of_this_machine()).await.unwrap()
}

/// Writes items `from..to`, each of which is one change.
async fn write(backing: &Backing, numbers: std::ops::Range<usize>) {
    let http = reqwest::Client::new();
    for number in numbers {
        let item = json!({ "pk": { "S": format!("growth#{number}") }, "sk": { "S": "growth" }, "text": { "S": "x" } });
        let put = http
            .post(format!("http://{}/", backing.dynamodb))
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z")
            .body(json!({ "TableName": TABLE_NAME, "Item": item }).to_string());
        let answer = put.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{status} {}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn a_write_costs_the_same_however_many_changes_wait() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("dynamodb.sqlite");
    let backing = backing(folder.path()).await;
    write(&backing, 0..100).await;
    let few = steps(&database);
    write(&backing, 100..1500).await;
    assert_eq!(backing.stream_log.len().unwrap(), 1500);
    assert_eq!(steps(&database), few, "steps with 1500 changes, and with 100");
}

#[tokio::test]
async fn what_was_handed_on_is_gone_and_what_was_not_waits_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = backing(folder.path()).await;
    write(&first, 0..2).await;
    let read = first.records().unwrap();
    assert_eq!(read.len(), 2);
    write(&first, 2..5).await;
    first.take_away(&read[1]).unwrap();
    drop(first);

    let second = backing(folder.path()).await;
    let waiting = second.records().unwrap();
    let keys: Vec<_> = waiting.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap()).collect();
    assert_eq!(keys, ["growth#2", "growth#3", "growth#4"]);
    assert_eq!(second.records_after(Some(&waiting[0])).unwrap(), waiting[1..]);
    assert!(second.records_after(Some(&waiting[2])).unwrap().is_empty());
    second.take_away(&waiting[2]).unwrap();
    assert!(second.records().unwrap().is_empty());
    write(&second, 5..6).await;
    assert_eq!(second.records().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stack_that_ends_leaves_nothing_behind() {
    let stack = TestStack::start_unwatched(&[]).await;
    let ada = stack.user("ada").await;
    ada.publish("Post", &[]).await;
    stack.settle().await;
    let backing = &stack.stack.backing;
    let (pool, bucket) = (Arc::downgrade(&backing.cognito), Arc::downgrade(&backing.bucket));
    let (bus, blog) = (Arc::downgrade(&stack.stack.bus), Arc::downgrade(&stack.stack.blog));
    let left = || [pool.strong_count(), bucket.strong_count(), bus.strong_count(), blog.strong_count()];
    drop((stack, ada));
    // The emulators end at their next turn.
    for _ in 0..200 {
        if left() == [0; 4] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", left());
}

#[tokio::test]
async fn the_stream_is_empty_once_it_was_handed_on() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for _ in 0..3 {
        for number in 0..5 {
            ada.publish(&format!("Post {number}"), &["a"]).await;
        }
        assert!(stack.stack.backing.stream_log.len().unwrap() > 0);
        stack.settle().await;
        assert_eq!(stack.stack.backing.stream_log.len().unwrap(), 0);
    }
    assert_eq!(stack.visitor().get("/users/ada").await.body["counts"]["posts"], 15);
}

/// `POSTS=20000 cargo test -p local --test stories -- --ignored --nocapture twenty_thousand`. Compares the processor time of hundreds
/// that are written in turn into a stack that has that many posts and into one that has a hundred: whatever else runs on the
/// machine slows both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn twenty_thousand_posts_are_written_at_the_speed_of_the_first_hundred() {
    #[allow(clippy::disallowed_methods, reason = "how large the run is, not a setting of the stack")]
    let posts: usize = std::env::var("POSTS").map_or(20_000, |posts| posts.parse().unwrap());
    let large = TestStack::start().await;
    let of_large = large.user("ada").await;
    for hundred in 0..posts / 100 {
        let ticks = hundred_posts(&large, &of_large, hundred).await;
        eprintln!("{} posts: {ticks} ticks for the last hundred", 100 * (hundred + 1));
    }
    let mut ratios = Vec::new();
    for round in 0..5 {
        let small = TestStack::start().await;
        let of_small = small.user("ada").await;
        // Not the first hundred, which also fills caches.
        hundred_posts(&small, &of_small, 0).await;
        let first = hundred_posts(&small, &of_small, 1).await;
        let last = hundred_posts(&large, &of_large, posts / 100 + round).await;
        eprintln!("{first} ticks for the second hundred, {last} for one after {posts}");
        ratios.push(100 * last / first);
    }
    ratios.sort_unstable();
    assert!(ratios[2] < 130, "a hundred takes {ratios:?} % of the time of the second hundred");
}

/// Writes the n-th hundred posts, waits for what follows from them, and says what that took ([`processor_ticks`]).
async fn hundred_posts(stack: &TestStack, author: &Client, hundred: usize) -> u64 {
    let begin = processor_ticks();
    for number in 0..100 {
        author.publish(&format!("Post {hundred} {number}"), &["a", "b"]).await;
    }
    stack.settle().await;
    // The harness keeps what was put on the bus, which the stack does not.
    stack.take_put("broadsheet");
    processor_ticks() - begin
}

/// What this process has used so far, of users' and the system's time.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
