//! `DELETE /me/keys/{id}`: Revoke an API key of the signed-in user. It is refused within a minute.

use domain::{AuditAction, AuditEntry, KeyId, fields};
use edge::{Call, NoContent, Path, Problem, Reader};
use table::Refused;

use crate::Services;

fields! {
    pub struct KeyPath {
        /// The key's id.
        id: KeyId,
    }
}

pub async fn delete_key(
    services: &Services,
    Call { caller: Reader(viewer), input: Path(path), new_id, now, .. }: Call<Reader, Path<KeyPath>>,
) -> Result<NoContent, Problem> {
    let audit = AuditEntry::new(new_id.into(), AuditAction::KeyRevoked, viewer.user_id, path.id, now);
    match services.blog.table.delete_key(viewer.user_id, path.id, Some(&audit)).await {
        Ok(()) => Ok(NoContent),
        Err(Refused::Absent) => Err(Problem::not_found("There is no such key.")),
        Err(refused) => Err(refused.into()),
    }
}
