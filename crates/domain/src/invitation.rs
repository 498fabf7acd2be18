//! Invitations to register.

use serde::{Deserialize, Serialize};

use crate::{Denied, Email, InvitationId, Role, Timestamp, User, UserId};

/// An invitation, as it is stored. It lets one person register, and gives them a role.
///
/// A registration that has begun holds it, as long as it holds its names; when the registration is final, it is used. So one that is
/// given up, or stopped, leaves the invitation to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The id, which the code names.
    pub id: InvitationId,
    /// SHA-256 of the code, in hexadecimal. The code itself is stored nowhere.
    pub hash: String,
    /// The only address that can be registered with it; any if there is none. Forgotten when it is used.
    pub email: Option<Email>,
    /// What who registers with it may do.
    pub role: Role,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires; never if there is none.
    pub valid_until: Option<Timestamp>,
    /// Who registered with it.
    #[serde(default)]
    pub used_by: Option<UserId>,
    /// Whose registration has begun with it.
    #[serde(default)]
    pub held_by: Option<UserId>,
    /// Until when that registration holds it, in seconds since 1970.
    #[serde(default)]
    pub held_until: i64,
}

impl Invitation {
    /// Whether the registration of this user, with this address, may begin with it, or go on. `replaced` is whose registration of the same
    /// address is given up for it.
    pub fn check(&self, user: UserId, replaced: Option<UserId>, email: &Email, now: Timestamp) -> Result<(), Denied> {
        let is_theirs = self.held_by == Some(user) || self.used_by == Some(user);
        let is_held = self.held_by.is_some() && self.held_by != replaced && self.held_until > now.seconds();
        let is_free = self.used_by.is_none() && !is_held;
        let is_valid = self.valid_until.is_none_or(|valid_until| now < valid_until);
        let is_for_them = self.email.as_ref().is_none_or(|invited| invited == email);
        if is_theirs || (is_free && is_valid && is_for_them) { Ok(()) } else { Err(Denied::InvitationNotUsable) }
    }
}

impl User {
    /// The same new user, who registers with this invitation and gets its role. The first administrator stays one.
    pub fn invited(self, invitation: &Invitation) -> Self {
        let role = if self.role == Role::Admin { Role::Admin } else { invitation.role };
        Self { invitation: Some(invitation.id), role, ..self }
    }
}
