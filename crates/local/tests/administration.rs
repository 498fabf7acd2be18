//! Signing out, roles, suspensions.

use domain::Role;
use expect_test::expect_file;
use local::gateway::operations;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{PASSWORD, TestStack, walk};

#[tokio::test]
async fn signing_out_ends_every_session() {
    let stack = TestStack::start().await;
    let here = stack.user("ada").await;
    stack.pass_seconds(5);
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let there = stack.bearer(session.body["access_token"].as_str().unwrap());
    for client in [&here, &there] {
        client.get("/me").await.expect_status(200);
    }
    there.delete("/sessions").await.expect_status(204);

    let refresh = json!({ "refresh_token": session.body["refresh_token"] });
    stack.visitor().post("/sessions/refresh", refresh).await.expect_problem(401, "unauthenticated");
    // A public route checks the token itself, so it knows at once.
    for client in [&here, &there] {
        client.get("/posts").await.expect_problem(401, "unauthenticated");
    }
    // Logging in again in the same second is no problem.
    let again = stack.log_in("ada").await;
    again.get("/me").await.expect_status(200);
    again.get("/posts").await.expect_status(200);
    // Elsewhere the authorizer's answer is kept for a minute at most.
    stack.pass_seconds(60);
    for client in [&here, &there] {
        client.get("/me").await.expect_problem(401, "unauthenticated");
    }
    again.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn signing_out_can_be_tried_again() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.break_calls("TransactWriteItems", 0, 3, local::wire::Fault::ServerError);
    ada.delete("/sessions").await.expect_problem(503, "unavailable");
    stack.pass_seconds(120);
    ada.delete("/sessions").await.expect_status(204);
    stack.pass_seconds(60);
    ada.get("/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_first_administrator_makes_others_what_they_are() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    assert_eq!(admin.get("/me").await.body["role"], "admin");
    let ada = stack.user("ada").await;
    ada.put("/admin/users/ada/role", json!({ "role": "admin" })).await.expect_problem(403, "forbidden");

    for (role, may_write) in [("reader", 403), ("editor", 201), ("admin", 201), ("author", 201)] {
        let changed = admin.put("/admin/users/ADA/role", json!({ "role": role })).await;
        changed.expect_status(200);
        assert_eq!((&changed.body["role"], &changed.body["username"]), (&json!(role), &json!("ada")));
        // Of a token that is out already, within a minute; a public operation asks at once.
        stack.pass_seconds(60);
        assert_eq!(ada.get("/me").await.body["role"], role);
        ada.post("/posts", json!({ "title": role, "body": "B" })).await.expect_status(may_write);
    }
    admin.put("/admin/users/nobody/role", json!({ "role": "reader" })).await.expect_problem(404, "not-found");
    admin.put("/admin/users/ada/role", json!({ "role": "king" })).await.expect_invalid(&["/role"]);
    admin.put("/admin/users/ada/role", json!({})).await.expect_invalid(&["/role"]);
}

#[tokio::test]
async fn who_is_an_administrator_no_longer_cannot_undo_that() {
    let stack = TestStack::start().await;
    let chief = stack.admin().await;
    for (taken_away, body) in [("role", json!({ "role": "author" })), ("suspension", json!({ "reason": "Test." }))] {
        let name = format!("eve-{taken_away}");
        let eve = stack.user(&name).await;
        chief.put(&format!("/admin/users/{name}/role"), json!({ "role": "admin" })).await.expect_status(200);
        let eve = {
            drop(eve);
            stack.log_in(&name).await
        };
        eve.get("/admin/users").await.expect_status(200);
        chief.put(&format!("/admin/users/{name}/{taken_away}"), body).await;
        // The authorizer's answer is still kept, and does not help.
        for (method, path, body) in [
            ("PUT", format!("/admin/users/{name}/role"), Some(json!({ "role": "admin" }))),
            ("PUT", "/admin/users/chief/suspension".to_owned(), Some(json!({ "reason": "Revenge." }))),
            ("DELETE", format!("/admin/users/{name}/suspension"), None),
        ] {
            eve.call(method, &path, &[], body).await.expect_problem(403, "forbidden");
        }
        stack.pass_seconds(60);
        let status = eve.get("/admin/users").await.status.as_u16();
        assert_eq!(status, if taken_away == "role" { 403 } else { 401 });
    }
    chief.get("/admin/users").await.expect_status(200);
}

#[tokio::test]
async fn an_administrator_can_be_suspended_but_for_the_last_one() {
    let stack = TestStack::start().await;
    let chief = stack.admin().await;
    let reason = json!({ "reason": "Test." });
    chief.put("/admin/users/chief/suspension", reason.clone()).await.expect_problem(409, "conflict");
    stack.user("eve").await;
    chief.put("/admin/users/eve/role", json!({ "role": "admin" })).await.expect_status(200);
    chief.put("/admin/users/eve/suspension", reason.clone()).await.expect_status(204);
    // Who is suspended is no administrator who could stay instead.
    chief.put("/admin/users/chief/role", json!({ "role": "author" })).await.expect_invalid(&["/role"]);
    chief.put("/admin/users/chief/suspension", reason.clone()).await.expect_problem(409, "conflict");
    let leave = json!({ "password": PASSWORD });
    chief.call("DELETE", "/me", &[], Some(leave)).await.expect_problem(409, "conflict");

    chief.delete("/admin/users/eve/suspension").await.expect_status(204);
    let eve = stack.log_in("eve").await;
    eve.put("/admin/users/chief/suspension", reason).await.expect_status(204);
    eve.put("/admin/users/eve/role", json!({ "role": "author" })).await.expect_invalid(&["/role"]);
}

#[tokio::test]
async fn no_session_outlives_a_sign_out_whatever_second_it_is_of() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let visitor = stack.visitor();
    let log_in = async || visitor.post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let token = |session: &crate::harness::Answer| session.body["access_token"].as_str().unwrap().to_owned();
    // All in one second: time stands still.
    let (one, other) = (log_in().await, log_in().await);
    stack.bearer(&token(&one)).delete("/sessions").await.expect_status(204);
    let after = log_in().await;
    for ended in [&one, &other] {
        stack.bearer(&token(ended)).get("/posts").await.expect_problem(401, "unauthenticated");
    }
    stack.bearer(&token(&after)).get("/posts").await.expect_status(200);
    let refresh = json!({ "refresh_token": after.body["refresh_token"] });
    let refreshed = visitor.post("/sessions/refresh", refresh.clone()).await;
    stack.bearer(&token(&refreshed)).get("/posts").await.expect_status(200);

    // The second sign-out of that second ends that one too, and what was refreshed of it.
    stack.bearer(&token(&after)).delete("/sessions").await.expect_status(204);
    let last = log_in().await;
    for ended in [&one, &other, &after, &refreshed] {
        stack.bearer(&token(ended)).get("/posts").await.expect_problem(401, "unauthenticated");
    }
    stack.bearer(&token(&last)).get("/posts").await.expect_status(200);
    stack.pass_seconds(60);
    for ended in [&one, &other, &after, &refreshed] {
        stack.bearer(&token(ended)).get("/me").await.expect_problem(401, "unauthenticated");
    }
    stack.bearer(&token(&last)).get("/me").await.expect_status(200);
}

/// A log-in that a sign-out overtakes gives no token that outlives the sign-out, and none that is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_that_meets_a_sign_out_begins_after_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.delete("/sessions").await.expect_status(204);
    let ada = stack.log_in("ada").await;
    let hold = stack.stack.wire.hold_call("AdminInitiateAuth");
    let visitor = stack.visitor();
    let log_in =
        tokio::spawn(async move { visitor.post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await });
    hold.arrived().await;
    ada.delete("/sessions").await.expect_status(204);
    hold.release();
    let session = log_in.await.unwrap();
    session.expect_status(201);
    stack.bearer(session.body["access_token"].as_str().unwrap()).get("/posts").await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_ins_right_after_a_sign_out_do_not_end_each_other() {
    let stack = TestStack::start().await;
    stack.user("ada").await.delete("/sessions").await.expect_status(204);
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let visitor = stack.visitor();
        tasks.spawn(async move { visitor.post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await });
    }
    for session in tasks.join_all().await {
        session.expect_status(201);
        stack.bearer(session.body["access_token"].as_str().unwrap()).get("/posts").await.expect_status(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_administrators_who_all_step_down_at_once_one_stays() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    admin.put("/admin/users/chief/role", json!({ "role": "author" })).await.expect_invalid(&["/role"]);
    let names: Vec<String> = (0..8).map(|number| format!("admin-{number}")).collect();
    let mut admins = vec![("chief".to_owned(), admin.clone())];
    for name in names {
        stack.user(&name).await;
        admin.put(&format!("/admin/users/{name}/role"), json!({ "role": "admin" })).await.expect_status(200);
        admins.push((name.clone(), stack.log_in(&name).await));
    }
    let mut tasks = JoinSet::new();
    for (name, client) in admins {
        tasks.spawn(async move { client.put(&format!("/admin/users/{name}/role"), json!({ "role": "reader" })).await });
    }
    let statuses: Vec<_> = tasks.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 8, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn a_suspended_user_is_refused_within_a_minute_and_can_come_back() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    let ada = stack.user("ada").await;
    ada.get("/me").await.expect_status(200);
    let reason = json!({ "reason": "Spam." });
    ada.put("/admin/users/chief/suspension", reason.clone()).await.expect_problem(403, "forbidden");
    admin.put("/admin/users/ada/suspension", json!({})).await.expect_invalid(&["/reason"]);
    for _ in 0..2 {
        admin.put("/admin/users/ada/suspension", reason.clone()).await.expect_status(204);
    }
    ada.get("/posts").await.expect_problem(401, "unauthenticated");
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    stack.visitor().post("/sessions", credentials).await.expect_problem(401, "invalid-credentials");
    stack.pass_seconds(60);
    ada.get("/me").await.expect_problem(401, "unauthenticated");

    for _ in 0..2 {
        admin.delete("/admin/users/ada/suspension").await.expect_status(204);
    }
    stack.log_in("ada").await.get("/me").await.expect_status(200);
}

#[tokio::test]
async fn a_count_that_moves_while_a_profile_is_changed_is_not_written_back() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    let ada = stack.user("ada").await;
    ada.publish("One", &[]).await;
    let hold = stack.stack.wire.hold_call("TransactWriteItems");
    let change = tokio::spawn(async move { admin.put("/admin/users/ada/role", json!({ "role": "editor" })).await });
    hold.arrived().await;
    ada.publish("Two", &[]).await;
    hold.release();
    change.await.unwrap().expect_status(200);
    assert_eq!(ada.get("/me").await.body["counts"]["posts"], 2);
}

#[tokio::test]
async fn administrators_see_all_users_newest_first() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    for name in ["ada", "bob", "eve"] {
        stack.pass_seconds(60);
        stack.user(name).await;
    }
    admin.put("/admin/users/bob/role", json!({ "role": "editor" })).await.expect_status(200);
    admin.put("/admin/users/eve/suspension", json!({ "reason": "Spam." })).await.expect_status(204);
    let names = async |query: &str| -> Vec<String> {
        let users = walk(&admin, &format!("/admin/users{query}"), 2).await;
        users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["eve", "bob", "ada", "chief"]),
        ("?role=author", vec!["eve", "ada"]),
        ("?role=editor", vec!["bob"]),
        ("?role=admin", vec!["chief"]),
        ("?role=reader", vec![]),
        ("?status=active", vec!["bob", "ada", "chief"]),
        ("?status=suspended", vec!["eve"]),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    assert_eq!(admin.get("/admin/users?limit=1").await.body["items"][0]["email"], "eve@example.com");
    admin.get("/admin/users?role=author&status=active").await.expect_invalid(&["/status"]);
    admin.delete("/admin/users/eve/suspension").await.expect_status(204);
    assert_eq!(names("?status=suspended").await, [""; 0]);
    // Next year too, also before anybody new has come.
    stack.set_time("2027-01-01T00:00:00Z");
    let admin = stack.log_in("chief").await;
    assert_eq!(walk(&admin, "/admin/users", 3).await.len(), 4);
}

/// `docs/roles.md` is written by this test (`cargo run -p xtask -- generate`).
#[tokio::test]
async fn every_operation_lets_pass_whom_the_documentation_says() {
    let stack = TestStack::start().await;
    let mut clients = Vec::new();
    for role in Role::ALL {
        clients.push((role, stack.user_with_role(&format!("the-{role}"), role).await));
    }
    let mut table = String::from(
        "# Who may do what\n\nWritten by a test (`crates/local/tests/administration.rs`), which tries each of these with each role.\n\n| operation | route | minimum role |\n|---|---|---|\n",
    );
    let mut routes = stack.stack.gateway.template().routes.clone();
    routes.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
    for route in routes {
        let (_, operation) = operations().find(|(_, operation)| operation.name == route.handler).unwrap();
        let min_role = operation.min_role;
        // A thing that does not exist, and no body: whoever is let in hears about that instead.
        let path = route.path.replace(['{', '}'], "");
        for (role, client) in &clients {
            let ends_the_session = route.handler == "log_out";
            let answer = match ends_the_session {
                false => client.call(&route.method, &path, &[("if-match", "*")], None).await,
                true => stack.log_in(&format!("the-{role}")).await.call(&route.method, &path, &[], None).await,
            };
            let refused = answer.body["type"] == "urn:broadsheet:problem:forbidden";
            assert_eq!(refused, min_role.is_some_and(|min_role| *role < min_role), "{role} at {} {path}", route.method);
        }
        let min_role = min_role.map_or("anybody", Role::name);
        table.push_str(&format!("| `{}` | `{} {}` | {min_role} |\n", route.handler, route.method, route.path));
    }
    expect_file!["../../../docs/roles.md"].assert_eq(&table);
}
