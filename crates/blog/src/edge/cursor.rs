//! Paging: limits, and cursors that cannot be forged.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use crate::{Error, fields};

/// How many items a page has: 1 to 100, 20 if the client does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// As many as a page may have.
    pub const MOST: Self = Self(100);

    /// The number itself.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom("must be a whole number from 1 to 100")),
        }
    }
}

fields! {
    /// The query of a list without filters.
    pub struct PageQuery {
        /// How many items a page has.
        limit: Option<Limit>,
        /// Where the page before this one ended.
        cursor: Option<String>,
    }
}

/// The key that the stack's cursors are signed with: 32 random bytes, made once a stack and kept in the table.
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// The key with these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// Where a page ended: the sort key of its last item, and for a list in buckets the bucket it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The bucket, empty for a list that has none.
    pub bucket: String,
    /// The sort key of the last item that was shown.
    pub after: String,
}

/// Bytes of the tag that are kept. RFC 2104, section 5, allows half of the hash.
const TAG_BYTES: usize = 16;

impl Cursor {
    /// As a client gets it: position and tag. The tag covers the list's name too, so a cursor of another list,
    /// or of the same list with other filters, does not verify.
    pub fn sign(&self, list: &str, key: &SigningKey) -> String {
        let mut bytes = format!("{}\n{}", self.bucket, self.after).into_bytes();
        let tag = Self::tag(list, &bytes, key);
        bytes.extend(tag.as_ref().iter().take(TAG_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads back what [`sign`](Self::sign) wrote for the same list. Anything else is 400.
    pub fn verify(text: &str, list: &str, key: &SigningKey) -> Result<Self, Error> {
        Self::read(text, list, key).ok_or(Error::InvalidCursor)
    }

    fn read(text: &str, list: &str, key: &SigningKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (position, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        let expected = Self::tag(list, position, key);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref().get(..TAG_BYTES)?, tag).ok()?;
        let (bucket, after) = std::str::from_utf8(position).ok()?.split_once('\n')?;
        Some(Self { bucket: bucket.to_owned(), after: after.to_owned() })
    }

    fn tag(list: &str, position: &[u8], key: &SigningKey) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&key.0);
        context.update(list.as_bytes());
        context.update(b"\0");
        context.update(position);
        context.sign()
    }
}
