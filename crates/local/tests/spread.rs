//! How many writes and reads a second each access pattern takes, by the partitions that it touches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dynoxide::Item;
use dynoxide::types::{item_size, write_capacity_units};
use expect_test::expect_file;
use local::backing::TABLE_NAME;
use local::wire::Call;
use serde_json::{Value, json};

use crate::budgets::ten_kilobytes;
use crate::harness::{Client, TestStack};

/// What DynamoDB gives a partition each second.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>
const WRITE_UNITS: f64 = 1_000.0;
const READ_UNITS: f64 = 3_000.0;

/// How many write each thing.
const WRITERS: usize = 32;

/// For how many seconds a load lasts.
const SECONDS: usize = 10;

/// How many writes a second are simulated.
const LOADS: [usize; 5] = [400, 500, 600, 1_000, 5_000];

const INTRODUCTION: &str = "\
# How many writes and reads a second a partition takes

DynamoDB gives one partition key at most 1,000 WCU and 3,000 RCU a second. This table says what each access pattern takes of the partition that it asks most of, where everybody asks for
the same: the same author, the same post, the same tag. It is counted from the calls that the operations make: 32 users each write once, and the units of each item of each
transaction are summed by partition key; their sum is the capacity that the table reports. `cargo test` compares it, and `cargo run -p xtask -- generate` writes it.

An item that many transactions change at one moment lets them conflict long before its partition is at its limit. The last column is the greatest share of the writes that any
one item is part of, and what kind of item that is; \"own\" where no two writes share one. [measurements-counters.md](measurements-counters.md) says how often writes are refused for that: an
item takes some 40 transactions a second before any is.

What follows from a write, by the table's stream, is not counted: it waits where a partition is at its limit, and many changes of one post are copied to its cards at once.
Registering writes the guard of the name twice, which is the share that is said of it.
";

const LOAD: &str = "
## 5,000 posts a second, and a post with a million reactions

So many of these writes a second for ten seconds, against partitions that take 1,000 WCU in each second and not one more. Each write asks for what the recorded ones ask for, of the partitions that more than one of them asks. A transaction that
meets a partition without units left is refused as a whole, and answers 503 at once: throttling is not tried again. AWS may give more, by what a partition did not use in the minutes before, and by
splitting a hot one between sort keys; neither is counted on. At 500 a second, a million reactions take 2,000 seconds. The share of 503, and the partition that refuses, the first by name
where several are asked for the same, as `KIND#…` and `LATEST` are:
";

/// A partition or sort key without what names one thing among others.
fn kind(key: &str) -> String {
    let is_word = |part: &&str| part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    key.split('#').map(|part| Some(part).filter(is_word).unwrap_or("…")).collect::<Vec<_>>().join("#")
}

fn text(item: &Value, name: &str) -> String {
    item[name]["S"].as_str().unwrap().to_owned()
}

/// Partition key, sort key and write units of each item that a call writes.
fn written(stack: &TestStack, call: &Call) -> Vec<(String, String, f64)> {
    let size = |item: &Value| {
        let item: Item = serde_json::from_value(item.clone()).unwrap();
        write_capacity_units(item_size(&item))
    };
    let of_table = |key: &Value| {
        let request = json!({ "TableName": TABLE_NAME, "Key": key, "ConsistentRead": true });
        let answer = stack.stack.backing.database().get_item(serde_json::from_value(request).unwrap()).unwrap();
        serde_json::to_value(answer).unwrap()["Item"].clone()
    };
    let one = |write: &Value| {
        if write["Item"].is_object() {
            return (text(&write["Item"], "pk"), text(&write["Item"], "sk"), size(&write["Item"]));
        }
        (text(&write["Key"], "pk"), text(&write["Key"], "sk"), size(&of_table(&write["Key"])))
    };
    match call.action.as_str() {
        "TransactWriteItems" => {
            let writes = call.request["TransactItems"].as_array().unwrap().iter();
            let writes = writes.map(|write| one(write.as_object().unwrap().values().next().unwrap()));
            writes.map(|(pk, sk, units)| (pk, sk, 2.0 * units)).collect()
        }
        "PutItem" | "UpdateItem" => vec![one(&call.request)],
        "BatchWriteItem" => panic!("no operation writes batches"),
        _ => Vec::new(),
    }
}

/// What is written, by partition and by item.
#[derive(Default)]
struct Spread {
    partitions: BTreeMap<String, f64>,
    items: BTreeMap<(String, String), usize>,
}

impl Spread {
    fn of(stack: &TestStack, calls: &[Call]) -> Self {
        let mut spread = Self::default();
        for call in calls.iter().filter(|call| call.service == "dynamodb" && !call.counts_request()) {
            let written = written(stack, call);
            if written.is_empty() {
                continue;
            }
            let sum: f64 = written.iter().map(|(.., units)| units).sum();
            assert_eq!(sum, call.capacity, "{call:?}");
            for (pk, sk, units) in written {
                *spread.partitions.entry(pk.clone()).or_default() += units;
                *spread.items.entry((pk, sk)).or_default() += 1;
            }
        }
        spread
    }

    /// What most is written to, and how many units.
    fn hottest(&self) -> (&str, f64) {
        let most = self.partitions.iter().max_by(|(_, one), (_, other)| one.total_cmp(other));
        most.map(|(pk, units)| (pk.as_str(), *units)).unwrap()
    }

    fn row(&self, pattern: &str, writes: usize) -> String {
        let (pk, units) = self.hottest();
        let each = units / writes as f64;
        let ((item_pk, item_sk), times) = self.items.iter().max_by_key(|(_, times)| **times).unwrap();
        let shared = match times {
            1 => "own".to_owned(),
            _ => format!("{:.0} %, `{}` `{}`", 100.0 * *times as f64 / writes as f64, kind(item_pk), kind(item_sk)),
        };
        format!("| {pattern} | `{}` | {each:.2} | {:.0} | {shared} |\n", kind(pk), WRITE_UNITS / each)
    }
}

/// Lets each of these do something, and gives the calls that each makes.
async fn calls(stack: &TestStack, clients: &[Client], request: impl AsyncFn(&Client, usize)) -> Vec<Vec<Call>> {
    stack.settle().await;
    stack.stack.wire.take_calls();
    let mut calls = Vec::new();
    for (number, client) in clients.iter().enumerate() {
        request(client, number).await;
        calls.push(stack.stack.wire.take_calls());
    }
    calls
}

/// Lets each of these do something, and says what that asks of the partition that it asks most of.
async fn row(stack: &TestStack, pattern: &str, clients: &[Client], request: impl AsyncFn(&Client, usize)) -> String {
    let calls = calls(stack, clients, request).await;
    Spread::of(stack, &calls.concat()).row(pattern, clients.len())
}

/// Partitions that more than one write asks, with what is left of their units in this second.
struct Partitions(BTreeMap<String, f64>);

impl Partitions {
    fn shared_by(writes: &[BTreeMap<String, f64>]) -> Self {
        let (mut met, mut shared) = (BTreeSet::new(), BTreeMap::new());
        for pk in writes.iter().flat_map(BTreeMap::keys).filter(|pk| !met.insert(*pk)) {
            shared.insert(pk.clone(), WRITE_UNITS);
        }
        Self(shared)
    }

    fn begin_second(&mut self) {
        self.0.values_mut().for_each(|left| *left = WRITE_UNITS);
    }

    /// Does a write, or tells the partition that refuses it.
    fn write<'a>(&mut self, write: &'a BTreeMap<String, f64>) -> Result<(), &'a str> {
        let lacks = |(pk, units): &(&String, &f64)| self.0.get(*pk).is_some_and(|left| left < *units);
        if let Some((pk, _)) = write.iter().find(lacks) {
            return Err(pk);
        }
        for (pk, units) in write {
            if let Some(left) = self.0.get_mut(pk) {
                *left -= units;
            }
        }
        Ok(())
    }
}

/// What becomes of many such writes in each second.
fn load(pattern: &str, writes: &[BTreeMap<String, f64>]) -> String {
    let mut row = format!("| {pattern} |");
    let mut refusing = BTreeSet::new();
    for load in LOADS {
        let mut partitions = Partitions::shared_by(writes);
        let mut refused = 0;
        for _ in 0..SECONDS {
            partitions.begin_second();
            for write in writes.iter().cycle().take(load) {
                if let Err(pk) = partitions.write(write) {
                    refused += 1;
                    refusing.insert(format!("`{}`", kind(pk)));
                }
            }
        }
        let _ = write!(row, " {:.1} % |", 100.0 * f64::from(refused) / (load * SECONDS) as f64);
    }
    let _ = writeln!(row, " {} |", refusing.into_iter().collect::<Vec<_>>().join(", "));
    row
}

/// What a page asks of the partition that it asks most of, with queries and single items.
async fn read(stack: &TestStack, pattern: &str, client: &Client, path: &str) -> String {
    stack.stack.wire.take_calls();
    client.get(path).await.expect_status(200);
    let mut partitions = BTreeMap::<String, f64>::new();
    for call in stack.stack.wire.take_calls() {
        let pk = match call.action.as_str() {
            "GetItem" => text(&call.request["Key"], "pk"),
            "Query" => text(&call.request["ExpressionAttributeValues"], ":pk"),
            _ => continue,
        };
        *partitions.entry(pk).or_default() += call.capacity;
    }
    let (pk, units) = partitions.iter().max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap();
    format!("| {pattern} | `{}` | {units} | {:.0} |\n", kind(pk), READ_UNITS / units)
}

fn post(title: &str, slug: &str, tags: &[&str]) -> Value {
    json!({
        "title": title,
        "slug": slug,
        "body": ten_kilobytes(),
        "summary": "s".repeat(470),
        "tags": tags,
        "status": "published",
    })
}

#[tokio::test]
async fn the_documentation_says_what_a_partition_takes() {
    let stack = TestStack::start().await;
    let (chief, ada) = (stack.admin().await, stack.user("ada").await);
    let mut crowd = Vec::new();
    for number in 0..WRITERS {
        crowd.push(stack.user(&format!("user-{number:02}")).await);
    }
    ada.post("/posts", post("Target", "target", &["hot"])).await.expect_status(201);
    stack.settle().await;
    for client in &crowd {
        client.get("/posts").await.expect_status(200);
    }
    stack.stack.wire.record();
    let publish = async |client: &Client, tags: &[&str], number: usize| {
        let slug = format!("post-{}-{number:02}", tags.join("-"));
        client.post("/posts", post("Post number 000001", &slug, tags)).await.expect_status(201);
    };
    let by_ada = vec![ada.clone(); WRITERS];
    let tags: Vec<_> = (0..WRITERS).map(|number| format!("tag-{number}")).collect();
    let put = async |client: &Client, path: &str, body: Option<Value>| {
        client.call("PUT", path, &[], body).await.expect_status(204);
    };
    let published = calls(&stack, &crowd, async |client, number| publish(client, &[&tags[number]], number).await).await;
    let tagged = calls(&stack, &crowd, async |client, number| publish(client, &["hot"], number).await).await;
    let reacted = calls(&stack, &crowd, async |client, _| {
        put(client, "/posts/target/reaction", Some(json!({ "kind": "like" }))).await;
    })
    .await;
    let (mut rows, mut loads) = (Vec::new(), String::new());
    for (pattern, calls) in [
        ("publish, each with a tag of their own", &published),
        ("publish, all with one tag", &tagged),
        ("react to one post", &reacted),
    ] {
        rows.push(Spread::of(&stack, &calls.concat()).row(pattern, WRITERS));
        let writes: Vec<_> = calls.iter().map(|calls| Spread::of(&stack, calls).partitions).collect();
        loads.push_str(&load(pattern, &writes));
    }
    rows.extend([
        row(&stack, "publish, all by one author", &by_ada, async |client, number| {
            publish(client, &["ada", &tags[number]], number).await;
        })
        .await,
        row(&stack, "comment on one post", &crowd, async |client, _| {
            client.post("/posts/target/comments", json!({ "body": "A comment." })).await.expect_status(201);
        })
        .await,
        row(&stack, "reply to one post", &crowd, async |client, number| {
            let mut reply = post("Post number 000001", &format!("reply-{number:02}"), &[]);
            reply["reply_to"] = json!("target");
            client.post("/posts", reply).await.expect_status(201);
        })
        .await,
        row(&stack, "repost one post", &crowd, async |client, _| {
            put(client, "/posts/target/repost", None).await;
        })
        .await,
        row(&stack, "bookmark one post", &crowd, async |client, _| {
            put(client, "/me/bookmarks/target", None).await;
        })
        .await,
        row(&stack, "follow one user", &crowd, async |client, _| {
            put(client, "/users/ada/follow", None).await;
        })
        .await,
        row(&stack, "follow one tag", &crowd, async |client, _| put(client, "/tags/hot/follow", None).await).await,
        row(&stack, "edit a title, each of a post of their own", &crowd, async |client, number| {
            let path = format!("/posts/post-hot-{number:02}");
            client.patch(&path, "*", json!({ "title": "Post number 999999" })).await.expect_status(200);
        })
        .await,
    ]);
    let visitors = vec![stack.visitor(); WRITERS];
    rows.push(
        row(&stack, "register", &visitors, async |visitor, number| {
            let name = format!("new-{number:02}");
            let user =
                json!({ "username": name, "email": format!("{name}@example.com"), "password": "a battery of horses" });
            let visitor = visitor.from(&format!("2001:db8:2:{number:x}::1"));
            visitor.post("/users", user).await.expect_status(201);
        })
        .await,
    );
    let keys = vec![chief.clone(); WRITERS];
    rows.push(
        row(&stack, "invite", &keys, async |client, _| {
            client.post("/admin/invitations", json!({ "role": "author" })).await.expect_status(201);
        })
        .await,
    );
    stack.settle().await;
    stack.pass_seconds(200);
    let visitor = stack.visitor();
    for path in ["/posts", "/search?q=post", "/feed.xml"] {
        visitor.get(path).await.expect_status(200);
    }
    let mut reads = String::new();
    for (pattern, path) in [
        ("20 latest", "/posts"),
        ("20 of an author", "/posts?author=ada"),
        ("20 of a tag", "/posts?tag=hot"),
        ("a post", "/posts/target"),
        ("20 comments", "/posts/target/comments"),
        ("the reactions to a post", "/posts/target/reactions"),
        ("tags", "/tags"),
        ("a search", "/search?q=post"),
        ("a profile", "/users/ada"),
        ("a feed", "/feed.xml"),
    ] {
        reads.push_str(&read(&stack, pattern, &visitor, path).await);
    }
    let a_second = LOADS.map(|load| format!(" {load} a second |")).concat();
    let mut table = INTRODUCTION.to_owned();
    let _ = write!(
        table,
        "\n| write | partition | WCU of it, a write | writes a second | the item that most writes share |\n|---|---|---|---|---|\n{}\
         \n| read by visitors | partition | RCU of it, a read | reads a second |\n|---|---|---|---|\n{reads}\
         {LOAD}\n| write |{a_second} refuses |\n|---|{}---|\n{loads}",
        rows.concat(),
        "---|".repeat(LOADS.len()),
    );
    expect_file!["../../../docs/measurements-spread.md"].assert_eq(&table);
}
