//! Passwords that are forgotten, and passwords that are changed.

use edge::SignUpConfirmation;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, TestStack};

const NEW_PASSWORD: &str = "staple battery horse";

async fn log_in(visitor: &Client, login: &str, password: &str) -> Answer {
    visitor.post("/sessions", json!({ "login": login, "password": password })).await
}

async fn forgot(visitor: &Client, email: &str) -> Answer {
    visitor.post("/password/forgot", json!({ "email": email })).await
}

async fn reset(visitor: &Client, email: &str, code: &str, new_password: &str) -> Answer {
    visitor.post("/password/reset", json!({ "email": email, "code": code, "new_password": new_password })).await
}

async fn change(user: &Client, current_password: &str, new_password: &str) -> Answer {
    user.put("/me/password", json!({ "current_password": current_password, "new_password": new_password })).await
}

async fn refresh(visitor: &Client, session: &Answer) -> Answer {
    visitor.post("/sessions/refresh", json!({ "refresh_token": session.body["refresh_token"] })).await
}

fn another(code: &str) -> &str {
    if code == "000000" { "111111" } else { "000000" }
}

/// An answer without what differs each time.
fn comparable(answer: Answer) -> (u16, Value) {
    let mut body = answer.body;
    if body.is_object() {
        body["request_id"] = Value::Null;
    }
    (answer.status.as_u16(), body)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_with_the_code_that_was_sent() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    let session = log_in(&visitor, "ada", PASSWORD).await;
    stack.pass_seconds(1);
    refresh(&visitor, &session).await.expect_status(200);

    forgot(&visitor, " Ada@Example.com ").await.expect_status(202);
    let code = stack.code_for("ada@example.com");
    // Asking changes nothing yet.
    log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
    reset(&visitor, "ada@example.com", another(&code), NEW_PASSWORD).await.expect_invalid(&["/code"]);
    reset(&visitor, "ada@example.com", &code, NEW_PASSWORD).await.expect_status(204);

    log_in(&visitor, "ada", PASSWORD).await.expect_problem(401, "invalid-credentials");
    refresh(&visitor, &session).await.expect_problem(401, "unauthenticated");
    // Access tokens too, as soon as they are looked at again.
    let old = stack.bearer(session.body["access_token"].as_str().unwrap());
    old.get("/posts").await.expect_problem(401, "unauthenticated");
    log_in(&visitor, "ada", NEW_PASSWORD).await.expect_status(201);
    // A code is good once.
    reset(&visitor, "ada@example.com", &code, PASSWORD).await.expect_invalid(&["/code"]);
    log_in(&visitor, "ada@example.com", NEW_PASSWORD).await.expect_status(201);
}

#[tokio::test]
async fn a_code_is_good_for_an_hour_and_until_the_next_one() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    forgot(&visitor, "ada@example.com").await.expect_status(202);
    let first = stack.code_for("ada@example.com");
    stack.pass_seconds(60 * 60);
    reset(&visitor, "ada@example.com", &first, NEW_PASSWORD).await.expect_invalid(&["/code"]);

    forgot(&visitor, "ada@example.com").await.expect_status(202);
    let second = stack.code_for("ada@example.com");
    forgot(&visitor, "ada@example.com").await.expect_status(202);
    let third = stack.code_for("ada@example.com");
    if second != third {
        reset(&visitor, "ada@example.com", &second, NEW_PASSWORD).await.expect_invalid(&["/code"]);
    }
    stack.pass_seconds(60 * 60 - 1);
    reset(&visitor, "ada@example.com", &third, NEW_PASSWORD).await.expect_status(204);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada-lovelace").await;
    stack.stack.wire.record();
    let mut calls = Vec::new();
    let mut answers = Vec::new();
    for email in ["ada-lovelace@example.com", "nobody@example.com"] {
        let asked = forgot(&visitor, email).await;
        assert!(asked.bytes.is_empty());
        let mut answered = vec![comparable(asked)];
        answered.push(comparable(reset(&visitor, email, "no code", NEW_PASSWORD).await));
        // A name that is taken is refused whosever it is: else this would tell whose the address is.
        answered.push(comparable(reset(&visitor, email, "000000", "Ada-Lovelace").await));
        answered.push(comparable(reset(&visitor, email, "000000", "grace-hopper").await));
        answers.push(answered);
        let made = stack.stack.wire.take_calls();
        calls.push(made.into_iter().map(|call| (call.action, call.capacity)).collect::<Vec<_>>());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(calls[0], calls[1], "it costs the same too");
    assert_eq!(answers[0].iter().map(|(status, _)| *status).collect::<Vec<_>>(), [202, 422, 422, 422]);
    assert_eq!(answers[0][2].1["errors"][0]["pointer"], "/new_password");
    assert_eq!(answers[0][3].1["errors"][0]["pointer"], "/code");
}

#[tokio::test]
async fn that_cognito_counts_wrong_codes_does_not_tell_either() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    for name in ["ada", "bob"] {
        let email = format!("{name}@example.com");
        let registration = json!({ "username": name, "email": email, "password": PASSWORD });
        visitor.post("/users", registration).await.expect_status(201);
    }
    let confirmation = json!({ "email": "bob@example.com", "code": stack.code_for("bob@example.com") });
    visitor.post("/users/confirm", confirmation).await.expect_status(204);
    forgot(&visitor, "bob@example.com").await.expect_status(202);

    // Cognito's hour slides, our windows meet: here its limit is reached and ours is not.
    stack.pass_seconds(29 * 60);
    let wrong = |email: &str| json!({ "email": email, "code": "no" });
    for tries in [5, 1] {
        for _ in 0..tries {
            for email in ["ada@example.com", "nobody@example.com"] {
                visitor.post("/users/confirm", wrong(email)).await.expect_invalid(&["/code"]);
            }
            for email in ["bob@example.com", "nobody@example.com"] {
                reset(&visitor, email, "no", NEW_PASSWORD).await.expect_invalid(&["/code"]);
            }
        }
        stack.pass_seconds(60);
    }
}

#[tokio::test]
async fn an_account_that_was_never_confirmed_stays_so() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration).await.expect_status(201);
    let confirmation = stack.code_for("ada@example.com");

    forgot(&visitor, "ada@example.com").await.expect_status(202);
    assert_eq!(stack.code_for("ada@example.com"), confirmation, "nothing was sent");
    // The code that confirms the address is none that resets the password.
    reset(&visitor, "ada@example.com", &confirmation, NEW_PASSWORD).await.expect_invalid(&["/code"]);
    log_in(&visitor, "ada", NEW_PASSWORD).await.expect_problem(401, "invalid-credentials");
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(403, "user-not-confirmed");
    visitor.get("/users/ada").await.expect_problem(404, "not-found");

    let confirm = json!({ "email": "ada@example.com", "code": confirmation });
    visitor.post("/users/confirm", confirm).await.expect_status(204);
    forgot(&visitor, "ada@example.com").await.expect_status(202);
    reset(&visitor, "ada@example.com", &stack.code_for("ada@example.com"), NEW_PASSWORD).await.expect_status(204);
    log_in(&visitor, "ada", NEW_PASSWORD).await.expect_status(201);
}

#[tokio::test]
async fn a_registration_that_broke_off_gets_no_code() {
    // Cognito has confirmed the account already, so it would send one.
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    // The first reserves the name. Then three tries of the trigger's, three of the request's.
    stack.stack.wire.break_calls("TransactWriteItems", 1, 6, Fault::ServerError);
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration).await.expect_problem(503, "unavailable");
    let sent = stack.stack.backing.cognito.emails().unwrap().len();
    forgot(&visitor, "ada@example.com").await.expect_status(202);
    assert_eq!(stack.stack.backing.cognito.emails().unwrap().len(), sent);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let ada = stack.user("ada").await;
    let session = log_in(&visitor, "ada", PASSWORD).await;
    stack.pass_seconds(1);

    change(&ada, "wrong password", NEW_PASSWORD).await.expect_problem(401, "invalid-credentials");
    change(&ada, "", NEW_PASSWORD).await.expect_problem(401, "invalid-credentials");
    change(&visitor, PASSWORD, NEW_PASSWORD).await.expect_problem(401, "unauthenticated");
    refresh(&visitor, &session).await.expect_status(200);
    log_in(&visitor, "ada", NEW_PASSWORD).await.expect_problem(401, "invalid-credentials");

    change(&ada, PASSWORD, NEW_PASSWORD).await.expect_status(204);
    log_in(&visitor, "ada", PASSWORD).await.expect_problem(401, "invalid-credentials");
    refresh(&visitor, &session).await.expect_problem(401, "unauthenticated");
    // Access tokens too, as soon as they are looked at again.
    let old = stack.bearer(session.body["access_token"].as_str().unwrap());
    old.get("/posts").await.expect_problem(401, "unauthenticated");
    log_in(&visitor, "ada", NEW_PASSWORD).await.expect_status(201);
    // Nobody else's was.
    stack.user("bob").await;
}

#[tokio::test]
async fn a_new_password_keeps_the_rules_of_the_first_one() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let ada = stack.user("ada-lovelace").await;
    forgot(&visitor, "ada-lovelace@example.com").await.expect_status(202);
    let code = stack.code_for("ada-lovelace@example.com");
    let too_long = "x".repeat(257);
    for bad in ["short", " leading space", "in two\nlines", "in two\u{2028}lines", &too_long] {
        reset(&visitor, "ada-lovelace@example.com", &code, bad).await.expect_invalid(&["/new_password"]);
        change(&ada, PASSWORD, bad).await.expect_invalid(&["/new_password"]);
        let registration = json!({ "username": "bob", "email": "bob@example.com", "password": bad });
        visitor.post("/users", registration).await.expect_invalid(&["/password"]);
    }
    for bad in ["Ada-Lovelace", "Ada-Lovelace@Example.com"] {
        reset(&visitor, "ada-lovelace@example.com", &code, bad).await.expect_invalid(&["/new_password"]);
        change(&ada, PASSWORD, bad).await.expect_invalid(&["/new_password"]);
    }
    visitor.post("/password/forgot", json!({ "email": "ada" })).await.expect_invalid(&["/email"]);
    visitor.post("/password/reset", json!({ "code": 1 })).await.expect_invalid(&["/code", "/email", "/new_password"]);
    ada.put("/me/password", json!({})).await.expect_invalid(&["/current_password", "/new_password"]);
    // None of that used the code up.
    reset(&visitor, "ada-lovelace@example.com", &code, NEW_PASSWORD).await.expect_status(204);
}

#[tokio::test]
async fn a_pool_that_does_not_answer_is_503() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let ada = stack.user("ada").await;
    let wire = &stack.stack.wire;
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        wire.break_calls("ForgotPassword", 0, 3, fault);
        forgot(&visitor, "ada@example.com").await.expect_problem(503, "unavailable");
        wire.break_calls("ConfirmForgotPassword", 0, 3, fault);
        reset(&visitor, "ada@example.com", "000000", NEW_PASSWORD).await.expect_problem(503, "unavailable");
        for action in ["AdminInitiateAuth", "AdminSetUserPassword"] {
            wire.break_calls(action, 0, 3, fault);
            change(&ada, PASSWORD, NEW_PASSWORD).await.expect_problem(503, "unavailable");
        }
    }
    log_in(&visitor, "ada", PASSWORD).await.expect_status(201);
    // One that cannot be told to end the sessions has the new password all the same, and the next change ends them.
    wire.break_calls("AdminUserGlobalSignOut", 0, 3, Fault::ServerError);
    let session = log_in(&visitor, "ada", PASSWORD).await;
    stack.pass_seconds(1);
    change(&ada, PASSWORD, NEW_PASSWORD).await.expect_problem(503, "unavailable");
    refresh(&visitor, &session).await.expect_status(200);
    change(&ada, NEW_PASSWORD, PASSWORD).await.expect_status(204);
    refresh(&visitor, &session).await.expect_problem(401, "unauthenticated");
    // Access tokens too, as soon as they are looked at again.
    let old = stack.bearer(session.body["access_token"].as_str().unwrap());
    old.get("/posts").await.expect_problem(401, "unauthenticated");
    // Lost answers change nothing.
    for action in ["AdminSetUserPassword", "AdminUserGlobalSignOut", "ForgotPassword"] {
        wire.break_calls(action, 0, 1, Fault::AnswerLost);
    }
    change(&ada, PASSWORD, NEW_PASSWORD).await.expect_status(204);
    forgot(&visitor, "ada@example.com").await.expect_status(202);
}
