//! `POST /admin/invitations`: Create an invitation, by which one person can register and gets a role. Its code is shown in this response
//! and never again: a repeated request with the same `Idempotency-Key` creates no other invitation, and is refused.
//!
//! Problems: conflict.

use domain::{AuditAction, AuditEntry, Email, Invitation, Role, Timestamp, fields};
use edge::{Admin, Body, Call, Created, InvitationCode, Problem, ShownOnce};
use schemars::JsonSchema;
use serde::Serialize;
use table::Refused;

use crate::Services;
use crate::shared::invitation_view::InvitationView;
use crate::shared::lookup::still_admin;

fields! {
    pub struct InvitationToCreate {
        /// The only address that can be registered with it. Without it, any.
        email: Option<Email>,
        /// The role of who registers with it.
        role: Role,
        /// When the invitation expires. Without it, never.
        expires_at: Option<Timestamp>,
    }
}

/// An invitation with its code.
#[derive(Serialize, JsonSchema)]
pub struct NewInvitation {
    #[serde(flatten)]
    shown: InvitationView,
    /// The code, for the field `invitation` of `POST /users`.
    #[schemars(extend("pattern" = "^bsi_[0-9A-Z]{26}_[0-9a-f]{72}$"))]
    code: String,
}

pub async fn create_invitation(
    services: &Services,
    Call { caller: Admin(viewer), input: Body(body), new_id, now, .. }: Call<Admin, Body<InvitationToCreate>>,
) -> Result<ShownOnce<Created<NewInvitation>>, Problem> {
    still_admin(&services.blog, &viewer).await?;
    if body.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Problem::field("expires_at", "must be a time in the future"));
    }
    let code = InvitationCode::generate(new_id.into())?;
    let invitation = Invitation {
        id: new_id.into(),
        hash: code.hash(),
        email: body.email,
        role: body.role,
        created_at: now,
        valid_until: body.expires_at,
        used_by: None,
        held_by: None,
        held_until: 0,
    };
    let audit = AuditEntry::new(new_id.into(), AuditAction::InvitationCreated, viewer.user_id, invitation.id, now);
    match services.blog.table.create_invitation(&invitation, &audit.with_role(invitation.role)).await {
        Ok(()) => {}
        Err(Refused::AlreadyDone) => {
            return Err(Problem::conflict(
                "This request created an invitation before, whose code was shown then. Delete it and create another.",
            ));
        }
        Err(refused) => return Err(refused.into()),
    }
    let (shown, code) = (InvitationView::new(invitation), code.reveal().to_owned());
    Ok(ShownOnce(Created { location: None, version: None, body: NewInvitation { shown, code } }))
}
