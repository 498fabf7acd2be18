//! Paging: limits, and cursors that cannot be forged.

use serde::{Deserialize, Deserializer};

use super::SigningKey;
use crate::schema::schema;
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

schema! { Limit,
    /// How many items a page has.
    { "type": "integer", "minimum": 1, "maximum": Limit::MOST.0, "default": Limit::default().0 }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit) if (1..=Self::MOST.0).contains(&limit) => Ok(Self(limit)),
            _ => Err(serde::de::Error::custom("must be a whole number from 1 to 100")),
        }
    }
}

fields! {
    /// The query of a list without filters.
    pub struct PageQuery {
        /// How many items a page has.
        limit: Option<Limit>,
        /// Where the page before this one ended: its `next_cursor`.
        cursor: Option<String>,
    }
}

/// Where a page ended: the sort key of its last item, and for a list in buckets the bucket it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The bucket, empty for a list that has none.
    pub bucket: String,
    /// The sort key of the last item that was shown; empty while only what leads the list was.
    pub after: String,
    /// The ids of what was shown ahead of its place, and is passed over when its place comes.
    pub led: Vec<String>,
}

impl Cursor {
    /// As a client gets it. It is bound to the list's name, so a cursor of another list, or of the same list with other
    /// filters, does not verify.
    pub fn sign(&self, list: &str, key: &SigningKey) -> String {
        key.sign(list, &format!("{}\n{}\n{}", self.bucket, self.after, self.led.join(",")))
    }

    /// Reads back what [`sign`](Self::sign) wrote for the same list. Anything else is 400.
    pub fn verify(text: &str, list: &str, key: &SigningKey) -> Result<Self, Error> {
        key.verify(list, text).and_then(|text| Self::read(&text)).ok_or(Error::InvalidCursor)
    }

    fn read(text: &str) -> Option<Self> {
        let (bucket, rest) = text.split_once('\n')?;
        let (after, led) = rest.split_once('\n')?;
        let led = led.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Some(Self { bucket: bucket.to_owned(), after: after.to_owned(), led })
    }
}
