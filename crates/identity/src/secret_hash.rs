//! Shows Cognito that a call comes from us, who know the secret of the app client.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Makes the `SECRET_HASH` of calls.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash>
pub(crate) struct SecretHash {
    key: hmac::Key,
    client_id: String,
}

impl SecretHash {
    pub(crate) fn new(client_secret: &str, client_id: &str) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, client_secret.as_bytes()), client_id: client_id.to_owned() }
    }

    /// The hash that goes with this name of a user.
    pub(crate) fn of(&self, name: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, format!("{name}{}", self.client_id).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with `printf %s adaclient | openssl dgst -sha256 -hmac secret -binary | base64`.
    #[test]
    fn it_is_the_hash_that_aws_describes() {
        assert_eq!(SecretHash::new("secret", "client").of("ada"), "FEW6rzXVdy2RLJp0KqkU9A6/pxQBq5FgsxTWe/Ot+CI=");
    }
}
