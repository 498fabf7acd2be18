//! Removes what is left of a user who deleted their account.

use bucket::export_key;
use domain::{UserId, UserStatus};
use edge::Problem;
use serde::{Deserialize, Serialize};
use table::Consistency;

use crate::Services;
use crate::steps::STEP;

/// What the template calls it.
pub const NAME: &str = "delete_user";

/// The user who leaves.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    /// Their id.
    pub user_id: UserId,
}

/// Deletes posts, follows, the home feed, bookmarks, reports, API keys, notifications, pictures, exports, credentials and, last, the profile, and takes the name off comments, so
/// that after a crash the next delivery finds what to go on with.
pub async fn delete_user(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let blog = &services.blog;
    let user = blog.table.user(work.user_id, Consistency::Strong).await?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Deleting) else { return Ok(None) };
    if !blog.table.delete_posts_of(user.id, STEP, blog.now()).await?
        || !blog.table.delete_follows_of(user.id, STEP).await?
        || !blog.table.delete_feed_of(user.id, STEP).await?
        || !blog.table.anonymise_comments_of(user.id, STEP).await?
        || !blog.table.delete_marks_of(user.id, STEP).await?
        || !blog.table.delete_reports_by(user.id, STEP).await?
        || !blog.table.delete_keys_of(user.id, STEP).await?
        || !blog.table.delete_notifications_of(user.id, STEP).await?
        || !blog.table.delete_media_of(user.id, STEP).await?
    {
        return Ok(Some(work));
    }
    let exports = blog.table.exports_of(user.id, STEP).await?;
    for export in &exports {
        services.bucket.delete(&export_key(export)).await?;
        blog.table.delete_export(export).await?;
    }
    if exports.len() == STEP {
        return Ok(Some(work));
    }
    services.identity.forget_wanted_email(user.id).await?;
    services.identity.delete(&user.cognito_name()).await?;
    blog.table.delete_user(&user).await?;
    Ok(None)
}
