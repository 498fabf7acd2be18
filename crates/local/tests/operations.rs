//! What every operation costs: a typical call of each, in the small blog that a test can write.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect_file;
use image::ImageFormat;
use local::gateway::{find_route, operations};
use local::wire::Call;
use serde_json::{Value, json};

use crate::budgets::ten_kilobytes;
use crate::harness::{Answer, Client, PASSWORD, TestStack};
use crate::media;
use crate::webhooks::Receiver;

const INTRODUCTION: &str = "\
# What every operation costs

A typical call of each operation, as the local stack counts it: calls of DynamoDB and the capacity that they take, calls of Cognito, S3 and EventBridge, bytes of the answer's
body before compression, and what follows from the call: the readers of the table's stream and plug-ins, not the jobs of each minute. `cargo test` compares this table, so it is exact;
after a change that is meant, `cargo run -p xtask -- generate` writes it. What the same pages cost in blogs of other sizes is in `crates/local/tests/budgets.rs`.

The blog has 25 posts with 10 KB of text and cards of a kilobyte, each with two tags; lists are asked for in pages of 20. The process is warm and the authorizer's answer is
kept. A user in a session reads consistently, which costs twice as much as what visitors read.

Not in the table: the count of requests (one call and 1 WCU for each, unless `RequestsPerMinute` is 0) and the authorizer (0.5 RCU once a minute and token).
";

/// What a call cost.
struct Cost {
    reads: usize,
    read_units: f64,
    writes: usize,
    write_units: f64,
    others: usize,
}

impl Cost {
    fn of(calls: &[Call]) -> Self {
        let counted =
            calls.iter().filter(|call| !call.counts_request() && call.operation.as_deref() != Some("authorizer"));
        let (of_table, others): (Vec<_>, Vec<_>) = counted.partition(|call| call.service == "dynamodb");
        let is_write =
            |call: &&&Call| ["Write", "Put", "Update", "Delete"].iter().any(|action| call.action.contains(action));
        let (writes, reads): (Vec<_>, Vec<_>) = of_table.iter().partition(is_write);
        let units = |calls: &[&&Call]| calls.iter().fold(0.0, |sum, call| sum + call.capacity);
        Self {
            reads: reads.len(),
            read_units: units(&reads),
            writes: writes.len(),
            write_units: units(&writes),
            others: others.len(),
        }
    }

    fn dollars_a_million(&self, prices: &Value) -> f64 {
        let price = |name: &str| prices["usd"][name].as_f64().unwrap();
        self.read_units * price("read_units_million") + self.write_units * price("write_units_million")
    }
}

/// Makes the calls that are measured and keeps what they cost.
struct Walk {
    stack: TestStack,
    prices: Value,
    rows: BTreeMap<String, String>,
    failures: Vec<String>,
}

impl Walk {
    /// Measures a call, which is the first of its operation.
    async fn call(&mut self, client: &Client, request: &str, body: Value) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        self.stack.settle().await;
        // Its answer is kept for a minute.
        if path != "/sessions" {
            client.call("HEAD", "/me", &[], None).await;
        }
        self.stack.stack.wire.take_calls();
        let headers: &[(&str, &str)] = if method == "PATCH" { &[("if-match", "*")] } else { &[] };
        let answer = client.call(method, path, headers, Some(body).filter(|body| !body.is_null())).await;
        if answer.status.as_u16() >= 400 {
            self.failures.push(format!("{request}: {} {}", answer.status, answer.text()));
            return answer;
        }
        let cost = Cost::of(&self.stack.stack.wire.take_calls());
        self.stack.settle().await;
        let after = Cost::of(&self.stack.stack.wire.take_calls());
        // The jobs run whether anybody calls or not.
        self.stack.minute().await;
        let routes = &self.stack.stack.gateway.template().routes;
        let route = find_route(routes, method, path.split('?').next().unwrap()).unwrap().0;
        let Cost { reads, read_units, writes, write_units, others } = cost;
        let price = |name: &str| self.prices["usd"][name].as_f64().unwrap();
        let table = cost.dollars_a_million(&self.prices);
        let later = after.dollars_a_million(&self.prices);
        let all = table + later + price("gateway_million") + price("lambda_million");
        // A signed link names a region of this process, whose number depends on what else runs.
        let is_signed = String::from_utf8_lossy(&answer.bytes).to_lowercase().contains("amz-credential");
        let bytes = if is_signed { "varies".to_owned() } else { answer.bytes.len().to_string() };
        let row = format!(
            "| {} | {reads} | {read_units} | {writes} | {write_units} | {others} | {} | {} | {} | {table:.2} | {all:.2} |\n",
            route.handler, bytes, after.read_units, after.write_units,
        );
        let earlier = self.rows.insert(route.handler.clone(), row);
        assert!(earlier.is_none(), "{} was measured before", route.handler);
        answer
    }

    async fn get(&mut self, client: &Client, path: &str) -> Answer {
        self.call(client, &format!("GET {path}"), Value::Null).await
    }

    fn code_for(&self, email: &str) -> String {
        self.stack.code_for(email)
    }
}

/// A field of an answer, or what nothing is called: a call with it then fails.
fn text(answer: &Answer, field: &str) -> String {
    answer.body[field].as_str().unwrap_or("missing").to_owned()
}

fn post(number: usize) -> Value {
    json!({
        "title": format!("Post number {number:06}"),
        "slug": format!("post-{number}"),
        "body": ten_kilobytes(),
        "summary": "s".repeat(470),
        "tags": ["one", "two"],
        "status": "published",
    })
}

#[tokio::test]
async fn the_documentation_says_what_every_operation_costs() {
    let stack = TestStack::start_with_parameters(&[("WebhookLoopback", "true")]).await;
    let prices: Value = serde_json::from_str(include_str!("../../../contract/prices.json")).unwrap();
    let (chief, ada, bob) = (stack.admin().await, stack.user("ada").await, stack.user("bob").await);
    for number in 0..25 {
        stack.pass_seconds(1);
        ada.post("/posts", post(number)).await.expect_status(201);
    }
    stack.settle().await;
    let visitor = stack.visitor();
    // The key that cursors are signed with, the index of the search, the keys of tokens.
    visitor.get("/posts").await.expect_status(200);
    visitor.get("/search?q=post").await.expect_status(200);
    stack.stack.wire.record();
    let walk = &mut Walk { stack: stack.clone(), prices, rows: BTreeMap::new(), failures: Vec::new() };

    for path in [
        "/posts",
        "/posts/post-3",
        "/posts/post-3/reactions",
        "/posts/post-3/quotes",
        "/posts/post-3/replies",
        "/tags",
        "/users/ada",
        "/users/ada/followers",
        "/users/ada/following",
        "/feed.xml",
        "/feed.json",
        "/rss.xml",
        "/users/ada/feed.xml",
        "/users/ada/feed.json",
        "/users/ada/rss.xml",
        "/tags/one/feed.xml",
        "/tags/one/feed.json",
        "/tags/one/rss.xml",
        "/search?q=post",
        "/sitemap.xml",
        "/sitemaps/1.xml",
        "/robots.txt",
        "/health",
        "/ready",
        "/version",
        "/docs",
        "/openapi.json",
        "/pages",
        "/pages/posts/post-3",
        "/pages/tags",
        "/pages/tags/one",
        "/pages/users/ada",
        "/pages/search?q=post",
        "/style.css",
    ] {
        walk.get(&visitor, path).await;
    }
    walk.call(&ada, "POST /markdown", json!({ "body": ten_kilobytes() })).await;

    // A post and what becomes of it.
    walk.call(&ada, "POST /posts", post(100)).await;
    let edit = json!({ "title": "Post number 999999" });
    walk.call(&ada, "PATCH /posts/post-100", edit).await;
    walk.call(&chief, "PUT /posts/post-100/pin", Value::Null).await;
    walk.call(&chief, "DELETE /posts/post-100/pin", Value::Null).await;
    walk.call(&ada, "PUT /posts/post-100/aliases", json!({ "aliases": ["a", "b"] })).await;
    walk.get(&ada, "/posts/post-100/aliases").await;
    walk.get(&ada, "/posts/post-100/revisions").await;
    walk.get(&ada, "/posts/post-100/revisions/1").await;
    walk.call(&ada, "POST /posts/post-100/revisions/1/restore", Value::Null).await;
    walk.call(&ada, "POST /posts/post-100/unpublish", Value::Null).await;
    walk.call(&ada, "POST /posts/post-100/preview", json!({})).await;
    walk.call(&ada, "DELETE /posts/post-100/preview", Value::Null).await;
    walk.call(&ada, "POST /posts/post-100/publish", json!({})).await;
    walk.call(&ada, "DELETE /posts/post-100", Value::Null).await;
    walk.call(&ada, "POST /posts/post-100/restore", Value::Null).await;
    walk.get(&ada, "/me/posts").await;

    // Readers.
    walk.call(&bob, "PUT /users/ada/follow", Value::Null).await;
    walk.call(&bob, "PUT /tags/one/follow", Value::Null).await;
    walk.get(&bob, "/me/tags").await;
    walk.get(&bob, "/me/feed").await;
    walk.call(&bob, "PUT /posts/post-5/reaction", json!({ "kind": "like" })).await;
    walk.call(&bob, "DELETE /posts/post-5/reaction", Value::Null).await;
    walk.call(&bob, "PUT /posts/post-5/repost", Value::Null).await;
    walk.call(&bob, "DELETE /posts/post-5/repost", Value::Null).await;
    walk.call(&bob, "PUT /me/bookmarks/post-5", Value::Null).await;
    walk.get(&bob, "/me/bookmarks").await;
    walk.call(&bob, "DELETE /me/bookmarks/post-5", Value::Null).await;
    let comment = walk.call(&bob, "POST /posts/post-5/comments", json!({ "body": "A comment." })).await;
    let (comment_id, thread) = (text(&comment, "id"), "/posts/post-5/comments");
    let comment = format!("{thread}/{comment_id}");
    let newest = walk.get(&ada, "/me/notifications").await;
    let up_to = newest.body["items"][0]["id"].clone();
    walk.call(&ada, "POST /me/notifications/read", json!({ "up_to": up_to })).await;
    walk.get(&visitor, thread).await;
    walk.get(&visitor, &comment).await;
    walk.call(&bob, &format!("PATCH {comment}"), json!({ "body": "Another comment." })).await;
    walk.call(&ada, &format!("POST {comment}/report"), json!({ "reason": "spam" })).await;
    walk.get(&chief, "/moderation/comments").await;
    let decision = json!({ "decision": "approve" });
    walk.call(&chief, &format!("PUT /moderation/comments/{comment_id}"), decision).await;
    walk.call(&bob, &format!("DELETE {comment}"), Value::Null).await;
    walk.call(&bob, "DELETE /users/ada/follow", Value::Null).await;
    walk.call(&bob, "DELETE /tags/one/follow", Value::Null).await;

    // Pictures.
    let picture = media::picture(400, 200, ImageFormat::Png);
    let announced = json!({ "filename": "cat.png", "content_type": "image/png", "size": picture.len() });
    let announced = walk.call(&ada, "POST /media", announced).await;
    assert_eq!(media::send(&announced.body["upload"], &picture).await, 204);
    stack.settle().await;
    let path = format!("/media/{}", text(&announced, "id"));
    let shown = walk.get(&visitor, &path).await;
    let file = shown.body["variants"][0]["url"].as_str().unwrap_or("missing");
    let file = file.rsplit('/').next().unwrap();
    walk.get(&visitor, &format!("{path}/{file}")).await;
    walk.get(&ada, "/me/media").await;
    walk.call(&ada, &format!("PATCH {path}"), json!({ "alt": "A cat" })).await;
    walk.call(&ada, &format!("DELETE {path}"), Value::Null).await;

    // Webhooks.
    let receiver = Receiver::start().await;
    let hook = json!({ "url": receiver.url(), "events": ["post.published"] });
    let hook = walk.call(&chief, "POST /webhooks", hook).await;
    let path = format!("/webhooks/{}", text(&hook, "id"));
    walk.get(&chief, "/webhooks").await;
    walk.get(&chief, &path).await;
    walk.call(&chief, &format!("PATCH {path}"), json!({ "enabled": true })).await;
    ada.post("/posts", post(200)).await.expect_status(201);
    stack.settle().await;
    let deliveries = walk.get(&chief, &format!("{path}/deliveries")).await;
    let delivery = deliveries.body["items"][0]["id"].as_str().unwrap_or("missing");
    walk.call(&chief, &format!("POST {path}/deliveries/{delivery}/resend"), Value::Null).await;
    walk.call(&chief, &format!("POST {path}/secret"), Value::Null).await;
    walk.call(&chief, &format!("POST {path}/test"), Value::Null).await;
    walk.call(&chief, &format!("DELETE {path}"), Value::Null).await;

    // Administration.
    walk.get(&chief, "/admin/users").await;
    walk.get(&chief, "/admin/audit").await;
    walk.call(&chief, "PUT /admin/users/bob/suspension", json!({ "reason": "Spam" })).await;
    walk.call(&chief, "DELETE /admin/users/bob/suspension", Value::Null).await;
    walk.call(&chief, "PUT /admin/users/bob/role", json!({ "role": "editor" })).await;
    let invited = json!({ "role": "author" });
    let invitation = text(&walk.call(&chief, "POST /admin/invitations", invited).await, "id");
    walk.get(&chief, "/admin/invitations").await;
    walk.call(&chief, &format!("DELETE /admin/invitations/{invitation}"), Value::Null).await;
    let key = text(&walk.call(&chief, "POST /admin/content-keys", json!({ "name": "Site" })).await, "id");
    walk.get(&chief, "/admin/content-keys").await;
    walk.call(&chief, &format!("DELETE /admin/content-keys/{key}"), Value::Null).await;

    // Accounts.
    walk.get(&ada, "/me").await;
    walk.call(&ada, "PATCH /me", json!({ "bio": "Writes." })).await;
    let key = json!({ "name": "CI", "scopes": ["read"] });
    let key = text(&walk.call(&ada, "POST /me/keys", key).await, "id");
    walk.get(&ada, "/me/keys").await;
    walk.call(&ada, &format!("DELETE /me/keys/{key}"), Value::Null).await;
    let export = text(&walk.call(&ada, "POST /me/export", Value::Null).await, "export_id");
    walk.get(&ada, &format!("/me/exports/{export}")).await;
    let password = json!({ "current_password": PASSWORD, "new_password": "another battery horse" });
    walk.call(&ada, "PUT /me/password", password).await;
    let address = json!({ "email": "new@example.com", "password": "another battery horse" });
    walk.call(&ada, "PUT /me/email", address).await;
    let code = walk.code_for("new@example.com");
    walk.call(&ada, "POST /me/email/confirm", json!({ "code": code })).await;
    walk.call(&visitor, "POST /password/forgot", json!({ "email": "new@example.com" })).await;
    let code = walk.code_for("new@example.com");
    let reset = json!({ "email": "new@example.com", "code": code, "new_password": PASSWORD });
    walk.call(&visitor, "POST /password/reset", reset).await;
    let session = walk.call(&visitor, "POST /sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let refresh = json!({ "refresh_token": session.body["refresh_token"] });
    let refreshed = walk.call(&visitor, "POST /sessions/refresh", refresh).await;
    walk.call(&stack.bearer(&text(&refreshed, "access_token")), "DELETE /sessions", Value::Null).await;
    let leaving = stack.log_in("ada").await;
    walk.call(&leaving, "DELETE /me", json!({ "password": PASSWORD })).await;

    // Registering where addresses are confirmed.
    let confirming = TestStack::start_confirming(&[]).await;
    confirming.stack.wire.record();
    walk.stack = confirming.clone();
    let visitor = confirming.visitor();
    visitor.get("/posts").await.expect_status(200);
    let carol = json!({ "username": "carol", "email": "carol@example.com", "password": PASSWORD });
    walk.call(&visitor, "POST /users", carol).await;
    walk.call(&visitor, "POST /users/confirm/resend", json!({ "email": "carol@example.com" })).await;
    let code = walk.code_for("carol@example.com");
    walk.call(&visitor, "POST /users/confirm", json!({ "email": "carol@example.com", "code": code })).await;

    assert!(walk.failures.is_empty(), "{:#?}", walk.failures);
    let all: BTreeSet<_> = operations().map(|(_, operation)| operation.name.to_owned()).collect();
    let measured = walk.rows.keys().cloned().collect();
    // A page that says that there is no page is answered with 404 on purpose.
    let left: Vec<_> = all.difference(&measured).filter(|name| *name != "show_missing").collect();
    assert!(left.is_empty(), "not measured: {left:?}");
    let date = walk.prices["known_on"].as_str().unwrap();
    let head = format!(
        "\nPrices are those of `contract/prices.json`, of {date}: USD for a million calls, for DynamoDB alone, and with what follows and the requests to API Gateway and Lambda, \
         without Lambda's time.\n\n\
         | operation | reads | RCU | writes | WCU | other calls | bytes | RCU after | WCU after | DynamoDB, USD | all, USD |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    let rows: String = walk.rows.values().map(String::as_str).collect();
    expect_file!["../../../docs/measurements-operations.md"].assert_eq(&(INTRODUCTION.to_owned() + &head + &rows));
}
