//! Tokens: whoever has not our key makes none, and what our key signed is let in only with the header and the claims of ours.

#![cfg_attr(fuzzing, no_main)]

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde_json::{Value, json};
use tokens::{ApiKeyText, InvitationCode, Verifier};

const ISSUER: &str = "https://cognito-idp.local.amazonaws.com/local_Pool";
const CLIENT: &str = "client";
const NOW: i64 = 1_795_249_800;

/// A pool of users, with the key that it signs with.
struct Pool {
    key: KeyPair,
    verifier: Verifier,
    runtime: tokio::runtime::Runtime,
}

static POOL: OnceLock<Pool> = OnceLock::new();

/// Answers what the keys of the pool are.
#[derive(Debug)]
struct Keys(String);

impl HttpConnector for Keys {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let ok = http::StatusCode::OK;
        HttpConnectorFuture::ready(Ok(HttpResponse::new(ok.into(), SdkBody::from(self.0.clone()))))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Pool {
    fn start() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
        let jwk =
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "ours", "n": encoded(n), "e": encoded(e) });
        let connector = SharedHttpConnector::new(Keys(json!({ "keys": [jwk] }).to_string()));
        let verifier = Verifier::new(ISSUER.to_owned(), CLIENT.to_owned(), "http://pool/keys".to_owned(), connector);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { key, verifier, runtime }
    }

    /// Whether who shows this is let in.
    fn lets_in(&self, token: &str) -> bool {
        let now = Timestamp::from_milliseconds(NOW * 1000);
        self.runtime.block_on(self.verifier.verify(token, now)).is_ok()
    }

    fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.expect("it signs");
        encoded(signature)
    }
}

/// The lines are a header and claims, and what stands in place of a signature. All of it is a token as well, which nobody signed.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pool = POOL.get_or_init(Pool::start);
    assert!(!pool.lets_in(text), "let in by {text:?}");
    if let Some(key) = ApiKeyText::parse(text) {
        assert_eq!(key.reveal(), text);
    }
    if let Some(code) = InvitationCode::parse(text) {
        assert_eq!(code.reveal(), text);
    }
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (header, claims, forged) = (line(), line(), line());
    let unsigned = format!("{}.{}", encoded(header), encoded(claims));
    for end in ["", ".", &format!(".{forged}"), &format!(".{}", encoded(forged))] {
        assert!(!pool.lets_in(&format!("{unsigned}{end}")), "let in without a signature by {text:?}");
    }
    let signature = pool.sign(&unsigned);
    assert!(!pool.lets_in(&format!("{}.{}.{signature}", encoded(header), encoded(forged))) || forged == claims);
    if !pool.lets_in(&format!("{unsigned}.{signature}")) {
        return;
    }
    // Of keys that come twice one counts, whichever; so nothing here may be what it must not.
    let (header, claims): (Value, Value) = match (serde_json::from_str(header), serde_json::from_str(claims)) {
        (Ok(header), Ok(claims)) => (header, claims),
        _ => panic!("let in by what is no JSON: {text:?}"),
    };
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!("ours")), "{text:?}");
    assert!(header["crit"].is_null(), "an extension is ignored: {text:?}");
    let [issuer, audience, kind] = ["iss", "aud", "token_use"].map(|name| claims[name].as_str());
    assert_eq!((issuer, audience, kind), (Some(ISSUER), Some(CLIENT), Some("id")), "{text:?}");
    assert!(claims["cognito:username"].is_string(), "nobody is let in: {text:?}");
    let ends = claims["exp"].as_i64().unwrap_or(i64::MIN);
    let begins = [&claims["iat"], &claims["nbf"]].map(|time| time.as_i64().unwrap_or(NOW));
    assert!(ends > NOW - 31 && begins.iter().all(|time| *time <= NOW + 30), "at another time: {text:?}");
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));
