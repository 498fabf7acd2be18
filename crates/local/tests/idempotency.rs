//! `Idempotency-Key`: whatever makes something makes it once, however often it is asked to.

use std::collections::BTreeSet;

use domain::Role;
use edge::Operation;
use local::gateway::operations;
use local::wire::Fault;
use serde_json::{Value, json};
use table::LOCKED_SECONDS;
use template::{self, Template};
use tokio::task::JoinSet;

use crate::harness::{Answer, Client, PASSWORD, TestStack};

/// How an operation is called so that it makes something, and once more to make something else.
struct Example {
    name: &'static str,
    path: &'static str,
    anonymous: bool,
    body: Value,
    other: Value,
}

/// Every operation that makes something, by what its reply says.
fn examples() -> Vec<Example> {
    let example = |(_, entry): (_, &'static Operation)| {
        // What is not kept has a story of its own (`api_keys`).
        let Operation { name, is_kept, .. } = *entry;
        let signed_in = |path, body, other| Example { name, path, anonymous: false, body, other };
        is_kept.then(|| match name {
            "create_post" => {
                let post = |title: &str| json!({ "title": title, "body": "Some text.", "status": "published" });
                signed_in("/posts", post("Once"), post("Other"))
            }
            "create_comment" => {
                signed_in("/posts/discussed/comments", json!({ "body": "Once" }), json!({ "body": "Other" }))
            }
            // A link is made of a signature alone: nothing is stored, so each is as good as another.
            "create_preview" => signed_in("/posts/draft/preview", json!({}), json!({ "other": 1 })),
            "create_media" => {
                let picture = |size: u32| json!({ "filename": "a.png", "content_type": "image/png", "size": size });
                signed_in("/media", picture(10), picture(11))
            }
            "create_webhook" => {
                let hook = |events: &str| json!({ "url": "https://8.8.8.8/hook", "events": [events] });
                signed_in("/webhooks", hook("*"), hook("post.published"))
            }
            "create_content_key" => {
                signed_in("/admin/content-keys", json!({ "name": "Once" }), json!({ "name": "Other" }))
            }
            "export_me" => signed_in("/me/export", json!({}), json!({ "other": 1 })),
            "register" => {
                let user = |name: &str| json!({ "username": name, "email": "new@example.com", "password": PASSWORD });
                Example { name, path: "/users", anonymous: true, body: user("newcomer"), other: user("other") }
            }
            _ => panic!("{name} makes something: say here how it is called, and in things() what it makes"),
        })
    };
    operations().filter_map(example).collect()
}

/// How many things there are of those that an operation makes.
async fn things(stack: &TestStack, user: &Client, name: &str) -> usize {
    let items = |answer: Answer| answer.body["items"].as_array().expect("items").len();
    match name {
        "create_post" => {
            let listed = items(user.get("/posts").await);
            assert_eq!(user.get("/me").await.body["counts"]["posts"], listed, "counted as often as listed");
            assert_eq!(items(user.get("/me/posts").await), listed);
            listed
        }
        "create_comment" => {
            let listed = items(user.get("/posts/discussed/comments").await);
            assert_eq!(
                user.get("/posts/discussed").await.body["counts"]["comments"],
                listed,
                "counted as often as listed"
            );
            listed
        }
        "create_media" => items(user.get("/me/media").await),
        "export_me" => {
            let id = user.get("/me").await.body["id"].as_str().unwrap().parse().unwrap();
            stack.stack.blog.table.exports_of(id, 100).await.unwrap().len()
        }
        "create_webhook" => items(user.get("/webhooks").await),
        "create_content_key" => items(user.get("/admin/content-keys").await),
        "create_preview" => 1,
        // Without the user who asks here.
        "register" => users(stack).await - 1,
        _ => panic!("say here how the things that {name} makes are counted"),
    }
}

/// How many users Cognito has, each of whom can log in.
async fn users(stack: &TestStack) -> usize {
    let mut found = 0;
    for name in ["ada", "newcomer", "other"] {
        let credentials = json!({ "login": name, "password": PASSWORD });
        let answer = stack.visitor().post("/sessions", credentials).await;
        if answer.status == 201 {
            let token = answer.body["access_token"].as_str().unwrap();
            stack.bearer(token).get("/me").await.expect_status(200);
            found += 1;
        }
    }
    found
}

impl Example {
    /// What another body under the same key is. An operation without fields has no other body that is valid.
    fn refusal(&self) -> &'static str {
        if self.body == json!({}) { "validation-failed" } else { "idempotency-key-reused" }
    }

    async fn start(&self) -> (TestStack, Client, Client) {
        let stack = TestStack::start().await;
        let is_for_admins = ["create_content_key", "create_webhook"].contains(&self.name);
        let role = if is_for_admins { Role::Admin } else { Role::Author };
        let ada = stack.user_with_role("ada", role).await;
        if self.name == "create_preview" {
            ada.post("/posts", json!({ "title": "Draft", "body": "Some text." })).await.expect_status(201);
        }
        if self.name == "create_comment" {
            ada.publish("Discussed", &[]).await;
        }
        // Read once a process, so that here a repeat would wait for who is stuck with it. On Lambda no other request is there.
        stack.stack.blog.table.signing_key().await.unwrap();
        // The authorizer's answer is kept for a minute.
        ada.get("/me").await.expect_status(200);
        let client = if self.anonymous { stack.visitor() } else { ada.clone() };
        (stack, ada, client)
    }

    async fn send(&self, client: &Client, key: &str, body: &Value) -> Answer {
        client.call("POST", self.path, &[("idempotency-key", key)], Some(body.clone())).await
    }
}

#[track_caller]
fn expect_replay(first: &Answer, again: &Answer) {
    let shown = |answer: &Answer| {
        let headers = ["location", "etag", "content-type", "cache-control"].map(|name| answer.header(name).to_owned());
        (answer.status, headers, answer.bytes.clone())
    };
    assert_eq!(shown(first), shown(again));
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[test]
fn what_creates_is_a_post() {
    let template = Template::read(template::SOURCE, &local::backing::refs()).unwrap();
    let creating: BTreeSet<_> = examples().iter().map(|example| example.name).collect();
    for route in template.routes {
        assert!(!creating.contains(route.handler.as_str()) || route.method == "POST", "{}", route.path);
    }
    let mut looked_at = BTreeSet::new();
    for (_, source) in template::PARTS {
        let part: serde_yaml_ng::Value = serde_yaml_ng::from_str(source).unwrap();
        let general = part["Globals"]["Function"]["Timeout"].as_i64().unwrap();
        for (_, resource) in part["Resources"].as_mapping().unwrap() {
            let properties = &resource["Properties"];
            let handler = properties["Handler"].as_str().and_then(|handler| creating.get(handler));
            if let Some(handler) = handler {
                let timeout = properties["Timeout"].as_i64().unwrap_or(general);
                assert!(LOCKED_SECONDS > timeout, "{handler} may run for {timeout} seconds");
                looked_at.insert(*handler);
            }
        }
    }
    assert_eq!(looked_at, creating);
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time() {
    for example in examples() {
        let (stack, ada, client) = example.start().await;
        let first = example.send(&client, "key 1", &example.body).await;
        assert!(first.status.is_success(), "{}: {}", example.name, first.body);
        assert_eq!(first.header("idempotency-replayed"), "");
        stack.pass_seconds(24 * 60 * 60 - 1);
        let ada = if example.anonymous { ada } else { stack.log_in("ada").await };
        let client = if example.anonymous { client } else { ada.clone() };
        expect_replay(&first, &example.send(&client, "key 1", &example.body).await);
        assert_eq!(things(&stack, &ada, example.name).await, 1, "{}", example.name);
        let other = example.send(&client, "key 1", &example.other).await;
        other.expect_problem(422, example.refusal());
        assert_eq!(things(&stack, &ada, example.name).await, 1, "{}", example.name);
        // After a day it is a new request, whatever comes of it.
        stack.pass_seconds(1);
        let ada = if example.anonymous { client } else { stack.log_in("ada").await };
        assert_eq!(example.send(&ada, "key 1", &example.body).await.header("idempotency-replayed"), "");
    }
}

#[tokio::test]
async fn the_first_answer_is_given_again_whatever_became_of_the_thing() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "title": "Once", "body": "Some text." });
    let key = [("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")];
    let first = ada.call("POST", "/posts", &key, Some(body.clone())).await;
    ada.patch("/posts/once", "*", json!({ "title": "Edited" })).await.expect_status(200);
    ada.delete("/posts/edited").await.expect_status(204);
    expect_replay(&first, &ada.call("POST", "/posts", &key, Some(body)).await);
}

#[tokio::test]
async fn a_key_is_1_to_64_printable_characters() {
    for example in examples() {
        let (_, _, client) = example.start().await;
        for bad in ["", "x".repeat(65).as_str(), "tab\tbed", "kéy"] {
            example.send(&client, bad, &example.body).await.expect_problem(400, "malformed-request");
        }
        let longest = example.send(&client, &"x".repeat(64), &example.body).await;
        assert!(longest.status.is_success(), "{}", longest.body);
    }
}

#[tokio::test]
async fn keys_are_per_user_and_those_of_strangers_per_source() {
    for example in examples() {
        let (stack, _, client) = example.start().await;
        let first = example.send(&client, "1", &example.body).await;
        let stranger = if example.anonymous { client.from("203.0.113.7") } else { stack.user("stranger").await };
        let answer = example.send(&stranger, "1", &example.body).await;
        assert_eq!(answer.header("idempotency-replayed"), "", "{}", example.name);
        assert_ne!(answer.bytes, first.bytes);
    }
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again_in_another_form() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Taken", &[]).await;
    let send = async |body: Value| ada.call("POST", "/posts", &[("idempotency-key", "1")], Some(body)).await;
    send(json!({ "title": "T" })).await.expect_invalid(&["/body"]);
    send(json!({ "title": "T", "body": "B", "slug": "taken" })).await.expect_problem(409, "slug-taken");
    let made = send(json!({ "title": "T", "body": "B", "slug": "free" })).await;
    made.expect_status(201);
    assert_eq!(made.header("idempotency-replayed"), "");
}

/// A refusal frees a key only if nothing can have been made before it.
#[tokio::test]
async fn a_refusal_after_a_crash_does_not_forget_what_was_made() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let quoted = ada.publish("Quoted", &[]).await;
    let body = json!({ "title": "Once", "body": "Some text.", "quote_of": quoted });
    let send = async || ada.call("POST", "/posts", &[("idempotency-key", "1")], Some(body.clone())).await;
    // The post is made, and nobody gets to know of it.
    stack.stack.wire.break_calls("PutItem", 1, 3, Fault::TimedOut);
    let first = send().await;
    stack.pass_seconds(LOCKED_SECONDS);
    ada.post("/posts/quoted/unpublish", json!({})).await.expect_status(200);
    send().await.expect_invalid(&["/quote_of"]);
    ada.post("/posts/quoted/publish", json!({})).await.expect_status(200);
    let repeat = send().await;
    assert_eq!((repeat.status.as_u16(), &repeat.body["id"]), (201, &first.body["id"]));
    let mut slugs = ada.get("/me/posts").await.each("slug");
    slugs.sort();
    assert_eq!(slugs, ["once", "quoted"]);
}

#[tokio::test]
async fn while_one_runs_the_others_wait() {
    for example in examples() {
        let (stack, ada, client) = example.start().await;
        // The call after the one that begins the try.
        let steps = calls_of(&example).await;
        let begins = steps.iter().position(|(action, _)| action == "PutItem").expect("a try begins");
        let (action, skip) = &steps[begins + 1];
        let held = stack.stack.wire.hold_call_after(action, *skip);
        let first = example.send(&client, "1", &example.body);
        let meanwhile = async {
            held.arrived().await;
            let answer = example.send(&client, "1", &example.body).await;
            answer.expect_problem(409, "idempotency-in-progress");
            assert_eq!(answer.header("retry-after"), "1");
            example.send(&client, "1", &example.other).await.expect_problem(422, example.refusal());
            held.release();
        };
        let (first, ()) = tokio::join!(first, meanwhile);
        assert!(first.status.is_success(), "{}", first.body);
        expect_replay(&first, &example.send(&client, "1", &example.body).await);
        assert_eq!(things(&stack, &ada, example.name).await, 1, "{}", example.name);
    }
}

#[tokio::test]
async fn a_try_that_was_overtaken_does_not_replace_the_answer_of_the_next() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let send = || {
        let body = json!({ "title": "Once", "body": "Some text." });
        ada.call("POST", "/posts", &[("idempotency-key", "1")], Some(body))
    };
    // The first of a try begins it, the second keeps its answer.
    let held = stack.stack.wire.hold_call_after("PutItem", 1);
    let overtake = async {
        held.arrived().await;
        ada.patch("/posts/once", "*", json!({ "summary": "Edited" })).await.expect_status(200);
        stack.pass_seconds(LOCKED_SECONDS + 1);
        let next = send().await;
        held.release();
        next
    };
    let (first, next) = tokio::join!(send(), overtake);
    first.expect_status(201);
    next.expect_status(201);
    assert_eq!((&first.body["summary"], &next.body["summary"]), (&json!("Some text."), &json!("Edited")));
    expect_replay(&next, &send().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_make_one_thing() {
    for example in examples() {
        let (stack, ada, client) = example.start().await;
        let mut tasks = JoinSet::new();
        // No more than the registrations of one address an hour, and the pictures of a user a day.
        let times = match example.path {
            "/users" => 5,
            "/media" => 100,
            _ => 200,
        };
        for _ in 0..times {
            let (client, path, body) = (client.clone(), example.path, example.body.clone());
            tasks.spawn(async move { client.call("POST", path, &[("idempotency-key", "1")], Some(body)).await });
        }
        let answers = tasks.join_all().await;
        let (done, waiting): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status.is_success());
        let first = done.iter().find(|answer| answer.header("idempotency-replayed").is_empty());
        let first = first.expect("one does it");
        for answer in &done {
            assert_eq!(answer.bytes, first.bytes);
        }
        let own = done.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
        assert_eq!(own, 1, "{}", example.name);
        for answer in waiting {
            answer.expect_problem(409, "idempotency-in-progress");
        }
        assert_eq!(things(&stack, &ada, example.name).await, 1, "{}", example.name);
    }
}

/// The calls that a request makes, each with how many of its action went before it.
async fn calls_of(example: &Example) -> Vec<(String, usize)> {
    let (stack, _, client) = example.start().await;
    stack.stack.wire.record();
    example.send(&client, "1", &example.body).await;
    let actions: Vec<_> = stack.stack.wire.take_calls().into_iter().map(|call| call.action).collect();
    let before = |position: usize| actions[..position].iter().filter(|action| **action == actions[position]).count();
    (0..actions.len()).map(|position| (actions[position].clone(), before(position))).collect()
}

#[tokio::test]
async fn a_crash_before_any_step_makes_nothing_twice() {
    for example in examples() {
        let steps = calls_of(&example).await;
        assert!(steps.len() >= 3, "{steps:?}");
        for (action, skip) in steps {
            let (stack, ada, client) = example.start().await;
            let what = format!("{}, {action} {skip}", example.name);
            let held = stack.stack.wire.hold_call_after(&action, skip);
            let stuck = {
                let (client, path, body) = (client.clone(), example.path, example.body.clone());
                tokio::spawn(async move { client.call("POST", path, &[("idempotency-key", "1")], Some(body)).await })
            };
            held.arrived().await;
            // Whoever is stuck is taken for dead, and the repeat does what is left to do.
            stack.pass_seconds(LOCKED_SECONDS);
            let repeat = example.send(&client, "1", &example.body).await;
            assert!(repeat.status.is_success(), "{what}: {}", repeat.body);
            assert_eq!(repeat.header("idempotency-replayed"), "", "{what}");
            assert_eq!(things(&stack, &ada, example.name).await, 1, "{what}");
            // It was not dead after all.
            held.release();
            let late = stuck.await.unwrap();
            assert!(late.status.is_success(), "{what}: {}", late.body);
            assert_eq!(late.status, repeat.status, "{what}");
            if example.name != "create_preview" {
                assert_eq!(late.header("location"), repeat.header("location"), "{what}");
            }
            assert_eq!(things(&stack, &ada, example.name).await, 1, "{what}");
            expect_replay(&repeat, &example.send(&client, "1", &example.body).await);
        }
    }
}

#[tokio::test]
async fn a_failure_of_any_step_makes_nothing_twice() {
    for example in examples() {
        for (action, skip) in calls_of(&example).await {
            for fault in [Fault::TimedOut, Fault::AnswerLost, Fault::Throttled] {
                let (stack, ada, client) = example.start().await;
                let what = format!("{}, {action} {skip}, {fault:?}", example.name);
                stack.stack.wire.break_calls(&action, skip, 3, fault);
                let first = example.send(&client, "1", &example.body).await;
                assert!(first.status.is_success() || first.status == 503, "{what}: {}", first.body);
                // Where not even the end of the try could be written down, the repeat has to wait.
                if example.send(&client, "1", &example.body).await.status == 409 {
                    stack.pass_seconds(LOCKED_SECONDS);
                }
                let repeat = example.send(&client, "1", &example.body).await;
                assert!(repeat.status.is_success(), "{what}: {}", repeat.body);
                if first.status.is_success() && example.name != "create_preview" {
                    assert_eq!(first.header("location"), repeat.header("location"), "{what}");
                }
                assert_eq!(things(&stack, &ada, example.name).await, 1, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_another_try() {
    for example in examples() {
        for skip in 0..2 {
            let (stack, _, client) = example.start().await;
            stack.stack.wire.break_calls("PutItem", skip, 1, Fault::AnswerLost);
            let first = example.send(&client, "1", &example.body).await;
            assert!(first.status.is_success(), "{}", first.body);
            expect_replay(&first, &example.send(&client, "1", &example.body).await);
        }
    }
}

/// What is kept tells nobody anything who does not know the key.
#[tokio::test]
async fn what_is_kept_cannot_be_read() {
    for example in examples() {
        let (stack, _, client) = example.start().await;
        stack.stack.wire.record();
        let first = example.send(&client, "my-own-key", &example.body).await;
        let mut kept = stack.stack.wire.take_calls();
        kept.retain(|call| call.request["Item"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("IDEMPOTENCY#")));
        assert_eq!(kept.len(), 2, "{}: a try begins and ends", example.name);
        for call in kept {
            let item = &call.request["Item"];
            let day = (crate::harness::START / 1000 + 24 * 60 * 60).to_string();
            assert_eq!(item["expires_at"]["N"], day, "DynamoDB removes it");
            // What is sealed may have any three letters in it.
            let mut open = item.clone();
            open.as_object_mut().unwrap().remove("answer");
            let text = open.to_string();
            for secret in [PASSWORD, "example.com", "newcomer", "ada", "my-own-key", "127.0.0.1", "Once"] {
                assert!(!text.contains(secret), "{}: {secret} in {text}", example.name);
            }
            if let Some(answer) = item["answer"]["B"].as_str() {
                use base64::Engine;
                let bytes = base64::engine::general_purpose::STANDARD.decode(answer).unwrap();
                assert!(bytes.len() < first.bytes.len() + 200, "deflated");
                let mut inflated = String::new();
                let mut reader = flate2::read::DeflateDecoder::new(&bytes[..]);
                assert!(std::io::Read::read_to_string(&mut reader, &mut inflated).is_err(), "sealed");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_keep_is_made_anew() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut state = 7_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."[(state >> 58) as usize])
    };
    let text: String = (0..200 * 1024).map(|_| letter()).collect();
    let body = json!({ "title": "Large", "body": text });
    let send = async || ada.call("POST", "/posts", &[("idempotency-key", "1")], Some(body.clone())).await;
    let first = send().await;
    first.expect_status(201);
    let again = send().await;
    assert_eq!((again.status, again.header("location")), (first.status, first.header("location")));
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, ""));
    assert_eq!(ada.get("/me/posts").await.each("slug"), ["large"]);
}

#[tokio::test]
async fn what_makes_nothing_takes_no_key() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    let log_in = async || {
        stack.visitor().call("POST", "/sessions", &[("idempotency-key", "1")], Some(credentials.clone())).await
    };
    let (first, second) = (log_in().await, log_in().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_ne!(first.body["refresh_token"], second.body["refresh_token"], "tokens are never kept");
}

/// Whoever sends a link on adds some.
#[tokio::test]
async fn parameters_of_trackers_make_no_other_request() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let post = json!({ "title": "Once", "body": "B" });
    let key = [("idempotency-key", "once")];
    let first = ada.call("POST", "/posts?utm_source=a", &key, Some(post.clone())).await;
    first.expect_status(201);
    let again = ada.call("POST", "/posts?fbclid=b", &key, Some(post)).await;
    again.expect_status(201);
    assert_eq!(again.body["id"], first.body["id"]);
}
