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

/// The maximum number of tags that a user follows: each is a list that the user's home feed reads.
pub const MAX_FOLLOWED_TAGS: usize = 30;

/// A user follows a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFollow {
    /// The tag.
    pub tag: Tag,
    /// Since when.
    pub followed_at: Timestamp,
}
