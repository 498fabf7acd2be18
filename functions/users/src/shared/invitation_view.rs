//! How invitations are shown to administrators.

use domain::{Email, Invitation, InvitationId, Role, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Serialize;

/// An invitation, without its code.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
pub struct InvitationView {
    id: InvitationId,
    /// The only address that can be registered with it. Null if any can, and when the invitation is used.
    email: Option<Email>,
    role: Role,
    created_at: Timestamp,
    /// When it expires. Null if never.
    expires_at: Option<Timestamp>,
    /// Who registered with it. Null if nobody has.
    used_by: Option<UserId>,
}

impl InvitationView {
    /// An invitation as it is stored.
    pub fn new(invitation: Invitation) -> Self {
        let Invitation { id, email, role, created_at, valid_until: expires_at, used_by, .. } = invitation;
        Self { id, email, role, created_at, expires_at, used_by }
    }
}
