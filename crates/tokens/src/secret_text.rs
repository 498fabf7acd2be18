//! The text of API keys and of the codes of invitations: `bsk_ID_SECRETCHECKSUM`, `bsi_ID_SECRETCHECKSUM`.

use std::fmt::{self, Display};
use std::str::FromStr;

use aws::Failure;
use aws_lc_rs::{constant_time, digest, rand};
use domain::{InvitationId, KeyId};

/// An id of what a secret text is for.
pub trait SecretId: Copy + Display + FromStr {
    /// What every such text begins with, by which scanners of source code know one.
    const PREFIX: &'static str;
}

impl SecretId for KeyId {
    const PREFIX: &'static str = "bsk_";
}

impl SecretId for InvitationId {
    const PREFIX: &'static str = "bsi_";
}

/// Hexadecimal digits of the secret: 256 bits, so that one fast hash keeps it. A slow one protects what people choose.
const SECRET_DIGITS: usize = 64;

/// Hexadecimal digits of the checksum.
const CHECKSUM_DIGITS: usize = 8;

/// A secret text with the id of what it is for. Never shown but once, never logged.
pub struct SecretText<I> {
    id: I,
    text: String,
}

/// The text of an API key.
pub type ApiKeyText = SecretText<KeyId>;

/// The code of an invitation.
pub type InvitationCode = SecretText<InvitationId>;

impl<I: SecretId> SecretText<I> {
    /// A new text for this id.
    pub fn generate(id: I) -> Result<Self, Failure> {
        let secret: [u8; SECRET_DIGITS / 2] = random_bytes()?;
        let unchecked = format!("{}_{}", Self::start(id), hexadecimal(&secret));
        let text = format!("{unchecked}{}", checksum(&unchecked));
        Ok(Self { id, text })
    }

    /// The text that a client sends; none if it is none, or mistyped, which the checksum tells without asking the table.
    pub fn parse(text: &str) -> Option<Self> {
        let (unchecked, checksum_sent) = text.split_at_checked(text.len().checked_sub(CHECKSUM_DIGITS)?)?;
        let (id, secret) = unchecked.strip_prefix(I::PREFIX)?.split_once('_')?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let well_formed = secret.len() == SECRET_DIGITS && secret.bytes().all(is_digit);
        let id: I = id.parse().ok().filter(|parsed: &I| parsed.to_string() == id)?;
        (well_formed && checksum(unchecked) == checksum_sent).then(|| Self { id, text: text.to_owned() })
    }

    /// Whether a token that a client sends is meant as one.
    pub fn is_meant(token: &str) -> bool {
        token.starts_with(I::PREFIX)
    }

    /// The first characters of a text with this id, which tell it from others and nothing of its secret.
    pub fn start(id: I) -> String {
        format!("{}{id}", I::PREFIX)
    }

    /// Its id.
    pub fn id(&self) -> I {
        self.id
    }

    /// The text itself, for its owner.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn hash(&self) -> String {
        hexadecimal(digest::digest(&digest::SHA256, self.text.as_bytes()).as_ref())
    }

    /// Whether this is the text of which `hash` is stored.
    pub fn has_hash(&self, hash: &str) -> bool {
        constant_time::verify_slices_are_equal(self.hash().as_bytes(), hash.as_bytes()).is_ok()
    }
}

impl<I> fmt::Debug for SecretText<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Bytes that nobody can guess.
pub fn random_bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], Failure> {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).map_err(|_| Failure::internal("the system gives no random bytes"))?;
    Ok(bytes)
}

fn checksum(unchecked: &str) -> String {
    let digest = digest::digest(&digest::SHA256, unchecked.as_bytes());
    hexadecimal(digest.as_ref()).chars().take(CHECKSUM_DIGITS).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test that fails panics")]

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_no_other() {
        let id: KeyId = "01KAM5K9R0000000000000000A".parse().unwrap();
        let (key, other) = (ApiKeyText::generate(id).unwrap(), ApiKeyText::generate(id).unwrap());
        assert_ne!(key.reveal(), other.reveal());
        let read = ApiKeyText::parse(key.reveal()).unwrap();
        assert_eq!((read.id(), read.hash()), (id, key.hash()));
        assert!(read.has_hash(&key.hash()) && !read.has_hash(&other.hash()) && !read.has_hash(""));
        assert!(key.reveal().starts_with(&format!("{}_", ApiKeyText::start(id))));
        assert_eq!(format!("{key:?}"), "SecretText(..)");
        for at in 0..key.reveal().len() {
            let mut bytes = key.reveal().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(ApiKeyText::parse(std::str::from_utf8(&bytes).unwrap()).is_none(), "changed at {at}");
            assert!(ApiKeyText::parse(&key.reveal()[..at]).is_none(), "cut at {at}");
        }
        for bad in
            ["", "bsk_", "bsk__", "bsk_ü", "ü234567", &key.reveal().to_uppercase(), &format!("{} ", key.reveal())]
        {
            assert!(ApiKeyText::parse(bad).is_none(), "{bad:?}");
        }
    }
}
