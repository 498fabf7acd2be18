//! Posts that users keep for later.

use serde::{Deserialize, Serialize};

use crate::{PostId, Timestamp, UserId};

/// A post that a user keeps for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The post.
    pub post: PostId,
    /// Who wrote it, which never changes: it leads to the post's card.
    pub author: UserId,
    /// Since when.
    pub bookmarked_at: Timestamp,
}
