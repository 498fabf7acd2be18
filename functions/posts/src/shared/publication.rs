//! The status of a post, as clients may set it.

use domain::{Denied, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

/// A status that a client may give a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WritableStatus {
    /// Only its author and editors can read it.
    Draft,
    /// Everybody can read it from `publish_at` on.
    Scheduled,
    /// Everybody can read it; from `publish_at` on, if that is in the future.
    Published,
}

/// Checks that a status and a time of publication go together. A time in the past is fine: an import keeps its dates.
pub fn check_publication(status: WritableStatus, publish_at: Option<Timestamp>, now: Timestamp) -> Result<(), Denied> {
    match status {
        WritableStatus::Draft if publish_at.is_some() => Err(Denied::field("publish_at", NEEDS_STATUS)),
        WritableStatus::Scheduled if publish_at.is_none_or(|at| at <= now) => {
            Err(Denied::field("publish_at", "must be a time in the future for a scheduled post"))
        }
        _ => Ok(()),
    }
}

/// What is said of a time of publication for a draft.
pub const NEEDS_STATUS: &str = "goes with the status published or scheduled";
