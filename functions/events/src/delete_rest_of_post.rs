//! Deletes what belongs to a post once the post is deleted, by its expiry in the trash or with its author's account.

use aws_lambda_events::event::dynamodb::EventRecord;
use domain::Post;
use edge::Problem;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "delete_rest_of_post";

/// How many comments or reactions are deleted before more are read.
const AT_ONCE: usize = 100;

/// Deletes the post's comments and reactions, its text, its versions, the slugs that it had and its reposts. What is gone already is passed
/// over, so running again continues where it stopped.
pub async fn delete_rest_of_post(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let post: Post = serde_dynamo::from_item(record.change.old_image.clone()).map_err(Problem::internal)?;
    let blog = &services.blog;
    while !blog.table.delete_comments_of_post(post.id, AT_ONCE).await? {}
    while !blog.table.delete_reactions_of_post(post.id, AT_ONCE).await? {}
    Ok(blog.table.delete_rest_of_post(post.id, &post.slug, blog.now()).await?)
}
