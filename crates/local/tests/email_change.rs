//! Changing the address of an account.

use domain::MailAccount;
use edge::SignUpConfirmation;
use local::backing::USER_POOL_ID;
use local::wire::Fault;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Answer, Client, PASSWORD, TestStack};
use crate::triggers::comes_by_cognito;

async fn ask(client: &Client, email: &str) -> Answer {
    client.put("/me/email", json!({ "email": email, "password": PASSWORD })).await
}

async fn confirm(client: &Client, code: &str) -> Answer {
    client.post("/me/email/confirm", json!({ "code": code })).await
}

async fn log_in(stack: &TestStack, login: &str) -> Answer {
    stack.visitor().post("/sessions", json!({ "login": login, "password": PASSWORD })).await
}

fn another(code: &str) -> &str {
    if code == "000000" { "111111" } else { "000000" }
}

/// How many messages went to an address so far.
fn sent_to(stack: &TestStack, email: &str) -> usize {
    let emails = stack.stack.backing.cognito.emails().unwrap();
    emails.iter().filter(|message| message.to == email).count()
}

/// The address that Cognito has for an account, by its name there.
fn at_cognito(stack: &TestStack, name: &str) -> Option<String> {
    let request = json!({ "UserPoolId": USER_POOL_ID, "Username": name }).to_string();
    let answer = stack.stack.backing.cognito.call("AWSCognitoIdentityProviderService.AdminGetUser", request.as_bytes());
    let attributes = answer.body["UserAttributes"].as_array()?;
    let email = attributes.iter().find(|attribute| attribute["Name"] == "email")?;
    Some(email["Value"].as_str()?.to_owned())
}

/// Which accounts Cognito has for the messages to a user.
async fn mail_accounts(stack: &TestStack, user: &Client) -> usize {
    let id = user.get("/me").await.body["id"].as_str().unwrap().parse().unwrap();
    MailAccount::of(id).iter().filter(|account| at_cognito(stack, account.name().as_str()).is_some()).count()
}

#[tokio::test]
async fn an_address_is_changed_with_the_code_that_was_sent_to_the_new_one() {
    // Where accounts are usable at once, the new address is shown to be theirs all the same.
    for confirmation in [SignUpConfirmation::Auto, SignUpConfirmation::Email] {
        let stack = TestStack::start_with(confirmation).await;
        let (visitor, admin) = (stack.visitor(), stack.admin().await);
        let ada = stack.user("ada").await;
        let before = ada.get("/me").await.body;
        let elsewhere = log_in(&stack, "ada").await;
        let there = stack.bearer(elsewhere.body["access_token"].as_str().unwrap());
        there.get("/me").await.expect_status(200);
        let told = sent_to(&stack, "ada@example.com");

        let asked = ask(&ada, " Ada@New.Example ").await;
        asked.expect_status(202);
        assert!(asked.bytes.is_empty());
        assert_eq!(sent_to(&stack, "ada@new.example"), 1);
        assert_eq!(sent_to(&stack, "ada@example.com"), told + 1, "the old address is told");
        // Nothing has changed yet.
        assert_eq!(ada.get("/me").await.body, before);
        log_in(&stack, "ada@example.com").await.expect_status(201);
        log_in(&stack, "ada@new.example").await.expect_problem(401, "invalid-credentials");

        let code = stack.code_for("ada@new.example");
        confirm(&ada, another(&code)).await.expect_invalid(&["/code"]);
        let notice = stack.code_for("ada@example.com");
        if notice != code {
            confirm(&ada, &notice).await.expect_invalid(&["/code"]);
        }
        assert_eq!(ada.get("/me").await.body["email"], "ada@example.com");
        confirm(&ada, &code).await.expect_status(204);

        let me = ada.get("/me").await.body;
        assert_eq!((&me["email"], &me["version"]), (&json!("ada@new.example"), &json!(2)));
        assert_eq!(at_cognito(&stack, me["id"].as_str().unwrap()).as_deref(), Some("ada@new.example"));
        assert_eq!(mail_accounts(&stack, &ada).await, 0);
        log_in(&stack, "ada@new.example").await.expect_status(201);
        log_in(&stack, "ada").await.expect_status(201);
        log_in(&stack, "ada@example.com").await.expect_problem(401, "invalid-credentials");
        let listed = admin.get("/admin/users").await.each("email");
        assert_eq!(listed, ["ada@new.example", "admin@example.com"]);
        // A code is good once.
        confirm(&ada, &code).await.expect_invalid(&["/code"]);

        // Every other session has ended; this one goes on.
        there.get("/posts").await.expect_problem(401, "unauthenticated");
        let refresh = json!({ "refresh_token": elsewhere.body["refresh_token"] });
        visitor.post("/sessions/refresh", refresh).await.expect_problem(401, "unauthenticated");
        stack.pass_seconds(60);
        there.get("/me").await.expect_problem(401, "unauthenticated");
        for path in ["/me", "/posts"] {
            ada.get(path).await.expect_status(200);
        }

        // A forgotten password is reset by way of the new mailbox, and the old one is nobody's.
        let told = sent_to(&stack, "ada@example.com");
        for email in ["ada@example.com", "ada@new.example"] {
            visitor.post("/password/forgot", json!({ "email": email })).await.expect_status(202);
        }
        assert_eq!(sent_to(&stack, "ada@example.com"), told);
        let code = stack.code_for("ada@new.example");
        let reset = |email: &str| json!({ "email": email, "code": code, "new_password": "another passphrase" });
        visitor.post("/password/reset", reset("ada@example.com")).await.expect_invalid(&["/code"]);
        visitor.post("/password/reset", reset("ada@new.example")).await.expect_status(204);
        let next = json!({ "username": "next", "email": "ada@example.com", "password": PASSWORD });
        visitor.post("/users", next).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_code_that_went_to_the_old_mailbox_resets_no_password() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let ada = stack.user("ada").await;
    ask(&ada, "ada@new.example").await.expect_status(202);
    let code = stack.code_for("ada@new.example");
    // Who reads the old mailbox asks in time, and learns where the account went.
    visitor.post("/password/forgot", json!({ "email": "ada@example.com" })).await.expect_status(202);
    let old = stack.code_for("ada@example.com");
    confirm(&ada, &code).await.expect_status(204);
    for email in ["ada@example.com", "ada@new.example"] {
        let reset = json!({ "email": email, "code": old, "new_password": "the passphrase of a thief" });
        visitor.post("/password/reset", reset).await.expect_invalid(&["/code"]);
    }
    visitor.post("/password/forgot", json!({ "email": "ada@new.example" })).await.expect_status(202);
    let new = stack.code_for("ada@new.example");
    if old != new {
        let reset = json!({ "email": "ada@new.example", "code": old, "new_password": "the passphrase of a thief" });
        visitor.post("/password/reset", reset).await.expect_invalid(&["/code"]);
    }
    let reset = json!({ "email": "ada@new.example", "code": new, "new_password": "another passphrase" });
    visitor.post("/password/reset", reset).await.expect_status(204);
}

#[tokio::test]
async fn both_mailboxes_are_told_what_it_is_about_where_ses_sends() {
    let parameters = [("EmailIdentityArn", "arn:aws:ses:local:0:identity/example.com"), ("EmailFrom", "b@example.com")];
    let stack = TestStack::start_with_parameters(&parameters).await;
    stack.admin().await;
    let ada = stack.user("ada").await;
    ask(&ada, "ada@new.example").await.expect_status(202);
    let emails = stack.stack.backing.cognito.emails().unwrap();
    let to = |email: &str| emails.iter().find(|message| message.to == email).unwrap();
    assert_eq!(to("ada@example.com").subject, "Your e-mail address is about to change");
    assert!(to("ada@example.com").body.contains("set a new password at once"));
    assert!(!to("ada@example.com").body.contains("new.example"), "where it goes is not said: the mailbox may be lost");
    assert_eq!(to("ada@new.example").subject, "Confirm your new e-mail address");
    assert!(to("ada@new.example").body.starts_with(&format!("Your code is {}.", to("ada@new.example").code)));
    // All else is said in Cognito's words.
    assert_eq!(to("admin@example.com").subject, "Your verification code");
    confirm(&ada, &stack.code_for("ada@new.example")).await.expect_status(204);
}

#[tokio::test]
async fn only_who_knows_the_password_asks_and_only_for_an_address() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let wrong = json!({ "email": "ada@new.example", "password": "wrong password" });
    ada.put("/me/email", wrong).await.expect_problem(401, "invalid-credentials");
    ada.put("/me/email", json!({})).await.expect_invalid(&["/email", "/password"]);
    for email in ["", "ada", "a..b@example.com", "ada@localhost"] {
        ask(&ada.from(&format!("203.0.113.{}", email.len())), email).await.expect_invalid(&["/email"]);
    }
    for own in ["ada@example.com", " ADA@example.com"] {
        let answer = ask(&ada, own).await;
        answer.expect_invalid(&["/email"]);
    }
    ada.post("/me/email/confirm", json!({})).await.expect_invalid(&["/code"]);
    confirm(&ada, "123456").await.expect_invalid(&["/code"]);
    ask(&stack.visitor(), "ada@new.example").await.expect_problem(401, "unauthenticated");
    confirm(&stack.visitor(), "123456").await.expect_problem(401, "unauthenticated");
    assert!(stack.stack.backing.cognito.emails().unwrap().is_empty(), "nobody was sent anything");

    // A password that is the address is the first that anybody would guess.
    let body = json!({ "username": "bob", "email": "bob@example.com", "password": "Bob@New.Example" });
    stack.visitor().post("/users", body).await.expect_status(201);
    let session = json!({ "login": "bob", "password": "Bob@New.Example" });
    let session = stack.visitor().post("/sessions", session).await;
    let bob = stack.bearer(session.body["access_token"].as_str().unwrap());
    let body = json!({ "email": "bob@new.example", "password": "Bob@New.Example" });
    bob.put("/me/email", body).await.expect_invalid(&["/email"]);
}

#[tokio::test]
async fn an_address_that_cognito_refuses_is_the_users_to_correct() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.stack.wire.break_calls("SignUp", 1, 1, Fault::DoneButRefused("InvalidParameterException"));
    ask(&ada, "ada@new.example").await.expect_invalid(&["/email"]);
    ask(&ada, "ada@new.example").await.expect_status(202);
}

#[tokio::test]
async fn an_address_is_the_same_however_it_is_typed() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ask(&ada, "Ada@bu\u{308}cher.example").await.expect_status(202);
    confirm(&ada, &stack.code_for("ada@xn--bcher-kva.example")).await.expect_status(204);
    assert_eq!(ada.get("/me").await.body["email"], "ada@xn--bcher-kva.example");
    log_in(&stack, "ADA@bücher.example").await.expect_status(201);
    ask(&ada, "ada@b\u{200b}ücher.example").await.expect_invalid(&["/email"]);
    let other = json!({ "username": "eve", "email": "ada@BÜCHER.example", "password": PASSWORD });
    stack.visitor().post("/users", other).await.expect_problem(409, "email-taken");
}

#[tokio::test]
async fn whether_an_address_has_an_account_shows_only_to_who_reads_its_mailbox() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.user("bob").await;
    ada.get("/me").await.expect_status(200);
    stack.stack.wire.record();
    let mut seen = Vec::new();
    for email in ["bob@example.com", "nobody@example.com", "bob@example.com"] {
        let answer = ask(&ada, email).await;
        answer.expect_status(202);
        assert!(answer.bytes.is_empty());
        let calls = stack.stack.wire.take_calls();
        seen.push(calls.into_iter().map(|call| (call.action, call.capacity)).collect::<Vec<_>>());
    }
    assert!(seen.iter().all(|calls| *calls == seen[0]), "it costs the same too");

    let code = stack.code_for("bob@example.com");
    confirm(&ada, another(&code)).await.expect_invalid(&["/code"]);
    confirm(&ada, &code).await.expect_problem(409, "email-taken");
    // With that it is over, and everybody has what they had.
    confirm(&ada, &code).await.expect_invalid(&["/code"]);
    assert_eq!(mail_accounts(&stack, &ada).await, 0);
    for name in ["ada", "bob"] {
        let session = log_in(&stack, &format!("{name}@example.com")).await;
        let me = stack.bearer(session.body["access_token"].as_str().unwrap()).get("/me").await.body;
        assert_eq!((&me["username"], &me["version"]), (&json!(name), &json!(1)));
        assert_eq!(at_cognito(&stack, me["id"].as_str().unwrap()), Some(format!("{name}@example.com")));
    }
    ada.get("/posts").await.expect_status(200);
}

#[tokio::test]
async fn a_code_is_good_for_a_day_for_one_user_and_until_the_next_one() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ask(&ada, "first@new.example").await.expect_status(202);
    let first = stack.code_for("first@new.example");
    confirm(&bob, &first).await.expect_invalid(&["/code"]);
    ask(&bob, "bob@new.example").await.expect_status(202);
    let of_bob = stack.code_for("bob@new.example");
    ask(&ada, "second@new.example").await.expect_status(202);
    let second = stack.code_for("second@new.example");
    for code in [first, of_bob] {
        if code != second {
            confirm(&ada, &code).await.expect_invalid(&["/code"]);
        }
    }
    stack.pass_seconds(24 * 60 * 60);
    let ada = stack.log_in("ada").await;
    confirm(&ada, &second).await.expect_invalid(&["/code"]);
    ask(&ada, "second@new.example").await.expect_status(202);
    let third = stack.code_for("second@new.example");
    stack.pass_seconds(24 * 60 * 60 - 1);
    let ada = stack.log_in("ada").await;
    confirm(&ada, &third).await.expect_status(204);
    assert_eq!(ada.get("/me").await.body["email"], "second@new.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_an_address_one_gets_it() {
    let stack = TestStack::start().await;
    let mut rivals = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let user = stack.user(name).await;
        ask(&user, "wanted@example.com").await.expect_status(202);
        rivals.push((name, user, stack.code_for("wanted@example.com")));
    }
    let mut tasks = JoinSet::new();
    for (name, user, code) in rivals {
        tasks.spawn(async move { (name, confirm(&user, &code).await.status.as_u16()) });
    }
    let visitor = stack.visitor();
    tasks.spawn(async move {
        let body = json!({ "username": "newcomer", "email": "wanted@example.com", "password": PASSWORD });
        ("newcomer", visitor.post("/users", body).await.status.as_u16())
    });
    let outcomes = tasks.join_all().await;
    let winners: Vec<_> = outcomes.iter().filter(|(_, status)| *status < 300).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|(_, status)| *status < 300 || *status == 409), "{outcomes:?}");
    let session = log_in(&stack, "wanted@example.com").await;
    let winner = stack.bearer(session.body["access_token"].as_str().unwrap()).get("/me").await.body;
    assert_eq!(winner["username"], winners[0].0);
    for (name, status) in &outcomes {
        if *status == 409 && *name != "newcomer" {
            log_in(&stack, &format!("{name}@example.com")).await.expect_status(201);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_about_to_have_an_address_has_it() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ask(&ada, "wanted@example.com").await.expect_status(202);
    let code = stack.code_for("wanted@example.com");
    ask(&bob, "wanted@example.com").await.expect_status(202);
    let code_of_bob = stack.code_for("wanted@example.com");
    let hold = stack.stack.wire.hold_call("AdminUpdateUserAttributes");
    let first = tokio::spawn(async move { confirm(&ada, &code).await });
    hold.arrived().await;
    confirm(&bob, &code_of_bob).await.expect_problem(409, "email-taken");
    let body = json!({ "username": "newcomer", "email": "wanted@example.com", "password": PASSWORD });
    stack.visitor().post("/users", body.clone()).await.expect_problem(409, "email-taken");
    hold.release();
    first.await.unwrap().expect_status(204);
    stack.pass_seconds(60 * 60);
    stack.visitor().post("/users", body).await.expect_problem(409, "email-taken");
    let session = log_in(&stack, "wanted@example.com").await;
    let me = stack.bearer(session.body["access_token"].as_str().unwrap()).get("/me").await.body;
    assert_eq!(me["username"], "ada");
}

#[tokio::test]
async fn the_owner_of_a_mailbox_wins_over_a_registration_that_nobody_confirmed() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let ada = stack.user("ada").await;
    let registration = json!({ "username": "squatter", "email": "ada@new.example", "password": PASSWORD });
    stack.visitor().post("/users", registration).await.expect_status(201);
    let code_of_the_squatter = stack.code_for("ada@new.example");
    ask(&ada, "ada@new.example").await.expect_status(202);
    confirm(&ada, &stack.code_for("ada@new.example")).await.expect_status(204);
    let confirmation = json!({ "email": "ada@new.example", "code": code_of_the_squatter });
    stack.visitor().post("/users/confirm", confirmation).await.expect_invalid(&["/code"]);
    log_in(&stack, "squatter").await.expect_problem(401, "invalid-credentials");
    log_in(&stack, "ada@new.example").await.expect_status(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_addresses_that_one_user_asks_for_at_once_one_has_a_code() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let addresses = ["one@new.example", "two@new.example"];
    let (one, two) = tokio::join!(ask(&ada, addresses[0]), ask(&ada, addresses[1]));
    for answer in [one, two] {
        answer.expect_status(202);
    }
    let mut taken = Vec::new();
    for message in stack.stack.backing.cognito.emails().unwrap() {
        if addresses.contains(&message.to.as_str()) && confirm(&ada, &message.code).await.status == 204 {
            taken.push(message.to);
        }
    }
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(ada.get("/me").await.body["email"], taken[0]);
}

#[tokio::test]
async fn who_came_by_way_of_cognito_changes_the_address_too() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let grace = comes_by_cognito(&stack, "Grace", "grace@example.com").await;
    ask(&grace, "grace@new.example").await.expect_status(202);
    confirm(&grace, &stack.code_for("grace@new.example")).await.expect_status(204);
    assert_eq!(at_cognito(&stack, "grace").as_deref(), Some("grace@new.example"));
    log_in(&stack, "grace@new.example").await.expect_status(201);
    log_in(&stack, "grace@example.com").await.expect_problem(401, "invalid-credentials");
    // The accounts that Cognito sent the messages for were nobody's.
    assert_eq!(stack.visitor().get("/users/grace").await.status, 200);
    assert_eq!(mail_accounts(&stack, &grace).await, 0);
}

#[tokio::test]
async fn asking_that_breaks_off_anywhere_can_be_repeated() {
    let stack = TestStack::start().await;
    let steps = [
        ("Query", 0),
        ("AdminInitiateAuth", 0),
        ("AdminDeleteUser", 0),
        ("SignUp", 0),
        ("AdminDeleteUser", 1),
        ("SignUp", 1),
    ];
    let wire = &stack.stack.wire;
    for (number, (action, skip)) in steps.into_iter().enumerate() {
        for (kind, fault) in [Fault::ServerError, Fault::TimedOut, Fault::AnswerLost].into_iter().enumerate() {
            let name = format!("user-{number}-{kind}");
            let user = stack.user(&name).await.from(&format!("203.0.{number}.{kind}"));
            let new = format!("{name}@new.example");
            wire.break_calls(action, skip, 3, fault);
            ask(&user, &new).await.expect_problem(503, "unavailable");
            wire.mend();
            // Nothing was sent to the new mailbox that the old one was not told of.
            assert!(sent_to(&stack, &format!("{name}@example.com")) >= sent_to(&stack, &new));
            ask(&user, &new).await.expect_status(202);
            confirm(&user, &stack.code_for(&new)).await.expect_status(204);
            assert_eq!(mail_accounts(&stack, &user).await, 0, "{action} {skip} {fault:?}");

            // An answer that is lost once costs nobody a second message.
            let last = format!("{name}@last.example");
            let (to_old, to_new) = (sent_to(&stack, &new), sent_to(&stack, &last));
            wire.break_calls(action, skip, 1, Fault::AnswerLost);
            ask(&user, &last).await.expect_status(202);
            assert_eq!((sent_to(&stack, &new), sent_to(&stack, &last)), (to_old + 1, to_new + 1), "{action} {skip}");
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_today_is_asked_for_again() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for code in ["LimitExceededException", "CodeDeliveryFailureException"] {
        for skip in [0, 1] {
            stack.stack.wire.break_calls("SignUp", skip, 1, Fault::DoneButRefused(code));
            ask(&ada, "ada@new.example").await.expect_status(202);
            stack.stack.wire.mend();
        }
    }
    ask(&ada, "ada@new.example").await.expect_status(202);
    confirm(&ada, &stack.code_for("ada@new.example")).await.expect_status(204);
}

#[tokio::test]
async fn confirming_that_breaks_off_anywhere_can_be_repeated() {
    let stack = TestStack::start().await;
    let steps = [
        ("Query", 0),
        ("ConfirmSignUp", 0),
        ("AdminGetUser", 0),
        ("GetItem", 0),
        ("TransactWriteItems", 0),
        ("AdminUpdateUserAttributes", 0),
        ("Query", 1),
        ("TransactWriteItems", 1),
        ("AdminUserGlobalSignOut", 0),
        ("TransactWriteItems", 2),
        ("AdminDeleteUser", 0),
        ("AdminDeleteUser", 1),
    ];
    let wire = &stack.stack.wire;
    let mut number = 0;
    for (action, skip) in steps {
        // Stopped before and after the call; or its answer is lost once, which the SDK gets over.
        for (fault, times) in [(Fault::ServerError, 3), (Fault::AnswerLost, 3), (Fault::AnswerLost, 1)] {
            number += 1;
            // One source may log in only so often.
            stack.pass_seconds(15 * 60);
            let what = format!("{action} {skip} {fault:?} {times}");
            let name = format!("user-{number}");
            let (old, new) = (format!("{name}@example.com"), format!("{name}@new.example"));
            let user = stack.user(&name).await.from(&format!("2001:db8:2:{number:x}::1"));
            ask(&user, &new).await.expect_status(202);
            let code = stack.code_for(&new);
            wire.break_calls(action, skip, times, fault);
            let answer = confirm(&user, &code).await;
            wire.mend();
            if times == 1 {
                assert_eq!(answer.status, 204, "{what}: {}", answer.body);
            } else {
                assert_eq!(answer.status, 503, "{what}: {}", answer.body);
                // They can log in meanwhile, with what the profile says.
                let shown = user.get("/me").await.body["email"].as_str().unwrap().to_owned();
                log_in(&stack, &shown).await.expect_status(201);
                let again = confirm(&user, &code).await.status.as_u16();
                // After the very last step there is nothing left to do, and no code to compare with.
                let is_over = action == "AdminDeleteUser" && skip == 1 && fault == Fault::AnswerLost;
                assert_eq!(again, if is_over { 422 } else { 204 }, "{what}");
            }
            assert_eq!(user.get("/me").await.body["email"], new, "{what}");
            assert_eq!(user.get("/me").await.body["version"], 2, "{what}");
            assert_eq!(mail_accounts(&stack, &user).await, 0, "{what}");
            log_in(&stack, &new).await.expect_status(201);
            log_in(&stack, &old).await.expect_problem(401, "invalid-credentials");
            let id = user.get("/me").await.body["id"].as_str().unwrap().to_owned();
            assert_eq!(at_cognito(&stack, &id), Some(new), "{what}");
        }
    }
    // What was reserved on the way has lapsed, and nobody has lost an address by that.
    stack.pass_seconds(60 * 60);
    for number in 1..=number {
        log_in(&stack, &format!("user-{number}@new.example")).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_change_that_is_given_up_half_way_frees_the_address() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ask(&ada, "wanted@example.com").await.expect_status(202);
    stack.stack.wire.break_calls("TransactWriteItems", 1, 3, Fault::ServerError);
    confirm(&ada, &stack.code_for("wanted@example.com")).await.expect_problem(503, "unavailable");
    let body = json!({ "username": "newcomer", "email": "wanted@example.com", "password": PASSWORD });
    stack.visitor().post("/users", body.clone()).await.expect_problem(409, "email-taken");
    stack.pass_seconds(15 * 60);
    stack.visitor().post("/users", body).await.expect_status(201);
    log_in(&stack, "ada@example.com").await.expect_status(201);
    // And who comes back late is told.
    let ada = stack.log_in("ada").await;
    confirm(&ada, "000000").await.expect_problem(409, "email-taken");
    confirm(&ada, "000000").await.expect_invalid(&["/code"]);
}

#[tokio::test]
async fn messages_and_codes_are_limited() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.pass_seconds(60);
    for number in 0..5 {
        ask(&ada.from(&format!("203.0.113.{number}")), &format!("{number}@new.example")).await.expect_status(202);
    }
    let refused = ask(&ada.from("203.0.113.9"), "5@new.example").await;
    refused.expect_problem(429, "too-many-requests");
    // Tests start at half past eight.
    assert_eq!(refused.header("retry-after"), (30 * 60 - 60).to_string());
    assert_eq!(sent_to(&stack, "5@new.example"), 0);

    let code = stack.code_for("4@new.example");
    for number in 0..5 {
        confirm(&ada.from(&format!("203.0.113.{number}")), another(&code)).await.expect_invalid(&["/code"]);
    }
    confirm(&ada, &code).await.expect_problem(429, "too-many-requests");

    // One source sends twenty messages a day, whoever signs in there.
    let mut statuses = Vec::new();
    for name in ["bob", "cleo", "dora", "eve", "fay"] {
        let user = stack.user(name).await.from("198.51.100.7");
        for number in 0..5 {
            statuses.push(ask(&user, &format!("{name}-{number}@new.example")).await.status.as_u16());
        }
    }
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 20, "{statuses:?}");
    assert_eq!(statuses[20..], [429; 5]);
}

#[tokio::test]
async fn who_leaves_takes_the_address_along_that_they_wanted() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let id = ada.get("/me").await.body["id"].as_str().unwrap().parse().unwrap();
    ask(&ada, "ada@new.example").await.expect_status(202);
    assert_eq!(mail_accounts(&stack, &ada).await, 2);
    ada.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    for account in MailAccount::of(id) {
        assert_eq!(at_cognito(&stack, account.name().as_str()), None);
    }
    let body = json!({ "username": "next", "email": "ada@new.example", "password": PASSWORD });
    stack.visitor().post("/users", body).await.expect_status(201);
}

#[tokio::test]
async fn the_wanted_address_is_in_the_export() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ask(&ada, "ada@new.example").await.expect_status(202);
    let asked = ada.post("/me/export", json!({})).await;
    stack.settle().await;
    let export = ada.get(&format!("/me/exports/{}", asked.body["export_id"].as_str().unwrap())).await;
    let file: serde_json::Value =
        reqwest::get(export.body["url"].as_str().unwrap()).await.unwrap().json().await.unwrap();
    assert_eq!(
        (&file["wanted_email"], &file["profile"]["email"]),
        (&json!("ada@new.example"), &json!("ada@example.com"))
    );
}
