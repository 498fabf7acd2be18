//! At the end of each story, a repair of its table finds nothing: whatever the story did, no count is wrong.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws::Sdk;
use aws_sdk_dynamodb::types::AttributeValue;
use local::backing::TABLE_NAME;
use local::stack::{Stack, sdk_config};
use serde_json::json;
use table::{Finding, Repair, RepairSettings, Repaired, Table};

use crate::counters::all_keys;
use crate::harness::TestStack;

/// Repairs the table of a stack when its story is over, without writing, and fails if something is wrong.
pub struct Check {
    stack: Arc<Stack>,
}

impl Check {
    pub fn new(stack: &Arc<Stack>) -> Self {
        Self { stack: Arc::clone(stack) }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // Copies follow from changes that a story may leave unread.
        let is_settled = self.stack.backing.records().expect("the stream is read").is_empty()
            && self.stack.bus.is_idle()
            && self.stack.bus.given_up("HomeFeedFailures").is_empty();
        let (database, now) = (self.stack.backing.database(), self.stack.blog.now());
        let settings = settings(&self.stack.blog);
        // On a thread and at an address of its own: the story's runtime waits here, and the story's wire may still fail.
        let check = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("an address");
                let address = listener.local_addr().expect("an address");
                let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
                let table = Table::new(&Sdk::new(local::stack::sdk_config_at(address)), TABLE_NAME.to_owned(), 0);
                let mut findings = Vec::new();
                let repaired = table.repair(Repair::Report, settings, now, &mut |finding| findings.push(finding)).await;
                server.abort();
                findings.retain(|finding: &Finding| is_settled || !finding.is_copy);
                (repaired.expect("the table answers"), findings)
            })
        });
        let (Repaired { unsettled, .. }, findings) = check.join().expect("the repair ends");
        let findings = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(findings.is_empty() && unsettled == 0, "{unsettled} unsettled, and this is wrong:\n{findings}");
    }
}

/// What a repair of this stack has to know.
pub fn settings(blog: &edge::Blog) -> RepairSettings {
    RepairSettings { sitemap_posts: blog.config.sitemap_posts.get(), fan_out_followers: blog.config.fan_out_followers }
}

fn dynamodb(stack: &TestStack) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&sdk_config(stack.stack.wire.clone()))
}

/// Repairs the table of a stack; gives what was wrong.
async fn repair(stack: &TestStack, mode: Repair) -> Vec<String> {
    let mut findings = Vec::new();
    let blog = &stack.stack.blog;
    let repaired =
        blog.table.repair(mode, settings(blog), blog.now(), &mut |finding| findings.push(finding.to_string())).await;
    assert_eq!(repaired.unwrap(), Repaired { wrong: findings.len() as u64, unsettled: 0 });
    findings
}

#[tokio::test]
async fn a_repair_reports_and_corrects_every_kind_of_count() {
    let stack = TestStack::start().await;
    let (ada, bob, chief) = (stack.user("ada").await, stack.user("bob").await, stack.admin().await);
    ada.publish("Hello", &["tea"]).await;
    bob.put("/posts/hello/reaction", json!({ "kind": "like" })).await.expect_status(204);
    bob.put("/users/ada/follow", json!({})).await.expect_status(204);
    chief.put("/posts/hello/pin", json!({})).await.expect_status(204);
    let comment = bob.post("/posts/hello/comments", json!({ "body": "first" })).await.body["id"].clone();
    let reply = json!({ "body": "reply", "parent_id": comment });
    ada.post("/posts/hello/comments", reply).await.expect_status(201);
    stack.settle().await;
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);

    // Somebody writes to the table by hand.
    let seven = |name: &str, (partition, sort_key): (&str, &str)| {
        let (pk, sk) = (AttributeValue::S(partition.to_owned()), AttributeValue::S(sort_key.to_owned()));
        let update = dynamodb(&stack).update_item().table_name(TABLE_NAME).key("pk", pk).key("sk", sk);
        let update = update.update_expression("SET #n = :n").expression_attribute_names("#n", name);
        let update = update.condition_expression("attribute_exists(pk)");
        update.expression_attribute_values(":n", AttributeValue::N("7".into())).send()
    };
    let keys = all_keys(&stack).await;
    let key = |partition: &str, sort_key: &str| {
        let found = keys.iter().find(|(pk, sk)| pk.starts_with(partition) && sk.starts_with(sort_key));
        let (pk, sk) = found.unwrap_or_else(|| panic!("there is no {partition} / {sort_key}"));
        (pk.as_str(), sk.as_str())
    };
    let ada_id = ada.get("/me").await.body["id"].as_str().unwrap().to_owned();
    let bob_id = bob.get("/me").await.body["id"].as_str().unwrap().to_owned();
    let (of_ada, of_bob) = (format!("USER#{ada_id}"), format!("USER#{bob_id}"));
    seven("like", key("POST#hello", "POST#COUNT#")).await.unwrap();
    seven("followers", key(&of_ada, "PROFILE#COUNT#")).await.unwrap();
    seven("posts", (&of_ada, "PROFILE")).await.unwrap();
    seven("following", (&of_bob, "PROFILE")).await.unwrap();
    seven("posts", key("TAGS#", "NAME#tea#COUNT#")).await.unwrap();
    seven("posts", ("PINNED", "COUNT")).await.unwrap();
    seven("replies", key("COMMENTS#", comment.as_str().unwrap())).await.unwrap();
    let found = repair(&stack, Repair::Report).await;
    assert_eq!(repair(&stack, Repair::Report).await, found, "a report corrects nothing");
    let what: BTreeSet<_> = found.iter().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect();
    for wrong in ["following is 7 and should be 1", "posts is 7 and should be 1", "replies is 7 and should be 1"] {
        assert!(what.contains(wrong), "{found:#?}");
    }
    for wrong in ["like in shard", "followers in shard", "posts in shard"] {
        assert!(what.iter().any(|found| found.starts_with(wrong)), "{wrong}: {found:#?}");
    }
    assert_eq!(repair(&stack, Repair::Mend).await, found);
    stack.settle().await;
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);

    // Only a copy is wrong.
    let id = stack.visitor().get("/posts/hello").await.body["id"].as_str().unwrap().to_owned();
    seven("comments", key("TAG#tea", "")).await.unwrap();
    let copied = repair(&stack, Repair::Report).await;
    assert_eq!(copied, [format!("post {id}: comments in TAG#tea is 7 and should be 2")]);
    assert_eq!(repair(&stack, Repair::Mend).await, copied);
    stack.settle().await;
    let shown = stack.visitor().get("/posts/hello").await.body["counts"].clone();
    assert_eq!(shown, json!({ "comments": 2, "reactions": 1, "replies": 0, "reposts": 0 }));
}

#[tokio::test]
async fn the_check_at_the_end_of_a_story_fails_if_a_count_is_wrong() {
    let stack = TestStack::start().await;
    stack.user("ada").await.publish("Hello", &[]).await;
    let id = stack.visitor().get("/posts/hello").await.body["id"].as_str().unwrap().to_owned();
    let count = dynamodb(&stack).put_item().table_name(TABLE_NAME).item("pk", AttributeValue::S("POST#hello".into()));
    let count = count
        .item("sk", AttributeValue::S(format!("POST#COUNT#{id}#00")))
        .item("type", AttributeValue::S("post_counts".into()));
    count.item("replies", AttributeValue::N("1".into())).send().await.unwrap();
    let end = tokio::task::spawn_blocking(move || drop(stack)).await;
    assert!(end.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_repair_brings_home_feeds_to_what_they_should_be() {
    let stack = TestStack::start_with_parameters(&[("FanOutFollowers", "2")]).await;
    let (ada, bob, eve) = (stack.user("ada").await, stack.user("bob").await, stack.user("eve").await);
    for title in ["One", "Two"] {
        ada.publish(title, &[]).await;
    }
    eve.publish("Other", &[]).await;
    bob.put("/users/ada/follow", json!({})).await.expect_status(204);
    stack.settle().await;
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);
    let titles = async || -> Vec<String> {
        let feed = bob.get("/me/feed").await.body;
        feed["items"].as_array().unwrap().iter().map(|card| card["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles().await, ["Two", "One"]);

    // An entry is lost, one is of a user who is not followed, one of a post that there is not.
    let keys = all_keys(&stack).await;
    let entries: Vec<_> = keys.iter().filter(|(pk, sk)| pk.starts_with("FEED#") && sk.starts_with('2')).collect();
    let [first, _] = entries[..] else { panic!("{entries:?}") };
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = dynamodb(&stack).delete_item().table_name(TABLE_NAME);
    delete.key("pk", text(&first.0)).key("sk", text(&first.1)).send().await.unwrap();
    assert_eq!(titles().await, ["Two"]);
    let id_of = async |name: &str| -> String {
        let user = stack.visitor().get(&format!("/users/{name}")).await.body;
        user["id"].as_str().unwrap().to_owned()
    };
    let (ada_id, bob_id, eve_id) = (id_of("ada").await, id_of("bob").await, id_of("eve").await);
    let other = stack.visitor().get("/posts/other").await.body;
    let (at, id) = (other["published_at"].as_str().unwrap(), other["id"].as_str().unwrap());
    let (never, nothing) = ("2020-01-01T00:00:00.000Z", "01DXF6DT000000000000000000");
    for (author, at, post) in [(&eve_id, at, id), (&ada_id, never, nothing)] {
        let put = dynamodb(&stack).put_item().table_name(TABLE_NAME).item("pk", text(&first.0));
        let put = put.item("sk", text(&format!("{at}#{post}"))).item("type", text("feed_entry"));
        put.item("author", text(author)).item("followed_at", text(never)).send().await.unwrap();
    }
    let found = repair(&stack, Repair::Report).await;
    let user = format!("user {bob_id}: home feed of");
    let expected = [
        format!("{user} {ada_id} is 1 and should be 2"),
        format!("{user} post {id} is 1 and should be 0"),
        format!("{user} post {nothing} is 1 and should be 0"),
    ];
    assert_eq!(found, expected);
    assert_eq!(repair(&stack, Repair::Report).await, found, "a report corrects nothing");
    assert_eq!(repair(&stack, Repair::Mend).await, found);
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);
    assert_eq!(titles().await, ["Two", "One"]);

    // Of a very popular author, a feed has a note.
    for name in ["cyd", "dan"] {
        let reader = stack.user(name).await;
        reader.put("/users/ada/follow", json!({})).await.expect_status(204);
    }
    stack.settle().await;
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);
    let delete = dynamodb(&stack).delete_item().table_name(TABLE_NAME);
    let note = delete.key("pk", text(&first.0)).key("sk", text(&format!("~POPULAR#{ada_id}")));
    note.condition_expression("attribute_exists(pk)").send().await.unwrap();
    let lacks = [format!("{user} {ada_id} is 0 and should be 1")];
    assert_eq!(repair(&stack, Repair::Mend).await, lacks);
    assert_eq!(repair(&stack, Repair::Report).await, [""; 0]);
    ada.publish("Three", &[]).await;
    stack.settle().await;
    assert_eq!(titles().await, ["Three", "Two", "One"]);
}
