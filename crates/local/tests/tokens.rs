//! Which tokens are good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::{Json, Router, routing::get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blog::Error;
use blog::clock::Timestamp;
use blog::config::Config;
use blog::identity::Verifier;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use local::backing::refs;
use local::template::{self, Template};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, START, TestStack};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
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
        cognito.sign_access_token(&claims).unwrap()
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
    let key = cognito.jwks()["keys"][1].clone();
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
            claims["cognito:groups"] = json!(["admin"]);
            format!("{header}.{}.{signature}", encoded(&claims))
        }),
        ("another client", with("client_id", json!("somebodyelse"))),
        ("another pool", with("iss", json!("https://cognito-idp.local.amazonaws.com/local_Other"))),
        ("an id token", with("token_use", json!("id"))),
        ("expired", with("exp", json!(now - 31))),
        ("not yet valid", with("nbf", json!(now + 31))),
        ("made in the future", with("iat", json!(now + 31))),
        ("of nobody", with("username", json!("01M7YHME20000000000000000Z"))),
        ("of something else", with("username", json!("google_12345"))),
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
async fn a_role_comes_from_the_token() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let claims = decoded(session.body["access_token"].as_str().unwrap().split('.').nth(1).unwrap());
    let with_groups = |groups: Value| {
        let mut claims = claims.clone();
        claims["cognito:groups"] = groups;
        stack.bearer(&stack.stack.backing.cognito.sign_access_token(&claims).unwrap())
    };
    let post = json!({ "title": "T", "body": "B" });
    with_groups(json!(["reader"])).post("/posts", post.clone()).await.expect_problem(403, "forbidden");
    with_groups(json!(["a-group-of-somebody-else"]))
        .post("/posts", post.clone())
        .await
        .expect_problem(403, "forbidden");
    with_groups(json!(["reader", "author"])).post("/posts", post.clone()).await.expect_status(201);
    ada.post("/posts", post).await.expect_status(201);
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
        let mut environment = Template::read(template::SOURCE, &refs()).unwrap().environment;
        environment.insert("ENDPOINTS".to_owned(), format!("jwks={url}"));
        let config = Config::read(|name| environment.get(name).cloned());
        Verifier::new(&config.unwrap())
    };
    let token = format!("{}.{}.c2ln", encoded(&json!({ "alg": "RS256", "kid": "unknown" })), encoded(&json!({})));
    let at = |seconds: i64| Timestamp::from_milliseconds(START).plus_seconds(seconds);
    let asked = verifier(&url);
    for (seconds, expected) in [(0, 1), (1, 1), (299, 1), (300, 2), (301, 2)] {
        assert!(matches!(asked.verify(&token, at(seconds)).await, Err(Error::Unauthenticated(_))));
        assert_eq!(fetches.load(Ordering::SeqCst), expected, "after {seconds} s");
    }

    // A pool that does not answer is no reason to call a token bad.
    server.abort();
    let unreachable = verifier(&url);
    let _ = server.await;
    assert!(matches!(unreachable.verify(&token, at(0)).await, Err(Error::Unavailable(_))));
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
