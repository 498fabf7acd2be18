//! Which tokens are good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Failure, Rejected, Sdk};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use axum::{Json, Router, routing::get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Denied, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use local::backing::{USER_POOL_CLIENT_ID, USER_POOL_ID};
use serde_json::{Value, json};
use tokens::Verifier;

use crate::harness::{PASSWORD, START, TestStack};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// What fetches keys from this machine.
pub fn connector() -> SharedHttpConnector {
    Sdk::new(SdkConfig::builder().build()).connector()
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_refused_everywhere() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let good = session.body["access_token"].as_str().unwrap().to_owned();
    let cognito = &stack.stack.backing.cognito;
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let (header_json, claims_json) = (decoded(header), decoded(claims));
    let with = |name: &str, value: Value| {
        let mut claims = claims_json.clone();
        claims[name] = value;
        cognito.sign_id_token(&claims).unwrap()
    };
    // The way the bad ones are made makes good ones too.
    let same = with("jti", json!("another"));
    stack.bearer(&same).get("/me").await.expect_status(200);

    let stranger = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let by_a_stranger = {
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; stranger.public_modulus_len()];
        stranger.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let key = cognito.jwks()["keys"][0].clone();
    let mut confused = Header::new(Algorithm::HS256);
    confused.kid = header_json["kid"].as_str().map(str::to_owned);
    let now = START / 1000;

    let bad = [
        ("signed by another key", by_a_stranger),
        ("alg none", format!("{}.{claims}.", encoded(&json!({ "alg": "none", "kid": header_json["kid"] })))),
        (
            "alg none with the signature",
            format!("{}.{claims}.{signature}", encoded(&json!({ "alg": "none", "kid": header_json["kid"] }))),
        ),
        (
            "the public key as an HMAC secret",
            jsonwebtoken::encode(&confused, &claims_json, &EncodingKey::from_secret(key["n"].to_string().as_bytes()))
                .unwrap(),
        ),
        ("another kid", format!("{}.{claims}.{signature}", encoded(&json!({ "alg": "RS256", "kid": "unknown" })))),
        ("no kid", format!("{}.{claims}.{signature}", encoded(&json!({ "alg": "RS256" })))),
        ("claims that were changed", {
            let mut claims = claims_json.clone();
            claims["cognito:username"] = json!("01M7YHME20000000000000000Z");
            format!("{header}.{}.{signature}", encoded(&claims))
        }),
        ("another client", with("aud", json!("somebodyelse"))),
        ("another pool", with("iss", json!("https://cognito-idp.local.amazonaws.com/local_Other"))),
        ("an access token", with("token_use", json!("access"))),
        ("expired", with("exp", json!(now - 31))),
        ("not yet valid", with("nbf", json!(now + 31))),
        ("made in the future", with("iat", json!(now + 31))),
        ("of nobody", with("cognito:username", json!("01M7YHME20000000000000000Z"))),
        ("of something else", with("cognito:username", json!("google_12345"))),
        ("not a token", "abc".to_owned()),
        ("two dots", "a.b.c".to_owned()),
    ];
    for (what, token) in bad {
        for path in ["/me", "/me/posts", "/posts", "/posts/none", "/users/ada", "/health"] {
            let answer = stack.bearer(&token).get(path).await;
            assert_eq!(answer.status, 401, "{what} on {path}: {}", answer.body);
            answer.expect_problem(401, "unauthenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what} on {path}");
        }
    }
    for header in ["Basic YTpi", "Bearer", "Bearer ", &format!("Token {good}")] {
        for path in ["/me", "/posts"] {
            let answer = stack.visitor().get_with(path, &[("authorization", header)]).await;
            answer.expect_problem(401, "unauthenticated");
        }
    }
    // Half a minute of difference between clocks is forgiven.
    for token in [with("exp", json!(now - 29)), with("nbf", json!(now + 29))] {
        stack.bearer(&token).get("/me").await.expect_status(200);
    }
}

#[tokio::test]
async fn a_token_says_nothing_of_its_user_but_a_name() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let claims = decoded(session.body["access_token"].as_str().unwrap().split('.').nth(1).unwrap());
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "aud",
            "auth_time",
            "cognito:username",
            "email_verified",
            "event_id",
            "exp",
            "iat",
            "iss",
            "jti",
            "origin_jti",
            "sub",
            "token_use",
        ]
    );
}

/// What somebody tries at Cognito itself who knows what everybody knows (the client's id, which is in every token, and the
/// name of a user there) and has stolen what we hand out.
#[tokio::test]
async fn what_we_hand_out_opens_nothing_at_cognito() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let id = ada.get("/me").await.body["id"].clone();
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let (bearer, refresh_token) = (&session.body["access_token"], &session.body["refresh_token"]);
    let (token_of_cognito, _) = refresh_token.as_str().unwrap().split_once('~').unwrap();
    let address = json!([{ "Name": "email", "Value": "thief@example.com" }]);
    let refresh = |parameters: Value| json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
    let attempts = [
        // Its self-service takes access tokens, which nobody gets.
        ("UpdateUserAttributes", json!({ "AccessToken": bearer, "UserAttributes": address })),
        ("VerifyUserAttribute", json!({ "AccessToken": bearer, "AttributeName": "email", "Code": "000000" })),
        ("GetUserAttributeVerificationCode", json!({ "AccessToken": bearer, "AttributeName": "email" })),
        ("GetUser", json!({ "AccessToken": bearer })),
        ("DeleteUser", json!({ "AccessToken": bearer })),
        ("GlobalSignOut", json!({ "AccessToken": bearer })),
        (
            "ChangePassword",
            json!({ "AccessToken": bearer, "PreviousPassword": PASSWORD, "ProposedPassword": "another passphrase" }),
        ),
        // All else takes the client's secret.
        ("SignUp", json!({ "Username": "eve", "Password": PASSWORD, "UserAttributes": address })),
        ("ConfirmSignUp", json!({ "Username": id, "ConfirmationCode": "000000" })),
        ("ResendConfirmationCode", json!({ "Username": id })),
        ("ForgotPassword", json!({ "Username": id })),
        ("ConfirmForgotPassword", json!({ "Username": id, "ConfirmationCode": "000000", "Password": "a passphrase" })),
        ("InitiateAuth", refresh(json!({ "REFRESH_TOKEN": token_of_cognito }))),
        ("InitiateAuth", refresh(json!({ "REFRESH_TOKEN": token_of_cognito, "SECRET_HASH": "bm90aGluZw==" }))),
    ];
    let cognito = &stack.stack.backing.cognito;
    let mails = cognito.emails().unwrap().len();
    for (action, mut body) in attempts {
        body["ClientId"] = USER_POOL_CLIENT_ID.into();
        let target = format!("AWSCognitoIdentityProviderService.{action}");
        let answer = cognito.call(&target, body.to_string().as_bytes());
        assert_eq!(answer.body["__type"], "NotAuthorizedException", "{action}: {}", answer.body);
    }
    let revoke = json!({ "ClientId": USER_POOL_CLIENT_ID, "Token": token_of_cognito });
    let answer = cognito.call("AWSCognitoIdentityProviderService.RevokeToken", revoke.to_string().as_bytes());
    assert_eq!(answer.body["__type"], "UnauthorizedException");
    assert_eq!(cognito.emails().unwrap().len(), mails, "nobody was sent anything");

    // With us it does what it is for, and only together with the name that it was handed out with.
    stack.visitor().post("/sessions/refresh", json!({ "refresh_token": refresh_token })).await.expect_status(200);
    for other in [token_of_cognito.to_owned(), format!("{token_of_cognito}~eve"), format!("~{id}")] {
        let client = stack.visitor();
        let answer = client.post("/sessions/refresh", json!({ "refresh_token": other })).await;
        answer.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_an_unknown_one_but_not_often() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fetches);
    let jwks = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Json(json!({ "keys": [] })) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", get(jwks))).await });

    let verifier = |url: &str| {
        Verifier::new(
            format!("https://issuer/{USER_POOL_ID}"),
            USER_POOL_CLIENT_ID.to_owned(),
            url.to_owned(),
            connector(),
        )
    };
    let token = format!("{}.{}.c2ln", encoded(&json!({ "alg": "RS256", "kid": "unknown" })), encoded(&json!({})));
    let at = |seconds: i64| Timestamp::from_milliseconds(START).plus_seconds(seconds);
    let asked = verifier(&url);
    for (seconds, expected) in [(0, 1), (1, 1), (299, 1), (300, 2), (301, 2)] {
        assert!(matches!(asked.verify(&token, at(seconds)).await, Err(Rejected::Denied(Denied::BadToken))));
        assert_eq!(fetches.load(Ordering::SeqCst), expected, "after {seconds} s");
    }

    // A pool that does not answer is no reason to call a token bad.
    server.abort();
    let unreachable = verifier(&url);
    let _ = server.await;
    assert!(matches!(unreachable.verify(&token, at(0)).await, Err(Rejected::Failed(Failure::Unavailable(_)))));
}

#[tokio::test]
async fn the_authorizers_answer_is_kept_for_a_minute() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.get("/me").await.expect_status(200);
    stack.stack.wire.record();
    let asked = || {
        let calls = stack.stack.wire.take_calls();
        calls.iter().filter(|call| call.operation.as_deref() == Some("authorizer")).count()
    };
    // One policy covers every operation of the stage, so none is refused by what was kept for another.
    for path in ["/me", "/me/posts", "/me"] {
        ada.get(path).await.expect_status(200);
    }
    assert_eq!(asked(), 0);
    stack.pass_seconds(60);
    ada.get("/me").await.expect_status(200);
    assert_eq!(asked(), 1);
}
