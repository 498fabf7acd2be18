//! The audit log: who did what to whom.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AuditAction, AuditedKind, Role};
use expect_test::expect_file;
use local::backing::TABLE_NAME;
use local::stack::sdk_config;
use local::wire::{Call, Fault};
use serde_json::{Value, json};
use table::Repair;

use crate::concurrency::at_once;
use crate::harness::{Client, PASSWORD, TestStack, walk};

/// What the audit log says, newest first: `actor action subject`. A subject that is no user is `-`.
async fn told(admin: &Client, query: &str) -> Vec<String> {
    let entries = walk(admin, &format!("/admin/audit{query}"), 3).await;
    let name = |of: &Value| of["username"].as_str().unwrap_or("-").to_owned();
    let line = |entry: &Value| {
        let action = entry["action"].as_str().unwrap();
        assert!(action.starts_with(entry["subject"]["kind"].as_str().unwrap()), "{entry}");
        format!("{} {action} {}", name(&entry["actor"]), name(&entry["subject"]))
    };
    entries.iter().map(line).collect()
}

async fn id_of(client: &Client, path: &str) -> String {
    client.get(path).await.body["id"].as_str().unwrap().to_owned()
}

/// An editor, and an administrator.
async fn start(parameters: &[(&str, &str)]) -> (TestStack, Client, Client) {
    let stack = TestStack::start_with_parameters(parameters).await;
    let chief = stack.admin().await;
    let mona = stack.user_with_role("mona", Role::Editor).await;
    (stack, chief, mona)
}

/// Everything that the log tells of happens here, but for what is done to keys, invitations and webhooks, which have stories of their own.
#[tokio::test]
async fn the_log_tells_of_everything_that_it_says_it_tells_of() {
    let (stack, chief, mona) = start(&[("BlockedWords", "casino")]).await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    let edit = async |path: &str, body: Value| mona.patch(path, "*", body).await.expect_status(200);
    let post = async |path: &str, body: Value| mona.post(path, body).await.expect_status(200);
    ada.publish("Hello", &[]).await;
    edit("/posts/hello", json!({ "title": "Hello, all" })).await;
    post("/posts/hello/revisions/1/restore", json!({})).await;
    mona.call("PUT", "/posts/hello/pin", &[], None).await.expect_status(204);
    mona.delete("/posts/hello/pin").await.expect_status(204);
    mona.delete("/posts/hello/preview").await.expect_status(204);
    edit("/posts/hello", json!({ "status": "draft", "title": "Quiet" })).await;
    post("/posts/hello/publish", json!({})).await;
    post("/posts/hello/unpublish", json!({})).await;
    post("/posts/hello/publish", json!({ "publish_at": "2027-01-01T00:00:00Z" })).await;
    mona.delete("/posts/hello").await.expect_status(204);
    post("/posts/hello/restore", json!({})).await;
    post("/posts/hello/publish", json!({})).await;
    let comment = async |body: &str| {
        let written = ada.post("/posts/hello/comments", json!({ "body": body })).await;
        written.expect_status(201);
        written.body["id"].as_str().unwrap().to_owned()
    };
    let decide = async |id: &str, decision: &str| {
        let decided = mona.put(&format!("/moderation/comments/{id}"), json!({ "decision": decision })).await;
        decided.expect_status(200);
    };
    let (one, two, three) = (comment("casino 1").await, comment("casino 2").await, comment("fine").await);
    decide(&one, "approve").await;
    decide(&two, "reject").await;
    let report = json!({ "reason": "rude" });
    mona.post(&format!("/posts/hello/comments/{three}/report"), report).await.expect_status(202);
    decide(&three, "approve").await;
    mona.delete(&format!("/posts/hello/comments/{three}")).await.expect_status(204);
    chief.put("/admin/users/ada/role", json!({ "role": "reader" })).await.expect_status(200);
    chief.put("/admin/users/ada/suspension", json!({ "reason": "Spam." })).await.expect_status(204);
    chief.delete("/admin/users/ada/suspension").await.expect_status(204);

    let by_mona = [
        "post.edited",
        "post.edited",
        "post.pinned",
        "post.unpinned",
        "post.previews_revoked",
        "post.unpublished",
        "post.published",
        "post.unpublished",
        "post.scheduled",
        "post.trashed",
        "post.restored",
        "post.published",
        "comment.approved",
        "comment.rejected",
        "comment.approved",
        "comment.deleted",
    ];
    let by_chief = ["user.role_changed", "user.suspended", "user.reinstated"];
    let lines = by_mona.iter().map(|action| format!("mona {action} -"));
    let lines = lines.chain(by_chief.iter().map(|action| format!("chief {action} ada")));
    let mut expected: Vec<_> = lines.collect();
    expected.reverse();
    assert_eq!(told(&chief, "").await, expected);
    let told_of: BTreeSet<_> = by_mona.into_iter().chain(by_chief).collect();
    let here = [AuditedKind::User, AuditedKind::Post, AuditedKind::Comment];
    let all = AuditAction::ALL.iter().filter(|action| here.contains(&action.kind()));
    assert_eq!(told_of, all.map(|action| action.name()).collect());

    // What is in it, and nothing else.
    let last = chief.get("/admin/audit?limit=3").await.body["items"][2].clone();
    let ids = (id_of(&chief, "/me").await, chief.get("/users/ada").await.body["id"].clone());
    assert_eq!(
        last,
        json!({
            "id": last["id"], "action": "user.role_changed", "actor": { "id": ids.0, "username": "chief" },
            "subject": { "kind": "user", "id": ids.1, "username": "ada" }, "role": "reader", "at": "2026-11-21T08:30:00.000Z",
        })
    );

    // Each is one transaction with what it tells of, and nothing is ever written over or deleted.
    for Call { action, request, .. } in stack.stack.wire.take_calls() {
        let items = request["TransactItems"].as_array().cloned().unwrap_or_default();
        let of_log = |item: &&Value| item.to_string().contains("\"AUDIT");
        assert!(!request.to_string().contains("AUDIT") || action == "Query" || !items.is_empty(), "{action}");
        let entries: Vec<_> = items.iter().filter(of_log).collect();
        assert!(entries.is_empty() || (entries.len() == 3 && items.len() > 3), "{items:?}");
        for entry in entries {
            assert_eq!(entry["Put"]["ConditionExpression"], "attribute_not_exists(pk)", "{entry}");
        }
    }
}

#[tokio::test]
async fn what_is_ones_own_and_what_changes_nothing_is_not_in_the_log() {
    let (_stack, chief, mona) = start(&[("HoldComments", "all")]).await;
    mona.publish("Mine", &[]).await;
    mona.patch("/posts/mine", "*", json!({ "title": "Still mine" })).await.expect_status(200);
    mona.delete("/posts/mine/preview").await.expect_status(204);
    let own = mona.post("/posts/mine/comments", json!({ "body": "Mine too" })).await.body["id"].clone();
    let own = format!("/posts/mine/comments/{}", own.as_str().unwrap());
    mona.patch(&own, "*", json!({ "body": "Still mine" })).await.expect_status(200);
    let approve = json!({ "decision": "approve" });
    let decided = mona.put(&own.replace("/posts/mine", "/moderation"), approve).await;
    decided.expect_status(200);
    mona.delete(&own).await.expect_status(204);
    chief.put("/admin/users/mona/role", json!({ "role": "editor" })).await.expect_status(200);
    chief.delete("/admin/users/mona/suspension").await.expect_status(204);
    chief.patch("/posts/mine", "\"9-x\"", json!({ "title": "Late" })).await.expect_problem(412, "precondition-failed");
    chief.put("/admin/users/chief/role", json!({ "role": "reader" })).await.expect_invalid(&["/role"]);
    mona.delete("/posts/mine/pin").await.expect_status(204);
    mona.delete("/posts/mine").await.expect_status(204);
    assert_eq!(told(&chief, "").await, [""; 0]);
}

#[tokio::test]
async fn administrators_look_for_who_did_it_and_to_whom() {
    let (stack, chief, mona) = start(&[]).await;
    let ada = stack.user("ada").await;
    for title in ["One", "Two", "Three"] {
        ada.publish(title, &[]).await;
        mona.patch(&format!("/posts/{}", title.to_lowercase()), "*", json!({ "summary": "S" }))
            .await
            .expect_status(200);
        stack.pass_seconds(1);
    }
    chief.put("/admin/users/ada/role", json!({ "role": "editor" })).await.expect_status(200);
    chief.patch("/posts/two", "*", json!({ "summary": "Other" })).await.expect_status(200);
    let (edited, role) = ("post.edited -", "chief user.role_changed ada");
    let by_mona = vec![format!("mona {edited}"); 3];
    let (ada_id, mona_id, two) = (id_of(&ada, "/me").await, id_of(&mona, "/me").await, id_of(&ada, "/posts/two").await);
    assert_eq!(told(&chief, "?actor=mona").await, by_mona);
    assert_eq!(told(&chief, &format!("?actor={}", mona_id.to_lowercase())).await, by_mona);
    assert_eq!(told(&chief, "?actor=Chief").await, [format!("chief {edited}"), role.to_owned()]);
    assert_eq!(told(&chief, &format!("?subject={two}")).await, [format!("chief {edited}"), format!("mona {edited}")]);
    for ada in ["ada", &ada_id] {
        assert_eq!(told(&chief, &format!("?subject={ada}")).await, [role]);
    }
    assert_eq!(told(&chief, "?actor=ada").await, [""; 0]);
    assert_eq!(told(&chief, &format!("?actor={two}")).await, [""; 0]);
    assert_eq!(told(&chief, "").await.len(), 5);
    let at = chief.get("/admin/audit").await.each("at");
    assert!(at.is_sorted_by(|newer, older| newer >= older), "{at:?}");

    chief.get("/admin/audit?actor=nobody").await.expect_invalid(&["/actor"]);
    chief.get("/admin/audit?subject=nobody").await.expect_invalid(&["/subject"]);
    chief.get("/admin/audit?subject=a%20b").await.expect_invalid(&["/subject"]);
    chief.get("/admin/audit?actor=ada&subject=mona").await.expect_invalid(&["/subject"]);
    let cursor = chief.get("/admin/audit?limit=1").await.body["next_cursor"].as_str().unwrap().to_owned();
    chief.get(&format!("/admin/audit?cursor={cursor}&actor=mona")).await.expect_problem(400, "invalid-cursor");
    mona.get("/admin/audit").await.expect_problem(403, "forbidden");

    // Who did it has it in their export; to whom it was done has not.
    for (client, entries) in [(&mona, 3), (&ada, 0)] {
        let asked = client.post("/me/export", json!({})).await.body["export_id"].clone();
        stack.settle().await;
        let ready = client.get(&format!("/me/exports/{}", asked.as_str().unwrap())).await.body;
        let file: Value = reqwest::get(ready["url"].as_str().unwrap()).await.unwrap().json().await.unwrap();
        assert_eq!(file["audit"].as_array().unwrap().len(), entries, "{file}");
    }

    // A new name shows at once, and the former one still finds them. Who leaves is an id.
    mona.patch("/me", "*", json!({ "username": "lisa" })).await.expect_status(200);
    let by_lisa = vec![format!("lisa {edited}"); 3];
    for name in ["mona", "lisa", &mona_id] {
        assert_eq!(told(&chief, &format!("?actor={name}")).await, by_lisa, "{name}");
    }
    let leave = json!({ "password": PASSWORD });
    mona.call("DELETE", "/me", &[], Some(leave)).await.expect_status(204);
    stack.settle().await;
    assert_eq!(told(&chief, &format!("?actor={mona_id}")).await, vec![format!("- {edited}"); 3]);
    assert_eq!(told(&chief, "").await.len(), 5);
}

#[tokio::test]
async fn an_entry_is_there_exactly_if_what_it_tells_of_is() {
    let (stack, chief, _) = start(&[]).await;
    let ada = stack.user("ada").await;
    let give = async |role: &str| chief.put("/admin/users/ada/role", json!({ "role": role })).await;
    stack.stack.wire.break_calls("TransactWriteItems", 0, 3, Fault::ServerError);
    give("reader").await.expect_problem(503, "unavailable");
    assert_eq!(ada.get("/me").await.body["role"], "author");
    assert_eq!(told(&chief, "").await, [""; 0]);
    // It is done although the answer is lost: once.
    stack.stack.wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
    give("reader").await.expect_status(200);
    assert_eq!(told(&chief, "").await, ["chief user.role_changed ada"]);
    stack.stack.wire.break_calls("TransactWriteItems", 0, 2, Fault::TransactionConflict);
    give("editor").await.expect_status(200);
    assert_eq!(told(&chief, "").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_editors_at_once_each_who_edited_is_in_the_log() {
    let (stack, chief, mona) = start(&[]).await;
    let ada = stack.user("ada").await;
    ada.publish("Contested", &[]).await;
    let statuses = at_once(20, |number| {
        let mona = mona.clone();
        async move { mona.patch("/posts/contested", "*", json!({ "summary": format!("By {number}") })).await }
    })
    .await;
    let edits = statuses.iter().filter(|status| **status == 200).count();
    assert!(edits > 0, "{statuses:?}");
    assert_eq!(ada.get("/posts/contested").await.body["version"], edits + 1);
    assert_eq!(told(&chief, "?actor=mona").await.len(), edits);
}

#[tokio::test]
async fn a_repair_finds_an_entry_that_is_not_in_all_of_its_lists() {
    let (stack, chief, _) = start(&[]).await;
    stack.user("ada").await;
    chief.put("/admin/users/ada/role", json!({ "role": "reader" })).await.expect_status(200);
    let entry = chief.get("/admin/audit").await.body["items"][0].clone();
    let id = entry["id"].as_str().unwrap();
    let pk = format!("AUDIT#SUBJECT#{}", entry["subject"]["id"].as_str().unwrap());
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(stack.stack.wire.clone()));
    let delete = client.delete_item().table_name(TABLE_NAME).key("pk", AttributeValue::S(pk.clone()));
    delete.key("sk", AttributeValue::S(id.to_owned())).send().await.unwrap();
    let blog = &stack.stack.blog;
    for mode in [Repair::Report, Repair::Mend] {
        let mut found = Vec::new();
        blog.table
            .repair(mode, crate::repaired::settings(blog), blog.now(), &mut |finding| found.push(finding.to_string()))
            .await
            .unwrap();
        assert_eq!(found, [format!("audit entry {id}: copy in {pk} is 0 and should be 1")]);
    }
    assert_eq!(told(&chief, "?subject=ada").await, ["chief user.role_changed ada"]);
}

/// `docs/audit.md` lists the actions (`cargo run -p xtask -- generate`).
#[test]
fn the_documentation_lists_every_action() {
    let mut table = "| action | meaning |\n|---|---|\n".to_owned();
    for action in AuditAction::ALL {
        table += &format!("| `{}` | {} |\n", action.name(), action.meaning());
    }
    let docs = include_str!("../../../docs/audit.md");
    let (before, rest) = docs.split_once("<!-- begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let written = format!("{before}<!-- begin -->\n{table}<!-- end -->{after}");
    expect_file!["../../../docs/audit.md"].assert_eq(&written);
}
