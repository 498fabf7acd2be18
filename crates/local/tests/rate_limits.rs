//! Every client may ask so often and no oftener, and less often where it guesses or sends.

use edge::SignUpConfirmation;
use local::wire::Fault;
use serde_json::json;
use tokio::task::JoinSet;

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, TestStack};

/// Addresses that are for documentation (RFC 5737, RFC 3849).
const ELSEWHERE: &str = "203.0.113.7";

async fn log_in(client: &Client, login: &str, password: &str) -> Answer {
    client.post("/sessions", json!({ "login": login, "password": password })).await
}

#[tokio::test]
async fn the_eleventh_log_in_waits_for_the_end_of_the_window() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    stack.user("bob").await;
    // Registering logged in once. Four and a half minutes of the window pass.
    stack.pass_seconds(270);
    for (tries, login) in ["ada", "ADA", " Ada "].into_iter().cycle().take(9).enumerate() {
        let answer = log_in(&visitor, login, "wrong password").await;
        // After five wrong ones Cognito looks at no password for a second, and then for longer.
        if tries < 5 {
            answer.expect_problem(401, "invalid-credentials");
        } else {
            answer.expect_problem(429, "too-many-requests");
            assert_eq!(answer.header("retry-after"), "60");
        }
    }
    stack.stack.wire.record();
    let refused = log_in(&visitor, "ada", "wrong password").await;
    refused.expect_problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "630");
    let calls: Vec<_> = stack.stack.wire.take_calls().into_iter().map(|call| call.action).collect();
    assert_eq!(calls, ["UpdateItem", "UpdateItem"], "nobody else was asked");
    // Not with the right password either.
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(429, "too-many-requests");
    // The owner is elsewhere, and not locked out by who guesses, as soon as Cognito looks at passwords again: some wrong ones
    // cost them seconds, and they are told the truth.
    log_in(&visitor.from(ELSEWHERE), "ada", PASSWORD).await.expect_problem(429, "too-many-requests");
    stack.pass_seconds(32);
    log_in(&visitor.from(ELSEWHERE), "ada", PASSWORD).await.expect_status(201);
    // Others are not affected.
    log_in(&visitor, "bob", PASSWORD).await.expect_status(201);

    stack.pass_seconds(629 - 32);
    let refused = log_in(&visitor, "ada", PASSWORD).await;
    refused.expect_problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "1");
    // Cognito locks as well, but forgives sooner.
    stack.pass_seconds(1);
    log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
}

#[tokio::test]
async fn one_source_cannot_try_every_account() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let attacker = stack.visitor().from(ELSEWHERE);
    for number in 0..100 {
        log_in(&attacker, &format!("user-{number}"), "password").await.expect_problem(401, "invalid-credentials");
    }
    for _ in 0..20 {
        log_in(&attacker, "ada", "password").await.expect_problem(429, "too-many-requests");
    }
    // What it was refused did not count against the account.
    log_in(&stack.visitor(), "ada", PASSWORD).await.expect_status(201);
    log_in(&stack.visitor().from("203.0.113.8"), "ada", PASSWORD).await.expect_status(201);

    // A subscriber has all of the second half of an IPv6 address, and IPv4 can be written as IPv6.
    log_in(&stack.visitor().from("::ffff:203.0.113.7"), "bob", "password")
        .await
        .expect_problem(429, "too-many-requests");
    for number in 0..100 {
        let attacker = stack.visitor().from(&format!("2001:db8:0:1::{number:x}"));
        log_in(&attacker, &format!("user-{number}"), "password").await.expect_problem(401, "invalid-credentials");
    }
    let same = stack.visitor().from("2001:db8:0:1:ffff::1");
    log_in(&same, "bob", "password").await.expect_problem(429, "too-many-requests");
    let neighbour = stack.visitor().from("2001:db8:0:2::1");
    log_in(&neighbour, "bob", "password").await.expect_problem(401, "invalid-credentials");
}

#[tokio::test]
async fn codes_and_e_mails_are_limited_whether_or_not_somebody_has_the_address() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration).await.expect_status(201);
    stack.pass_seconds(60);
    for email in ["ada@example.com", "nobody@example.com"] {
        let address = json!({ "email": email });
        let confirmation = json!({ "email": email, "code": "no" });
        let reset = json!({ "email": email, "code": "no", "new_password": "another passphrase" });
        for (path, body, status) in [
            ("/users/confirm", confirmation, 422),
            ("/users/confirm/resend", address.clone(), 202),
            ("/password/forgot", address, 202),
            ("/password/reset", reset, 422),
        ] {
            // Each from a network of its own, because what sends is limited by source over a day.
            let visitor = visitor.from(&format!("203.0.113.{}", path.len() + email.len()));
            for _ in 0..5 {
                visitor.post(path, body.clone()).await.expect_status(status);
            }
            let refused = visitor.post(path, body).await;
            refused.expect_problem(429, "too-many-requests");
            // Tests start at half past eight.
            assert_eq!(refused.header("retry-after"), (30 * 60 - 60).to_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn nobody_uses_up_the_e_mails_of_all() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let register = async |client: &Client, number: u32, email: &str| {
        let body = json!({ "username": format!("user-{number}"), "email": email, "password": PASSWORD });
        client.post("/users", body).await
    };
    // One address: five an hour, from wherever.
    for number in 0..6 {
        let client = stack.visitor().from(&format!("203.0.113.{number}"));
        let answer = register(&client, number, "victim@example.com").await;
        if number < 5 {
            answer.expect_status(201);
        } else {
            answer.expect_problem(429, "too-many-requests");
            assert_eq!(answer.header("retry-after"), (30 * 60).to_string());
        }
    }
    assert_eq!(stack.stack.backing.cognito.emails().unwrap().len(), 5);

    // One source: twenty a day, whatever sends them.
    let source = stack.visitor().from("198.51.100.1");
    for number in 10..20 {
        register(&source, number, &format!("user-{number}@example.com")).await.expect_status(201);
    }
    for number in 10..15 {
        let address = json!({ "email": format!("user-{number}@example.com") });
        source.post("/users/confirm/resend", address.clone()).await.expect_status(202);
        source.post("/password/forgot", address).await.expect_status(202);
    }
    stack.pass_seconds(15 * 60 * 60);
    let address = json!({ "email": "user-19@example.com" });
    register(&source, 30, "another@example.com").await.expect_problem(429, "too-many-requests");
    source.post("/users/confirm/resend", address.clone()).await.expect_problem(429, "too-many-requests");
    source.post("/password/forgot", address).await.expect_problem(429, "too-many-requests");
    // Nobody else is affected, and tomorrow they may again.
    register(&stack.visitor().from("198.51.100.2"), 31, "somebody@example.com").await.expect_status(201);
    stack.pass_seconds(30 * 60);
    register(&source, 32, "another@example.com").await.expect_status(201);
}

#[tokio::test]
async fn a_stolen_token_does_not_help_to_guess_the_password() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let change = |current: &str| json!({ "current_password": current, "new_password": "another passphrase" });
    for tries in 0..10 {
        // Cognito locks after five.
        let (status, name) = if tries < 5 { (401, "invalid-credentials") } else { (429, "too-many-requests") };
        ada.put("/me/password", change("a guess")).await.expect_problem(status, name);
    }
    // Long after that lockout.
    stack.pass_seconds(14 * 60);
    ada.put("/me/password", change(PASSWORD)).await.expect_problem(429, "too-many-requests");
}

/// Whoever has a key of somebody's does not keep them from changing their password.
#[tokio::test]
async fn what_a_key_must_not_try_is_no_attempt_of_its_owner() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let key = ada.post("/me/keys", json!({ "name": "CI", "scopes": ["read"] })).await;
    let program = stack.bearer(key.body["key"].as_str().unwrap());
    let change = json!({ "current_password": PASSWORD, "new_password": "another passphrase" });
    for _ in 0..11 {
        program.put("/me/password", change.clone()).await.expect_problem(403, "out-of-scope");
    }
    ada.put("/me/password", change).await.expect_status(204);
}

/// Each is refused for another reason, and the request after the last that passes is refused for being one too many.
#[tokio::test]
async fn what_is_wrong_with_a_request_does_not_keep_it_from_being_counted() {
    let (_, ada) = strict_stack().await;
    for _ in 0..5 {
        ada.get("/admin/users").await.expect_problem(403, "forbidden");
    }
    ada.get("/admin/users").await.expect_problem(429, "too-many-requests");

    let (stack, _) = strict_stack().await;
    let paths =
        ["/sessions", "/users", "/password/forgot", "/password/reset", "/users/confirm", "/users/confirm/resend"];
    for (number, path) in paths.into_iter().enumerate() {
        let visitor = stack.visitor().from(&format!("203.0.113.{number}"));
        let max = visitor.post(path, json!({ "unknown": 1 })).await;
        max.expect_problem(422, "validation-failed");
        let left =
            max.header("ratelimit").split("r=").nth(1).unwrap().split(';').next().unwrap().parse::<u32>().unwrap();
        for _ in 0..left {
            visitor.send("POST", path, &[], b"no JSON".to_vec()).await.expect_problem(415, "unsupported-media-type");
        }
        visitor.post(path, json!({ "unknown": 1 })).await.expect_problem(429, "too-many-requests");
    }
    let (stack, _) = strict_stack().await;
    let forged = stack.bearer("forged");
    for _ in 0..5 {
        forged.get("/posts").await.expect_problem(401, "unauthenticated");
    }
    forged.get("/posts").await.expect_problem(429, "too-many-requests");
    stack.visitor().get("/posts").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_tries_at_once_exactly_five_pass() {
    let stack = TestStack::start().await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        // From so many sources that only the account's limit is reached.
        let client = stack.visitor().from(&format!("203.0.113.{}", number % 20));
        let guess = json!({ "email": "nobody@example.com", "code": "no" });
        tasks.spawn(async move { client.post("/users/confirm", guess).await.status.as_u16() });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 195, "{statuses:?}");
}

#[tokio::test]
async fn a_busy_table_keeps_nobody_out() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    for _ in 0..9 {
        log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
    }
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(429, "too-many-requests");
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        // All three tries of the SDK, for each of the two counters.
        stack.stack.wire.break_calls("UpdateItem", 0, 6, fault);
        log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
    }
    // One counter that can be reached is enough to refuse.
    stack.stack.wire.break_calls("UpdateItem", 0, 3, Fault::Throttled);
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_lost_answer_counts_once_too_often_at_worst() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    // The second call of a log-in counts for the account.
    stack.stack.wire.break_calls("UpdateItem", 1, 1, Fault::AnswerLost);
    for _ in 0..8 {
        log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
    }
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(429, "too-many-requests");
}

/// The wire refuses to guess or to send for an operation without a limit of its own (`local::roles`), and the edge counts
/// before it runs an operation. This sees both counters, and that they do not show whose tries they count.
#[tokio::test]
async fn tries_are_counted_before_cognito_is_asked_and_do_not_show_whose_they_are() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    stack.stack.wire.record();
    log_in(&stack.visitor(), "ada", PASSWORD).await.expect_status(201);
    let calls = stack.stack.wire.take_calls();
    let asked = calls.iter().position(|call| call.service == "cognito-idp").unwrap();
    let counters: Vec<_> = calls[..asked]
        .iter()
        .filter(|call| call.request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("LIMIT#")))
        .map(|call| call.request.to_string())
        .collect();
    assert_eq!(counters.len(), 2);
    for (counter, of) in counters.iter().zip(["log_in#SOURCE", "log_in#ACCOUNT"]) {
        assert!(counter.contains(of) && !counter.contains("ada") && !counter.contains("127.0.0.1"), "{counter}");
    }
}

/// A stack that lets a client send five requests a minute, beside the log-in.
async fn strict_stack() -> (TestStack, Client) {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "5")]).await;
    // From another address, so that registering does not count for those who are tested.
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    stack.visitor().from(ELSEWHERE).post("/users", registration).await.expect_status(201);
    let ada = stack.log_in("ada").await;
    (stack, ada)
}

#[tokio::test]
async fn every_client_may_send_so_many_requests_a_minute() {
    let (stack, ada) = strict_stack().await;
    stack.pass_seconds(18);
    for left in (0..5).rev() {
        let answer = ada.get("/me").await;
        answer.expect_status(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=5;w=60");
        assert_eq!(answer.header("ratelimit"), format!("\"default\";r={left};t=42"));
    }
    let refused = ada.get("/posts").await;
    refused.expect_problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "42");
    assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=42");
    // From elsewhere they are the same user; others are others.
    ada.from(ELSEWHERE).get("/me").await.expect_problem(429, "too-many-requests");
    let visitor = stack.visitor();
    for _ in 0..5 {
        visitor.post("/sessions/refresh", json!({})).await.expect_invalid(&["/refresh_token"]);
    }
    visitor.post("/sessions/refresh", json!({})).await.expect_problem(429, "too-many-requests");
    visitor.from("203.0.113.9").post("/sessions/refresh", json!({})).await.expect_invalid(&["/refresh_token"]);
    // What a cache could have answered is not counted.
    for _ in 0..10 {
        visitor.get("/posts").await.expect_status(200);
    }
    stack.pass_seconds(41);
    ada.get("/me").await.expect_problem(429, "too-many-requests");
    stack.pass_seconds(1);
    ada.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn what_is_tried_tells_both_of_its_limits() {
    let (stack, _) = strict_stack().await;
    let answer = log_in(&stack.visitor(), "ada", PASSWORD).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"source\";q=100;w=900, \"account\";q=10;w=900");
    assert_eq!(answer.header("ratelimit"), "\"source\";r=98;t=900, \"account\";r=8;t=900");
}

/// Whatever the operation: what is not a cached read is counted, once, and says so whatever it answers.
#[tokio::test]
async fn every_operation_is_counted() {
    for route in TestStack::start().await.stack.gateway.template().routes.clone() {
        let stack = TestStack::start().await;
        let admin = stack.admin().await;
        let visitor = stack.visitor();
        stack.stack.wire.record();
        let path = route.path.replace(['{', '}'], "");
        let body = Some(json!({})).filter(|_| route.method != "GET");
        for client in [&admin, &visitor] {
            let anonymous = std::ptr::eq(client, &visitor);
            if anonymous && route.authorized {
                continue;
            }
            stack.stack.wire.take_calls();
            let answer = client.call(&route.method, &path, &[], body.clone()).await;
            let counted = stack.stack.wire.take_calls().iter().filter(|call| call.counts_request()).count();
            let expected = !(anonymous && route.method == "GET");
            let what = format!("{} {path}, anonymous: {anonymous}", route.method);
            // What has a limit of its own, too, as long as it does not say whose attempt it is.
            assert_eq!(counted, usize::from(expected), "{what}");
            assert_eq!(!answer.header("ratelimit").is_empty(), expected, "{what}");
            assert_eq!(!answer.header("ratelimit-policy").is_empty(), expected, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_requests_at_once_exactly_five_pass() {
    let (_, ada) = strict_stack().await;
    let statuses = at_once(200, |_| {
        let ada = ada.clone();
        async move { ada.get("/me").await }
    })
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 195, "{statuses:?}");
}

#[tokio::test]
async fn a_busy_table_lets_everybody_in() {
    let (stack, ada) = strict_stack().await;
    for _ in 0..5 {
        ada.get("/me").await.expect_status(200);
    }
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        stack.stack.wire.break_calls("UpdateItem", 0, 3, fault);
        let answer = ada.get("/me").await;
        answer.expect_status(200);
        assert_eq!(answer.header("ratelimit"), "", "what was not counted is not told");
    }
    ada.get("/me").await.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn no_limit_costs_nothing() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "0")]).await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    let answer = ada.get("/me").await;
    assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, ""));
    assert!(!stack.stack.wire.calls().iter().any(|call| call.action == "UpdateItem"));
}

#[tokio::test]
async fn counting_a_request_is_one_write_of_one_unit() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "600")]).await;
    let ada = stack.user("ada").await;
    stack.stack.wire.record();
    for _ in 0..3 {
        assert_eq!(ada.get("/me").await.header("ratelimit-policy"), "\"default\";q=600;w=60");
        let calls: Vec<_> = stack.stack.wire.take_calls();
        let counts: Vec<_> = calls.iter().filter(|call| call.counts_request()).map(|call| call.capacity).collect();
        assert_eq!(counts, [1.0]);
    }
}
