//! The sitemaps list every post that everybody can read, with the time of its last change. When a post comes, changes or is withdrawn,
//! they do here.

use aws_lambda_events::event::dynamodb::EventRecord;
use domain::Post;
use edge::Problem;

use crate::{Services, text};

/// What the log calls it.
pub const NAME: &str = "map_post";

/// A post at its slug was published, changed or withdrawn. Not a post whose counts have changed.
pub fn cares(record: &EventRecord) -> bool {
    let (old, new) = (&record.change.old_image, &record.change.new_image);
    let is_public = |image| text(image, "type") == "post" && text(image, "status") == "published";
    let changed = ["slug", "status", "updated_at"].iter().any(|name| text(old, name) != text(new, name));
    text(&record.change.keys, "sk") == "POST" && changed && (is_public(old) || is_public(new))
}

/// Puts the post, as it is now, where it belongs.
pub async fn map_post(services: &Services, record: &EventRecord) -> Result<(), Problem> {
    let blog = &services.blog;
    let images = [&record.change.new_image, &record.change.old_image];
    // A slug that the post has no longer leads to where it moved, and has no post of its own.
    let image = images.into_iter().find(|image| text(image, "type") == "post");
    let post: Post = serde_dynamo::from_item(image.cloned().unwrap_or_default()).map_err(Problem::internal)?;
    Ok(blog.table.map_post(post.id, &post.slug, blog.config.sitemap_posts.get(), blog.now()).await?)
}
