//! Posts and comments show their author as copied when they were written. When a user changes their name or picture, the copies
//! are brought up to date here.

use aws_lambda_events::event::dynamodb::EventRecord;
use domain::{PostAuthor, User};
use edge::Problem;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "rewrite_bylines";

/// How many comments are read at once.
const AT_ONCE: usize = 100;

/// Rewrites the author in all of a user's posts and comments, if the change was one of what posts show. Posts that are right
/// already are passed over, so running again continues where it stopped.
pub async fn rewrite_bylines(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let user =
        |image: &serde_dynamo::Item| serde_dynamo::from_item::<_, User>(image.clone()).map_err(Problem::internal);
    let (old, new) = (user(&record.change.old_image)?, user(&record.change.new_image)?);
    if PostAuthor::from(&old) == PostAuthor::from(&new) {
        return Ok(());
    }
    // As the user is now: this event may be an old one that comes again.
    let blog = &services.blog;
    blog.table.rewrite_author(new.id, blog.now()).await?;
    let mut place = None;
    loop {
        place = blog.table.rewrite_commenter(new.id, place, AT_ONCE).await?;
        if place.is_none() {
            return Ok(());
        }
    }
}
