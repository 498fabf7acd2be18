//! Tokens that somebody made to be let in. Each differs in one thing from one that is good, and is signed by the key that signs good ones where that makes
//! it harder to refuse: what is refused is refused for that one thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::Rejected;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RsaEncoding, RsaPublicKeyComponents,
};
use axum::{Json, Router, routing::get};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use domain::{Denied, Timestamp};
use local::backing::USER_POOL_CLIENT_ID;
use serde_json::{Value, json};
use tokens::Verifier;

use crate::harness::{PASSWORD, START, TestStack};
use crate::tokens::connector;

const ISSUER: &str = "https://cognito-idp.local.amazonaws.com/local_Pool";
const NOW: i64 = START / 1000;

/// A pool of our own, whose keys sign whatever a test wants signed.
struct Pool {
    key: RsaKeyPair,
    curve: EcdsaKeyPair,
    stranger: RsaKeyPair,
    verifier: Verifier,
    fetches: Arc<AtomicUsize>,
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(key: &RsaKeyPair, kid: &str) -> Value {
    let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encoded(n), "e": encoded(e) })
}

fn sign(key: &RsaKeyPair, how: &'static dyn RsaEncoding, text: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(how, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    encoded(signature)
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "ours" })
}

fn claims() -> Value {
    json!({
        "sub": "0", "aud": USER_POOL_CLIENT_ID, "iss": ISSUER, "token_use": "id", "cognito:username": "u", "auth_time": NOW,
        "iat": NOW, "exp": NOW + 3600, "origin_jti": "j", "jti": "j",
    })
}

impl Pool {
    async fn start() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let stranger = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let curve = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        let point = curve.public_key().as_ref();
        let of_curve = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "kid": "curve", "x": encoded(&point[1..33]), "y": encoded(&point[33..]),
        });
        let secret = json!({ "kty": "oct", "kid": "secret", "k": encoded("a secret that is public") });
        let keys = json!({ "keys": [jwk(&key, "ours"), of_curve, secret] });
        let fetches = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&fetches);
        let answer = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let keys = keys.clone();
            async { Json(keys) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks", get(answer))).await });
        let verifier = Verifier::new(ISSUER.to_owned(), USER_POOL_CLIENT_ID.to_owned(), url, connector());
        Self { key, curve, stranger, verifier, fetches }
    }

    /// These texts, signed by the pool.
    fn signed(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        format!("{text}.{}", sign(&self.key, &RSA_PKCS1_SHA256, &text))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = header();
        header[name] = value;
        self.signed(&header.to_string(), &claims().to_string())
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = claims();
        claims[name] = value;
        self.signed(&header().to_string(), &claims.to_string())
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        self.signed(&header().to_string(), &claims.to_string())
    }

    /// Signed otherwise, with this header.
    fn by(&self, header: Value, sign: impl FnOnce(&str) -> String) -> String {
        let text = format!("{}.{}", encoded(header.to_string()), encoded(claims().to_string()));
        format!("{text}.{}", sign(&text))
    }

    /// The good one, and all that are not.
    fn tokens(&self) -> (String, Vec<(String, String)>) {
        let good = self.signed(&header().to_string(), &claims().to_string());
        let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let alg = |alg: &str| json!({ "alg": alg, "kid": "ours" });
        let by_stranger = |text: &str| sign(&self.stranger, &RSA_PKCS1_SHA256, text);
        let public_key = jwk(&self.key, "ours");
        let mac = |secret: &[u8], text: &str| {
            encoded(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes()))
        };
        let by_curve = |text: &str| encoded(self.curve.sign(&SystemRandom::new(), text.as_bytes()).unwrap());
        let of_stranger = jwk(&self.stranger, "ours");
        let certificate = json!([STANDARD.encode("MIIB")]);
        let modulus = public_key["n"].as_str().unwrap().to_owned();
        let der = self.key.public_key().as_ref().to_vec();
        let altered = {
            // The last character has bits that mean nothing; another one decodes to the same bytes if nobody looks.
            let last = signature.chars().last().unwrap();
            let other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                .chars()
                .zip("BADCFEHGJILKNMPORQTSVUXWZYbadcfehgjilknmporqtsvuxwzy1032547698_-".chars())
                .find(|(one, _)| *one == last)
                .unwrap()
                .1;
            format!("{head}.{body}.{}{other}", &signature[..signature.len() - 1])
        };
        let text = |header: &str, claims: &str| self.signed(header, claims);
        let plain = claims().to_string();
        let twice = |name: &str, value: &str| {
            let claims = plain.replacen('{', &format!("{{\"{name}\":{value},"), 1);
            text(&header().to_string(), &claims)
        };
        let mut bad: Vec<(&str, String)> = vec![
            // Algorithms.
            ("alg none", self.by(alg("none"), |_| String::new())),
            ("alg none with a signature", format!("{}.{body}.{signature}", encoded(alg("none").to_string()))),
            ("alg None", self.by(alg("None"), |_| String::new())),
            ("alg NONE", self.by(alg("NONE"), |_| String::new())),
            ("alg empty", self.by(alg(""), |_| String::new())),
            ("alg missing", self.by(json!({ "kid": "ours" }), |text| sign(&self.key, &RSA_PKCS1_SHA256, text))),
            ("alg null", self.with_header("alg", Value::Null)),
            ("alg a number", self.with_header("alg", json!(256))),
            ("alg rs256", self.with_header("alg", json!("rs256"))),
            ("alg a list", self.with_header("alg", json!(["RS256"]))),
            ("HS256 with the modulus", self.by(alg("HS256"), |text| mac(modulus.as_bytes(), text))),
            ("HS256 with the key's bytes", self.by(alg("HS256"), |text| mac(&der, text))),
            ("HS256 with the key as JSON", self.by(alg("HS256"), |text| mac(public_key.to_string().as_bytes(), text))),
            ("HS256 with nothing", self.by(alg("HS256"), |text| mac(b"", text))),
            (
                "HS256 with a secret of the set",
                self.by(json!({ "alg": "HS256", "kid": "secret" }), |text| mac(b"a secret that is public", text)),
            ),
            ("RS256 with a secret of the set", self.with_header("kid", json!("secret"))),
            ("RS384", self.by(alg("RS384"), |text| sign(&self.key, &RSA_PKCS1_SHA384, text))),
            ("RS512", self.by(alg("RS512"), |text| sign(&self.key, &RSA_PKCS1_SHA512, text))),
            ("RS256 that is RS512", self.by(alg("RS256"), |text| sign(&self.key, &RSA_PKCS1_SHA512, text))),
            ("PS256", self.by(alg("PS256"), |text| sign(&self.key, &RSA_PSS_SHA256, text))),
            ("RS256 that is PS256", self.by(alg("RS256"), |text| sign(&self.key, &RSA_PSS_SHA256, text))),
            ("ES256 of the set", self.by(json!({ "alg": "ES256", "kid": "curve" }), by_curve)),
            ("RS256 that is ES256", self.by(json!({ "alg": "RS256", "kid": "curve" }), by_curve)),
            ("RS256 with the key of a curve", self.with_header("kid", json!("curve"))),
            ("EdDSA", self.by(alg("EdDSA"), by_stranger)),
            // Keys.
            ("signed by a stranger", self.by(header(), by_stranger)),
            (
                "a key that it brings",
                self.by(json!({ "alg": "RS256", "kid": "ours", "jwk": of_stranger }), by_stranger),
            ),
            ("a key that it brings, without kid", self.by(json!({ "alg": "RS256", "jwk": of_stranger }), by_stranger)),
            (
                "an address of keys",
                self.by(json!({ "alg": "RS256", "kid": "ours", "jku": "http://127.0.0.1:9/keys" }), by_stranger),
            ),
            (
                "an address of a certificate",
                self.by(json!({ "alg": "RS256", "kid": "ours", "x5u": "http://127.0.0.1:9/cert" }), by_stranger),
            ),
            ("a certificate", self.by(json!({ "alg": "RS256", "kid": "ours", "x5c": certificate }), by_stranger)),
            ("kid missing", self.by(json!({ "alg": "RS256" }), |text| sign(&self.key, &RSA_PKCS1_SHA256, text))),
            ("kid null", self.with_header("kid", Value::Null)),
            ("kid empty", self.with_header("kid", json!(""))),
            ("kid a number", self.with_header("kid", json!(1))),
            ("kid a list", self.with_header("kid", json!(["ours"]))),
            ("kid unknown", self.with_header("kid", json!("theirs"))),
            ("kid with a space", self.with_header("kid", json!("ours "))),
            ("kid in capitals", self.with_header("kid", json!("OURS"))),
            ("kid a path", self.with_header("kid", json!("../../../dev/null"))),
            ("kid SQL", self.with_header("kid", json!("ours' OR '1'='1"))),
            ("kid huge", self.with_header("kid", json!("k".repeat(100_000)))),
            // What has to be understood.
            ("crit", self.with_header("crit", json!(["exp"]))),
            ("crit empty", self.with_header("crit", json!([]))),
            ("b64", {
                let header = json!({ "alg": "RS256", "kid": "ours", "b64": false, "crit": ["b64"] }).to_string();
                let text = format!("{}.{}", encoded(&header), plain);
                format!("{}.{body}.{}", encoded(&header), sign(&self.key, &RSA_PKCS1_SHA256, &text))
            }),
            ("b64, signed as ever", {
                let header = json!({ "alg": "RS256", "kid": "ours", "b64": false, "crit": ["b64"] }).to_string();
                text(&header, &plain)
            }),
            // Twice the same name: who reads the first and who reads the last see different tokens.
            ("alg twice", text(r#"{"alg":"none","alg":"RS256","kid":"ours"}"#, &plain)),
            ("kid twice", text(r#"{"alg":"RS256","kid":"theirs","kid":"ours"}"#, &plain)),
            ("aud twice", twice("aud", "\"another\"")),
            ("iss twice", twice("iss", "\"https://another\"")),
            ("exp twice", twice("exp", "1")),
            ("token_use twice", twice("token_use", "\"access\"")),
            ("user twice", twice("cognito:username", "\"admin\"")),
            // Whose it is.
            ("another issuer", self.with_claim("iss", json!("https://cognito-idp.local.amazonaws.com/local_Other"))),
            ("the issuer with a slash", self.with_claim("iss", json!(format!("{ISSUER}/")))),
            ("the issuer in capitals", self.with_claim("iss", json!(ISSUER.to_uppercase()))),
            ("an issuer that begins alike", self.with_claim("iss", json!(format!("{ISSUER}.example.com")))),
            ("issuer a list", self.with_claim("iss", json!([ISSUER]))),
            ("no issuer", self.without_claim("iss")),
            ("another client", self.with_claim("aud", json!("another"))),
            ("clients", self.with_claim("aud", json!([USER_POOL_CLIENT_ID, "another"]))),
            ("client null", self.with_claim("aud", Value::Null)),
            ("client empty", self.with_claim("aud", json!(""))),
            ("a client_id instead", {
                let mut claims = claims();
                let client = claims.as_object_mut().unwrap().remove("aud").unwrap();
                claims["client_id"] = client;
                text(&header().to_string(), &claims.to_string())
            }),
            ("an access token", self.with_claim("token_use", json!("access"))),
            ("token_use ID", self.with_claim("token_use", json!("ID"))),
            ("token_use a list", self.with_claim("token_use", json!(["id"]))),
            ("no token_use", self.without_claim("token_use")),
            ("no user", self.without_claim("cognito:username")),
            ("user null", self.with_claim("cognito:username", Value::Null)),
            ("user an object", self.with_claim("cognito:username", json!({ "id": "u" }))),
            // Clocks.
            ("expired", self.with_claim("exp", json!(NOW - 31))),
            ("expired just now", self.with_claim("exp", json!(NOW - 30))),
            ("no exp", self.without_claim("exp")),
            ("exp null", self.with_claim("exp", Value::Null)),
            ("exp text", self.with_claim("exp", json!((NOW + 3600).to_string()))),
            ("exp a fraction", self.with_claim("exp", json!(NOW as f64 + 3600.5))),
            ("exp negative", self.with_claim("exp", json!(-1))),
            ("exp zero", self.with_claim("exp", json!(0))),
            ("exp the least", self.with_claim("exp", json!(i64::MIN))),
            ("exp too large", text(&header().to_string(), &plain.replace(&(NOW + 3600).to_string(), "1e400"))),
            ("exp larger than a word", {
                text(&header().to_string(), &plain.replace(&(NOW + 3600).to_string(), "99999999999999999999"))
            }),
            ("not yet valid", self.with_claim("nbf", json!(NOW + 31))),
            ("nbf the greatest", self.with_claim("nbf", json!(i64::MAX))),
            ("nbf text", self.with_claim("nbf", json!("0"))),
            ("nbf a fraction", self.with_claim("nbf", json!(0.5))),
            ("made in the future", self.with_claim("iat", json!(NOW + 31))),
            ("iat the greatest", self.with_claim("iat", json!(i64::MAX))),
            ("no iat", self.without_claim("iat")),
            ("iat text", self.with_claim("iat", json!("now"))),
            // Forms.
            ("two parts", format!("{head}.{body}")),
            ("two parts and a dot", format!("{head}.{body}.")),
            ("four parts", format!("{good}.{signature}")),
            ("five parts, as what is encrypted", format!("{head}.{body}.{signature}.{body}.{signature}")),
            ("nothing", String::new()),
            ("dots", "..".to_owned()),
            ("no header", format!(".{body}.{signature}")),
            ("no claims", format!("{head}..{signature}")),
            ("space before", format!(" {good}")),
            ("space after", format!("{good} ")),
            ("a line's end after", format!("{good}\n")),
            ("a line's end within", format!("{head}.\n{body}.{signature}")),
            ("a zero after", format!("{good}\0")),
            ("padding", format!("{head}.{body}.{}", URL_SAFE.encode(URL_SAFE_NO_PAD.decode(signature).unwrap()))),
            ("padding of the header", format!("{}.{body}.{signature}", URL_SAFE.encode(header().to_string()))),
            ("the other alphabet", {
                format!("{head}.{body}.{}", STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap()))
            }),
            ("a signature that is written otherwise", altered),
            ("a signature that is cut", format!("{head}.{body}.{}", &signature[..signature.len() - 4])),
            ("a signature that is longer", format!("{good}AAAA")),
            ("a signature of zeros", format!("{head}.{body}.{}", encoded([0; 256]))),
            ("claims that were changed", {
                format!("{head}.{}.{signature}", encoded(plain.replace("\"u\"", "\"admin\"")))
            }),
            ("a header that was changed", {
                format!(
                    "{}.{body}.{signature}",
                    encoded(json!({ "alg": "RS256", "kid": "ours", "typ": "JWT" }).to_string())
                )
            }),
            ("a header that is no JSON", text("alg", &plain)),
            ("a header that is a list", text(r#"["RS256","ours"]"#, &plain)),
            ("a header with a mark of bytes", text(&format!("\u{feff}{}", header()), &plain)),
            ("a header with something behind", text(&format!("{}{{}}", header()), &plain)),
            ("claims that are no JSON", text(&header().to_string(), "u")),
            ("claims that are a list", text(&header().to_string(), "[]")),
            ("claims that are nothing", text(&header().to_string(), "null")),
            ("claims with something behind", text(&header().to_string(), &format!("{plain}{{}}"))),
            ("a megabyte", "a".repeat(1 << 20)),
            ("a megabyte of dots", ".".repeat(1 << 20)),
            ("a megabyte of a header", format!("{}.{body}.{signature}", "a".repeat(1 << 20))),
        ];
        // No two are the same, so that the number says something.
        let before = bad.len();
        bad.dedup_by(|one, other| one.1 == other.1);
        assert_eq!(bad.len(), before);
        (good, bad.into_iter().map(|(what, token)| (what.to_owned(), token)).collect())
    }
}

#[tokio::test]
async fn of_all_hostile_tokens_none_is_accepted() {
    let pool = Pool::start().await;
    let (good, bad) = pool.tokens();
    let now = Timestamp::from_milliseconds(START);
    pool.verifier.verify(&good, now).await.unwrap();
    assert!(bad.len() >= 40, "{}", bad.len());
    for (what, token) in &bad {
        match pool.verifier.verify(token, now).await {
            Err(Rejected::Denied(Denied::BadToken)) => {}
            Err(other) => panic!("{what}: {other:?}"),
            Ok(claims) => panic!("{what} is accepted: {claims:?}"),
        }
    }
    assert_eq!(pool.fetches.load(Ordering::SeqCst), 1, "no token makes us fetch anything but our keys, and once");
    pool.verifier.verify(&good, now).await.unwrap();
}

#[tokio::test]
async fn ten_thousand_random_kids_are_one_fetch() {
    let pool = Pool::start().await;
    let now = Timestamp::from_milliseconds(START);
    for number in 0..10_000_u64 {
        let kid = encoded(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let header = json!({ "alg": "RS256", "kid": kid }).to_string();
        // Each at another second of five minutes less one.
        let at = now.plus_seconds(i64::try_from(number % 299).unwrap());
        let token = format!("{}.{}.c2ln", encoded(header), encoded(claims().to_string()));
        assert!(matches!(pool.verifier.verify(&token, at).await, Err(Rejected::Denied(Denied::BadToken))));
    }
    assert_eq!(pool.fetches.load(Ordering::SeqCst), 1);
    let (good, _) = pool.tokens();
    pool.verifier.verify(&good, now).await.unwrap();
}

/// API Gateway keeps what the authorizer said of a token for all routes, whichever asked first.
#[tokio::test]
async fn a_token_is_decided_alike_on_every_route() {
    let stack = TestStack::start().await;
    let reader = stack.user_with_role("rex", domain::Role::Reader).await;
    let ada = stack.user("ada").await;
    ada.publish("There", &[]).await;
    reader.get("/me").await.expect_status(200);
    let routes = [
        ("GET", "/me", 200),
        ("GET", "/me/posts", 200),
        ("GET", "/me/feed", 200),
        ("GET", "/me/keys", 200),
        ("GET", "/me/bookmarks", 200),
        ("GET", "/me/notifications", 200),
        ("GET", "/admin/users", 403),
        ("GET", "/moderation/comments", 403),
        ("PUT", "/posts/there/pin", 403),
        ("PUT", "/users/ada/follow", 204),
        ("DELETE", "/posts/there", 403),
    ];
    let session = stack.visitor().post("/sessions", json!({ "login": "rex", "password": PASSWORD })).await;
    let token = session.body["access_token"].as_str().unwrap().to_owned();
    let [head, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let forged = [
        format!("{head}.{body}."),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{body}.{head}.{signature}"),
    ];
    // Whichever route comes first, and again from what is kept.
    for first in 0..routes.len() {
        let session = stack.visitor().from(&format!("2001:db8:9:{first:x}::1"));
        let session = session.post("/sessions", json!({ "login": "rex", "password": PASSWORD })).await;
        let client = stack.bearer(session.body["access_token"].as_str().unwrap());
        for (method, path, expected) in routes[first..].iter().chain(&routes[..first]).chain(&routes[..1]) {
            let answer = client.call(method, path, &[("if-match", "*")], None).await;
            assert_eq!(answer.status.as_u16(), *expected, "{method} {path} after {}: {}", routes[first].1, answer.body);
        }
        for (method, path, _) in routes {
            let answer = stack.bearer(&forged[first % forged.len()]).call(method, path, &[], None).await;
            answer.expect_problem(401, "unauthenticated");
        }
    }
}
