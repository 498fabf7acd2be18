#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::json;

use super::*;

const START: i64 = 1_790_000_000_000;
const PASSWORD: &str = "correct horse battery";
const EVERY_CALL: [&str; 19] = [
    "SignUp",
    "ConfirmSignUp",
    "ResendConfirmationCode",
    "ForgotPassword",
    "ConfirmForgotPassword",
    "InitiateAuth",
    "ChangePassword",
    "GlobalSignOut",
    "RevokeToken",
    "AdminInitiateAuth",
    "AdminConfirmSignUp",
    "AdminGetUser",
    "AdminDeleteUser",
    "AdminUpdateUserAttributes",
    "AdminUserGlobalSignOut",
    "AdminDisableUser",
    "AdminEnableUser",
    "AdminSetUserPassword",
    "DescribeUserPool",
];

fn settings() -> Settings {
    Settings {
        user_pool_id: "local_Broadsheet".into(),
        region: "eu-central-1".into(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        auth_flows: vec!["ALLOW_ADMIN_USER_PASSWORD_AUTH".into(), "ALLOW_REFRESH_TOKEN_AUTH".into()],
        write_attributes: vec!["email".into(), "preferred_username".into()],
        read_attributes: vec!["email_verified".into()],
        access_token_validity: SignedDuration::from_mins(60),
        refresh_token_validity: SignedDuration::from_hours(24 * 30),
        password_minimum_length: 8,
    }
}

/// A pool whose clock the story turns.
struct Story {
    cognito: Cognito,
    millis: Arc<AtomicI64>,
}

impl Story {
    fn new() -> Self {
        Self::open(None)
    }

    fn open(path: Option<&Path>) -> Self {
        let millis = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&millis);
        let now = move || Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap();
        Self { cognito: Cognito::open(path, settings(), Arc::new(now)).unwrap(), millis }
    }

    fn pass(&self, time: SignedDuration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    fn call(&self, operation: &str, mut body: Value) -> Answer {
        let object = body.as_object_mut().unwrap();
        let (pool, client) = (("UserPoolId", "local_Broadsheet"), ("ClientId", "client"));
        let scopes = match operation {
            "AdminInitiateAuth" => vec![pool, client],
            _ if operation.starts_with("Admin") => vec![pool],
            "DescribeUserPool" => vec![pool],
            _ => vec![client],
        };
        for (scope, id) in scopes {
            object.entry(scope).or_insert_with(|| id.into());
        }
        // What is not given is what our functions would give.
        if operation == "RevokeToken" {
            object.entry("ClientSecret").or_insert_with(|| "secret".into());
        } else if let Some(name) = object.get("Username").and_then(Value::as_str).map(str::to_owned)
            && !operation.starts_with("Admin")
        {
            object.entry("SecretHash").or_insert_with(|| secret_hash(&name).into());
        } else if let Some(parameters) = object.get_mut("AuthParameters").and_then(Value::as_object_mut) {
            let name = parameters.get("USERNAME").and_then(Value::as_str).unwrap_or("ana").to_owned();
            parameters.entry("SECRET_HASH").or_insert_with(|| secret_hash(&name).into());
        }
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        self.cognito.call(&target, body.to_string().as_bytes())
    }

    #[track_caller]
    fn ok(&self, operation: &str, body: Value) -> Value {
        let answer = self.call(operation, body);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        assert_eq!(answer.error_type, None);
        answer.body
    }

    #[track_caller]
    fn refused(&self, operation: &str, body: Value, kind: &str, message: &str) {
        let answer = self.call(operation, body);
        let expected =
            Answer { status: 400, body: json!({ "__type": kind, "message": message }), error_type: answer.error_type };
        assert_eq!(answer, expected, "{operation}");
        assert_eq!(answer.error_type, Some(kind));
    }

    #[track_caller]
    fn sign_up(&self, username: &str) -> Value {
        self.ok("SignUp", sign_up(username))
    }

    /// Signed up, confirmed by code.
    #[track_caller]
    fn user(&self, username: &str) {
        self.sign_up(username);
        let code = self.mailed_code();
        self.ok("ConfirmSignUp", json!({ "Username": username, "ConfirmationCode": code }));
    }

    #[track_caller]
    fn sign_in(&self, username: &str) -> Value {
        self.ok("AdminInitiateAuth", login(username, PASSWORD))["AuthenticationResult"].clone()
    }

    /// The newest.
    fn mailed_code(&self) -> String {
        self.cognito.emails().unwrap()[0].code.clone()
    }
}

fn sign_up(username: &str) -> Value {
    json!({
        "Username": username,
        "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": format!("{username}@example.com") }],
    })
}

fn login(username: &str, password: &str) -> Value {
    json!({
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": username, "PASSWORD": password },
    })
}

fn refresh(token: &Value) -> Value {
    json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": token } })
}

fn secret_hash(name: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    STANDARD.encode(hmac::sign(&key, format!("{name}client").as_bytes()))
}

fn wrong(code: &str) -> String {
    let wrong = if code == "000000" { "000001" } else { "000000" };
    wrong.to_owned()
}

/// Verifies a token as a service would that knows only the key set.
fn claims(cognito: &Cognito, token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let keys: JwkSet = serde_json::from_value(cognito.jwks()).unwrap();
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_issuer(&[cognito.issuer()]);
    decode::<Value>(token, &key, &validation).unwrap().claims
}

fn keys_of(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const MISMATCH: (&str, &str) = ("CodeMismatchException", "Invalid verification code provided, please try again.");
const EXPIRED: (&str, &str) = ("ExpiredCodeException", "Invalid code provided, please request a code again.");
const LIMIT: (&str, &str) = ("LimitExceededException", "Attempt limit exceeded, please try after some time.");
const INCORRECT: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");
const LOCKED: (&str, &str) = ("NotAuthorizedException", "Password attempts exceeded");

#[test]
fn a_user_signs_up_confirms_and_signs_in() {
    let story = Story::new();
    let mut answer = story.sign_up("Ana");
    let sub = answer["UserSub"].take();
    assert_eq!(
        answer,
        json!({
            "CodeDeliveryDetails": {
                "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": "a***@e***",
            },
            "UserConfirmed": false,
            "UserSub": null,
        })
    );
    let uuid = sub.as_str().unwrap();
    assert_eq!(uuid.len(), 36);
    assert_eq!(&uuid[14..15], "4");
    assert!("89ab".contains(&uuid[19..20]));

    let mail = story.cognito.emails().unwrap();
    assert_eq!(mail.len(), 1);
    assert_eq!(mail[0].to, "ana@example.com");
    assert_eq!(mail[0].sent_at.as_millisecond(), START);
    let code = mail[0].code.clone();
    assert_eq!(mail[0].body, format!("Your confirmation code is {code}"));
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));

    story.refused("AdminInitiateAuth", login("ana", PASSWORD), "UserNotConfirmedException", "User is not confirmed.");
    story.refused("AdminInitiateAuth", login("ana", "wrong"), INCORRECT.0, INCORRECT.1);
    let confirm = |code: &str| json!({ "Username": "aNa", "ConfirmationCode": code });
    story.refused("ConfirmSignUp", confirm(&wrong(&code)), MISMATCH.0, MISMATCH.1);
    assert_eq!(story.ok("ConfirmSignUp", confirm(&code)), json!({}));
    story.refused(
        "ConfirmSignUp",
        confirm(&code),
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    );
    story.refused(
        "ResendConfirmationCode",
        json!({ "Username": "ana" }),
        "InvalidParameterException",
        "User is already confirmed.",
    );

    let result = story.sign_in("ANA");
    assert_eq!(keys_of(&result), ["AccessToken", "ExpiresIn", "IdToken", "RefreshToken", "TokenType"]);
    assert_eq!(result["ExpiresIn"], 3600);
    assert_eq!(result["TokenType"], "Bearer");
    let access = claims(&story.cognito, &result["AccessToken"]);
    let now = START / 1000;
    assert_eq!(
        access,
        json!({
            "sub": sub,
            "iss": "https://cognito-idp.eu-central-1.amazonaws.com/local_Broadsheet",
            "client_id": "client",
            "origin_jti": access["origin_jti"],
            "event_id": access["event_id"],
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "auth_time": now,
            "exp": now + 3600,
            "iat": now,
            "jti": access["jti"],
            "username": "ana",
        })
    );
    let id = claims(&story.cognito, &result["IdToken"]);
    assert_eq!(
        id,
        json!({
            "sub": sub,
            "iss": story.cognito.issuer(),
            "aud": "client",
            "origin_jti": access["origin_jti"],
            "event_id": access["event_id"],
            "token_use": "id",
            "auth_time": now,
            "exp": now + 3600,
            "iat": now,
            "jti": id["jti"],
            "cognito:username": "ana",
            "email_verified": true,
        })
    );
    let ids: BTreeSet<&str> =
        [&access["jti"], &id["jti"], &access["origin_jti"]].map(|jti| jti.as_str().unwrap()).into();
    assert_eq!(ids.len(), 3);
}

#[test]
fn the_two_keys_of_the_set_sign_different_tokens() {
    let story = Story::new();
    story.user("ana");
    let result = story.sign_in("ana");
    let kid = |token: &Value| decode_header(token.as_str().unwrap()).unwrap().kid.unwrap();
    let keys = story.cognito.jwks();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0]["kid"], kid(&result["IdToken"]));
    assert_eq!(keys[1]["kid"], kid(&result["AccessToken"]));
    for key in keys {
        assert_eq!(keys_of(key), ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        assert_eq!(key["e"], "AQAB");
    }
    assert_ne!(keys[0]["n"], keys[1]["n"]);
}

#[test]
fn a_taken_username_is_refused_whatever_its_case() {
    let story = Story::new();
    story.sign_up("ana");
    story.refused("SignUp", sign_up("ANA"), "UsernameExistsException", "User already exists");
    assert_eq!(story.cognito.emails().unwrap().len(), 1);
}

#[test]
fn what_a_sign_up_must_have() {
    let story = Story::new();
    let with = |name: &str, value: Value| {
        let mut body = sign_up("ana");
        body[name] = value;
        body
    };
    let constraint = |member: &str, text: &str| {
        format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: {text}")
    };
    let invalid = |body: Value, message: &str| {
        story.refused("SignUp", body, "InvalidParameterException", message);
    };
    for (member, name) in [("Username", "username"), ("Password", "password")] {
        invalid(with(member, Value::Null), &constraint(name, "Member must not be null"));
    }
    invalid(
        with("Username", "a b".into()),
        &constraint("username", "Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+"),
    );
    invalid(
        with("Username", "a".repeat(129).into()),
        &constraint("username", "Member must have length less than or equal to 128"),
    );
    invalid(
        with("Password", "ä".repeat(257).into()),
        &constraint("password", "Member must have length less than or equal to 256"),
    );
    for password in [" correct horse", "correct horse ", "correct\nhorse"] {
        invalid(
            with("Password", password.into()),
            &constraint("password", "Member must satisfy regular expression pattern: ^[\\S]+.*[\\S]+$"),
        );
    }
    story.refused(
        "SignUp",
        with("Password", "sevench".into()),
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    invalid(
        with("UserAttributes", json!([])),
        "Attributes did not conform to the schema: email: The attribute is required\n",
    );
    invalid(with("UserAttributes", json!([{ "Name": "email", "Value": "nobody" }])), "Invalid email address format.");
    invalid(
        with("UserAttributes", json!([{ "Name": "custom:role", "Value": "admin" }])),
        "Attributes did not conform to the schema: Type for attribute {custom:role} could not be determined",
    );
    for (name, value) in [("email_verified", "true"), ("name", "Ana")] {
        story.refused(
            "SignUp",
            with("UserAttributes", json!([{ "Name": name, "Value": value }])),
            "NotAuthorizedException",
            "A client attempted to write unauthorized attribute",
        );
    }
    story.refused(
        "SignUp",
        with("ClientId", "other".into()),
        "ResourceNotFoundException",
        "User pool client other does not exist.",
    );
    story.ok("SignUp", with("Password", "ä".repeat(256).into()));
}

#[test]
fn codes_expire_are_replaced_and_used_once() {
    let story = Story::new();
    story.sign_up("ana");
    let first = story.mailed_code();
    let confirm = |code: &str| json!({ "Username": "ana", "ConfirmationCode": code });
    story.pass(SignedDuration::from_hours(24));
    story.refused("ConfirmSignUp", confirm(&first), EXPIRED.0, EXPIRED.1);
    story.ok("ResendConfirmationCode", json!({ "Username": "ana" }));
    let second = story.mailed_code();
    if first != second {
        story.refused("ConfirmSignUp", confirm(&first), MISMATCH.0, MISMATCH.1);
    }
    story.pass(SignedDuration::from_hours(24) - SignedDuration::from_millis(1));
    story.ok("ConfirmSignUp", confirm(&second));

    story.ok("ForgotPassword", json!({ "Username": "ana" }));
    let reset = story.mailed_code();
    let confirm = |code: &str| json!({ "Username": "ana", "ConfirmationCode": code, "Password": "a new password" });
    story.refused("ConfirmForgotPassword", confirm(&wrong(&reset)), MISMATCH.0, MISMATCH.1);
    story.refused(
        "ConfirmForgotPassword",
        json!({ "Username": "ana", "ConfirmationCode": reset, "Password": "short" }),
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    story.ok("ConfirmForgotPassword", confirm(&reset));
    story.refused("ConfirmForgotPassword", confirm(&reset), EXPIRED.0, EXPIRED.1);
    story.refused("AdminInitiateAuth", login("ana", PASSWORD), INCORRECT.0, INCORRECT.1);
    story.ok("AdminInitiateAuth", login("ana", "a new password"));

    story.ok("ForgotPassword", json!({ "Username": "ana" }));
    let reset = story.mailed_code();
    story.pass(SignedDuration::from_hours(1));
    story.refused("ConfirmForgotPassword", confirm(&reset), EXPIRED.0, EXPIRED.1);
}

#[test]
fn codes_cannot_be_guessed_nor_asked_for_without_end() {
    let story = Story::new();
    story.sign_up("ana");
    let code = story.mailed_code();
    let confirm = |code: &str| json!({ "Username": "ana", "ConfirmationCode": code });
    for _ in 0..5 {
        story.refused("ConfirmSignUp", confirm(&wrong(&code)), MISMATCH.0, MISMATCH.1);
    }
    story.refused("ConfirmSignUp", confirm(&code), LIMIT.0, LIMIT.1);
    story.pass(SignedDuration::from_hours(1));
    story.ok("ConfirmSignUp", confirm(&code));

    for name in ["ana", "nobody"] {
        for _ in 0..5 {
            story.ok("ForgotPassword", json!({ "Username": name }));
        }
        story.refused("ForgotPassword", json!({ "Username": name }), LIMIT.0, LIMIT.1);
    }
    assert_eq!(story.cognito.emails().unwrap().len(), 6);
}

#[test]
fn nobody_learns_which_users_exist() {
    let story = Story::new();
    story.user("ana");
    story.user("off");
    story.ok("AdminDisableUser", json!({ "Username": "off" }));
    story.sign_up("new");
    let mails = story.cognito.emails().unwrap().len();

    for name in ["ana", "off", "new", "nobody"] {
        story.refused("AdminInitiateAuth", login(name, "wrong"), INCORRECT.0, INCORRECT.1);
    }
    story.refused("AdminInitiateAuth", login("off", PASSWORD), "NotAuthorizedException", "User is disabled.");
    for name in ["off", "new", "nobody"] {
        let answer = story.ok("ForgotPassword", json!({ "Username": name }));
        let details = &answer["CodeDeliveryDetails"];
        assert_eq!(details["DeliveryMedium"], "EMAIL");
        let again = story.ok("ForgotPassword", json!({ "Username": name }));
        assert_eq!(answer, again);
        assert_eq!(details["Destination"].as_str().unwrap().len(), "a***@e***".len());
    }
    for name in ["off", "nobody"] {
        story.ok("ResendConfirmationCode", json!({ "Username": name }));
        let enter = json!({ "Username": name, "ConfirmationCode": "123456", "Password": PASSWORD });
        story.refused("ConfirmSignUp", enter.clone(), EXPIRED.0, EXPIRED.1);
        for _ in 0..5 {
            story.refused("ConfirmForgotPassword", enter.clone(), MISMATCH.0, MISMATCH.1);
        }
        story.refused("ConfirmForgotPassword", enter, LIMIT.0, LIMIT.1);
    }
    assert_eq!(story.cognito.emails().unwrap().len(), mails, "nothing is sent");

    for _ in 0..4 {
        for name in ["ana", "nobody"] {
            story.refused("AdminInitiateAuth", login(name, "wrong"), INCORRECT.0, INCORRECT.1);
        }
    }
    for name in ["ana", "nobody"] {
        story.refused("AdminInitiateAuth", login(name, "wrong"), LOCKED.0, LOCKED.1);
    }
}

#[test]
fn wrong_passwords_lock_for_a_time_that_doubles() {
    let story = Story::new();
    story.user("ana");
    let right = || login("ana", PASSWORD);
    let fail = || story.refused("AdminInitiateAuth", login("ana", "wrong"), INCORRECT.0, INCORRECT.1);
    let locked = || story.refused("AdminInitiateAuth", right(), LOCKED.0, LOCKED.1);
    for _ in 0..5 {
        fail();
    }
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        story.pass(SignedDuration::from_secs(seconds) - SignedDuration::from_millis(1));
        locked();
        story.pass(SignedDuration::from_millis(1));
        fail();
    }
    // A sign-in once the lock is over starts the count again.
    story.pass(SignedDuration::from_secs(899));
    locked();
    story.pass(SignedDuration::from_secs(1));
    story.ok("AdminInitiateAuth", right());
    for _ in 0..4 {
        fail();
    }
    story.ok("AdminInitiateAuth", right());
    // And so do 15 minutes without an attempt.
    for _ in 0..4 {
        fail();
    }
    story.pass(SignedDuration::from_mins(15));
    for _ in 0..4 {
        fail();
    }
    story.ok("AdminInitiateAuth", right());
}

#[test]
fn guesses_made_at_once_count_one_by_one() {
    let mut story = Story::new();
    // Slow hashes, so that all guesses are past the first look at the lockout before one of them is counted.
    story.cognito.passwords = Passwords::new(Cost::Guarded).unwrap();
    story.user("ana");
    let guess = || story.call("AdminInitiateAuth", login("ana", "wrong")).body["message"].clone();
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let looked_at = answers.iter().filter(|answer| *answer == INCORRECT.1);
    assert_eq!(looked_at.count(), 5, "{answers:?}");
}

#[test]
fn a_refresh_token_gives_new_tokens_of_the_same_session() {
    let story = Story::new();
    story.user("ana");
    let first = story.sign_in("ana");
    story.pass(SignedDuration::from_mins(50));
    let second = story.ok("InitiateAuth", refresh(&first["RefreshToken"]));
    let second = &second["AuthenticationResult"];
    assert_eq!(keys_of(second), ["AccessToken", "ExpiresIn", "IdToken", "TokenType"]);
    let (old, new) = (claims(&story.cognito, &first["AccessToken"]), claims(&story.cognito, &second["AccessToken"]));
    assert_eq!(new["origin_jti"], old["origin_jti"]);
    assert_eq!(new["auth_time"], old["auth_time"]);
    assert_eq!(new["iat"], START / 1000 + 3000);
    assert_ne!(new["jti"], old["jti"]);

    let invalid = "Invalid Refresh Token.";
    story.refused("InitiateAuth", refresh(&json!("x")), "NotAuthorizedException", invalid);
    story.refused("InitiateAuth", refresh(&first["AccessToken"]), "NotAuthorizedException", invalid);
    story.pass(SignedDuration::from_hours(24 * 30));
    story.refused(
        "InitiateAuth",
        refresh(&first["RefreshToken"]),
        "NotAuthorizedException",
        "Refresh Token has expired",
    );
}

#[test]
fn signing_out_ends_every_session_at_once() {
    let ends = [
        ("AdminUserGlobalSignOut", "Refresh Token has been revoked"),
        ("AdminDisableUser", "Refresh Token has been revoked"),
        ("AdminDeleteUser", "Invalid Refresh Token."),
        ("GlobalSignOut", "Refresh Token has been revoked"),
    ];
    for (end, message) in ends {
        let story = Story::new();
        story.user("ana");
        story.user("bob");
        let (one, two, other) = (story.sign_in("ana"), story.sign_in("ana"), story.sign_in("bob"));
        story.ok(end, json!({ "Username": "ana", "AccessToken": one["AccessToken"] }));
        for session in [&one, &two] {
            story.refused("InitiateAuth", refresh(&session["RefreshToken"]), "NotAuthorizedException", message);
            story.refused(
                "GlobalSignOut",
                json!({ "AccessToken": session["AccessToken"] }),
                "NotAuthorizedException",
                "Access Token has been revoked",
            );
        }
        let mut still_bob = refresh(&other["RefreshToken"]);
        still_bob["AuthParameters"]["SECRET_HASH"] = secret_hash("bob").into();
        story.ok("InitiateAuth", still_bob);
    }
}

#[test]
fn a_disabled_user_starts_anew_when_enabled() {
    let story = Story::new();
    story.user("ana");
    let session = story.sign_in("ana");
    story.ok("AdminDisableUser", json!({ "Username": "ana" }));
    assert_eq!(story.ok("AdminGetUser", json!({ "Username": "ana" }))["Enabled"], false);
    story.ok("AdminEnableUser", json!({ "Username": "ana" }));
    story.refused(
        "InitiateAuth",
        refresh(&session["RefreshToken"]),
        "NotAuthorizedException",
        "Refresh Token has been revoked",
    );
    story.sign_in("ana");
}

#[test]
fn one_session_can_be_revoked_alone() {
    let story = Story::new();
    story.user("ana");
    let (one, two) = (story.sign_in("ana"), story.sign_in("ana"));
    story.ok("RevokeToken", json!({ "Token": one["RefreshToken"] }));
    story.ok("RevokeToken", json!({ "Token": one["RefreshToken"] }));
    story.ok("RevokeToken", json!({ "Token": "unknown" }));
    story.refused(
        "RevokeToken",
        json!({ "Token": two["AccessToken"] }),
        "UnsupportedTokenTypeException",
        "Unsupported token type",
    );
    story.refused(
        "RevokeToken",
        json!({ "Token": two["RefreshToken"], "ClientId": "other" }),
        "UnauthorizedException",
        "Invalid client.",
    );
    let change = |session: &Value| {
        json!({
            "AccessToken": session["AccessToken"],
            "PreviousPassword": PASSWORD,
            "ProposedPassword": "a new password",
        })
    };
    story.refused("ChangePassword", change(&one), "NotAuthorizedException", "Access Token has been revoked");
    story.ok("ChangePassword", change(&two));
    story.ok("InitiateAuth", refresh(&two["RefreshToken"]));
}

#[test]
fn a_password_is_changed_by_who_knows_it() {
    let story = Story::new();
    story.user("ana");
    let token = story.sign_in("ana")["AccessToken"].clone();
    let change = |previous: &str, proposed: &str| json!({ "AccessToken": token, "PreviousPassword": previous, "ProposedPassword": proposed });
    story.refused(
        "ChangePassword",
        change(PASSWORD, "short"),
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    for _ in 0..5 {
        story.refused("ChangePassword", change("wrong", "a new password"), INCORRECT.0, INCORRECT.1);
    }
    story.refused("ChangePassword", change(PASSWORD, "a new password"), LIMIT.0, LIMIT.1);
    story.pass(SignedDuration::from_secs(1));
    story.ok("ChangePassword", change(PASSWORD, "a new password"));
    story.refused("AdminInitiateAuth", login("ana", PASSWORD), INCORRECT.0, INCORRECT.1);
    story.ok("AdminInitiateAuth", login("ana", "a new password"));
}

#[test]
fn an_access_token_has_to_be_one_of_ours_and_fresh() {
    let story = Story::new();
    story.user("ana");
    let result = story.sign_in("ana");
    let refused = |token: &Value, message: &str| {
        let body = json!({ "AccessToken": token });
        story.refused("GlobalSignOut", body, "NotAuthorizedException", message);
    };
    refused(&json!("x"), "Invalid Access Token");
    refused(&result["IdToken"], "Invalid Access Token");
    refused(&result["RefreshToken"], "Invalid Access Token");
    let again = story.sign_in("ana")["AccessToken"].clone();
    let (signed, _) = result["AccessToken"].as_str().unwrap().rsplit_once('.').unwrap();
    let (_, signature) = again.as_str().unwrap().rsplit_once('.').unwrap();
    refused(&json!(format!("{signed}.{signature}")), "Could not verify signature for Access Token");

    let good = claims(&story.cognito, &result["AccessToken"]);
    let forged = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        json!(story.cognito.keys.access.sign(&claims).unwrap())
    };
    refused(&forged("iss", json!("https://example.com")), "Invalid Access Token");
    refused(&forged("client_id", json!("other")), "Invalid Access Token");
    refused(&forged("token_use", json!("id")), "Invalid Access Token");
    refused(&forged("exp", json!("soon")), "Invalid Access Token");
    refused(&forged("scope", json!("openid")), "Access Token does not have required scopes");
    refused(&forged("origin_jti", json!("none")), "Access Token has been revoked");

    story.pass(SignedDuration::from_mins(60));
    refused(&result["AccessToken"], "Access Token has expired");
    story.ok("GlobalSignOut", json!({ "AccessToken": story.sign_in("ana")["AccessToken"] }));
}

#[test]
fn an_administrator_sees_and_changes_a_user() {
    let story = Story::new();
    let sub = story.sign_up("ana")["UserSub"].clone();
    story.pass(SignedDuration::from_millis(1500));
    story.ok("AdminConfirmSignUp", json!({ "Username": "ana" }));
    let created = f64::from(1_790_000_000);
    let expected = |verified: &str, email: &str| {
        json!({
            "Username": "ana",
            "UserAttributes": [
                { "Name": "sub", "Value": sub },
                { "Name": "email", "Value": email },
                { "Name": "email_verified", "Value": verified },
            ],
            "UserCreateDate": created,
            "UserLastModifiedDate": created + 1.5,
            "Enabled": true,
            "UserStatus": "CONFIRMED",
        })
    };
    let get = || story.ok("AdminGetUser", json!({ "Username": sub }));
    assert_eq!(get(), expected("false", "ana@example.com"));

    // Confirmed without a verified address: there is nowhere to send a code.
    story.ok("ForgotPassword", json!({ "Username": "ana" }));
    assert_eq!(story.cognito.emails().unwrap().len(), 1);
    let update = |attributes: Value| json!({ "Username": "ana", "UserAttributes": attributes });
    let attribute = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    story.ok(
        "AdminUpdateUserAttributes",
        update(json!([attribute("email_verified", "true"), attribute("email", "Ana@New.example")])),
    );
    assert_eq!(get(), expected("true", "ana@new.example"));
    story.ok("ForgotPassword", json!({ "Username": "ana" }));
    assert_eq!(story.cognito.emails().unwrap()[0].to, "ana@new.example");

    story.ok("AdminUpdateUserAttributes", update(json!([attribute("email", "b@c.example")])));
    assert_eq!(get(), expected("false", "b@c.example"));
    story.refused(
        "AdminUpdateUserAttributes",
        update(json!([attribute("sub", "x")])),
        "InvalidParameterException",
        "user.sub: Attribute cannot be updated.\n",
    );
    assert_eq!(get(), expected("false", "b@c.example"));
}

#[test]
fn an_administrator_sets_a_password() {
    let story = Story::new();
    story.sign_up("ana");
    let set = |permanent: bool| json!({ "Username": "ana", "Password": "a new password", "Permanent": permanent });
    let temporary = story.call("AdminSetUserPassword", set(false));
    assert_eq!(temporary.error_type, Some("InvalidParameterException"));
    story.ok("AdminSetUserPassword", set(true));
    story.ok("AdminInitiateAuth", login("ana", "a new password"));
}

#[test]
fn a_deleted_user_is_gone_and_the_name_free() {
    let story = Story::new();
    story.user("ana");
    let preferred = json!([{ "Name": "preferred_username", "Value": "anna" }]);
    story.ok("AdminUpdateUserAttributes", json!({ "Username": "ana", "UserAttributes": preferred }));
    let preferred_name = || {
        let user = story.ok("AdminGetUser", json!({ "Username": "ana" }));
        let attributes = user["UserAttributes"].as_array().unwrap().clone();
        attributes.into_iter().find(|attribute| attribute["Name"] == "preferred_username")
    };
    assert_eq!(preferred_name().unwrap()["Value"], "anna");
    story.ok("AdminDeleteUser", json!({ "Username": "ana" }));
    let admin = EVERY_CALL.iter().filter(|name| name.starts_with("Admin"));
    // Logging in tells nobody who is there.
    for operation in admin.filter(|name| **name != "AdminInitiateAuth") {
        let body = json!({
            "Username": "ana", "Password": PASSWORD, "Permanent": true,
            "UserAttributes": [],
        });
        story.refused(operation, body, "UserNotFoundException", "User does not exist.");
    }
    story.refused("AdminInitiateAuth", login("ana", PASSWORD), INCORRECT.0, INCORRECT.1);
    story.user("ana");
    assert_eq!(preferred_name(), None, "who has the name next inherits nothing");
}

#[test]
fn only_the_flows_of_the_client_are_open() {
    let mut story = Story::new();
    story.user("ana");
    let flow = |flow: &str| json!({ "AuthFlow": flow, "AuthParameters": {} });
    let refused = |operation: &str, name: &str, message: &str| {
        story.refused(operation, flow(name), "InvalidParameterException", message);
    };
    for closed in ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "CUSTOM_AUTH", "USER_AUTH"] {
        refused("InitiateAuth", closed, &format!("{closed} flow not enabled for this client"));
    }
    for name in ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"] {
        refused("InitiateAuth", name, "Initiate Auth method not supported.");
        refused("AdminInitiateAuth", name, "Missing required parameter USERNAME");
    }
    for closed in ["USER_SRP_AUTH", "CUSTOM_AUTH", "USER_AUTH"] {
        refused("AdminInitiateAuth", closed, "Auth flow not enabled for this client");
    }
    refused("AdminInitiateAuth", "USER_PASSWORD_AUTH", "Initiate Auth method not supported.");
    for operation in ["InitiateAuth", "AdminInitiateAuth"] {
        refused(operation, "REFRESH_TOKEN", "Missing required parameter REFRESH_TOKEN");
        assert_eq!(story.call(operation, flow("MAGIC")).error_type, Some("InvalidParameterException"));
    }
    let mut elsewhere = login("ana", PASSWORD);
    elsewhere["UserPoolId"] = "local_Other".into();
    let message = "User pool local_Other does not exist.";
    story.refused("AdminInitiateAuth", elsewhere, "ResourceNotFoundException", message);
    let session = story.sign_in("ana");
    story.ok("AdminInitiateAuth", refresh(&session["RefreshToken"]));

    story.cognito.settings.auth_flows = vec!["ALLOW_USER_PASSWORD_AUTH".into()];
    let message = "Auth flow not enabled for this client";
    story.refused("AdminInitiateAuth", login("ana", PASSWORD), "InvalidParameterException", message);
    let mut by_anybody = login("ana", PASSWORD);
    by_anybody["AuthFlow"] = "USER_PASSWORD_AUTH".into();
    story.ok("InitiateAuth", by_anybody);
}

#[test]
fn the_pool_describes_itself() {
    let story = Story::new();
    story.sign_up("ana");
    let pool = story.ok("DescribeUserPool", json!({}))["UserPool"].clone();
    assert_eq!(pool["Id"], "local_Broadsheet");
    assert_eq!(pool["Name"], "Broadsheet");
    assert_eq!(pool["EstimatedNumberOfUsers"], 1);
    assert_eq!(pool["Policies"]["PasswordPolicy"]["MinimumLength"], 8);
    for operation in ["DescribeUserPool", "AdminGetUser"] {
        story.refused(
            operation,
            json!({ "Username": "ana", "UserPoolId": "local_Other" }),
            "ResourceNotFoundException",
            "User pool local_Other does not exist.",
        );
    }
}

#[test]
fn no_input_breaks_it() {
    let story = Story::new();
    for target in ["", "SignUp", "AWSCognitoIdentityProviderService.", "X.SignUp"] {
        let answer = story.cognito.call(target, b"{}");
        assert_eq!(answer.status, 400);
        assert_eq!(answer.error_type, Some("UnknownOperationException"));
    }
    let members = [
        "Username",
        "Password",
        "ClientId",
        "UserPoolId",
        "UserAttributes",
        "GroupName",
        "Limit",
        "NextToken",
        "AuthFlow",
        "AuthParameters",
        "AccessToken",
        "Token",
        "ConfirmationCode",
        "PreviousPassword",
        "ProposedPassword",
        "Permanent",
    ];
    let odd = [
        json!(null),
        json!(7),
        json!(-1),
        json!(1e300),
        json!(true),
        json!(""),
        json!("\u{0}"),
        json!("\u{202e}ﷺ"),
        json!("..."),
        json!("a.b.c"),
        json!([]),
        json!([1]),
        json!([{}]),
        json!([{ "Name": 1 }]),
        json!([{ "Name": "email", "Value": "@" }]),
        json!({}),
        json!({ "USERNAME": 1 }),
        json!({ "USERNAME": "\u{0}", "PASSWORD": "x" }),
    ];
    for operation in EVERY_CALL {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        for body in [&b""[..], b"{", b"[]", b"null", b"\xff\xfe", &[b'['; 10_000]] {
            let answer = story.cognito.call(&target, body);
            assert_eq!(answer.error_type, Some("SerializationException"), "{operation}");
        }
        for name in members {
            for value in &odd {
                let mut body = json!({
                    "Username": "nobody", "Password": PASSWORD, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
                    "GroupName": "admin", "ConfirmationCode": "1", "AccessToken": "t", "Token": "t",
                    "PreviousPassword": "p", "ProposedPassword": PASSWORD,
                });
                body[name] = value.clone();
                let answer = story.call(operation, body);
                assert!(answer.status < 500, "{operation} {name} {value}: {}", answer.body);
            }
        }
    }
}

#[test]
fn a_file_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cognito.sqlite");
    let before = Story::open(Some(&path));
    before.user("ana");
    before.sign_up("new");
    let session = before.sign_in("ana");
    let jwks = before.cognito.jwks();
    let mails = before.cognito.emails().unwrap();
    before.refused("AdminInitiateAuth", login("ana", "wrong"), INCORRECT.0, INCORRECT.1);
    // As if killed: nothing is closed.
    std::mem::forget(before);

    let after = Story::open(Some(&path));
    assert_eq!(after.cognito.jwks(), jwks);
    assert_eq!(after.cognito.emails().unwrap(), mails);
    claims(&after.cognito, &session["AccessToken"]);
    after.ok("InitiateAuth", refresh(&session["RefreshToken"]));
    after.ok("ConfirmSignUp", json!({ "Username": "new", "ConfirmationCode": mails[0].code }));
    after.sign_in("new");
    after.ok("GlobalSignOut", json!({ "AccessToken": session["AccessToken"] }));

    let bytes =
        ["cognito.sqlite", "cognito.sqlite-wal"].map(|name| std::fs::read(folder.path().join(name)).unwrap()).concat();
    for secret in [PASSWORD, session["RefreshToken"].as_str().unwrap()] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a secret is stored as it is");
    }
    assert_ne!(jwks, Story::new().cognito.jwks(), "the file has keys of its own");
}

#[test]
fn pools_in_memory_are_apart() {
    let (one, two) = (Story::new(), Story::new());
    one.user("ana");
    two.refused("AdminInitiateAuth", login("ana", PASSWORD), INCORRECT.0, INCORRECT.1);
}

#[test]
fn a_pool_can_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Cognito>();
}

#[test]
fn codes_are_spread_over_all_digits() {
    let codes: BTreeSet<String> = (0..200).map(|_| random::code().unwrap()).collect();
    assert!(codes.len() > 190);
    let first: BTreeSet<&str> = codes.iter().map(|code| &code[..1]).collect();
    assert_eq!(first.len(), 10, "{codes:?}");
}

#[test]
fn whoever_calls_the_client_knows_its_secret() {
    let story = Story::new();
    story.user("ana");
    let session = story.sign_in("ana");
    let name = json!({ "Username": "ana", "ConfirmationCode": "000000", "Password": PASSWORD });
    let by_code = ["ConfirmSignUp", "ResendConfirmationCode", "ForgotPassword", "ConfirmForgotPassword"];
    let calls = by_code.map(|operation| (operation, name.clone()));
    let missing = "Client client is configured with secret but SECRET_HASH was not received";
    let wrong = "Unable to verify secret hash for client client";
    for (operation, body) in calls.into_iter().chain([("SignUp", sign_up("eve"))]) {
        for (hash, message) in
            [(Value::Null, missing), ("bm90aGluZw==".into(), wrong), (secret_hash("bob").into(), wrong)]
        {
            let mut body = body.clone();
            body["SecretHash"] = hash;
            story.refused(operation, body, "NotAuthorizedException", message);
        }
    }
    for (operation, body) in [
        ("AdminInitiateAuth", login("ana", PASSWORD)),
        ("AdminInitiateAuth", refresh(&session["RefreshToken"])),
        ("InitiateAuth", refresh(&session["RefreshToken"])),
    ] {
        for (hash, message) in [(Value::Null, missing), (secret_hash("bob").into(), wrong)] {
            let mut body = body.clone();
            body["AuthParameters"]["SECRET_HASH"] = hash;
            story.refused(operation, body, "NotAuthorizedException", message);
        }
        story.ok(operation, body);
    }
    let revoke = json!({ "Token": session["RefreshToken"], "ClientSecret": "guess" });
    story.refused("RevokeToken", revoke, "UnauthorizedException", "Invalid client secret.");
}

#[test]
fn an_id_token_opens_no_self_service() {
    let story = Story::new();
    story.user("ana");
    let session = story.sign_in("ana");
    for operation in
        ["GetUser", "DeleteUser", "UpdateUserAttributes", "VerifyUserAttribute", "GetUserAttributeVerificationCode"]
    {
        let with = |token: &Value| json!({ "AccessToken": token });
        story.refused(operation, with(&session["IdToken"]), "NotAuthorizedException", "Invalid Access Token");
        let answer = story.call(operation, with(&session["AccessToken"]));
        assert_eq!(
            answer.body["__type"], "UnknownOperationException",
            "{operation}: the token is not what it fails by"
        );
    }
}
