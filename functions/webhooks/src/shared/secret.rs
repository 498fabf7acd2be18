//! The secrets that messages are signed with.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::WebhookId;
use table::SigningKey;

/// A secret of a webhook. It follows from the stack's signing key, so it stands nowhere: neither in the table, nor in its stream, nor in
/// a backup of the webhook. It has no `Debug`.
pub struct Secret(Vec<u8>);

impl Secret {
    /// The secret with this number.
    pub fn of(key: &SigningKey, webhook: WebhookId, generation: u32) -> Self {
        Self(key.derive("WEBHOOK SECRET", &format!("{webhook}#{generation}")))
    }

    /// The secret as receivers get it.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The signature of a message that is sent at a time, in seconds since 1970.
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme>
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let signature = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_for_receivers_makes_the_same_signature() {
        let (one, other) = (SigningKey::new(b"one"), SigningKey::new(b"other"));
        let webhook = WebhookId::from_number(7);
        let secret = Secret::of(&one, webhook, 1);
        let theirs = standardwebhooks::Webhook::new(&secret.reveal()).unwrap();
        for body in ["", "{}", r#"{"title":"Über 😀"}"#] {
            let signature = theirs.sign("01KAM5K9R0000000000000000A", 1_795_249_800, body.as_bytes()).unwrap();
            assert_eq!(secret.sign("01KAM5K9R0000000000000000A", 1_795_249_800, body), signature);
        }
        // The specification asks for 24 to 64 bytes.
        assert_eq!(secret.0.len(), 32);
        // No two are alike, and none is what the key signs otherwise.
        for another in [
            Secret::of(&one, webhook, 2),
            Secret::of(&one, WebhookId::from_number(8), 1),
            Secret::of(&other, webhook, 1),
        ] {
            assert_ne!(another.0, secret.0);
        }
    }
}
