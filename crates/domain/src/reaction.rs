//! Reactions to posts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody says of a post by one click. Each user has at most one reaction to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReactionKind {
    /// They like it.
    Like,
    /// They love it.
    Love,
    /// They learnt from it.
    Insightful,
    /// They celebrate with its author.
    Celebrate,
}

impl ReactionKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Like, Self::Love, Self::Insightful, Self::Celebrate];

    /// Its name, as the API and counters write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Love => "love",
            Self::Insightful => "insightful",
            Self::Celebrate => "celebrate",
        }
    }
}
