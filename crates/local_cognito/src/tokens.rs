//! Signing keys and JSON web tokens.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::{Error, Fault};

/// The scope of a token that came from `InitiateAuth`: it may act for its user on the pool itself.
pub(super) const SCOPE: &str = "aws.cognito.signin.user.admin";

/// One RS256 key.
pub(super) struct SigningKey {
    kid: String,
    pair: KeyPair,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl SigningKey {
    fn new(pair: KeyPair) -> Self {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::from(pair.public_key());
        let kid = STANDARD.encode(digest(&SHA256, pair.public_key().as_ref()));
        Self { kid, pair, n, e }
    }

    fn generate() -> Result<Self, Error> {
        Ok(Self::new(KeyPair::generate(KeySize::Rsa2048)?))
    }

    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        Ok(Self::new(KeyPair::from_pkcs8(der)?))
    }

    pub(super) fn to_pkcs8(&self) -> Result<Pkcs8V1Der<'static>, Error> {
        Ok(self.pair.as_der()?)
    }

    fn jwk(&self) -> Value {
        json!({
            "alg": "RS256",
            "e": URL_SAFE_NO_PAD.encode(&self.e),
            "kid": self.kid,
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(&self.n),
            "use": "sig",
        })
    }

    /// A compact JWS (RFC 7515 section 3.1). Like the real one its header has only `kid` and `alg`, no `typ`.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({ "kid": self.kid, "alg": "RS256" });
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?),
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?),
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// A pool's keys: "Amazon Cognito signs access tokens with a different key from the key that signs ID tokens", so
/// whoever takes just the first key of the set finds out here and not in production.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
pub(super) struct Keys {
    pub(super) id: SigningKey,
    pub(super) access: SigningKey,
}

impl Keys {
    pub(super) fn generate() -> Result<Self, Error> {
        Ok(Self { id: SigningKey::generate()?, access: SigningKey::generate()? })
    }

    /// The keys of every pool in memory of this process: making RSA keys takes longer than all else that a test does.
    pub(super) fn shared() -> Result<Arc<Self>, Error> {
        static SHARED: Mutex<Option<Arc<Keys>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = shared.as_ref() {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(Self::generate()?);
        *shared = Some(Arc::clone(&keys));
        Ok(keys)
    }

    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [self.id.jwk(), self.access.jwk()] })
    }

    /// Checks an access token as far as that goes without the store; the session it belongs to may still be revoked.
    pub(super) fn verify_access(
        &self,
        token: &str,
        issuer: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<AccessClaims, Fault> {
        let invalid = || Fault::not_authorized("Invalid Access Token");
        let header = decode_header(token).map_err(|_| invalid())?;
        if header.kid.as_deref() != Some(&self.access.kid) {
            return Err(invalid());
        }
        let mut validation = Validation::new(Algorithm::RS256);
        // The time is the caller's, not the system's, so `exp` is ours to check.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_rsa_raw_components(&self.access.n, &self.access.e);
        let claims = decode::<AccessClaims>(token, &key, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => {
                    Fault::not_authorized("Could not verify signature for Access Token")
                }
                _ => invalid(),
            })?
            .claims;
        if claims.token_use != "access" || claims.iss != issuer || claims.client_id != client_id {
            return Err(invalid());
        }
        if claims.exp <= now.as_second() {
            return Err(Fault::not_authorized("Access Token has expired"));
        }
        if !claims.scope.split(' ').any(|scope| scope == SCOPE) {
            return Err(Fault::not_authorized("Access Token does not have required scopes"));
        }
        Ok(claims)
    }
}

#[derive(Deserialize)]
pub(super) struct AccessClaims {
    iss: String,
    client_id: String,
    token_use: String,
    scope: String,
    exp: i64,
    /// The session: all that came from one sign-in and its refreshes.
    pub(super) origin_jti: String,
}
