//! Webhooks: receivers get each event signed, at least once, and whatever they do disturbs nobody else.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{AuditAction, AuditEntry, AuditId, AuditedKind, Role, Timestamp, UserId, Webhook, WebhookId};
use edge::Clock;
use local::wire::Fault;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::harness::{Answer, Client, TestStack, walk};
use crate::leaving::left_over;

/// What a receiver got.
#[derive(Debug, Clone)]
struct Message {
    headers: HeaderMap,
    body: String,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Whether one of its signatures is of this secret.
    fn is_signed_with(&self, secret: &str) -> bool {
        let library = standardwebhooks::Webhook::new(secret).unwrap();
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let signature = library.sign(self.id(), timestamp, self.body.as_bytes()).unwrap();
        self.header("webhook-signature").split(' ').any(|one| one == signature)
    }
}

/// Somebody who receives messages on this machine.
#[derive(Clone, Default)]
pub struct Receiver {
    port: u16,
    messages: Arc<Mutex<Vec<Message>>>,
    /// What it answers next, and then always the last of it.
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// Whoever is told to wait does so until it is told to go on.
    is_slow: bool,
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::default().listen().await
    }

    async fn slow() -> Self {
        Self { is_slow: true, ..Self::default() }.listen().await
    }

    async fn listen(self) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self { port: listener.local_addr().unwrap().port(), ..self };
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?of=blog", self.port)
    }

    fn answers(&self, statuses: &[u16]) {
        *self.answers.lock().unwrap() = statuses.iter().copied().collect();
    }

    /// What came since this was asked last.
    fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.messages.lock().unwrap())
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    receiver.messages.lock().unwrap().push(Message { headers, body });
    if receiver.is_slow {
        receiver.arrived.notify_one();
        receiver.released.notified().await;
    }
    let status = {
        let mut answers = receiver.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }.unwrap_or(200)
    };
    let status = StatusCode::from_u16(status).unwrap();
    let elsewhere = [("location", format!("http://127.0.0.1:{}/elsewhere", receiver.port))];
    (status, elsewhere, "Thank you.").into_response()
}

async fn start() -> (TestStack, Client) {
    let stack = TestStack::start_with_parameters(&[("WebhookLoopback", "true")]).await;
    let chief = stack.admin().await;
    stack.settle().await;
    (stack, chief)
}

/// A new webhook.
async fn hook(chief: &Client, receiver: &Receiver, events: &[&str]) -> Value {
    let answer = chief.post("/webhooks", json!({ "url": receiver.url(), "events": events })).await;
    answer.expect_status(201);
    answer.body
}

fn path_of(hook: &Value) -> String {
    format!("/webhooks/{}", hook["id"].as_str().unwrap())
}

fn secret_of(hook: &Value) -> &str {
    hook["secret"].as_str().unwrap()
}

async fn deliveries(client: &Client, hook: &Value) -> Vec<Value> {
    walk(client, &format!("{}/deliveries", path_of(hook)), 100).await
}

/// The one delivery that there is.
async fn delivery(client: &Client, hook: &Value) -> Value {
    let mut all = deliveries(client, hook).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn test(client: &Client, hook: &Value) -> Answer {
    client.call("POST", &format!("{}/test", path_of(hook)), &[], None).await
}

async fn resend(client: &Client, hook: &Value, delivery: &Value) -> Answer {
    let path = format!("{}/deliveries/{}/resend", path_of(hook), delivery["id"].as_str().unwrap());
    client.call("POST", &path, &[], None).await
}

/// Lets time pass until then, and a minute begin.
async fn minute_at(stack: &TestStack, time: &str) {
    stack.set_time(time);
    stack.minute().await;
    stack.settle().await;
}

async fn minute_after(stack: &TestStack, seconds: i64) {
    stack.pass_seconds(seconds);
    stack.minute().await;
    stack.settle().await;
}

/// What is left of deliveries that are to be made.
async fn due(stack: &TestStack) -> Vec<String> {
    left_over(stack).await.into_iter().filter(|key| key.starts_with("DUE")).collect()
}

#[tokio::test]
async fn administrators_manage_webhooks_and_see_a_secret_once() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    stack.stack.wire.record();
    let events = json!(["post.updated", "post.published", "post.published"]);
    let created = chief.post("/webhooks", json!({ "url": receiver.url(), "events": events })).await;
    created.expect_status(201);
    let hook = created.body.clone();
    assert_eq!(created.header("location"), format!("/v1{}", path_of(&hook)));
    let secret = secret_of(&hook);
    let bytes = secret.strip_prefix("whsec_").unwrap();
    assert_eq!(bytes.len(), 44, "32 bytes in base64");
    // Nothing that was written has it in it.
    for call in stack.stack.wire.take_calls() {
        assert!(!call.request.to_string().contains(bytes), "{}", call.request);
    }
    let mut shown = hook.clone();
    shown.as_object_mut().unwrap().remove("secret");
    let expected = json!({
        "id": hook["id"], "url": receiver.url(), "events": ["post.published", "post.updated"], "enabled": true,
        "disabled_because": null, "failing_since": null, "former_secret_until": null, "version": 1,
        "created_at": "2026-11-21T08:30:00.000Z", "updated_at": "2026-11-21T08:30:00.000Z",
    });
    assert_eq!(shown, expected);
    let got = chief.get(&path_of(&hook)).await;
    assert_eq!(got.body, expected);
    assert!(got.etag().starts_with("\"1-") && created.etag().starts_with("\"1-"));
    assert_eq!(chief.get("/webhooks").await.body["items"], json!([expected]));

    // If-Match may be sent and then counts.
    let stale = got.etag();
    let edited = chief.patch(&path_of(&hook), &stale, json!({ "events": ["*"] })).await;
    edited.expect_status(200);
    assert_eq!((&edited.body["events"], &edited.body["version"]), (&json!(["*"]), &json!(2)));
    chief.patch(&path_of(&hook), &stale, json!({ "enabled": false })).await.expect_problem(412, "precondition-failed");
    let disabled = chief.call("PATCH", &path_of(&hook), &[], Some(json!({ "enabled": false }))).await;
    assert_eq!((&disabled.body["enabled"], &disabled.body["disabled_because"]), (&json!(false), &Value::Null));
    // What changes nothing is no new version.
    let same = chief.patch(&path_of(&hook), &disabled.etag(), json!({ "enabled": false, "events": ["*"] })).await;
    assert_eq!(same.body, disabled.body);

    let post = async |body: Value| chief.post("/webhooks", body).await;
    post(json!({})).await.expect_invalid(&["/events", "/url"]);
    for events in [json!([]), json!(["post.read"]), json!("*"), json!([1]), Value::Null] {
        post(json!({ "url": receiver.url(), "events": events })).await.expect_invalid(&["/events"]);
    }
    post(json!({ "url": receiver.url(), "events": ["*"], "secret": "mine" })).await.expect_invalid(&["/secret"]);
    chief
        .patch(&path_of(&hook), "*", json!({ "url": null, "enabled": null }))
        .await
        .expect_invalid(&["/enabled", "/url"]);

    // Nobody else may look or touch.
    let editor = stack.user_with_role("eve", Role::Editor).await;
    for (method, path) in [
        ("GET", "/webhooks".to_owned()),
        ("POST", "/webhooks".to_owned()),
        ("GET", path_of(&hook)),
        ("PATCH", path_of(&hook)),
        ("DELETE", path_of(&hook)),
        ("POST", format!("{}/secret", path_of(&hook))),
        ("POST", format!("{}/test", path_of(&hook))),
        ("GET", format!("{}/deliveries", path_of(&hook))),
        ("POST", format!("{}/deliveries/{}/resend", path_of(&hook), "0".repeat(26))),
    ] {
        editor.call(method, &path, &[], Some(json!({}))).await.expect_problem(403, "forbidden");
    }

    chief.call("DELETE", &path_of(&hook), &[("if-match", &stale)], None).await.expect_status(412);
    chief.delete(&path_of(&hook)).await.expect_status(204);
    for (method, path) in [
        ("GET", path_of(&hook)),
        ("PATCH", path_of(&hook)),
        ("DELETE", path_of(&hook)),
        ("POST", format!("{}/secret", path_of(&hook))),
        ("POST", format!("{}/test", path_of(&hook))),
        ("GET", format!("{}/deliveries", path_of(&hook))),
        ("POST", format!("{}/deliveries/{}/resend", path_of(&hook), "0".repeat(26))),
        ("GET", "/webhooks/none".to_owned()),
    ] {
        chief.call(method, &path, &[], Some(json!({}))).await.expect_problem(404, "not-found");
    }
    assert_eq!(chief.get("/webhooks").await.body["items"], json!([]));
}

#[tokio::test]
async fn there_are_at_most_fifty_webhooks() {
    let (_stack, chief) = start().await;
    let receiver = Receiver::start().await;
    for _ in 0..50 {
        hook(&chief, &receiver, &["*"]).await;
    }
    let more = json!({ "url": receiver.url(), "events": ["*"] });
    chief.post("/webhooks", more.clone()).await.expect_problem(409, "conflict");
    let listed = walk(&chief, "/webhooks", 20).await;
    assert_eq!(listed.len(), 50);
    chief.delete(&path_of(&listed[7])).await.expect_status(204);
    chief.post("/webhooks", more).await.expect_status(201);
}

#[tokio::test]
async fn an_event_is_sent_to_whoever_wants_it_and_their_library_verifies_it() {
    let stack = TestStack::start_with_parameters(&[("WebhookLoopback", "true")]).await;
    // The library looks at the clock too.
    stack.set_time(&Clock::system().now().to_string());
    let (chief, ada) = (stack.admin().await, stack.user("ada").await);
    stack.settle().await;
    let (all, posts, comments) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let (of_all, of_posts) = (hook(&chief, &all, &["*"]).await, hook(&chief, &posts, &["post.published"]).await);
    hook(&chief, &comments, &["comment.published", "comment.deleted"]).await;
    let off = Receiver::start().await;
    let of_off = hook(&chief, &off, &["*"]).await;
    chief.patch(&path_of(&of_off), "*", json!({ "enabled": false })).await.expect_status(200);
    stack.take_put("broadsheet");
    ada.publish("Grüße 😀", &["tea"]).await;
    ada.call("PUT", "/users/chief/follow", &[], None).await.expect_status(204);
    stack.settle().await;

    let put = stack.take_put("broadsheet");
    let types: Vec<_> = put.iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert_eq!(types, ["post.published", "user.followed"]);
    let (got, of_post) = (all.take(), posts.take());
    assert_eq!((got.len(), of_post.len(), comments.take().len(), off.take().len()), (2, 1, 0, 0));
    for (message, secret) in got.iter().map(|one| (one, &of_all)).chain([(&of_post[0], &of_posts)]) {
        let library = standardwebhooks::Webhook::new(secret_of(secret)).unwrap();
        library.verify(message.body.as_bytes(), &message.headers).unwrap();
        assert!(library.verify(format!("{} ", message.body).as_bytes(), &message.headers).is_err());
        assert_eq!(message.header("content-type"), "application/json");
        assert_eq!(message.header("user-agent"), "Broadsheet-Webhooks/1");
        assert_eq!(message.header("host"), secret["url"].as_str().unwrap()[7..].split('/').next().unwrap());
        assert_eq!(message.header("webhook-signature").split(' ').count(), 1);
        // What is on the bus.
        let body: Value = serde_json::from_str(&message.body).unwrap();
        assert!(put.iter().any(|event| event["detail"] == body), "{body}");
    }
    let library = standardwebhooks::Webhook::new(secret_of(&of_posts)).unwrap();
    assert!(library.verify(got[0].body.as_bytes(), &got[0].headers).is_err(), "each has a secret of its own");

    let log = delivery(&chief, &of_posts).await;
    let now = stack.stack.blog.now();
    let expected = json!({
        "id": of_post[0].id(), "event": "post.published", "status": "delivered", "next_attempt_at": null, "created_at": now,
        "expires_at": Timestamp::from_milliseconds((now.seconds() + 30 * 24 * 60 * 60) * 1000),
        "attempts": [
            { "number": 1, "at": now, "duration_ms": 0, "status": 200, "answer": "Thank you.", "error": null },
        ],
    });
    assert_eq!(log, expected);
    let ids: Vec<_> = deliveries(&chief, &of_all).await;
    assert_eq!(ids.len(), 2);
    assert!(due(&stack).await.is_empty());
}

#[tokio::test]
async fn events_are_taken_up_only_if_that_is_switched_on() {
    let stack = TestStack::start_with_parameters(&[("WebhookLoopback", "true"), ("Webhooks", "false")]).await;
    let (chief, receiver) = (stack.admin().await, Receiver::start().await);
    let hook = hook(&chief, &receiver, &["*"]).await;
    chief.publish("Unheard", &[]).await;
    stack.settle().await;
    assert!(deliveries(&chief, &hook).await.is_empty());
    // What somebody asks for is sent all the same.
    test(&chief, &hook).await.expect_status(200);
    stack.settle().await;
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn a_test_is_sent_whatever_the_events_are() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["comment.held"]).await;
    let answer = test(&chief, &hook).await;
    answer.expect_status(200);
    assert_eq!((&answer.body["status"], &answer.body["attempts"]), (&json!("pending"), &json!([])));
    assert_eq!(answer.body["next_attempt_at"], Value::Null);
    stack.settle().await;
    let messages = receiver.take();
    assert_eq!(messages.len(), 1);
    assert_eq!(answer.body["id"], messages[0].id());
    assert!(messages[0].is_signed_with(secret_of(&hook)));
    let body: Value = serde_json::from_str(&messages[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]), (&json!("webhook.test"), &json!({ "webhook_id": hook["id"] })));
    for field in ["specversion", "id", "source", "time"] {
        assert!(body[field].is_string(), "{body}");
    }
    assert_eq!(delivery(&chief, &hook).await["status"], "delivered");
    // It did not happen on the blog.
    assert_eq!(stack.take_put("broadsheet").iter().filter(|event| event["detail-type"] == "webhook.test").count(), 0);
}

#[tokio::test]
async fn what_fails_is_tried_for_three_days_with_the_same_id_and_then_given_up() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    receiver.answers(&[500, 503, 302, 404, 429]);
    let hook = hook(&chief, &receiver, &["post.published"]).await;
    chief.publish("Hello", &[]).await;
    stack.settle().await;
    let first = receiver.take().remove(0);
    let mut times = vec![stack.stack.blog.now()];
    loop {
        let client = stack.log_in("chief").await;
        let log = delivery(&client, &hook).await;
        assert_eq!(log["attempts"].as_array().unwrap().len(), times.len());
        let Some(next) = log["next_attempt_at"].as_str() else { break };
        assert_eq!(log["status"], "pending");
        let next = Timestamp::try_from(next.to_owned()).unwrap();
        // Not a second before.
        minute_at(&stack, &next.plus_seconds(-1).to_string()).await;
        assert!(receiver.take().is_empty());
        minute_at(&stack, &next.to_string()).await;
        // And once, however often it is asked within the minute.
        stack.minute().await;
        stack.settle().await;
        let messages = receiver.take();
        assert_eq!(messages.len(), 1, "{times:?}");
        assert_eq!((messages[0].id(), &messages[0].body), (first.id(), &first.body));
        assert_eq!(messages[0].header("webhook-timestamp"), next.seconds().to_string());
        assert!(messages[0].is_signed_with(secret_of(&hook)));
        times.push(next);
    }
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1].seconds() - pair[0].seconds()).collect();
    assert!(pauses.is_sorted_by(|one, next| *one < *next * 5 / 4), "longer each time: {pauses:?}");
    let all: i64 = pauses.iter().sum();
    assert!((64..=79).contains(&(all / 3600)), "about three days: {all}");
    let client = stack.log_in("chief").await;
    let log = delivery(&client, &hook).await;
    assert_eq!(log["status"], "failed");
    let statuses: Vec<_> = log["attempts"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(json!(statuses), json!([500, 503, 302, 404, 429, 429, 429, 429, 429, 429]));
    assert_eq!(client.get(&path_of(&hook)).await.body["failing_since"], "2026-11-21T08:30:00.000Z");
    assert!(due(&stack).await.is_empty());
    // A late success ends it.
    receiver.answers(&[204]);
    resend(&client, &hook, &log).await.expect_status(202);
    stack.settle().await;
    assert_eq!(client.get(&path_of(&hook)).await.body["failing_since"], Value::Null);
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nothing_else_and_what_it_did_not_take_waits_for_the_next_start() {
    let (stack, chief) = start().await;
    let slow = Receiver::slow().await;
    let of_slow = hook(&chief, &slow, &["post.published"]).await;
    let of_running = Arc::clone(&stack.stack);
    let running = tokio::spawn(async move { of_running.background().await });
    let pause = || tokio::time::sleep(Duration::from_millis(5));
    let story = async {
        chief.publish("Hello", &[]).await;
        slow.arrived.notified().await;
        chief.publish("World", &[]).await;
        while chief.get("/search?q=world").await.body["items"].as_array().unwrap().is_empty() {
            pause().await;
        }
        let left = || stack.stack.backing.stream_log.len().unwrap();
        assert!(left() > 0);
        while left() > 0 {
            slow.released.notify_one();
            pause().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(8), story).await.expect("in time");
    running.abort();
    assert_eq!(slow.take().len(), 2);
    let all = deliveries(&chief, &of_slow).await;
    assert!(all.len() == 2 && all.iter().all(|delivery| delivery["status"] == "delivered"), "{all:?}");
}

#[tokio::test]
async fn a_slow_or_dead_receiver_makes_no_other_wait() {
    let (stack, chief) = start().await;
    let (slow, quick) = (Receiver::slow().await, Receiver::start().await);
    let dead = Receiver {
        port: TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port(),
        ..Receiver::default()
    };
    // The last one is the first to be called.
    let of_quick = hook(&chief, &quick, &["*"]).await;
    let of_dead = hook(&chief, &dead, &["*"]).await;
    let of_slow = hook(&chief, &slow, &["*"]).await;
    chief.publish("Hello", &[]).await;
    let (settle, meanwhile) = (stack.settle(), async {
        slow.arrived.notified().await;
        // While the one is still waited for, the other has its message.
        while quick.messages.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while delivery(&chief, &of_quick).await["status"] != "delivered" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(delivery(&chief, &of_slow).await["attempts"], json!([]));
        slow.released.notify_one();
    });
    tokio::time::timeout(Duration::from_secs(8), async { tokio::join!(settle, meanwhile) }).await.expect("in time");
    assert_eq!(delivery(&chief, &of_slow).await["status"], "delivered");
    let failed = delivery(&chief, &of_dead).await;
    assert_eq!((&failed["status"], &failed["attempts"][0]["status"]), (&json!("pending"), &Value::Null));
    assert!(failed["attempts"][0]["error"].as_str().unwrap().starts_with("no connection"), "{failed}");
    // Each attempt is a call of its own.
    let calls = stack.take_put("broadsheet.work").into_iter().filter(|work| work["detail-type"] == "deliver_webhook");
    let hooks_called: Vec<_> = calls.map(|call| call["detail"]["webhook_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(hooks_called.len(), 3);
    assert_eq!(hooks_called.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_any_more() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["post.published"]).await;
    receiver.answers(&[500, 410]);
    chief.publish("One", &[]).await;
    stack.settle().await;
    stack.pass_seconds(1);
    chief.publish("Two", &[]).await;
    stack.settle().await;
    assert_eq!(receiver.take().len(), 2);
    let gone = chief.get(&path_of(&hook)).await;
    assert_eq!((&gone.body["enabled"], &gone.body["disabled_because"]), (&json!(false), &json!("gone")));
    assert_eq!(gone.body["version"], 2);
    let statuses = async || {
        let mut log = deliveries(&chief, &hook).await;
        // Of events of the same second, the list does not tell which is the later.
        log.sort_by_key(|one| one["created_at"].to_string());
        log.iter().map(|one| one["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, ["pending", "failed"]);
    // Neither what waits nor what is new.
    chief.publish("Three", &[]).await;
    minute_after(&stack, 120).await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(statuses().await, ["failed", "failed"]);
    assert!(due(&stack).await.is_empty());
    test(&chief, &hook).await.expect_problem(409, "conflict");
    let log = deliveries(&chief, &hook).await;
    resend(&chief, &hook, &log[0]).await.expect_problem(409, "conflict");

    receiver.answers(&[200]);
    let enabled = chief.patch(&path_of(&hook), "*", json!({ "enabled": true })).await;
    assert_eq!((&enabled.body["enabled"], &enabled.body["disabled_because"]), (&json!(true), &Value::Null));
    chief.publish("Four", &[]).await;
    stack.settle().await;
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_for_five_days_is_disabled() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    receiver.answers(&[500]);
    let hook = hook(&chief, &receiver, &["post.published"]).await;
    chief.publish("One", &[]).await;
    stack.settle().await;
    let hours = 60 * 60;
    stack.pass_seconds(60 * hours);
    stack.log_in("chief").await.publish("Two", &[]).await;
    stack.settle().await;
    // The first message is given up after three days, the second one after five and a half.
    let (mut given_up, mut enabled) = (0, true);
    for _ in 0..20 {
        let client = stack.log_in("chief").await;
        let log = deliveries(&client, &hook).await;
        given_up = log.iter().filter(|one| one["status"] == "failed").count();
        enabled = client.get(&path_of(&hook)).await.body["enabled"] == true;
        assert_eq!(enabled, given_up < 2, "{given_up}");
        let Some(next) = log.iter().filter_map(|one| one["next_attempt_at"].as_str()).min() else { break };
        minute_at(&stack, next).await;
    }
    assert_eq!((given_up, enabled), (2, false));
    let client = stack.log_in("chief").await;
    let disabled = client.get(&path_of(&hook)).await.body;
    assert_eq!((&disabled["disabled_because"], &disabled["version"]), (&json!("failing"), &json!(2)));
    assert_eq!(disabled["failing_since"], "2026-11-21T08:30:00.000Z");
    // Another address begins anew.
    let other = Receiver::start().await;
    let edit = json!({ "url": other.url(), "enabled": true });
    let edited = client.patch(&path_of(&hook), "*", edit).await;
    assert_eq!((&edited.body["failing_since"], &edited.body["enabled"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["*"]).await;
    let rotate = async |client: &Client| client.call("POST", &format!("{}/secret", path_of(&hook)), &[], None).await;
    let rotated = rotate(&chief).await;
    rotated.expect_status(200);
    assert_eq!(rotated.body["former_secret_until"], "2026-11-22T08:30:00.000Z");
    assert_eq!(rotated.header("cache-control"), "no-store");
    let (old, new) = (secret_of(&hook).to_owned(), secret_of(&rotated.body).to_owned());
    assert_ne!(old, new);
    let sent = async |client: &Client| {
        test(client, &hook).await.expect_status(200);
        stack.settle().await;
        let message = receiver.take().remove(0);
        let signatures = message.header("webhook-signature").split(' ').count();
        (signatures, message.is_signed_with(&old), message.is_signed_with(&new))
    };
    assert_eq!(sent(&chief).await, (2, true, true));
    stack.pass_seconds(24 * 60 * 60 - 1);
    let chief = stack.log_in("chief").await;
    assert_eq!(sent(&chief).await, (2, true, true));
    stack.pass_seconds(1);
    assert_eq!(sent(&chief).await, (1, false, true));
    assert_eq!(chief.get(&path_of(&hook)).await.body["former_secret_until"], Value::Null);
    // Whoever missed an answer asks again, and no receiver is cut off. But not without end.
    for signatures in 2..=5 {
        rotate(&chief).await.expect_status(200);
        assert_eq!(sent(&chief).await, (signatures, false, true));
    }
    rotate(&chief).await.expect_problem(409, "conflict");
    let stale = [("if-match", "\"1-0\"")];
    chief.call("POST", &format!("{}/secret", path_of(&hook)), &stale, None).await.expect_status(412);
}

#[tokio::test]
async fn a_message_is_sent_again_on_request_and_forgotten_after_thirty_days() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["post.published"]).await;
    for number in 1..=3 {
        stack.pass_seconds(1);
        chief.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    let sent = receiver.take();
    assert_eq!(sent.len(), 3);
    let log = walk(&chief, &format!("{}/deliveries", path_of(&hook)), 1).await;
    let ids: Vec<_> = log.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one > next), "newest first: {ids:?}");
    assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), sent.iter().map(Message::id).collect());

    let day = 24 * 60 * 60;
    stack.pass_seconds(29 * day);
    let client = stack.log_in("chief").await;
    receiver.answers(&[500, 200]);
    resend(&client, &hook, &log[2]).await.expect_status(202);
    let waiting = deliveries(&client, &hook).await.remove(2);
    assert_eq!((&waiting["status"], &waiting["next_attempt_at"]), (&json!("pending"), &Value::Null));
    stack.settle().await;
    minute_after(&stack, 120).await;
    let again = receiver.take();
    let first = sent.iter().find(|message| message.id() == ids[2]).unwrap();
    assert_eq!(again.len(), 2);
    for message in &again {
        assert_eq!((message.id(), &message.body), (first.id(), &first.body));
        assert!(message.is_signed_with(secret_of(&hook)));
        assert_ne!(message.header("webhook-timestamp"), first.header("webhook-timestamp"));
    }
    let resent = deliveries(&client, &hook).await.remove(2);
    assert_eq!(resent["status"], "delivered");
    let numbers: Vec<_> = resent["attempts"].as_array().unwrap().iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    // What waits for its next attempt may be sent at once; the old appointment is void.
    receiver.answers(&[500, 200]);
    resend(&client, &hook, &log[1]).await.expect_status(202);
    stack.settle().await;
    resend(&client, &hook, &log[1]).await.expect_status(202);
    stack.settle().await;
    minute_after(&stack, 600).await;
    assert_eq!(receiver.take().len(), 2);
    assert!(due(&stack).await.is_empty());

    stack.pass_seconds(day);
    let client = stack.log_in("chief").await;
    let left: Vec<_> = deliveries(&client, &hook).await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(left, [ids[1], ids[2]], "what was sent again is kept for as long again");
    resend(&client, &hook, &log[0]).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn what_comes_twice_is_sent_once_with_one_id() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["post.published"]).await;
    chief.publish("Hello", &[]).await;
    let of_post = stack.changes();
    stack.settle().await;
    let id = receiver.take().remove(0).id().to_owned();
    let published = stack.take_put("broadsheet").into_iter().filter(|event| event["detail-type"] == "post.published");
    let published: Vec<_> = published.collect();
    assert_eq!(published.len(), 1);
    stack.stack.bus.send(&published[0]);
    stack.settle().await;
    stack.deliver_again(&of_post).await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(delivery(&chief, &hook).await["id"], id);
    // While it waits for another attempt, too.
    receiver.answers(&[500]);
    stack.take_put("broadsheet.work");
    test(&chief, &hook).await.expect_status(200);
    let of_delivery = stack.changes();
    stack.settle().await;
    let called = stack.take_put("broadsheet.work");
    assert_eq!((called.len(), &called[0]["detail-type"]), (1, &json!("deliver_webhook")));
    stack.stack.bus.send(&called[0]);
    stack.settle().await;
    stack.deliver_again(&of_delivery).await;
    assert_eq!(receiver.take().len(), 1);
    // What is tried for a release is not sent.
    for plugin in webhooks::PLUGINS {
        let check = json!({ "detail-type": "release-check", "detail": {} });
        plugin.run(&stack.stack.webhooks, serde_json::from_value(check).unwrap()).await.unwrap();
    }
    assert_eq!(deliveries(&chief, &hook).await.len(), 2);
}

#[tokio::test]
async fn a_webhook_that_is_deleted_or_disabled_sends_nothing_that_was_begun() {
    for delete in [true, false] {
        let (stack, chief) = start().await;
        let receiver = Receiver::start().await;
        receiver.answers(&[500]);
        let hook = hook(&chief, &receiver, &["*"]).await;
        test(&chief, &hook).await.expect_status(200);
        stack.settle().await;
        // One that waits, and one that is about to be sent.
        test(&chief, &hook).await.expect_status(200);
        if delete {
            chief.delete(&path_of(&hook)).await.expect_status(204);
        } else {
            chief.patch(&path_of(&hook), "*", json!({ "enabled": false })).await.expect_status(200);
        }
        stack.settle().await;
        minute_after(&stack, 120).await;
        assert_eq!(receiver.take().len(), 1);
        assert!(due(&stack).await.is_empty(), "delete: {delete}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let parameters = [("SiteUrl", "https://blog.example.com/pages"), ("FeedUrl", "https://feeds.example.com/v1")];
    let stack = TestStack::start_with_parameters(&parameters).await;
    let chief = stack.admin().await;
    let refused = async |client: &Client, url: &str| {
        let answer = client.post("/webhooks", json!({ "url": url, "events": ["*"] })).await;
        answer.expect_invalid(&["/url"]);
        answer.body["errors"][0]["detail"].as_str().unwrap().to_owned()
    };
    for url in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://localhost:3000/",
        "https://10.1.2.3/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
    ] {
        let detail = refused(&chief, url).await;
        // The host that the API was asked at is the blog's own.
        let expected = if url == "https://localhost/" { "of this blog" } else { "public" };
        assert!(detail.contains(expected), "{url}: {detail}");
    }
    for url in ["http://8.8.8.8/", "http://127.0.0.1/", "http://localhost:4000/"] {
        assert!(refused(&chief, url).await.contains("https"), "{url}");
    }
    for url in [
        "https://blog.example.com/",
        "https://BLOG.example.com./hook",
        "https://feeds.example.com/",
        "https://local.execute-api.local.amazonaws.com/v1/posts",
    ] {
        assert!(refused(&chief, url).await.contains("of this blog"), "{url}");
    }
    assert!(refused(&chief, "https://nowhere.invalid/").await.contains("cannot be found"));
    for url in ["https://user:pass@8.8.8.8/", "ftp://8.8.8.8/", "https://8.8.8.8:25/", "https://8.8.8.8/#a", "https://"]
    {
        refused(&chief, url).await;
    }
    // A public one is taken, by its address or by a name that leads there, and may not be led elsewhere later.
    let hook = chief.post("/webhooks", json!({ "url": "https://8.8.8.8:8443/hook", "events": ["*"] })).await;
    hook.expect_status(201);
    let edit = json!({ "url": "https://10.0.0.1/" });
    chief.patch(&path_of(&hook.body), "*", edit).await.expect_invalid(&["/url"]);

    // With loopback allowed it is that and nothing else; the blog itself is not called then either.
    let (_stack, chief) = start().await;
    for url in ["http://10.0.0.1/", "https://169.254.169.254/", "http://[::ffff:127.0.0.1]/"] {
        refused(&chief, url).await;
    }
    for url in ["http://localhost/", "http://localhost./", "http://127.0.0.1/", "http://127.1.2.3/", "http://[::1]/"] {
        refused(&chief, url).await;
    }
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_later_is_not_called() {
    // As if its name had led to a public host when it was typed.
    let stack = TestStack::start().await;
    let (chief, receiver) = (stack.admin().await, Receiver::start().await);
    stack.settle().await;
    let (url, events) = (format!("https://localhost:{}/", receiver.port), vec!["*".to_owned()]);
    let id = WebhookId::from_number(1 << 90);
    let now = stack.stack.blog.now();
    let hook = Webhook::new(id, url.try_into().unwrap(), events.try_into().unwrap(), now);
    let entry = AuditEntry::new(
        AuditId::from(ulid::Ulid::from(7_u128)),
        AuditAction::WebhookCreated,
        UserId::from_number(7),
        id,
        now,
    );
    stack.stack.blog.table.create_webhook(&hook, &entry).await.unwrap();
    stack.stack.blog.table.signing_key().await.unwrap();
    chief.publish("Hello", &[]).await;
    stack.settle().await;
    let log = delivery(&chief, &json!({ "id": id.to_string() })).await;
    let error = log["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("public"), "{error}");
    assert_eq!((&log["attempts"][0]["status"], &log["status"]), (&Value::Null, &json!("pending")));
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    receiver.answers(&[308]);
    let hook = hook(&chief, &receiver, &["*"]).await;
    test(&chief, &hook).await.expect_status(200);
    stack.settle().await;
    assert_eq!(receiver.take().len(), 1);
    let log = delivery(&chief, &hook).await;
    assert_eq!((&log["status"], &log["attempts"][0]["status"]), (&json!("pending"), &json!(308)));
}

/// A blog with one webhook, whose receiver fails the first time that it gets a message.
struct Sending {
    stack: TestStack,
    receiver: Receiver,
    hook: Value,
    /// Whether something happens on the blog. Otherwise a test is sent.
    by_event: bool,
    number: usize,
    given_up: usize,
    /// The deliveries that there were before. Of events of the same second, which is the later is not told.
    known: BTreeSet<String>,
}

impl Sending {
    async fn start(by_event: bool) -> Self {
        let (stack, chief) = start().await;
        let receiver = Receiver::start().await;
        let hook = hook(&chief, &receiver, &["post.published"]).await;
        let mut sending = Self { stack, receiver, hook, by_event, number: 0, given_up: 0, known: BTreeSet::new() };
        // What a process asks once is asked now.
        sending.begin().await;
        sending.send().await;
        assert_eq!(sending.receiver.take().len(), 2);
        sending.fresh().await;
        sending
    }

    /// The delivery that there was not before.
    async fn fresh(&mut self) -> Value {
        let chief = self.stack.log_in("chief").await;
        let mut log = deliveries(&chief, &self.hook).await;
        log.retain(|one| self.known.insert(one["id"].as_str().unwrap().to_owned()));
        assert_eq!(log.len(), 1, "{log:?}");
        log.remove(0)
    }

    /// Makes a message.
    async fn begin(&mut self) {
        self.number += 1;
        self.receiver.answers(&[500, 200]);
        let chief = self.stack.log_in("chief").await;
        if self.by_event {
            chief.publish(&format!("Post {}", self.number), &[]).await;
        } else {
            test(&chief, &self.hook).await.expect_status(200);
        }
    }

    /// Lets so much time pass that it has been sent twice if nothing goes wrong.
    async fn send(&self) {
        self.stack.settle().await;
        minute_after(&self.stack, 120).await;
    }

    /// Every call of DynamoDB and of the bus that these functions make for a message: as an action, with how many of it went before.
    async fn steps(&mut self, functions: &[&str]) -> Vec<(String, usize)> {
        self.begin().await;
        self.stack.stack.wire.record();
        self.send().await;
        assert_eq!(self.receiver.take().len(), 2);
        self.fresh().await;
        let calls = self.stack.stack.wire.take_calls();
        let before =
            |position: usize| calls[..position].iter().filter(|call| call.action == calls[position].action).count();
        let is_theirs = |position: &usize| {
            let operation = calls[*position].operation.as_deref();
            operation.is_some_and(|name| functions.contains(&name))
        };
        let found = (0..calls.len()).filter(is_theirs);
        found.map(|position| (calls[position].action.clone(), before(position))).collect()
    }

    /// Lets what was lost be found: by the minutes that follow and, where an event was given up, by hand as scripts/replay does it.
    async fn recover(&mut self) {
        self.stack.stack.wire.mend();
        for _ in 0..2 {
            minute_after(&self.stack, 660).await;
        }
        let given_up = self.stack.stack.bus.given_up("QueueDeliveriesFailures");
        for kept in &given_up[self.given_up..] {
            self.stack.stack.bus.send(kept);
            self.send().await;
        }
        self.given_up = given_up.len();
    }
}

#[tokio::test]
async fn a_message_arrives_whatever_step_fails_or_is_stopped() {
    for (by_event, functions, min_steps) in
        [(true, &["queue_deliveries"][..], 2), (false, &["publish_events", "deliver_webhook", "publish_due"], 12)]
    {
        let mut sending = Sending::start(by_event).await;
        let steps = sending.steps(functions).await;
        assert!(steps.len() >= min_steps, "{steps:?}");
        for (action, skip) in steps {
            let is_write = action.contains("Write") || action == "PutEvents";
            // Once, which the SDK gets over; and so often that everybody gives up.
            for (times, fault) in [(9, Fault::ServerError), (1, Fault::AnswerLost), (9, Fault::AnswerLost)] {
                if fault == Fault::AnswerLost && !is_write {
                    continue;
                }
                let what = format!("{action} {skip}, {times} times {fault:?}");
                sending.begin().await;
                sending.stack.stack.wire.break_calls(&action, skip, times, fault);
                sending.send().await;
                sending.recover().await;
                let log = sending.fresh().await;
                assert_eq!(log["status"], "delivered", "{what}: {log}");
                let messages = sending.receiver.take();
                assert!(messages.len() >= 2, "{what}");
                assert!(messages.iter().all(|message| log["id"] == message.id()), "{what}");
                assert_eq!(due(&sending.stack).await, [""; 0], "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_function_that_is_stopped_after_its_attempt_makes_it_again() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["*"]).await;
    test(&chief, &hook).await.expect_status(200);
    let held = stack.stack.wire.hold_call("TransactWriteItems");
    let stopped = tokio::spawn({
        let stack = stack.clone();
        async move { stack.settle().await }
    });
    held.arrived().await;
    stopped.abort();
    let _ = stopped.await;
    assert_eq!(delivery(&chief, &hook).await["attempts"], json!([]));
    stack.settle().await;
    minute_after(&stack, 600).await;
    let messages = receiver.take();
    assert!(messages.len() >= 2, "{}", messages.len());
    assert!(messages.iter().all(|message| message.id() == messages[0].id()));
    assert_eq!(delivery(&chief, &hook).await["status"], "delivered");
}

/// Whoever looks for what is due has read the delivery before its attempt ends, and writes after.
#[tokio::test]
async fn an_attempt_that_ends_when_it_counts_as_lost_is_not_made_again() {
    let (stack, chief) = start().await;
    let slow = Receiver::slow().await;
    let hook = hook(&chief, &slow, &["*"]).await;
    test(&chief, &hook).await.expect_status(200);
    let meanwhile = async {
        slow.arrived.notified().await;
        stack.pass_seconds(3_600);
        let held = stack.stack.wire.hold_call("TransactWriteItems");
        let looking = tokio::spawn({
            let blog = Arc::clone(&stack.stack.blog);
            async move { blog.table.call_due_deliveries(blog.now()).await }
        });
        held.arrived().await;
        slow.released.notify_one();
        (held, looking)
    };
    let ((), (held, looking)) = tokio::join!(stack.settle(), meanwhile);
    held.release();
    looking.await.unwrap().unwrap();
    stack.settle().await;
    assert_eq!((slow.take().len(), due(&stack).await), (1, Vec::new()));
    let chief = stack.log_in("chief").await;
    assert_eq!(delivery(&chief, &hook).await["status"], "delivered");
}

#[tokio::test]
async fn an_edit_counts_whatever_an_attempt_that_was_on_its_way_says() {
    let (stack, chief) = start().await;
    let (slow, other) = (Receiver::slow().await, Receiver::start().await);
    slow.answers(&[410]);
    let hook = hook(&chief, &slow, &["*"]).await;
    test(&chief, &hook).await.expect_status(200);
    let meanwhile = async {
        slow.arrived.notified().await;
        chief.patch(&path_of(&hook), "*", json!({ "url": other.url() })).await.expect_status(200);
        slow.released.notify_one();
    };
    tokio::join!(stack.settle(), meanwhile);
    assert_eq!(chief.get(&path_of(&hook)).await.body["enabled"], true);
    minute_after(&stack, 120).await;
    assert_eq!(other.take().len(), 1);
    assert_eq!(delivery(&chief, &hook).await["status"], "delivered");
}

#[tokio::test]
async fn a_message_costs_what_the_documentation_says() {
    let (stack, chief) = start().await;
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    // Calls that read, their units, calls that write, their units: of these functions.
    let cost = async |title: Option<&str>, functions: &[&str]| {
        if let Some(title) = title {
            chief.publish(title, &[]).await;
        }
        stack.stack.wire.take_calls();
        stack.settle().await;
        if title.is_none() {
            stack.minute().await;
        }
        let calls = stack.stack.wire.take_calls().into_iter();
        let calls = calls.filter(|call| call.service == "dynamodb");
        let calls = calls.filter(|call| call.operation.as_deref().is_some_and(|name| functions.contains(&name)));
        let (writes, reads): (Vec<_>, Vec<_>) = calls.partition(|call| call.action.contains("Write"));
        let units = |calls: &[local::wire::Call]| calls.iter().map(|call| call.capacity).sum::<f64>();
        (reads.len(), units(&reads), writes.len(), units(&writes))
    };
    stack.stack.wire.record();
    let within = |what: &str, took: (usize, f64, usize, f64), max: (usize, f64, usize, f64)| {
        let is_within = took.0 <= max.0 && took.1 <= max.1 && took.2 <= max.2 && took.3 <= max.3;
        assert!(is_within && took.0 > 0, "{what} took {took:?} of {max:?}");
    };
    within("an event", cost(Some("Nobody"), &["queue_deliveries"]).await, (1, 0.5, 0, 0.0));
    // Four shards of scheduled posts, and the messages that are due.
    within("a minute", cost(None, &["publish_due"]).await, (5, 4.5, 0, 0.0));
    hook(&chief, &one, &["post.published"]).await;
    hook(&chief, &other, &["post.updated"]).await;
    cost(Some("First"), &[]).await;
    within("a message", cost(Some("Queued"), &["queue_deliveries"]).await, (1, 0.5, 1, 6.0));
    within("an attempt", cost(Some("Sent"), &["deliver_webhook"]).await, (2, 2.0, 1, 6.0));
    one.answers(&[500]);
    within("the first failure", cost(Some("Failed"), &["deliver_webhook"]).await, (2, 2.0, 2, 12.0));
    within("another", cost(Some("Failed once more"), &["deliver_webhook"]).await, (2, 2.0, 1, 8.0));
}

#[tokio::test]
async fn a_message_that_is_sent_again_while_it_is_sent_is_sent_again() {
    let (stack, chief) = start().await;
    let receiver = Receiver::slow().await;
    let hook = hook(&chief, &receiver, &["*"]).await;
    let sent = test(&chief, &hook).await.body;
    let meanwhile = async {
        receiver.arrived.notified().await;
        resend(&chief, &hook, &sent).await.expect_status(202);
        receiver.released.notify_one();
        receiver.arrived.notified().await;
        receiver.released.notify_one();
    };
    tokio::time::timeout(Duration::from_secs(8), async { tokio::join!(stack.settle(), meanwhile) })
        .await
        .expect("in time");
    assert_eq!(receiver.take().len(), 2);
    // Of the first one nobody knows whether it came before the request or after.
    let log = delivery(&chief, &hook).await;
    assert_eq!((&log["status"], &log["attempts"][0]["number"]), (&json!("delivered"), &json!(2)));
    assert!(due(&stack).await.is_empty());
}

#[tokio::test]
async fn the_audit_log_tells_what_administrators_did_and_not_what_the_blog_did() {
    let (stack, chief) = start().await;
    let receiver = Receiver::start().await;
    let hook = hook(&chief, &receiver, &["*"]).await;
    let path = path_of(&hook);
    chief.patch(&path, "*", json!({ "events": ["post.published"] })).await.expect_status(200);
    // What changes nothing, and what is refused.
    chief.patch(&path, "*", json!({ "events": ["post.published"] })).await.expect_status(200);
    chief.patch(&path, "\"1-0\"", json!({ "enabled": false })).await.expect_status(412);
    chief.call("POST", &format!("{path}/secret"), &[], None).await.expect_status(200);
    receiver.answers(&[410]);
    test(&chief, &hook).await.expect_status(200);
    stack.settle().await;
    assert_eq!(chief.get(&path).await.body["enabled"], false);
    chief.delete(&path).await.expect_status(204);
    let told = walk(&chief, &format!("/admin/audit?subject={}", hook["id"].as_str().unwrap()), 2).await;
    let mut actions: Vec<_> = told.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    actions.reverse();
    assert_eq!(actions, ["webhook.created", "webhook.updated", "webhook.secret_rotated", "webhook.deleted"]);
    let all = AuditAction::ALL.iter().filter(|action| action.kind() == AuditedKind::Webhook);
    assert_eq!(actions.into_iter().collect::<BTreeSet<_>>(), all.map(|action| action.name()).collect());
    for entry in &told {
        assert_eq!((&entry["actor"]["username"], &entry["subject"]["id"]), (&json!("chief"), &hook["id"]));
        assert!(!entry.to_string().contains("127.0.0.1") && !entry.to_string().contains("whsec_"), "{entry}");
    }
}
