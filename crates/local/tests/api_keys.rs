//! API keys: what they may be used for, when they stop, and what is stored of them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Role, Scope};
use edge::ApiKeyText;
use expect_test::expect_file;
use local::backing::TABLE_NAME;
use local::gateway::operations;
use local::stack::sdk_config;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::counters::all_keys;
use crate::harness::{Client, PASSWORD, TestStack, walk};

/// A new key with these scopes.
async fn key(owner: &Client, scopes: &[&str]) -> Value {
    let created = owner.post("/me/keys", json!({ "name": "CI", "scopes": scopes })).await;
    created.expect_status(201);
    created.body
}

/// Who uses a key.
fn with(stack: &TestStack, key: &Value) -> Client {
    stack.bearer(key["key"].as_str().unwrap())
}

async fn program(stack: &TestStack, owner: &Client, scopes: &[&str]) -> Client {
    with(stack, &key(owner, scopes).await)
}

fn path_of(key: &Value) -> String {
    format!("/me/keys/{}", key["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_acts_for_its_owner_within_its_scopes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body =
        json!({ "name": " CI ", "scopes": ["posts:write", "read", "read"], "expires_at": "2027-01-01T00:00:00Z" });
    let created = ada.post("/me/keys", body).await;
    created.expect_status(201);
    assert_eq!(created.header("cache-control"), "no-store");
    let key = created.body;
    let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert!(text.starts_with(&format!("bsk_{id}_")) && text.len() == 103, "{text}");
    let shown = json!({
        "id": id, "name": "CI", "scopes": ["read", "posts:write"], "starts_with": format!("bsk_{id}"),
        "created_at": "2026-11-21T08:30:00.000Z", "expires_at": "2027-01-01T00:00:00.000Z", "last_used_on": null,
    });
    let mut with_text = shown.clone();
    with_text["key"] = json!(text);
    assert_eq!(key, with_text);
    assert_eq!(ada.get("/me/keys").await.body["items"], json!([shown]), "the key is shown once");

    let program = with(&stack, &key);
    assert_eq!(program.get("/me").await.body["username"], "ada");
    program.draft("From CI").save().await;
    // What everybody may read is answered for the owner too.
    assert_eq!(program.get("/posts/from-ci").await.body["status"], "draft");
    stack.visitor().get("/posts/from-ci").await.expect_problem(404, "not-found");
    program.post("/posts/from-ci/publish", json!({})).await.expect_status(200);
    let comment = program.post("/posts/from-ci/comments", json!({ "body": "x" })).await;
    comment.expect_problem(403, "out-of-scope");
    assert_eq!(comment.body["detail"], "This API key lacks the scope comments:write.");
    for (method, path, body) in [
        ("POST", "/me/keys", json!({ "name": "Another", "scopes": ["read"] })),
        ("PUT", "/me/password", json!({ "current_password": PASSWORD, "new_password": "another passphrase" })),
        ("PUT", "/me/email", json!({ "email": "eve@example.com", "password": PASSWORD })),
        ("PATCH", "/me", json!({ "username": "eve" })),
        ("DELETE", "/me", json!({ "password": PASSWORD })),
        ("DELETE", "/sessions", json!({})),
        ("POST", "/me/export", json!({})),
        ("GET", "/me/keys", json!({})),
        ("POST", "/sessions", json!({ "login": "ada", "password": PASSWORD })),
    ] {
        let refused = program.call(method, path, &[], Some(body)).await;
        refused.expect_problem(403, "out-of-scope");
        assert_eq!(refused.body["detail"], "No API key may do this. Sign in with an access token.", "{path}");
    }
    let writes_only = self::program(&stack, &ada, &["posts:write"]).await;
    for path in ["/me", "/posts/from-ci", "/posts", "/me/posts"] {
        writes_only.get(path).await.expect_problem(403, "out-of-scope");
    }
    for wrong in [json!([]), json!(["write"]), json!("read"), json!(null)] {
        ada.post("/me/keys", json!({ "name": "CI", "scopes": wrong })).await.expect_invalid(&["/scopes"]);
    }
    let wrong = json!({ "name": "", "scopes": [], "expires_at": "tomorrow", "key": "mine" });
    ada.post("/me/keys", wrong).await.expect_invalid(&["/expires_at", "/key", "/name", "/scopes"]);
    let past = json!({ "name": "CI", "scopes": ["read"], "expires_at": "2026-11-21T08:30:00Z" });
    ada.post("/me/keys", past).await.expect_invalid(&["/expires_at"]);
}

/// `docs/keys.md` lists the scopes (`cargo run -p xtask -- generate`).
#[tokio::test]
async fn every_operation_takes_the_scope_that_the_documentation_says() {
    let stack = TestStack::start().await;
    let chief = stack.user_with_role("chief", Role::Admin).await;
    let mut programs = Vec::new();
    for scope in Scope::ALL {
        programs.push((scope, program(&stack, &chief, &[scope.name()]).await));
    }
    let mut routes = stack.stack.gateway.template().routes.clone();
    routes.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    let mut table = "| operation | route | scope |\n|---|---|---|\n".to_owned();
    let mut taken = BTreeSet::new();
    for route in routes {
        let (_, operation) = operations().find(|(_, operation)| operation.name == route.handler).unwrap();
        let path = route.path.replace(['{', '}'], "");
        for (scope, program) in &programs {
            let answer = program.call(&route.method, &path, &[("if-match", "*")], None).await;
            let refused = answer.body["type"] == "urn:broadsheet:problem:out-of-scope";
            // A page says it to people.
            let refused = refused || (answer.body.is_null() && answer.status == 403);
            assert_eq!(refused, operation.scope != Some(*scope), "{scope} at {} {path}: {}", route.method, answer.body);
            assert_ne!(answer.status, 401, "{scope} at {} {path}", route.method);
        }
        taken.extend(operation.scope);
        let scope = operation.scope.map_or_else(|| "no key".to_owned(), |scope| format!("`{scope}`"));
        table += &format!("| `{}` | `{} {}` | {scope} |\n", route.handler, route.method, route.path);
    }
    let docs = include_str!("../../../docs/keys.md");
    let (before, rest) = docs.split_once("<!-- begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let written = format!("{before}<!-- begin -->\n{table}<!-- end -->{after}");
    expect_file!["../../../docs/keys.md"].assert_eq(&written);
}

#[tokio::test]
async fn a_key_has_no_more_rights_than_its_owner_has_now() {
    let stack = TestStack::start().await;
    let chief = stack.admin().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    bob.publish("Of Bob", &[]).await;
    let every: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let (all, ci) = (program(&stack, &ada, &every).await, program(&stack, &ada, &["read", "posts:write"]).await);
    let edit = async |client: &Client| {
        let edited = client.patch("/posts/of-bob", "*", json!({ "summary": "By Ada" })).await;
        edited.status.as_u16()
    };
    assert_eq!([edit(&all).await, edit(&ci).await], [403, 403]);
    all.get("/admin/users").await.expect_problem(403, "forbidden");
    all.get("/moderation/comments").await.expect_problem(403, "forbidden");

    let give = async |role: &str| {
        chief.put("/admin/users/ada/role", json!({ "role": role })).await.expect_status(200);
        stack.pass_seconds(60);
    };
    give("editor").await;
    // A key for publishing stays one: what is others' takes `moderate`.
    assert_eq!([edit(&all).await, edit(&ci).await], [200, 403]);
    all.get("/moderation/comments").await.expect_status(200);
    let moderator = program(&stack, &ada, &["posts:write", "moderate"]).await;
    assert_eq!(edit(&moderator).await, 200);
    all.get("/admin/users").await.expect_problem(403, "forbidden");
    give("admin").await;
    all.get("/admin/users").await.expect_status(200);
    ci.get("/admin/users").await.expect_problem(403, "out-of-scope");
    give("reader").await;
    all.get("/admin/users").await.expect_problem(403, "forbidden");
    let post = json!({ "title": "T", "body": "B" });
    all.post("/posts", post.clone()).await.expect_problem(403, "forbidden");

    // Suspended, the owner is refused, and so are their keys; who comes back has them again.
    chief.put("/admin/users/ada/suspension", json!({ "reason": "Spam." })).await.expect_status(204);
    all.get("/posts").await.expect_problem(401, "unauthenticated");
    stack.pass_seconds(60);
    all.get("/me").await.expect_problem(401, "unauthenticated");
    chief.delete("/admin/users/ada/suspension").await.expect_status(204);
    all.get("/me").await.expect_status(200);
    all.get("/posts").await.expect_status(200);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_minute_and_an_expired_one_too() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let chief = stack.admin().await;
    let (one, other) = (key(&ada, &["read"]).await, key(&ada, &["read"]).await);
    let (program, other_program) = (with(&stack, &one), with(&stack, &other));
    program.get("/me").await.expect_status(200);
    bob.delete(&path_of(&one)).await.expect_problem(404, "not-found");
    ada.delete("/me/keys/01KAM5K9R0000000000000000A").await.expect_problem(404, "not-found");
    ada.delete(&path_of(&one)).await.expect_status(204);
    ada.delete(&path_of(&one)).await.expect_problem(404, "not-found");
    program.get("/posts").await.expect_problem(401, "unauthenticated");
    stack.pass_seconds(60);
    program.get("/me").await.expect_problem(401, "unauthenticated");
    other_program.get("/me").await.expect_status(200);
    assert_eq!(ada.get("/me/keys").await.each("id"), [other["id"].as_str().unwrap()]);

    let soon = json!({ "name": "Soon", "scopes": ["read"], "expires_at": "2026-11-21T08:32:00Z" });
    let soon = with(&stack, &ada.post("/me/keys", soon).await.body);
    for path in ["/me", "/posts"] {
        soon.get(path).await.expect_status(200);
    }
    stack.set_time("2026-11-21T08:32:00Z");
    for path in ["/me", "/posts"] {
        soon.get(path).await.expect_problem(401, "unauthenticated");
    }
    assert_eq!(ada.get("/me/keys").await.each("name"), ["Soon", "CI"], "it is listed still");

    // Both are in the audit log, and nothing that is secret.
    let entries = walk(&chief, "/admin/audit?actor=ada", 2).await;
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["key.created", "key.revoked", "key.created", "key.created"]);
    assert_eq!(entries[1]["subject"], json!({ "kind": "key", "id": one["id"], "username": null }));
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let created = key(&ada, &["read"]).await;
    let text = created["key"].as_str().unwrap();
    let id = created["id"].as_str().unwrap().parse().unwrap();
    // Well-formed, of this id and of another one, but with another secret.
    let forged = [id, "01KAM5K9R0000000000000000A".parse().unwrap()].map(|id| ApiKeyText::generate(id).unwrap());
    let forged = forged.iter().map(|key| key.reveal().to_owned());
    let mistyped =
        ["bsk_", "bsk_x", &text[..102], &format!("{text}0"), &text.to_uppercase(), &text[4..]].map(str::to_owned);
    for bad in forged.chain(mistyped) {
        for path in ["/me", "/posts"] {
            stack.bearer(&bad).get(path).await.expect_problem(401, "unauthenticated");
        }
    }
    stack.bearer(text).get("/me").await.expect_status(200);
}

#[tokio::test]
async fn the_day_of_its_last_use_is_noted_once_a_day() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let created = key(&ada, &["read", "posts:write"]).await;
    let program = with(&stack, &created);
    let last_used = async || ada.get("/me/keys").await.body["items"][0]["last_used_on"].clone();
    assert_eq!(last_used().await, json!(null));
    stack.stack.wire.record();
    let noted = || {
        let calls = stack.stack.wire.take_calls();
        calls.iter().filter(|call| call.action == "UpdateItem" && call.request.to_string().contains("KEYUSED#")).count()
    };
    let mut writes = Vec::new();
    for day in ["2026-11-21", "2026-11-22", "2026-12-01"] {
        stack.set_time(&format!("{day}T23:00:00Z"));
        // Other processes, which remember nothing of each other: what everybody may read, and what the authorizer lets pass.
        for _ in 0..3 {
            program.get("/posts").await.expect_status(200);
            program.get("/me/posts").await.expect_status(200);
            stack.pass_seconds(60);
        }
        writes.push(noted());
        let ada = stack.log_in("ada").await;
        assert_eq!(ada.get("/me/keys").await.body["items"][0]["last_used_on"], day);
    }
    assert_eq!(writes, [1, 1, 1]);
    // A table that is busy does not stop it.
    stack.set_time("2026-12-02T00:00:00Z");
    stack.stack.wire.break_calls("UpdateItem", 0, 12, Fault::ServerError);
    program.get("/posts").await.expect_status(200);
    stack.stack.wire.mend();
}

#[tokio::test]
async fn nothing_that_is_stored_is_the_key() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "name": "CI", "scopes": ["read"] });
    let again = [("idempotency-key", "the-same")];
    stack.stack.wire.break_calls("TransactWriteItems", 0, 3, Fault::ServerError);
    ada.call("POST", "/me/keys", &again, Some(body.clone())).await.expect_problem(503, "unavailable");
    stack.stack.wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
    let created = ada.call("POST", "/me/keys", &again, Some(body.clone())).await;
    created.expect_status(201);
    // It cannot be shown again, and no second one is made.
    for _ in 0..2 {
        ada.call("POST", "/me/keys", &again, Some(body.clone())).await.expect_problem(409, "conflict");
    }
    let other = json!({ "name": "Other", "scopes": ["read"] });
    ada.call("POST", "/me/keys", &again, Some(other)).await.expect_problem(422, "idempotency-key-reused");
    assert_eq!(ada.get("/me/keys").await.each("id"), [created.body["id"].as_str().unwrap()]);
    let text = created.body["key"].as_str().unwrap();
    stack.bearer(text).get("/me").await.expect_status(200);

    let secret = text.rsplit('_').next().unwrap();
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(stack.stack.wire.clone()));
    let mut items = client.scan().table_name(TABLE_NAME).into_paginator().items().send();
    let (mut hashes, mut seen) = (0, 0);
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        seen += 1;
        assert!(!format!("{item:?}").contains(&secret[..64]), "{item:?}");
        let answer = item.contains_key("answer") && item["type"] == AttributeValue::S("idempotency".to_owned());
        assert!(!answer, "no answer is kept: {item:?}");
        hashes += usize::from(item.contains_key("hash"));
    }
    assert!(hashes == 1 && seen > 10, "{hashes} of {seen}");
}

#[tokio::test]
async fn a_user_has_at_most_fifty_keys_and_makes_thirty_an_hour() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "name": "CI", "scopes": ["read"] });
    for number in 0..50 {
        if number == 30 {
            ada.post("/me/keys", body.clone()).await.expect_problem(429, "too-many-requests");
            stack.pass_seconds(3_000);
        }
        ada.post("/me/keys", body.clone()).await.expect_status(201);
    }
    ada.post("/me/keys", body.clone()).await.expect_problem(409, "conflict");
    let keys = walk(&ada, "/me/keys", 7).await;
    assert_eq!(keys.len(), 50);
    assert!(keys.is_sorted_by(|newer, older| newer["id"].as_str() > older["id"].as_str()));
    ada.delete(&path_of(&keys[20])).await.expect_status(204);
    ada.post("/me/keys", body).await.expect_status(201);
}

#[tokio::test]
async fn keys_outlive_sessions_and_not_their_owner() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let created = key(&ada, &["read"]).await;
    let program = with(&stack, &created);
    let passwords = json!({ "current_password": PASSWORD, "new_password": PASSWORD.to_uppercase() });
    ada.put("/me/password", passwords).await.expect_status(204);
    stack.pass_seconds(60);
    for path in ["/me", "/posts"] {
        ada.get(path).await.expect_problem(401, "unauthenticated");
        program.get(path).await.expect_status(200);
    }
    let login = json!({ "login": "ada", "password": PASSWORD.to_uppercase() });
    let session = stack.visitor().post("/sessions", login).await.body;
    let ada = stack.bearer(session["access_token"].as_str().unwrap());
    let asked = ada.post("/me/export", json!({})).await.body["export_id"].clone();
    stack.settle().await;
    let export = ada.get(&format!("/me/exports/{}", asked.as_str().unwrap())).await.body;
    let file: Value = reqwest::get(export["url"].as_str().unwrap()).await.unwrap().json().await.unwrap();
    let today = &stack.stack.blog.now().to_string()[..10];
    let exported = json!({
        "id": created["id"], "name": "CI", "scopes": ["read"], "created_at": created["created_at"], "expires_at": null,
        "last_used_on": today,
    });
    assert_eq!(file["keys"], json!([exported]));

    let leave = json!({ "password": PASSWORD.to_uppercase() });
    ada.call("DELETE", "/me", &[], Some(leave)).await.expect_status(204);
    program.get("/posts").await.expect_problem(401, "unauthenticated");
    // The authorizer's answer is a minute old at most; no key can be made by it.
    let body = json!({ "name": "Late", "scopes": ["read"] });
    ada.post("/me/keys", body).await.expect_problem(401, "unauthenticated");
    stack.settle().await;
    stack.pass_seconds(60);
    program.get("/me").await.expect_problem(401, "unauthenticated");
    let left: Vec<_> = all_keys(&stack).await.into_iter().filter(|(pk, _)| pk.starts_with("KEY")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_key_is_counted_with_its_owner() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "6")]).await;
    let ada = stack.user("ada").await;
    let program = program(&stack, &ada, &["read"]).await;
    stack.pass_seconds(60);
    for _ in 0..3 {
        ada.get("/me").await.expect_status(200);
        program.get("/me").await.expect_status(200);
    }
    for client in [&ada, &program] {
        client.get("/me").await.expect_problem(429, "too-many-requests");
    }
}
