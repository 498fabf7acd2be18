//! Registering, logging in, being known.

use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
use aws_sdk_cognitoidentityprovider::types::AuthFlowType;
use edge::SignUpConfirmation;
use expect_test::expect;
use local::backing::USER_POOL_CLIENT_ID;
use local::wire::Fault;
use serde_json::json;

use crate::harness::{PASSWORD, TestStack};
use crate::triggers;

#[tokio::test]
async fn a_newcomer_registers_logs_in_and_is_known() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let registration = json!({
        "username": "Ada", "email": "Ada@Example.com", "password": PASSWORD, "display_name": "Ada Lovelace",
    });
    let registered = visitor.post("/users", registration).await;
    registered.expect_status(201);
    assert_eq!(registered.header("location"), "/v1/users/ada");

    let session = visitor.post("/sessions", json!({ "login": "ADA", "password": PASSWORD })).await;
    session.expect_status(201);
    assert_eq!(session.body["token_type"], "Bearer");
    assert_eq!(session.body["expires_in"], 3600);
    let ada = stack.bearer(session.body["access_token"].as_str().unwrap());

    let me = ada.get("/me").await;
    assert_eq!(me.body, registered.body);
    assert_eq!(me.etag(), registered.etag());
    assert_eq!(me.header("cache-control"), "private, no-store");
    expect![[r#"
        {
          "avatar_url": null,
          "bio": null,
          "counts": {
            "followers": 0,
            "following": 0,
            "posts": 0
          },
          "created_at": "2026-11-21T08:30:00.000Z",
          "display_name": "Ada Lovelace",
          "email": "ada@example.com",
          "id": "01M7YKM0T00000000000000002",
          "role": "author",
          "status": "active",
          "updated_at": "2026-11-21T08:30:00.000Z",
          "username": "ada",
          "version": 1,
          "website_url": null
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&me.body).unwrap());

    let public = visitor.get("/users/ADA").await;
    public.expect_status(200);
    assert_eq!(public.header("vary"), "Authorization");
    assert!(public.header("cache-control").starts_with("public, "));
    expect![[r#"
        {
          "avatar_url": null,
          "bio": null,
          "counts": {
            "followers": 0,
            "following": 0,
            "posts": 0
          },
          "created_at": "2026-11-21T08:30:00.000Z",
          "display_name": "Ada Lovelace",
          "id": "01M7YKM0T00000000000000002",
          "username": "ada",
          "website_url": null
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&public.body).unwrap());
    let seen_by_a_user = ada.get("/users/ada").await;
    assert_eq!(seen_by_a_user.body["following"], false);
    assert_eq!(seen_by_a_user.header("cache-control"), "private, no-store");
    visitor.get("/users/bob").await.expect_problem(404, "not-found");
    visitor.get("/users/not%20a%20name").await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn names_and_addresses_are_unique_whatever_the_case() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    stack.user("ada").await;
    let taken = json!({ "username": "ADA", "email": "other@example.com", "password": PASSWORD });
    visitor.post("/users", taken).await.expect_problem(409, "username-taken");
    let taken = json!({ "username": "other", "email": "ADA@example.com", "password": PASSWORD });
    visitor.post("/users", taken).await.expect_problem(409, "email-taken");
    // Nothing of the refused ones was kept.
    let free = json!({ "username": "other", "email": "other@example.com", "password": PASSWORD });
    visitor.post("/users", free).await.expect_status(201);
}

#[tokio::test]
async fn all_broken_fields_are_named_at_once() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let broken = json!({ "username": "1", "email": 5, "password": "short", "display_name": "a\nb", "admin": true });
    let answer = visitor.post("/users", broken).await;
    answer.expect_invalid(&["/admin", "/display_name", "/email", "/password", "/username"]);
    visitor.post("/users", json!({})).await.expect_invalid(&["/email", "/password", "/username"]);
    visitor.post("/users", json!([])).await.expect_invalid(&[""]);
    for name in ["admin", "ab", "9lives", "a b", "ünal", &"a".repeat(31)] {
        let body = json!({ "username": name, "email": "a@example.com", "password": PASSWORD });
        visitor.post("/users", body).await.expect_invalid(&["/username"]);
    }
    for email in ["", "a", "a@b", "@example.com", "a b@example.com", "a@-b.de", "a@b@example.com", "a@b..de"] {
        let body = json!({ "username": "ada", "email": email, "password": PASSWORD });
        visitor.post("/users", body).await.expect_invalid(&["/email"]);
    }
    for password in ["ada-lovelace", "ada-lovelace@example.com", " leading space", &"x".repeat(257)] {
        let body = json!({ "username": "ada-lovelace", "email": "ada-lovelace@example.com", "password": password });
        visitor.post("/users", body).await.expect_invalid(&["/password"]);
    }
    // No composition rules, any script, up to 256 characters.
    for (name, password) in [("low", "aaaaaaaa"), ("emoji", "🦀🦀🦀🦀🦀🦀🦀🦀"), ("long", &"é".repeat(256))]
    {
        let body = json!({ "username": name, "email": format!("{name}@example.com"), "password": password });
        visitor.post("/users", body).await.expect_status(201);
        visitor.post("/sessions", json!({ "login": name, "password": password })).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let mut answers = Vec::new();
    for login in ["ada", "ada@example.com", "nobody", "nobody@example.com", "not a name", "@", "🦀"] {
        let answer = stack.visitor().post("/sessions", json!({ "login": login, "password": "wrong password" })).await;
        answer.expect_problem(401, "invalid-credentials");
        let mut body = answer.body;
        body["request_id"] = json!(null);
        answers.push(body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn who_may_not_log_in_whatever_the_reason_is_answered_as_for_a_wrong_password() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let credentials = |password: &str| json!({ "login": "ada", "password": password });
    let mut expected = stack.visitor().post("/sessions", credentials("wrong password")).await.body;
    expected["request_id"] = json!(null);
    // Nobody is there (which a pool can be set to tell), or an operator wants a new password first.
    for code in ["UserNotFoundException", "PasswordResetRequiredException"] {
        stack.stack.wire.break_calls("AdminInitiateAuth", 0, 1, Fault::DoneButRefused(code));
        let answer = stack.visitor().post("/sessions", credentials(PASSWORD)).await;
        answer.expect_problem(401, "invalid-credentials");
        let mut body = answer.body;
        body["request_id"] = json!(null);
        assert_eq!(body, expected, "{code}");
    }
}

#[tokio::test]
async fn nobody_tries_passwords_at_cognito_itself() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let me = ada.get("/me").await.body;
    // All that it would take is public: the client's id is in every token, and who ada is there is in her profile. Not even the
    // client's secret would help.
    let name = me["id"].as_str().unwrap();
    for flow in [AuthFlowType::UserPasswordAuth, AuthFlowType::UserSrpAuth, AuthFlowType::AdminUserPasswordAuth] {
        for password in [PASSWORD, "wrong password"] {
            let answer = triggers::pool(&stack)
                .initiate_auth()
                .client_id(USER_POOL_CLIENT_ID)
                .auth_flow(flow.clone())
                .auth_parameters("USERNAME", name)
                .auth_parameters("PASSWORD", password)
                .auth_parameters("SECRET_HASH", triggers::secret_hash(name))
                .send()
                .await;
            assert_eq!(answer.unwrap_err().code(), Some("InvalidParameterException"), "{flow} {password}");
        }
    }
    stack.log_in("ada").await.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn a_session_is_refreshed() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let session = stack.visitor().post("/sessions", json!({ "login": "ada@example.com", "password": PASSWORD })).await;
    let old = stack.bearer(session.body["access_token"].as_str().unwrap());
    stack.pass_seconds(3600 + 60);
    old.get("/me").await.expect_problem(401, "unauthenticated");

    let refresh = json!({ "refresh_token": session.body["refresh_token"] });
    let refreshed = stack.visitor().post("/sessions/refresh", refresh).await;
    refreshed.expect_status(200);
    stack.bearer(refreshed.body["access_token"].as_str().unwrap()).get("/me").await.expect_status(200);
    let forged = stack.visitor().post("/sessions/refresh", json!({ "refresh_token": "forged" })).await;
    forged.expect_problem(401, "unauthenticated");

    stack.pass_seconds(31 * 24 * 60 * 60);
    let refresh = json!({ "refresh_token": session.body["refresh_token"] });
    stack.visitor().post("/sessions/refresh", refresh).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_address_is_confirmed_with_the_code_that_was_sent_to_it() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    let registered = visitor.post("/users", registration.clone()).await;
    registered.expect_status(201);
    assert_eq!(registered.body["status"], "unconfirmed");

    let credentials = json!({ "login": "ada", "password": PASSWORD });
    visitor.post("/sessions", credentials.clone()).await.expect_problem(403, "user-not-confirmed");
    let wrong = json!({ "login": "ada", "password": "wrong password" });
    visitor.post("/sessions", wrong).await.expect_problem(401, "invalid-credentials");
    visitor.get("/users/ada").await.expect_problem(404, "not-found");

    let code = stack.code_for("ada@example.com");
    let other = if code == "000000" { "111111" } else { "000000" };
    let confirm = |email: &str, code: &str| json!({ "email": email, "code": code });
    visitor.post("/users/confirm", confirm("ada@example.com", other)).await.expect_invalid(&["/code"]);
    visitor.post("/users/confirm", confirm("bob@example.com", &code)).await.expect_invalid(&["/code"]);
    visitor.post("/users/confirm/resend", json!({ "email": "ada@example.com" })).await.expect_status(202);
    visitor.post("/users/confirm/resend", json!({ "email": "bob@example.com" })).await.expect_status(202);

    let code = stack.code_for("ada@example.com");
    visitor.post("/users/confirm", confirm("ada@example.com", &code)).await.expect_status(204);
    visitor.post("/users/confirm", confirm("ada@example.com", &code)).await.expect_invalid(&["/code"]);
    let ada = stack.log_in("ada").await;
    let me = ada.get("/me").await;
    assert_eq!((&me.body["status"], &me.body["role"]), (&json!("active"), &json!("author")));
    visitor.get("/users/ada").await.expect_status(200);
}

#[tokio::test]
async fn a_name_that_nobody_confirmed_is_free_again_after_a_day() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration.clone()).await.expect_status(201);
    stack.pass_seconds(24 * 60 * 60 - 1);
    let other = json!({ "username": "ada", "email": "other@example.com", "password": PASSWORD });
    visitor.post("/users", other).await.expect_problem(409, "username-taken");
    stack.pass_seconds(1);
    visitor.post("/users", registration).await.expect_status(201);
    let code = stack.code_for("ada@example.com");
    visitor.post("/users/confirm", json!({ "email": "ada@example.com", "code": code })).await.expect_status(204);
    stack.log_in("ada").await.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn an_address_and_a_password_are_the_same_however_they_are_typed() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let register =
        |name: &str, email: &str| json!({ "username": name, "email": email, "password": "Zoe\u{308} und A\u{308}" });
    let made = visitor.post("/users", register("ada", "ada@bücher.example")).await;
    made.expect_status(201);
    assert_eq!(made.body["email"], "ada@xn--bcher-kva.example");
    for email in ["ADA@xn--bcher-kva.example", "ada@bu\u{308}cher.example", "ada@b\u{200b}ücher.example"] {
        visitor.post("/users", register("bob", email)).await.expect_problem(409, "email-taken");
    }
    for email in ["a..b@example.com", "\u{e4}@example.com", "a\u{200b}da@example.com", ".a@example.com"] {
        visitor.post("/users", register("bob", email)).await.expect_invalid(&["/email"]);
    }
    for login in ["ada", "ada@bücher.example", "ada@xn--bcher-kva.example"] {
        let session = json!({ "login": login, "password": "Zo\u{eb} und\u{a0}\u{c4}" });
        visitor.post("/sessions", session).await.expect_status(201);
    }
}

#[tokio::test]
async fn an_address_that_cognito_refuses_is_the_clients_to_correct() {
    let stack = TestStack::start().await;
    let refused = Fault::DoneButRefused("InvalidParameterException");
    stack.stack.wire.break_calls("SignUp", 0, 1, refused);
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    stack.visitor().post("/users", registration).await.expect_invalid(&["/email"]);
}

#[tokio::test]
async fn the_owner_of_a_mailbox_wins_over_who_named_it_first() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = |username: &str, password: &str| json!({ "username": username, "email": "ada@example.com", "password": password });
    visitor.post("/users", registration("squatter", "the password of a stranger")).await.expect_status(201);
    let codes_of_the_stranger = stack.code_for("ada@example.com");
    visitor.post("/users", registration("ada", PASSWORD)).await.expect_status(201);

    // What was begun first is gone: its code, its password, its name.
    if codes_of_the_stranger != stack.code_for("ada@example.com") {
        let old = json!({ "email": "ada@example.com", "code": codes_of_the_stranger });
        visitor.post("/users/confirm", old).await.expect_invalid(&["/code"]);
    }
    stack.confirm("ada@example.com").await;
    let ada = stack.log_in("ada").await;
    assert_eq!(ada.get("/me").await.body["username"], "ada");
    for login in ["ada", "ada@example.com", "squatter"] {
        let credentials = json!({ "login": login, "password": "the password of a stranger" });
        visitor.post("/sessions", credentials).await.expect_problem(401, "invalid-credentials");
    }
    let other = json!({ "username": "squatter", "email": "other@example.com", "password": PASSWORD });
    visitor.post("/users", other).await.expect_status(201);
    // An address whose owner has confirmed it is theirs.
    visitor.post("/users", registration("third", PASSWORD)).await.expect_problem(409, "email-taken");
    ada.get("/me").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_that_is_confirmed_meanwhile_is_not_replaced() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    visitor.post("/users", registration).await.expect_status(201);
    // The other has seen that nobody confirmed the address, and is about to give the reservation up.
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let other = json!({ "username": "eve", "email": "ada@example.com", "password": PASSWORD });
    let late = tokio::spawn({
        let visitor = stack.visitor();
        async move { visitor.post("/users", other).await }
    });
    hold.arrived().await;
    stack.confirm("ada@example.com").await;
    hold.release();
    late.await.unwrap().expect_problem(409, "email-taken");
    stack.log_in("ada").await.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn the_administrator_shows_that_the_address_is_theirs_on_every_stack() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let registration = json!({ "username": "eve", "email": "Admin@Example.com", "password": PASSWORD });
    let registered = visitor.post("/users", registration).await;
    registered.expect_status(201);
    assert_eq!(registered.body["status"], "unconfirmed");
    let credentials = json!({ "login": "eve", "password": PASSWORD });
    visitor.post("/sessions", credentials).await.expect_problem(403, "user-not-confirmed");
    // Who reads the mailbox registers again, and is the administrator.
    let admin = stack.admin().await;
    assert_eq!(admin.get("/me").await.body["role"], "admin");
    assert_eq!(admin.get("/admin/users").await.each("username"), ["chief"]);
}

#[tokio::test]
async fn that_passwords_are_locked_does_not_tell_who_has_an_account() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    for login in ["ada", "nobody", "ada@example.com", "nobody@example.com"] {
        let mut statuses = Vec::new();
        for number in 0..7 {
            // From so many sources that no limit of ours is reached.
            let visitor = stack.visitor().from(&format!("203.0.113.{number}"));
            let answer = visitor.post("/sessions", json!({ "login": login, "password": "a guess" })).await;
            statuses.push(answer.status.as_u16());
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429], "{login}");
        stack.pass_seconds(15 * 60);
    }
}
