//! What Cognito's triggers do, for users who come by way of `POST /users` and for those who come by another.

use aws_lc_rs::hmac;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::error::ProvideErrorMetadata;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, AuthFlowType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{UserId, Username};
use edge::SignUpConfirmation;
use local::backing::{USER_POOL_CLIENT_ID, USER_POOL_CLIENT_SECRET, USER_POOL_ID};
use local::stack::sdk_config;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::{self, PASSWORD, TestStack};

/// An error of Cognito's: its code and its message.
type Refused = (String, String);

fn refused(error: impl ProvideErrorMetadata) -> Refused {
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

/// Whoever calls Cognito itself and not the API.
pub fn pool(stack: &TestStack) -> Client {
    Client::new(&sdk_config(stack.stack.wire.clone()))
}

/// What Cognito's own pages do with the client's secret.
pub fn secret_hash(name: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, USER_POOL_CLIENT_SECRET.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{name}{USER_POOL_CLIENT_ID}").as_bytes()))
}

/// Signs up at Cognito; says whether the account is usable at once.
pub async fn sign_up(stack: &TestStack, name: &str, attributes: &[(&str, &str)]) -> Result<bool, Refused> {
    let attribute = |(name, value): &(&str, &str)| AttributeType::builder().name(*name).value(*value).build().unwrap();
    let answer = pool(stack)
        .sign_up()
        .client_id(USER_POOL_CLIENT_ID)
        .secret_hash(secret_hash(name))
        .username(name)
        .password(PASSWORD)
        .set_user_attributes(Some(attributes.iter().map(attribute).collect()))
        .send()
        .await;
    answer.map(|answer| answer.user_confirmed).map_err(refused)
}

/// Gives Cognito the code that was sent to this address.
async fn confirm(stack: &TestStack, name: &str, email: &str) -> Result<(), Refused> {
    let code = stack.code_for(email);
    let confirm = pool(stack).confirm_sign_up().client_id(USER_POOL_CLIENT_ID).secret_hash(secret_hash(name));
    confirm.username(name).confirmation_code(code).send().await.map(drop).map_err(refused)
}

/// Logs in at Cognito, for who came by its own page.
async fn log_in(stack: &TestStack, name: &str) -> harness::Client {
    let answer = pool(stack)
        .admin_initiate_auth()
        .user_pool_id(USER_POOL_ID)
        .client_id(USER_POOL_CLIENT_ID)
        .auth_flow(AuthFlowType::AdminUserPasswordAuth)
        .auth_parameters("USERNAME", name)
        .auth_parameters("PASSWORD", PASSWORD)
        .auth_parameters("SECRET_HASH", secret_hash(name))
        .send()
        .await
        .unwrap();
    stack.bearer(answer.authentication_result.unwrap().id_token().unwrap())
}

/// Signs up at Cognito, confirms, logs in.
pub async fn comes_by_cognito(stack: &TestStack, name: &str, email: &str) -> harness::Client {
    assert!(!sign_up(stack, name, &[("email", email)]).await.unwrap());
    confirm(stack, name, email).await.unwrap();
    log_in(stack, name).await
}

/// The trigger, called by Cognito with these attributes.
async fn post_confirmation(stack: &TestStack, name: &str, attributes: Value) -> Result<Value, edge::Problem> {
    let event = json!({
        "version": "1",
        "triggerSource": "PostConfirmation_ConfirmSignUp",
        "region": "local",
        "userPoolId": USER_POOL_ID,
        "userName": name,
        "callerContext": { "awsSdkVersion": "local", "clientId": USER_POOL_CLIENT_ID },
        "request": { "userAttributes": attributes },
        "response": {},
    });
    let Ok(events::Function::Trigger(trigger)) = events::find("post_confirmation") else { panic!("no trigger") };
    trigger.answer(&stack.stack.events, event).await
}

#[tokio::test]
async fn an_account_is_usable_at_once_exactly_if_the_stack_says_so() {
    let stack = TestStack::start().await;
    stack.stack.wire.record();
    stack.visitor().post("/users", registration()).await.expect_status(201);
    let calls = stack.stack.wire.take_calls();
    let mut of_cognito = calls.iter().filter(|call| call.service == "cognito-idp").map(|call| {
        let by = call.operation.clone().unwrap_or_default();
        (by, call.action.as_str())
    });
    assert_eq!(of_cognito.next(), Some(("register".to_owned(), "SignUp")));
    assert_eq!(of_cognito.next(), None);
    assert!(stack.stack.backing.cognito.emails().unwrap().is_empty(), "nobody waits for a code");
    stack.log_in("ada").await.get("/me").await.expect_status(200);
    assert!(sign_up(&stack, "grace", &[("email", "grace@example.com")]).await.unwrap());
    log_in(&stack, "grace").await.get("/me").await.expect_status(200);

    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    stack.visitor().post("/users", registration()).await.expect_status(201);
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    stack.visitor().post("/sessions", credentials).await.expect_problem(403, "user-not-confirmed");
    assert!(!sign_up(&stack, "grace", &[("email", "grace@example.com")]).await.unwrap());
}

fn registration() -> Value {
    json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD })
}

#[tokio::test]
async fn who_signs_up_at_cognito_is_a_user_like_any_other() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    assert!(!sign_up(&stack, "Grace", &[("email", "Grace.Hopper@Example.com")]).await.unwrap());
    stack.visitor().get("/users/grace-hopper").await.expect_problem(404, "not-found");
    confirm(&stack, "Grace", "grace.hopper@example.com").await.unwrap();
    stack.visitor().get("/users/grace-hopper").await.expect_status(200);

    let grace = log_in(&stack, "GRACE").await;
    let me = grace.get("/me").await;
    me.expect_status(200);
    for (field, value) in
        [("username", "grace-hopper"), ("email", "grace.hopper@example.com"), ("role", "author"), ("status", "active")]
    {
        assert_eq!(me.body[field], value);
    }
    let slug = grace.publish("Nanoseconds", &[]).await;
    // A public route checks the token itself.
    grace.get(&format!("/posts/{slug}")).await.expect_status(200);
    grace.post("/posts", json!({ "title": "Draft", "body": "B" })).await.expect_status(201);

    // Our own way to log in knows her too, by her address, her name, and the one she had before.
    grace.patch("/me", "*", json!({ "username": "amazing-grace" })).await.expect_status(200);
    for login in ["grace.hopper@example.com", "grace-hopper", "amazing-grace"] {
        stack.log_in(login).await.get("/me").await.expect_status(200);
    }
    let change = json!({ "current_password": PASSWORD, "new_password": "a better passphrase" });
    grace.put("/me/password", change).await.expect_status(204);
    let address = json!({ "email": "grace.hopper@example.com" });
    stack.visitor().post("/password/forgot", address).await.expect_status(202);
    let code = stack.code_for("grace.hopper@example.com");
    let reset = json!({ "email": "grace.hopper@example.com", "code": code, "new_password": PASSWORD });
    stack.visitor().post("/password/reset", reset).await.expect_status(204);
    stack.pass_seconds(60);

    // So does everything that we tell Cognito of her.
    sign_up(&stack, "chief", &[("email", "admin@example.com")]).await.unwrap();
    confirm(&stack, "chief", "admin@example.com").await.unwrap();
    let admin = log_in(&stack, "chief").await;
    admin.put("/admin/users/amazing-grace/role", json!({ "role": "editor" })).await.expect_status(200);
    let grace = stack.log_in("amazing-grace").await;
    assert_eq!(grace.get("/me").await.body["role"], "editor");
    grace.delete("/sessions").await.expect_status(204);
    admin.put("/admin/users/amazing-grace/suspension", json!({ "reason": "Test" })).await.expect_status(204);
    let credentials = json!({ "login": "amazing-grace", "password": PASSWORD });
    stack.visitor().post("/sessions", credentials).await.expect_problem(401, "invalid-credentials");
    admin.delete("/admin/users/amazing-grace/suspension").await.expect_status(204);
    let grace = stack.log_in("amazing-grace").await;
    let listed = admin.get("/admin/users").await.each("email");
    assert_eq!(listed, ["admin@example.com", "grace.hopper@example.com"]);

    // She leaves, and nothing of her stands in the way of who comes next.
    grace.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    stack.settle().await;
    let next = comes_by_cognito(&stack, "grace", "grace.hopper@example.com").await;
    let name = next.get("/me").await.body["username"].as_str().unwrap().to_owned();
    assert!(name.starts_with("grace-hopper-"), "{name} (the name she gave up leads to nobody else for a while)");
}

#[tokio::test]
async fn a_name_is_made_from_what_there_is() {
    let id: UserId = "01M7YKM0T0000000000ABCDEFG".parse().unwrap();
    let long = "a".repeat(40);
    for (wish, expected) in [
        ("grace", "grace"),
        ("Grace.Hopper+blog", "grace-hopper-blog"),
        ("grace_hopper", "grace_hopper"),
        ("Ünal", "unal"),
        ("1815ada", "ada"),
        ("al", "al-bcdefg"),
        ("admin", "admin-bcdefg"),
        ("", "user-bcdefg"),
        ("42", "user-bcdefg"),
        (&long, &long[..30]),
    ] {
        assert_eq!(Username::near(wish, id).as_str(), expected, "{wish:?}");
    }
    let suffixed = Username::near(&long, id).with_suffix(id);
    assert_eq!(suffixed.as_str(), format!("{}-bcdefg", &long[..23]));

    // Whoever comes second to a name has it with a suffix; a preferred name goes before the address.
    let stack = TestStack::start().await;
    stack.user("grace").await;
    assert!(sign_up(&stack, "g1", &[("email", "grace@example.org")]).await.unwrap());
    let first = log_in(&stack, "g1").await.get("/me").await.body["username"].as_str().unwrap().to_owned();
    assert!(first.starts_with("grace-") && first.len() == 12, "{first}");
    assert!(sign_up(&stack, "g2", &[("email", "grace@example.net")]).await.unwrap());
    let second = log_in(&stack, "g2").await.get("/me").await.body["username"].as_str().unwrap().to_owned();
    assert!(second.starts_with("grace-") && second != first, "{second}");
    let preferring = [("email", "g3@example.net"), ("preferred_username", "Hopper")];
    assert!(sign_up(&stack, "g3", &preferring).await.unwrap());
    assert_eq!(log_in(&stack, "g3").await.get("/me").await.body["username"], "hopper");
}

#[tokio::test]
async fn an_address_has_one_account() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let (code, message) = sign_up(&stack, "countess", &[("email", "ADA@example.com")]).await.unwrap_err();
    assert_eq!(code, "UserLambdaValidationException");
    assert!(message.contains("There is an account with this e-mail address already."), "{message}");
    log_in(&stack, "countess").await.get("/me").await.expect_problem(401, "unauthenticated");
    // The other way round too.
    sign_up(&stack, "grace", &[("email", "grace@example.com")]).await.unwrap();
    let registration = json!({ "username": "other", "email": "grace@example.com", "password": PASSWORD });
    stack.visitor().post("/users", registration).await.expect_problem(409, "email-taken");
}

#[tokio::test]
async fn a_name_that_looks_like_an_id_is_nobodys() {
    let stack = TestStack::start().await;
    let name = "01M7YKM0T0000000000ABCDEFG";
    let (code, _) = sign_up(&stack, name, &[("email", "grace@example.com")]).await.unwrap_err();
    assert_eq!(code, "UserLambdaValidationException");
    log_in(&stack, name).await.get("/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_administrators_address_counts_only_if_it_is_verified() {
    for (verified, role) in [("true", "admin"), ("false", "author")] {
        let stack = TestStack::start_with(SignUpConfirmation::Email).await;
        let attributes = [("email", "admin@example.com")];
        sign_up(&stack, "chief", &attributes).await.unwrap();
        match verified {
            "true" => confirm(&stack, "chief", "admin@example.com").await.unwrap(),
            // An operator may confirm an account whose address nobody has checked.
            _ => {
                let confirm = pool(&stack).admin_confirm_sign_up().user_pool_id(USER_POOL_ID).username("chief");
                confirm.send().await.unwrap();
            }
        }
        assert_eq!(log_in(&stack, "chief").await.get("/me").await.body["role"], role);
    }
}

#[tokio::test]
async fn a_trigger_that_is_called_again_changes_nothing() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let grace = comes_by_cognito(&stack, "grace", "grace@example.com").await;
    let before = grace.get("/me").await.body;
    let attributes = json!({ "email": "grace@example.com", "email_verified": "true" });
    for name in ["grace", "Grace"] {
        let answer = post_confirmation(&stack, name, attributes.clone()).await.unwrap();
        assert_eq!((&answer["userName"], &answer["response"]), (&json!(name), &json!({})));
    }
    assert_eq!(grace.get("/me").await.body, before);

    // Twice at the same moment.
    sign_up(&stack, "ida", &[("email", "ida@example.com")]).await.unwrap();
    let attributes = json!({ "email": "ida@example.com", "email_verified": "true" });
    let call = || post_confirmation(&stack, "ida", attributes.clone());
    let (one, other, third) = tokio::join!(call(), call(), call());
    for answer in [one, other, third] {
        answer.unwrap();
    }
    stack.visitor().get("/users/ida").await.expect_status(200);

    // And for a user of ours.
    let id = {
        stack.visitor().post("/users", registration()).await.expect_status(201);
        let code = stack.code_for("ada@example.com");
        let confirmation = json!({ "email": "ada@example.com", "code": code });
        stack.visitor().post("/users/confirm", confirmation).await.expect_status(204);
        stack.log_in("ada").await.get("/me").await.body
    };
    let attributes = json!({ "email": "ada@example.com", "email_verified": "true" });
    post_confirmation(&stack, &id["id"].as_str().unwrap().to_lowercase(), attributes).await.unwrap();
    assert_eq!(stack.log_in("ada").await.get("/me").await.body, id);
}

#[tokio::test]
async fn a_profile_whose_making_broke_off_is_made_when_the_password_is_reset() {
    let steps = [
        ("GetItem", Fault::ServerError),
        ("TransactWriteItems", Fault::ServerError),
        ("TransactWriteItems", Fault::AnswerLost),
    ];
    for (action, fault) in steps {
        let stack = TestStack::start_with(SignUpConfirmation::Email).await;
        sign_up(&stack, "grace", &[("email", "grace@example.com")]).await.unwrap();
        stack.stack.wire.break_calls(action, 0, 3, fault);
        let (code, message) = confirm(&stack, "grace", "grace@example.com").await.unwrap_err();
        assert_eq!(code, "UserLambdaValidationException", "{action} {fault:?}: {message}");

        let forgot = pool(&stack).forgot_password().client_id(USER_POOL_CLIENT_ID);
        let forgot = forgot.secret_hash(secret_hash("grace")).username("grace");
        forgot.send().await.unwrap();
        pool(&stack)
            .confirm_forgot_password()
            .client_id(USER_POOL_CLIENT_ID)
            .secret_hash(secret_hash("grace"))
            .username("grace")
            .confirmation_code(stack.code_for("grace@example.com"))
            .password(PASSWORD)
            .send()
            .await
            .unwrap();
        let grace = log_in(&stack, "grace").await;
        let me = grace.get("/me").await;
        assert_eq!((&me.body["username"], &me.body["role"]), (&json!("grace"), &json!("author")), "{action} {fault:?}");
        grace.publish("Here after all", &[]).await;
        stack.visitor().get("/users/grace").await.expect_status(200);
    }
}

#[tokio::test]
async fn a_user_of_ours_who_confirms_at_cognito_is_registered() {
    let stack = TestStack::start_with(SignUpConfirmation::Email).await;
    let registered = stack.visitor().post("/users", registration()).await;
    let id = registered.body["id"].as_str().unwrap();
    confirm(&stack, id, "ada@example.com").await.unwrap();
    stack.visitor().get("/users/ada").await.expect_status(200);
    let ada = log_in(&stack, id).await;
    ada.publish("With the role of an author", &[]).await;
    // The name is final.
    stack.pass_seconds(24 * 60 * 60);
    stack.visitor().get("/users/ada").await.expect_status(200);
    stack.visitor().post("/users", registration()).await.expect_problem(409, "username-taken");
}
