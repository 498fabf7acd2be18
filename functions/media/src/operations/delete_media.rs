//! `DELETE /media/{id}`: Delete a picture: one's own or, for editors, anybody's. Posts that show it show its text instead. Browsers and
//! the CDN keep the files that they have.
//!
//! Problems: precondition-failed.

use domain::{AuditAction, AuditEntry};
use edge::{Author, Call, NoContent, Path, Problem};

use crate::Services;
use crate::shared::{MediaPath, current_media};

pub async fn delete_media(
    services: &Services,
    Call { caller: Author(viewer), input: Path(path), if_match, new_id, now, .. }: Call<Author, Path<MediaPath>>,
) -> Result<NoContent, Problem> {
    let media = current_media(&services.blog, path.id, now).await?;
    media.check_deletable(&viewer)?;
    if_match.check(media.version)?;
    // Its files follow from the table's stream.
    let audit = AuditEntry::new(new_id.into(), AuditAction::MediaDeleted, viewer.user_id, media.id, now);
    let is_of_other = !media.is_own(Some(&viewer));
    services.blog.table.delete_media(&media, is_of_other.then_some(&audit)).await?;
    Ok(NoContent)
}
