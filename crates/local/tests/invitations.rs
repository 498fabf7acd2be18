//! Who may register: everybody, who is invited, or nobody.

use edge::SignUpConfirmation;
use local::wire::Fault;
use serde_json::{Value, json};
use tokens::InvitationCode;

use crate::concurrency::at_once;
use crate::harness::{Answer, Client, PASSWORD, TestStack, walk};
use crate::triggers::{comes_by_cognito, sign_up};

/// A stack with this mode, and its first administrator, who always may register.
async fn start(mode: &str) -> (TestStack, Client) {
    let stack = TestStack::start_with_parameters(&[("Registration", mode)]).await;
    let chief = stack.admin().await;
    (stack, chief)
}

/// A new invitation: its id and its code.
async fn invite(chief: &Client, body: Value) -> (String, String) {
    let created = chief.post("/admin/invitations", body).await;
    created.expect_status(201);
    let text = |field: &str| created.body[field].as_str().unwrap().to_owned();
    (text("id"), text("code"))
}

fn registration(name: &str, code: Option<&str>) -> Value {
    let mut body = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
    if let Some(code) = code {
        body["invitation"] = json!(code);
    }
    body
}

/// Registers from a source of one's own.
async fn register(stack: &TestStack, name: &str, code: Option<&str>) -> Answer {
    let source =
        format!("2001:db8:2:{:x}::1", name.bytes().fold(7_u16, |sum, byte| sum.wrapping_mul(31) ^ u16::from(byte)));
    stack.visitor().from(&source).post("/users", registration(name, code)).await
}

async fn used_by(chief: &Client, id: &str) -> Value {
    let invitations = walk(chief, "/admin/invitations", 2).await;
    invitations.into_iter().find(|invitation| invitation["id"] == id).expect("it is listed")["used_by"].clone()
}

async fn actions(chief: &Client) -> Vec<String> {
    chief.get("/admin/audit").await.each("action")
}

#[tokio::test]
async fn a_blog_says_who_may_register() {
    let (stack, chief) = start("closed").await;
    let (_, code) = invite(&chief, json!({ "role": "author" })).await;
    for code in [None, Some(code.as_str()), Some("x")] {
        register(&stack, "ada", code).await.expect_problem(403, "registration-closed");
    }
    let (stack, chief) = start("invite").await;
    let (id, code) = invite(&chief, json!({ "role": "editor" })).await;
    // Of this invitation, whose id administrators see, but with another secret.
    let made_up = InvitationCode::generate(id.parse().unwrap()).unwrap();
    let other = code.replace(&id, "01KAM5K9R0000000000000000A");
    for wrong in [None, Some("x"), Some(&code[..102]), Some(other.as_str())] {
        register(&stack, "ada", wrong).await.expect_problem(403, "registration-closed");
    }
    register(&stack, "eve", Some(made_up.reveal())).await.expect_problem(403, "registration-closed");
    assert_eq!(used_by(&chief, &id).await, json!(null));
    let ada = register(&stack, "ada", Some(&code)).await;
    ada.expect_status(201);
    assert_eq!(stack.log_in("ada").await.get("/me").await.body["role"], "editor");
    assert_eq!(used_by(&chief, &id).await, ada.body["id"]);
    register(&stack, "bob", Some(&code)).await.expect_problem(403, "registration-closed");

    // Where everybody may, an invitation gives a role all the same, and one that cannot be used is said to be wrong.
    let (stack, chief) = start("open").await;
    let (_, code) = invite(&chief, json!({ "role": "reader" })).await;
    let (_, other) = invite(&chief, json!({ "role": "admin" })).await;
    register(&stack, "eve", None).await.expect_status(201);
    register(&stack, "ada", Some("x")).await.expect_invalid(&["/invitation"]);
    register(&stack, "ada", Some(&code)).await.expect_status(201);
    register(&stack, "bob", Some(&code)).await.expect_invalid(&["/invitation"]);
    register(&stack, "bob", Some(&other)).await.expect_status(201);
    let role = async |name: &str| stack.log_in(name).await.get("/me").await.body["role"].clone();
    assert_eq!([role("eve").await, role("ada").await, role("bob").await], ["author", "reader", "admin"]);
    // An administrator like any other, also for who counts them.
    stack.log_in("bob").await.put("/admin/users/chief/role", json!({ "role": "reader" })).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_who_come_with_one_invitation_one_gets_in() {
    let (stack, chief) = start("invite").await;
    let (id, code) = invite(&chief, json!({ "role": "author" })).await;
    let statuses = at_once(200, |number| {
        let (visitor, code) = (stack.visitor().from(&format!("203.0.113.{number}")), code.clone());
        async move {
            let mut tries = 0;
            loop {
                tries += 1;
                let name = format!("user-{number}-{tries}");
                let answer = visitor.post("/users", registration(&name, Some(&code))).await;
                // All of them write one item: who is told that it is busy tries again.
                if answer.status != 503 {
                    return answer;
                }
            }
        }
    })
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 199, "{statuses:?}");
    let users = chief.get("/admin/users").await;
    assert_eq!(users.each("username").len(), 2);
    assert_eq!(used_by(&chief, &id).await, users.body["items"][0]["id"]);
    assert_eq!(actions(&chief).await.iter().filter(|action| *action == "invitation.used").count(), 1);
}

#[tokio::test]
async fn an_invitation_may_be_for_one_address_and_for_a_time() {
    let (stack, chief) = start("invite").await;
    let body = json!({ "email": "Ada@Example.com", "role": "author", "expires_at": "2026-11-22T00:00:00Z" });
    let (id, code) = invite(&chief, body.clone()).await;
    assert_eq!(chief.get("/admin/invitations").await.body["items"][0]["email"], "ada@example.com");
    register(&stack, "bob", Some(&code)).await.expect_problem(403, "registration-closed");
    register(&stack, "ada", Some(&code)).await.expect_status(201);
    // The address is the user's from now on, and goes with their account.
    assert_eq!(chief.get("/admin/invitations").await.body["items"][0]["email"], json!(null));
    assert_ne!(used_by(&chief, &id).await, json!(null));

    let (_, late) = invite(&chief, json!({ "role": "author", "expires_at": "2026-11-22T00:00:00Z" })).await;
    stack.set_time("2026-11-22T00:00:00Z");
    register(&stack, "eve", Some(&late)).await.expect_problem(403, "registration-closed");
    let chief = stack.log_in("chief").await;
    chief.post("/admin/invitations", body).await.expect_invalid(&["/expires_at"]);
    let wrong = json!({ "email": "ada", "role": "king", "code": "x" });
    chief.post("/admin/invitations", wrong).await.expect_invalid(&["/code", "/email", "/role"]);
    chief.post("/admin/invitations", json!({})).await.expect_invalid(&["/role"]);
}

#[tokio::test]
async fn a_registration_that_is_never_completed_gives_its_invitation_back() {
    let parameters = [("Registration", "invite"), ("SignUpConfirmation", "email")];
    let stack = TestStack::start_with_parameters(&parameters).await;
    let chief = stack.admin().await;
    let (id, code) = invite(&chief, json!({ "role": "editor" })).await;
    register(&stack, "ada", Some(&code)).await.expect_status(201);
    assert_eq!(used_by(&chief, &id).await, json!(null));
    register(&stack, "bob", Some(&code)).await.expect_problem(403, "registration-closed");
    // Who names the same address again takes it along.
    let again = json!({
        "username": "countess", "email": "ada@example.com", "password": PASSWORD, "invitation": code,
    });
    stack.visitor().from("192.0.2.7").post("/users", again).await.expect_status(201);
    let late = stack.code_for("ada@example.com");

    // After a day it is free, and who comes too late with their code has no account.
    stack.pass_seconds(24 * 60 * 60);
    let chief = stack.log_in("chief").await;
    register(&stack, "bob", Some(&code)).await.expect_status(201);
    let confirmation = json!({ "email": "ada@example.com", "code": late });
    let refused = stack.visitor().post("/users/confirm", confirmation).await;
    assert!(refused.status.is_client_error(), "{}", refused.body);
    stack.confirm("bob@example.com").await;
    let bob = stack.log_in("bob").await.get("/me").await.body;
    assert_eq!((&bob["role"], &used_by(&chief, &id).await), (&json!("editor"), &bob["id"]));
    let login = json!({ "login": "countess", "password": PASSWORD });
    assert_ne!(stack.visitor().post("/sessions", login).await.status, 201);

    // Nor has whose invitation an administrator takes back meanwhile.
    let (id, code) = invite(&chief, json!({ "role": "editor" })).await;
    register(&stack, "eve", Some(&code)).await.expect_status(201);
    chief.delete(&format!("/admin/invitations/{id}")).await.expect_status(204);
    let confirmation = json!({ "email": "eve@example.com", "code": stack.code_for("eve@example.com") });
    let refused = stack.visitor().post("/users/confirm", confirmation).await;
    assert!(refused.status.is_client_error(), "{}", refused.body);
    stack.visitor().get("/users/eve").await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_registration_that_is_stopped_anywhere_uses_its_invitation_once() {
    let (stack, chief) = start("invite").await;
    let (_, code) = invite(&chief, json!({ "role": "author" })).await;
    stack.stack.wire.record();
    register(&stack, "first", Some(&code)).await.expect_status(201);
    let of_register = |call: &local::wire::Call| !call.counts_request() && call.action != "PutItem";
    let calls: Vec<_> = stack.stack.wire.take_calls().into_iter().filter(of_register).map(|call| call.action).collect();
    assert!(calls.len() > 4, "{calls:?}");
    for (position, action) in calls.iter().enumerate().filter(|(_, action)| *action != "UpdateItem") {
        for fault in [Fault::ServerError, Fault::AnswerLost] {
            let name = format!("user-{position}-{}", u8::from(fault == Fault::AnswerLost));
            let (id, code) = invite(&chief, json!({ "role": "reader" })).await;
            let skip = calls.iter().take(position).filter(|earlier| *earlier == action).count();
            // As often as the SDK tries.
            stack.stack.wire.break_calls(action, skip, 3, fault);
            let headers = [("idempotency-key", name.as_str())];
            let visitor = stack.visitor().from(&format!("198.51.100.{position}"));
            visitor.call("POST", "/users", &headers, Some(registration(&name, Some(&code)))).await;
            stack.stack.wire.mend();
            let answer = visitor.call("POST", "/users", &headers, Some(registration(&name, Some(&code)))).await;
            answer.expect_status(201);
            let me = stack.log_in(&name).await.get("/me").await.body;
            assert_eq!((&me["role"], &used_by(&chief, &id).await), (&json!("reader"), &me["id"]), "{action} {skip}");
            register(&stack, &format!("other-{name}"), Some(&code)).await.expect_problem(403, "registration-closed");
        }
    }
    // What Cognito does not take leaves it free at once.
    let (id, code) = invite(&chief, json!({ "role": "author" })).await;
    stack.stack.wire.break_calls("SignUp", 0, 3, Fault::ServerError);
    register(&stack, "unlucky", Some(&code)).await.expect_problem(503, "unavailable");
    let lucky = register(&stack, "lucky", Some(&code)).await;
    lucky.expect_status(201);
    assert_eq!(used_by(&chief, &id).await, lucky.body["id"]);
}

#[tokio::test]
async fn administrators_invite_and_take_it_back() {
    let (stack, chief) = start("invite").await;
    let again = [("idempotency-key", "once")];
    let body = json!({ "role": "author" });
    let created = chief.call("POST", "/admin/invitations", &again, Some(body.clone())).await;
    created.expect_status(201);
    let (id, code) = (created.body["id"].as_str().unwrap(), created.body["code"].as_str().unwrap());
    let shown = json!({
        "id": id, "email": null, "role": "author", "created_at": "2026-11-21T08:30:00.000Z", "expires_at": null,
        "used_by": null,
    });
    let mut with_code = shown.clone();
    with_code["code"] = json!(code);
    assert_eq!(created.body, with_code);
    // The code cannot be shown again, and no second invitation is made.
    chief.call("POST", "/admin/invitations", &again, Some(body)).await.expect_problem(409, "conflict");
    assert_eq!(chief.get("/admin/invitations").await.body["items"], json!([shown]));
    chief.delete(&format!("/admin/invitations/{id}")).await.expect_status(204);
    chief.delete(&format!("/admin/invitations/{id}")).await.expect_problem(404, "not-found");
    register(&stack, "ada", Some(code)).await.expect_problem(403, "registration-closed");
    let (_, code) = invite(&chief, json!({ "role": "admin" })).await;
    register(&stack, "ada", Some(&code)).await.expect_status(201);
    let entries = chief.get("/admin/audit").await;
    let expected = ["invitation.used", "invitation.created", "invitation.deleted", "invitation.created"];
    assert_eq!(entries.each("action"), expected);
    let used = &entries.body["items"][0];
    assert_eq!((&used["actor"]["username"], &used["role"]), (&json!("ada"), &json!("admin")));

    // Who is an administrator no longer must not use the last minute to invite one.
    let ada = stack.log_in("ada").await;
    ada.get("/admin/invitations").await.expect_status(200);
    chief.put("/admin/users/ada/role", json!({ "role": "author" })).await.expect_status(200);
    let body = json!({ "role": "admin" });
    ada.post("/admin/invitations", body).await.expect_problem(403, "forbidden");
    ada.delete("/admin/invitations/01KAM5K9R0000000000000000A").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_gets_past_it_by_way_of_cognito() {
    for mode in ["invite", "closed"] {
        let (stack, _) = start(mode).await;
        let email = [("email", "eve@example.com")];
        let (code, message) = sign_up(&stack, "eve-of-cognito", &email).await.unwrap_err();
        assert_eq!(code, "UserLambdaValidationException");
        assert!(message.contains("takes no registrations"), "{message}");
    }
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    comes_by_cognito(&stack, "eve-of-cognito", "eve@example.com").await.get("/me").await.expect_status(200);
}
