//! Removes what is left of a user who deleted their account.

use aws_lambda_events::event::dynamodb::EventRecord;
use blog::bucket::export_key;
use blog::domain::{User, UserStatus};
use blog::table::Consistency;
use blog::{Blog, Error};

/// What the template calls it.
pub const NAME: &str = "delete_user";

/// Deletes posts, follows, exports, credentials and, last, the profile, so that after a crash the next delivery finds what to go on with.
pub async fn delete_user(blog: &Blog, record: &EventRecord) -> Result<(), Error> {
    let event: User = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Error::internal)?;
    let user = blog.table.user(event.id, Consistency::Strong).await?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Deleting) else { return Ok(()) };
    blog.table.delete_posts_of(user.id).await?;
    blog.table.delete_follows_of(user.id).await?;
    for export in blog.table.exports_of(user.id).await? {
        blog.bucket.delete(&export_key(&export)).await?;
        blog.table.delete_export(&export).await?;
    }
    blog.identity.delete(&user.cognito_name()).await?;
    blog.table.delete_user(&user).await
}
