//! What the stack hands out and takes back: cursors, and links that show a draft. Signed, so that nobody can make one. And secrets
//! that follow from the key, so that they stand nowhere.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key that the stack signs with: 32 random bytes, made once a stack and kept in the table.
pub struct SigningKey(hmac::Key);

/// Bytes of the tag that are kept. RFC 2104, section 5, allows half of the hash.
const TAG_BYTES: usize = 16;

impl SigningKey {
    /// The key with these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The text with a tag, to be put into an address. The tag covers what the text is for, too. The text is signed, not
    /// hidden.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(self.tag(purpose, text.as_bytes()).as_ref().iter().take(TAG_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The text that was signed for this purpose; none if it was altered, or signed for another. And none if it has a zero byte, which we sign
    /// none with: purposes hold what clients type, and the beginning of a text could be the end of a purpose.
    pub fn verify(&self, purpose: &str, signed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(signed).ok()?;
        let (text, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        let expected = self.tag(purpose, text);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref().get(..TAG_BYTES)?, tag).ok()?;
        String::from_utf8(text.to_vec()).ok().filter(|text| !text.contains('\0'))
    }

    /// A secret for this purpose: the same whenever it is asked for, and unlike every other, of which it tells nothing. HMAC is a
    /// pseudorandom function, which makes one block of it a key derivation (NIST SP 800-108, section 4).
    pub fn derive(&self, purpose: &str, text: &str) -> Vec<u8> {
        self.tag(purpose, text.as_bytes()).as_ref().to_vec()
    }

    fn tag(&self, purpose: &str, text: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        context.update(b"\0");
        context.update(text);
        context.sign()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}
