//! Who follows whom.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::UserId;

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
