//! Checks the tokens that callers show, which are Cognito's ID tokens (docs/adr/0019), as AWS says one must. And the text of API keys and invitations.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>

mod secret_text;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws::{Failure, Rejected};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use domain::{Denied, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// Clocks may differ by this many seconds.
const LEEWAY: i64 = 30;

/// Keys are fetched again for an unknown `kid`, at most once in this many seconds: anybody can send any `kid`.
const REFRESH_SECONDS: i64 = 300;

/// How long the fetch of the keys may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

pub use secret_text::{ApiKeyText, InvitationCode, SecretId, SecretText, random_bytes};

const BAD_TOKEN: Rejected = Rejected::Denied(Denied::BadToken);

/// What a token says.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// The user's name in Cognito.
    #[serde(rename = "cognito:username")]
    pub username: String,
    /// When the log-in was that the token comes from, in seconds since 1970; refreshing keeps it (OpenID Connect Core, section
    /// 12.2).
    #[serde(rename = "auth_time")]
    pub began_at: i64,
    /// The log-in that the token comes from; refreshing keeps it.
    #[serde(rename = "origin_jti", default)]
    pub session: String,
    iat: i64,
    iss: String,
    aud: String,
    token_use: String,
    exp: i64,
    nbf: Option<i64>,
}

type Keys = HashMap<String, Arc<DecodingKey>>;

/// Checks tokens. The keys are fetched once and kept while the process is warm.
pub struct Verifier {
    issuer: String,
    client_id: String,
    jwks_url: String,
    connector: SharedHttpConnector,
    keys: RwLock<Keys>,
    last_fetch: tokio::sync::Mutex<Option<Timestamp>>,
}

impl Verifier {
    /// A verifier of the tokens that `issuer` makes for the app client `client_id`, with the public keys that are at
    /// `jwks_url`, where `connector` fetches them ([`aws::Sdk::connector`]). Makes no network call.
    pub fn new(issuer: String, client_id: String, jwks_url: String, connector: SharedHttpConnector) -> Self {
        Self {
            issuer,
            client_id,
            jwks_url,
            connector,
            keys: RwLock::default(),
            last_fetch: tokio::sync::Mutex::default(),
        }
    }

    /// Fetches the keys ahead of the first request.
    pub async fn prefetch(&self, now: Timestamp) -> Result<(), Failure> {
        self.refresh("", now).await
    }

    /// Whether the pool answers: fetches its keys, which takes no permission and counts towards no quota.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.fetch().await.map(drop).map_err(Failure::Unavailable)
    }

    /// What the token says, if it is good: signed with RS256 by a key of the pool, for this client, an ID
    /// token, and of this time. An access token is refused: nobody gets one from us, because it would open Cognito's own
    /// self-service. Everything else is the same 401; 503 if the keys cannot be had.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, Rejected> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| BAD_TOKEN)?;
        let kid = header.kid.ok_or(BAD_TOKEN)?;
        // What has to be understood, we do not understand: no extension is (RFC 7515, section 4.1.11). The library ignores it.
        if header.crit.is_some() {
            return Err(BAD_TOKEN);
        }
        // The algorithm is ours to choose, never the token's (RFC 8725, section 3.1).
        if header.alg != Algorithm::RS256 {
            return Err(BAD_TOKEN);
        }
        let key = self.key(&kid, now).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &signature_only()).map_err(|_| BAD_TOKEN)?.claims;
        let now = now.seconds();
        let good = claims.iss == self.issuer
            && claims.aud == self.client_id
            && claims.token_use == "id"
            && now < claims.exp.saturating_add(LEEWAY)
            && claims.iat <= now.saturating_add(LEEWAY)
            && claims.nbf.is_none_or(|nbf| nbf <= now.saturating_add(LEEWAY));
        if good { Ok(claims) } else { Err(BAD_TOKEN) }
    }

    async fn key(&self, kid: &str, now: Timestamp) -> Result<Arc<DecodingKey>, Rejected> {
        if let Some(key) = self.known_key(kid) {
            return Ok(key);
        }
        self.refresh(kid, now).await?;
        self.known_key(kid).ok_or(BAD_TOKEN)
    }

    fn known_key(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Fetches the keys, unless that was done lately or another request has done it while this one waited.
    /// Requests that know their key never come here, so they never wait.
    async fn refresh(&self, wanted: &str, now: Timestamp) -> Result<(), Failure> {
        let mut last_fetch = self.last_fetch.lock().await;
        let lately = last_fetch.is_some_and(|at| now.seconds() < at.seconds().saturating_add(REFRESH_SECONDS));
        if lately || self.known_key(wanted).is_some() {
            return Ok(());
        }
        // Only a fetch that worked starts the pause: a pool that did not answer is asked again at once.
        let keys = self.fetch().await.map_err(Failure::Unavailable)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        *last_fetch = Some(now);
        Ok(())
    }

    /// The pool's public keys. The SDK's own HTTP client fetches them; a second client would be a second TLS
    /// stack in the binary.
    async fn fetch(&self) -> Result<Keys, Box<dyn std::error::Error + Send + Sync>> {
        let request = HttpRequest::get(self.jwks_url.as_str())?;
        let response = tokio::time::timeout(FETCH_TIMEOUT, self.connector.call(request)).await??;
        if !response.status().is_success() {
            return Err(format!("{} answered {}", self.jwks_url, response.status().as_u16()).into());
        }
        let body = aws_smithy_types::byte_stream::ByteStream::new(response.into_body()).collect().await?;
        let set: JwkSet = serde_json::from_slice(&body.into_bytes())?;
        let key = |jwk: &Jwk| Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?)));
        Ok(set.keys.iter().filter_map(key).collect())
    }
}

/// Checks the signature with RS256 and nothing else: the claims are compared above with a time that was handed
/// in, which the library would ask the system for.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
