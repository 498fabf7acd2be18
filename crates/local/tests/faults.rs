//! When what stands behind us fails: a clear answer, and nothing half done.

use edge::SignUpConfirmation;
use local::wire::Fault;
use serde_json::json;
use table::MAX_TRIES;

use crate::harness::{PASSWORD, TestStack};

#[tokio::test]
async fn a_database_that_is_busy_or_broken_is_503_and_never_404() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("There", &[]).await;
    let path = format!("/posts/{slug}");
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        // Once or twice the SDK gets over it.
        stack.stack.wire.break_calls("Query", 0, 2, fault);
        stack.visitor().get(&path).await.expect_status(200);
        // The SDK tries three times; the front page asks for what is pinned at the same time.
        for (action, calls, request) in
            [("Query", 3, path.as_str()), ("Query", 6, "/posts"), ("GetItem", 3, "/users/ada")]
        {
            stack.stack.wire.break_calls(action, 0, calls, fault);
            let answer = stack.visitor().get(request).await;
            answer.expect_problem(503, "unavailable");
            assert_eq!(answer.header("retry-after"), "2");
            stack.stack.wire.mend();
            stack.visitor().get(request).await.expect_status(200);
        }
        stack.stack.wire.break_calls("TransactWriteItems", 0, 3, fault);
        ada.patch(&path, "*", json!({ "title": "Else" })).await.expect_problem(503, "unavailable");
        assert_eq!(ada.get(&path).await.body["title"], "There");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_done_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let wire = &stack.stack.wire;
    wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
    let slug = ada.publish("Once", &[]).await;
    assert_eq!(slug, "once", "its own slug was not taken for somebody else's");
    assert_eq!(ada.get("/me").await.body["counts"]["posts"], 1);

    let etag = ada.get("/posts/once").await.etag();
    wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
    let edited = ada.patch("/posts/once", &etag, json!({ "title": "Edited" })).await;
    edited.expect_status(200);
    assert_eq!(edited.body["version"], 2);

    // Also if it meets another transaction when it is sent again, and again with a token of its own.
    for conflicts in [1, 2] {
        let etag = ada.get("/posts/once").await.etag();
        wire.break_calls("TransactWriteItems", 0, 1, Fault::AnswerLost);
        wire.break_calls("TransactWriteItems", 0, conflicts, Fault::TransactionConflict);
        ada.patch("/posts/once", &etag, json!({ "title": format!("Edited {conflicts}") })).await.expect_status(200);
    }
    assert_eq!(ada.get("/posts/once").await.body["version"], 4);

    for action in ["TransactWriteItems", "SignUp"] {
        wire.break_calls(action, 0, 1, Fault::AnswerLost);
        stack.user(&format!("user-{}", action.to_lowercase())).await.get("/me").await.expect_status(200);
    }
    // The key that cursors are signed with is made by whoever needs it first, here with a lost answer.
    let other = TestStack::start().await;
    let bob = other.user("bob").await;
    bob.publish("1", &[]).await;
    bob.publish("2", &[]).await;
    other.stack.wire.break_calls("PutItem", 0, 1, Fault::AnswerLost);
    let page = bob.get("/posts?limit=1").await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    bob.get(&format!("/posts?cursor={cursor}")).await.expect_status(200);
}

#[tokio::test]
async fn transactions_that_meet_try_again() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.break_calls("TransactWriteItems", 0, MAX_TRIES as usize - 1, Fault::TransactionConflict);
    let slug = ada.publish("Met", &[]).await;
    stack.stack.wire.break_calls("TransactWriteItems", 0, MAX_TRIES as usize, Fault::TransactionConflict);
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "title": "X" })).await.expect_problem(503, "unavailable");
    assert_eq!(ada.get(&format!("/posts/{slug}")).await.body["version"], 1);
}

#[tokio::test]
async fn a_registration_that_breaks_off_gives_its_name_back() {
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    let stack = TestStack::start().await;
    stack.stack.wire.break_calls("SignUp", 0, 3, Fault::ServerError);
    stack.visitor().post("/users", registration.clone()).await.expect_problem(503, "unavailable");
    stack.visitor().post("/users", registration.clone()).await.expect_status(201);
    stack.log_in("ada").await.get("/me").await.expect_status(200);
    // Even if giving it back breaks too: what nobody has confirmed gives way.
    let stack = TestStack::start().await;
    stack.stack.wire.break_calls("SignUp", 0, 3, Fault::TimedOut);
    stack.stack.wire.break_calls("TransactWriteItems", 1, 3, Fault::TimedOut);
    stack.visitor().post("/users", registration.clone()).await.expect_problem(503, "unavailable");
    stack.visitor().post("/users", registration).await.expect_status(201);
    stack.log_in("ada").await.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn an_account_whose_code_could_not_be_sent_is_there_and_gets_one_later() {
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    for code in ["LimitExceededException", "CodeDeliveryFailureException"] {
        // The SDK takes a limit for one that passes soon. If it may ask again, it hears that the account is there.
        for times in [1, 3] {
            let stack = TestStack::start_with(SignUpConfirmation::Email).await;
            let visitor = stack.visitor();
            stack.stack.wire.break_calls("SignUp", 0, times, Fault::DoneButRefused(code));
            let registered = visitor.post("/users", registration.clone()).await;
            registered.expect_status(201);
            assert_eq!(registered.body["status"], "unconfirmed", "{code} {times}");
            stack.stack.wire.mend();
            // Whoever has no code may begin anew.
            visitor.post("/users", registration.clone()).await.expect_status(201);

            let sent = stack.stack.backing.cognito.emails().unwrap().len();
            visitor.post("/users/confirm/resend", json!({ "email": "ada@example.com" })).await.expect_status(202);
            assert_eq!(stack.stack.backing.cognito.emails().unwrap().len(), sent + 1);
            let confirmation = json!({ "email": "ada@example.com", "code": stack.code_for("ada@example.com") });
            visitor.post("/users/confirm", confirmation).await.expect_status(204);
            stack.log_in("ada").await.get("/me").await.expect_status(200);
        }
    }
}

#[tokio::test]
async fn a_confirmation_finishes_what_the_trigger_could_not() {
    for (action, skip) in [("TransactWriteItems", 0)] {
        let stack = TestStack::start_with(SignUpConfirmation::Email).await;
        let visitor = stack.visitor();
        let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
        visitor.post("/users", registration).await.expect_status(201);
        stack.stack.wire.break_calls(action, skip, 3, Fault::ServerError);
        let confirmation = json!({ "email": "ada@example.com", "code": stack.code_for("ada@example.com") });
        visitor.post("/users/confirm", confirmation).await.expect_status(204);
        stack.log_in("ada").await.get("/me").await.expect_status(200);
    }
}

#[tokio::test]
async fn a_registration_that_broke_off_late_is_finished_by_the_first_log_in() {
    for (action, skip) in [("GetItem", 1), ("TransactWriteItems", 1)] {
        let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
        // What Cognito's trigger could not finish, the request does.
        let stack = TestStack::start().await;
        stack.stack.wire.break_calls(action, skip, 3, Fault::ServerError);
        let registered = stack.visitor().post("/users", registration.clone()).await;
        registered.expect_status(201);
        assert_eq!(registered.body["status"], "active", "{action}");
        assert_eq!(stack.log_in("ada").await.get("/me").await.body, registered.body);

        let stack = TestStack::start().await;
        stack.stack.wire.break_calls(action, skip, 6, Fault::ServerError);
        stack.visitor().post("/users", registration).await.expect_problem(503, "unavailable");
        stack.visitor().get("/users/ada").await.expect_problem(404, "not-found");

        let ada = stack.log_in("ada").await;
        assert_eq!(ada.get("/me").await.body["status"], "active", "{action}");
        ada.publish("With the role of an author", &[]).await;
        stack.pass_seconds(24 * 60 * 60);
        stack.visitor().get("/users/ada").await.expect_status(200);
    }
}

#[tokio::test]
async fn a_pool_that_does_not_answer_is_503() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        stack.stack.wire.break_calls("AdminInitiateAuth", 0, 3, fault);
        let answer = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
        answer.expect_problem(503, "unavailable");
    }
}

#[tokio::test]
async fn who_cannot_be_checked_at_the_moment_is_not_told_to_sign_in() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for action in ["GetItem", "Query"] {
        stack.stack.wire.break_calls(action, 0, 1_000, Fault::ServerError);
    }
    ada.get("/me").await.expect_problem(503, "unavailable");
    stack.stack.wire.mend();
    ada.get("/me").await.expect_status(200);
}
