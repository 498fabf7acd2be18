//! Removes what is left of a user who deleted their account.

use aws_lambda_events::event::dynamodb::EventRecord;
use bucket::export_key;
use domain::{User, UserStatus};
use edge::Problem;
use table::Consistency;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "delete_user";

/// How many things are deleted before more are read.
const AT_ONCE: usize = 100;

/// Deletes posts, follows, bookmarks, reports, exports, credentials and, last, the profile, and takes the name off comments, so that after a crash the next delivery finds
/// what to go on with.
pub async fn delete_user(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let blog = &services.blog;
    let event: User = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Problem::internal)?;
    let user = blog.table.user(event.id, Consistency::Strong).await?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Deleting) else { return Ok(()) };
    blog.table.delete_posts_of(user.id, blog.now()).await?;
    blog.table.delete_follows_of(user.id).await?;
    while !blog.table.anonymise_comments_of(user.id, AT_ONCE).await? {}
    while !blog.table.delete_marks_of(user.id, AT_ONCE).await? {}
    while !blog.table.delete_tag_follows_of(user.id, AT_ONCE).await? {}
    while !blog.table.delete_reports_by(user.id, AT_ONCE).await? {}
    for export in blog.table.exports_of(user.id).await? {
        services.bucket.delete(&export_key(&export)).await?;
        blog.table.delete_export(&export).await?;
    }
    services.identity.delete(&user.cognito_name()).await?;
    Ok(blog.table.delete_user(&user).await?)
}
