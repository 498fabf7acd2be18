//! Exports: files with all that is stored of a user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::{ExportId, UserId};

/// How long an export is there: 7 days. The template's lifecycle rule removes the file no sooner.
const EXPORT_SECONDS: i64 = 7 * 24 * 60 * 60;

/// How long a file may take: a day, which is how long the table's stream keeps what was asked. What has not come of
/// it by then does not come any more.
const PENDING_SECONDS: i64 = 24 * 60 * 60;

/// The status of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportStatus {
    /// The file is being written.
    Pending,
    /// The file is ready.
    Ready,
    /// The file could not be written.
    Failed,
}

/// A file with all that is stored of a user: asked for, and written later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The id.
    pub id: ExportId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its file was whole.
    pub ready_at: Option<Timestamp>,
    /// When it goes: DynamoDB's TTL, in seconds since 1970.
    pub expires_at: i64,
}

impl Export {
    /// One that is asked for now.
    pub fn new(id: ExportId, user_id: UserId, now: Timestamp) -> Self {
        Self { id, user_id, created_at: now, ready_at: None, expires_at: now.plus_seconds(EXPORT_SECONDS).seconds() }
    }

    /// The status. That an export failed follows from its age; nothing writes it.
    pub fn status(&self, now: Timestamp) -> ExportStatus {
        match self.ready_at {
            Some(_) => ExportStatus::Ready,
            None if now < self.created_at.plus_seconds(PENDING_SECONDS) => ExportStatus::Pending,
            None => ExportStatus::Failed,
        }
    }

    /// Whether it is gone. DynamoDB may take days to remove an expired item, so every reader asks.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.seconds()
    }
}
