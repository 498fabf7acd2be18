//! Who follows whom.

use serde::{Deserialize, Serialize};

use crate::{Tag, Timestamp, UserId};

/// One user follows another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Who follows.
    pub follower: UserId,
    /// Who is followed.
    pub followed: UserId,
    /// Since when.
    pub followed_at: Timestamp,
}

/// A user follows a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFollow {
    /// The tag.
    pub tag: Tag,
    /// Since when.
    pub followed_at: Timestamp,
}
