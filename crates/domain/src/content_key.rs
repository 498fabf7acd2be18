//! Keys of Ghost's Content API.

use serde::{Deserialize, Serialize};

use crate::schema::schema;
use crate::{ContentKeyId, Timestamp};

/// The text of a content key: 26 hexadecimal digits in lower case, as Ghost's libraries demand.
///
/// It opens what everybody may read anyway, and stands in the scripts of front ends, so it is no secret and is stored as it is: who has
/// lost one looks it up (docs/adr/0038).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentKeyText(String);

impl ContentKeyText {
    /// The number of its digits.
    pub const DIGITS: usize = 26;

    /// The text of these random bytes.
    pub fn of_bytes(bytes: [u8; Self::DIGITS / 2]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

schema! { ContentKeyText,
    /// A key of Ghost's Content API, for its parameter `key`.
    { "type": "string", "pattern": "^[0-9a-f]{26}$", "examples": ["22444f78447824223cefc48062"] }
}

impl TryFrom<String> for ContentKeyText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let well_formed = text.len() == Self::DIGITS && text.bytes().all(is_digit);
        well_formed.then_some(Self(text)).ok_or("must be 26 hexadecimal digits")
    }
}

impl From<ContentKeyText> for String {
    fn from(key: ContentKeyText) -> Self {
        key.0
    }
}

/// A content key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentKey {
    /// The id, by which it is deleted.
    pub id: ContentKeyId,
    /// What it is for.
    pub name: String,
    /// The key itself.
    pub key: ContentKeyText,
    /// When it was created.
    pub created_at: Timestamp,
}
