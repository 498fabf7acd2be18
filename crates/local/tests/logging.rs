//! What the log says of requests, and what it never says.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};

use edge::telemetry::{Instance, json_lines};
use local::backing::refs;
use local::gateway::operations;
use local::wire::{Call, Fault};
use serde_json::{Value, json};
use template::{self, Template};
use tracing::level_filters::LevelFilter;

use crate::harness::{Answer, Client, PASSWORD, TestStack};

/// All lines of all tests. They run at once, so each finds its own by the ids that it gave.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// How many lines there were when the test of this thread began. To look through those of all tests before it would take a minute.
    static EARLIER: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8(bytes.to_vec()).unwrap();
        // What the stack logs is shown with a test that fails.
        print!("{line}");
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, as a function would write it with all that it can say.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let instance = Instance { function: "broadsheet-Any".to_owned(), version: "7".to_owned() };
        let subscriber = json_lines(LevelFilter::DEBUG, Some(instance), || Lines);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner).len();
    EARLIER.set(EARLIER.get().or(Some(lines)));
}

/// The lines with this text in them, since the test began.
pub fn lines_with(text: &str) -> Vec<Value> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = lines.iter().skip(EARLIER.get().unwrap_or_default()).filter(|line| line.contains(text));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// The lines of a request, by its correlation id.
fn lines(correlation_id: &str) -> Vec<Value> {
    lines_with(&format!("\"correlation_id\":\"{correlation_id}\""))
}

async fn call(client: &Client, id: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    client.call(method, path, &[("x-correlation-id", id), ("if-match", "*")], body).await
}

/// The line that sums a request up: the only one that has metrics.
fn summary(id: &str) -> Value {
    let mut summaries: Vec<_> = lines(id).into_iter().filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(summaries.len(), 1, "one line a request: {summaries:?}");
    summaries.remove(0)
}

#[tokio::test]
async fn every_operation_says_in_one_line_how_it_went() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let id = ada.get("/me").await.body["id"].clone();
    let template = Template::read(template::SOURCE, &refs()).unwrap();
    let mut logged = BTreeSet::new();
    for route in &template.routes {
        let correlation_id = format!("every-{}", route.handler);
        let path = route.path.replace(['{', '}'], "");
        let answer = call(&ada, &correlation_id, &route.method, &path, None).await;
        let line = summary(&correlation_id);
        assert_eq!(line["operation"], route.handler);
        assert_eq!(line["request_id"], answer.header("x-request-id"));
        assert_eq!((&line["method"], &line["route"]), (&json!(route.method), &json!(route.path)));
        assert_eq!(line["status"], answer.status.as_u16());
        assert_eq!(line["client_error"], u16::from(answer.status.is_client_error()), "{line}");
        assert_eq!(line["server_error"], 0, "{line}");
        assert_eq!(line["problem"].as_str().is_some(), answer.status.is_client_error(), "{line}");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["cold_start"], false);
        assert!(line["user_id"] == id || logged.contains("delete_me"), "{line}");
        for name in ["timestamp", "stack"] {
            assert!(line[name].is_string(), "{name} in {line}");
        }
        // The names of the metrics are those of numbers in the line.
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line["_aws"]["Timestamp"].is_u64());
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension} in {line}");
        }
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(),
            1,
            "what goes well costs no more: {line}"
        );
        let metrics = directive["Metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), 5);
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} in {line}");
        }
        logged.insert(route.handler.clone());
    }
    assert_eq!(logged, operations().map(|(_, operation)| operation.name.to_owned()).collect());
}

#[tokio::test]
async fn a_line_counts_what_its_request_did() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    let post = json!({ "title": "T", "body": "B", "tags": ["x"], "status": "published" });
    for (id, method, path, body) in [
        ("counts-1", "POST", "/posts", Some(post)),
        ("counts-2", "GET", "/posts/t", None),
        ("counts-3", "GET", "/posts?limit=1", None),
        ("counts-4", "GET", "/users/ada", None),
        ("counts-5", "GET", "/ready", None),
        (
            "counts-6",
            "PUT",
            "/me/password",
            Some(json!({ "current_password": PASSWORD, "new_password": "x".repeat(9) })),
        ),
    ] {
        stack.stack.wire.take_calls();
        call(&ada, id, method, path, body).await;
        let line = summary(id);
        // What the authorizer does has a line of its own.
        let calls: Vec<Call> = stack.stack.wire.take_calls();
        let calls: Vec<_> =
            calls.iter().filter(|call| call.operation.as_deref() == line["operation"].as_str()).collect();
        let of = |service: &str| calls.iter().filter(|call| call.service == service).count();
        assert_eq!(line["dynamodb_calls"], of("dynamodb"), "{line}");
        assert_eq!(line["cognito_calls"], of("cognito-idp"), "{line}");
        assert_eq!(line["s3_calls"], of("s3"), "{line}");
        let units: f64 = calls.iter().map(|call| call.capacity).sum();
        let logged = line["read_units"].as_f64().unwrap() + line["write_units"].as_f64().unwrap();
        assert!((units - logged).abs() < 1e-9, "{units} {line}");
        // A signed-in reader's request is counted, which is a write too.
        let reads = ["GetItem", "BatchGetItem", "Query"];
        let writes = calls.iter().any(|call| call.service == "dynamodb" && !reads.contains(&call.action.as_str()));
        assert_eq!(line["write_units"].as_f64().unwrap() > 0.0, writes, "{line}");
        // At debug each call has a line, of the same request.
        let called = lines(id).iter().filter(|line| line["message"] == "called").count();
        assert_eq!(called, calls.len());
    }
}

#[tokio::test]
async fn a_fault_is_an_error_with_its_cause_and_the_line_is_the_only_one() {
    let stack = TestStack::start().await;
    stack.stack.wire.break_calls("GetItem", 0, 3, Fault::ServerError);
    call(&stack.visitor(), "fault-1", "GET", "/users/nobody", None).await.expect_problem(503, "unavailable");
    let line = summary("fault-1");
    assert_eq!((&line["level"], &line["problem"]), (&json!("ERROR"), &json!("unavailable")));
    assert!(line["causes"].as_str().unwrap().contains("InternalServerError"), "{line}");
    assert_eq!((&line["server_error"], &line["client_error"]), (&json!(1), &json!(0)));
    assert!(line["dynamodb_calls"].as_u64() >= Some(3), "tries count: {line}");
    // The SDK finds fault with the wire that the tests put in its way; that is not ours.
    let errors = lines("fault-1").into_iter().filter(|line| line["level"] == "ERROR");
    let ours = errors.filter(|line| !line["target"].as_str().unwrap_or_default().starts_with("aws_")).count();
    assert_eq!(ours, 1);
    // A release is watched by what its own version fails in.
    let of_version = &line["_aws"]["CloudWatchMetrics"][1];
    assert_eq!(of_version["Dimensions"], json!([["function", "version"]]));
    assert_eq!(of_version["Metrics"], json!([{ "Name": "server_error", "Unit": "Count" }]));
    assert_eq!((&line["function"], &line["version"]), (&json!("broadsheet-Any"), &json!("7")));
    // No route at all has a line too.
    call(&stack.visitor(), "fault-2", "PURGE", "/posts", None).await.expect_problem(405, "method-not-allowed");
    assert_eq!(summary("fault-2")["operation"], catch_all::NAME);
}

#[tokio::test]
async fn a_release_is_not_judged_by_what_its_load_does() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Post", &[]).await;
    let wire = &stack.stack.wire;
    for (id, action, fault, judged) in [
        ("judged-throttled", "GetItem", Fault::Throttled, false),
        ("judged-timeout", "GetItem", Fault::TimedOut, true),
        ("judged-fault", "GetItem", Fault::ServerError, true),
    ] {
        wire.break_calls(action, 0, 9, fault);
        call(&stack.visitor(), id, "GET", "/users/ada", None).await.expect_problem(503, "unavailable");
        wire.mend();
        let line = summary(id);
        assert_eq!(line["server_error"], 1, "an operator is told in any case: {line}");
        let of_version = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len() == 2;
        assert_eq!((of_version, line["overloaded"] == true), (judged, !judged), "{line}");
    }
    // Conflicts that a transaction met again and again.
    wire.break_calls("TransactWriteItems", 0, 99, Fault::TransactionConflict);
    let post = json!({ "title": "Later", "body": "B" });
    let answer = call(&ada, "judged-conflict", "POST", "/posts", Some(post)).await;
    wire.mend();
    let line = summary("judged-conflict");
    assert_eq!(line["server_error"] == 1, answer.status.is_server_error());
    assert_eq!(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1, "{line}");
}

#[tokio::test]
async fn lines_of_success_are_sampled_and_those_of_failure_are_not() {
    let logged = async |percent: &str, path: &str| {
        let stack = TestStack::start_with_parameters(&[("SuccessLines", percent)]).await;
        let mut logged = 0;
        for number in 0..50 {
            let id = format!("sampled-{percent}-{}-{number}", path.replace('/', ""));
            call(&stack.visitor(), &id, "GET", path, None).await;
            logged += lines(&id).iter().filter(|line| line.get("_aws").is_some()).count();
        }
        logged
    };
    assert_eq!(logged("100", "/posts").await, 50);
    assert_eq!(logged("0", "/posts").await, 0);
    let some = logged("30", "/posts").await;
    assert!((5..30).contains(&some), "{some} of 50 instead of about 15");
    assert_eq!(logged("0", "/posts/none").await, 50, "failures always leave a line");
}

#[tokio::test]
async fn metrics_may_be_by_class_instead_of_by_operation() {
    let stack = TestStack::start_with_parameters(&[("MetricsBy", "class")]).await;
    let visitor = stack.visitor();
    for (id, method, path, class) in [
        ("class-1", "GET", "/posts", "read"),
        ("class-2", "GET", "/tags", "read"),
        ("class-3", "POST", "/sessions", "write"),
    ] {
        call(&visitor, id, method, path, None).await;
        let line = summary(id);
        assert_eq!(line["class"], class);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["stack", "class"]]), "{line}");
    }
}

#[tokio::test]
async fn requests_that_fail_leave_no_secret_and_nothing_personal_in_the_log() {
    let stack = TestStack::start().await;
    let secrets = ["Privata", "privata@example.com", PASSWORD, "wrong-passphrase", "A confession", "127.0.0.1"];
    let ada = stack.user_with_email("privata", secrets[1]).await;
    let token = stack.visitor().post("/sessions", json!({ "login": "privata", "password": PASSWORD })).await;
    let (access, refresh) =
        (token.body["access_token"].as_str().unwrap(), token.body["refresh_token"].as_str().unwrap());
    let visitor = stack.visitor();
    let wire = &stack.stack.wire;
    let post = json!({ "title": "A confession", "body": "A confession.", "tags": ["A confession"], "x": secrets[1] });
    let account = json!({ "username": "privata", "email": secrets[1], "password": PASSWORD, "x": 1 });
    let again = json!({ "username": "privata2", "email": secrets[1], "password": PASSWORD });
    let log_in = |password: &str| Some(json!({ "login": secrets[1], "password": password }));
    let mut number = 0;
    for fault in [None, Some(Fault::Throttled), Some(Fault::ServerError), Some(Fault::TimedOut)] {
        for (client, method, path, body) in [
            (&visitor, "POST", "/sessions", log_in("wrong-passphrase")),
            (&visitor, "POST", "/sessions", log_in(PASSWORD)),
            (&visitor, "POST", "/sessions/refresh", Some(json!({ "refresh_token": format!("{refresh}x") }))),
            (&visitor, "POST", "/users", Some(account.clone())),
            (&visitor, "POST", "/users", Some(again.clone())),
            (&visitor, "POST", "/password/forgot", Some(json!({ "email": secrets[1] }))),
            (
                &visitor,
                "POST",
                "/password/reset",
                Some(json!({ "email": secrets[1], "code": "1", "new_password": PASSWORD })),
            ),
            (&visitor, "GET", "/users/privata", None),
            (&stack.bearer(&format!("{access}x")), "GET", "/posts", None),
            (
                &ada,
                "PUT",
                "/me/password",
                Some(json!({ "current_password": "wrong-passphrase", "new_password": PASSWORD })),
            ),
            (&ada, "POST", "/posts", Some(post.clone())),
            (&ada, "POST", "/posts", Some(json!({ "title": "A confession", "body": "A confession." }))),
            (&ada, "PATCH", "/me", Some(json!({ "display_name": "Privata", "website_url": "wrong-passphrase" }))),
        ] {
            let of_the_table = ["GetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query"];
            for action in of_the_table.into_iter().chain(["AdminInitiateAuth", "InitiateAuth", "SignUp"]) {
                if let Some(fault) = fault {
                    wire.break_calls(action, 0, 3, fault);
                }
            }
            number += 1;
            let id = format!("secret-{number}");
            call(client, &id, method, path, body).await;
            // The faults that were not met would meet the next.
            wire.mend();
            let said = lines(&id);
            // What the authorizer refuses comes to no function.
            for line in &said {
                let line = line.to_string();
                for secret in secrets.iter().chain([&access, &refresh]) {
                    assert!(!line.to_lowercase().contains(&secret.to_lowercase()), "{secret} in {line}");
                }
            }
        }
    }
    // Lines that belong to no request neither: of consumers, of triggers, of what others warn of.
    stack.settle().await;
    let all = LINES.lock().unwrap_or_else(PoisonError::into_inner).concat().to_lowercase();
    for secret in ["privata", "a confession", "wrong-passphrase", access, refresh, PASSWORD] {
        assert!(!all.contains(&secret.to_lowercase()), "{secret} is in the log");
    }
}

#[tokio::test]
async fn what_follows_from_a_change_has_a_line_too() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.patch("/me", "*", json!({ "display_name": "Ada" })).await.expect_status(200);
    stack.settle().await;
    for name in ["rewrite_bylines", "pre_sign_up", "post_confirmation", "authorizer"] {
        let lines = lines_with(&format!("\"operation\":\"{name}\""));
        let line = lines.iter().find(|line| line.get("_aws").is_some()).unwrap_or_else(|| panic!("no line of {name}"));
        assert!(line["latency_ms"].is_i64() && line["dynamodb_calls"].is_u64(), "{line}");
    }
}

#[tokio::test]
async fn a_job_that_found_nothing_to_do_is_worth_no_metrics() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let later = json!({ "title": "T", "body": "B", "status": "published", "publish_at": "2026-11-21T08:31:00Z" });
    ada.post("/posts", later).await.expect_status(201);
    stack.minute().await;
    stack.pass_seconds(60);
    stack.minute().await;
    // Those of the other stories that run a minute are here too, and the same holds for them.
    let lines = lines_with("\"operation\":\"publish_due\"");
    let (mut idle, mut busy) = (0, 0);
    for line in lines.iter().filter(|line| line["message"] == "done" && line["server_error"] == 0) {
        let wrote = line["write_units"].as_f64().unwrap() > 0.0;
        assert_eq!(line["level"], if wrote { "INFO" } else { "DEBUG" }, "{line}");
        if wrote { busy += 1 } else { idle += 1 }
    }
    assert!(idle > 0 && busy > 0, "{idle} {busy}");
}
