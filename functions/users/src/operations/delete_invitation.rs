//! `DELETE /admin/invitations/{id}`: Delete an invitation. Nobody can register with it any more. Who has registered stays.

use domain::{AuditAction, AuditEntry, InvitationId, fields};
use edge::{Admin, Call, NoContent, Path, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup::still_admin;

fields! {
    pub struct InvitationPath {
        /// The invitation's id.
        id: InvitationId,
    }
}

pub async fn delete_invitation(
    services: &Services,
    Call { caller: Admin(viewer), input: Path(path), new_id, now, .. }: Call<Admin, Path<InvitationPath>>,
) -> Result<NoContent, Problem> {
    still_admin(&services.blog, &viewer).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::InvitationDeleted, viewer.user_id, path.id, now);
    match services.blog.table.delete_invitation(path.id, &audit).await {
        Ok(()) => Ok(NoContent),
        Err(Refused::Absent) => Err(Problem::not_found("There is no such invitation.")),
        Err(refused) => Err(refused.into()),
    }
}
