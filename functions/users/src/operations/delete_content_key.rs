//! `DELETE /admin/content-keys/{id}`: Revoke a key of Ghost's Content API. It is refused within a minute.

use domain::{AuditAction, AuditEntry, ContentKeyId, fields};
use edge::{Admin, Call, NoContent, Path, Problem};
use table::Refused;

use crate::Services;
use crate::shared::lookup::still_admin;

fields! {
    pub struct ContentKeyPath {
        /// The key's id.
        id: ContentKeyId,
    }
}

pub async fn delete_content_key(
    services: &Services,
    Call { caller: Admin(viewer), input: Path(path), new_id, now, .. }: Call<Admin, Path<ContentKeyPath>>,
) -> Result<NoContent, Problem> {
    still_admin(&services.blog, &viewer).await?;
    let audit = AuditEntry::new(new_id.into(), AuditAction::ContentKeyDeleted, viewer.user_id, path.id, now);
    match services.blog.table.delete_content_key(path.id, &audit).await {
        Ok(()) => Ok(NoContent),
        Err(Refused::Absent) => Err(Problem::not_found("There is no such key.")),
        Err(refused) => Err(refused.into()),
    }
}
