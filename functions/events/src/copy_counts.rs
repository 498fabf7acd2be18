//! Lists show copies of what others count: cards the replies and reposts of a post, profiles their followers. When a count
//! changes, its copies do here.

use aws_lambda_events::event::dynamodb::EventRecord;
use domain::Post;
use edge::Problem;
use table::keys;

use crate::{Services, text};

/// What the log calls it.
pub const NAME: &str = "copy_counts";

/// A post has changed, at its slug, or what is counted in a post or a user.
pub fn cares(record: &EventRecord) -> bool {
    match text(&record.change.new_image, "type") {
        "post" => record.event_name == "MODIFY" && text(&record.change.keys, "sk") == "POST",
        "post_counts" | "user_counts" => true,
        _ => false,
    }
}

/// Copies the counts of the post into every list that contains it, or the number of followers into the profile. After an
/// edit of a post too: it may have put the post into a list with counts that had just changed.
pub async fn copy_counts(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    // As it is now: this event may be an old one that comes again.
    let blog = &services.blog;
    let Key { pk, sk } = serde_dynamo::from_item(record.change.keys.clone()).map_err(Problem::internal)?;
    if let Some(user) = keys::counted_user(&pk, &sk) {
        return Ok(blog.table.copy_followers(user).await?);
    }
    let (id, slug) = match keys::counted_post(&pk, &sk) {
        Some(counted) => counted,
        None => {
            let post: Post = serde_dynamo::from_item(record.change.new_image.clone()).map_err(Problem::internal)?;
            (post.id, post.slug)
        }
    };
    Ok(blog.table.copy_counts(id, &slug, blog.now()).await?)
}

#[derive(serde::Deserialize)]
struct Key {
    pk: String,
    sk: String,
}
