//! API keys: by one of these a program acts for its owner.

use serde::{Deserialize, Serialize};

use crate::text::text;
use crate::{KeyId, Scopes, Timestamp, UserId};

/// The maximum number of keys of a user.
pub const MAX_API_KEYS: usize = 50;

text! {
    /// What its owner calls an API key: 1 to 100 characters on one line.
    KeyName, line, 1 to 100 characters
}

/// An API key, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The id, which the text of the key names.
    pub id: KeyId,
    /// Its owner.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// SHA-256 of its text, in hexadecimal. The text itself is stored nowhere.
    pub hash: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires; never if there is none. It stays in its owner's list after that.
    pub valid_until: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.valid_until.is_some_and(|valid_until| valid_until <= now)
    }
}

/// The API key by which a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInUse {
    /// Its id.
    pub id: KeyId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Whether it is noted that it is used today.
    pub is_noted: bool,
}
