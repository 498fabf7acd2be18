//! Cards in lists show what others count in a post. When the post changes, they are brought up to date here.

use aws_lambda_events::event::dynamodb::EventRecord;
use domain::Post;
use edge::Problem;

use crate::{Services, text};

/// What the log calls it.
pub const NAME: &str = "copy_counts";

/// A post has changed, at its slug.
pub fn cares(record: &EventRecord) -> bool {
    record.event_name == "MODIFY"
        && text(&record.change.keys, "sk") == "POST"
        && text(&record.change.new_image, "type") == "post"
}

/// Copies the counts of the post into every list that contains it. After an edit too: it may have put the post into a
/// list with counts that had just changed.
pub async fn copy_counts(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let post: Post = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Problem::internal)?;
    // As it is now: this event may be an old one that comes again.
    let blog = &services.blog;
    Ok(blog.table.copy_counts(&post.slug, blog.now()).await?)
}
