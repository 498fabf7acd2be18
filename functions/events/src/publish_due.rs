//! Every minute: what is due is published.

use edge::Problem;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "publish_due";

/// Publishes every post whose time has come since the last minute, or since whenever this ran last.
pub async fn publish_due(services: &Services) -> Result<(), Problem> {
    let blog = &services.blog;
    let published = blog.table.publish_due(blog.now()).await?;
    if published > 0 {
        tracing::info!(published, "posts that were due are out");
    }
    Ok(())
}
