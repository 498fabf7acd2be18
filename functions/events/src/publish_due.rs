//! Every minute: what is due is published.

use blog::{Blog, Error};

/// What the template calls it.
pub const NAME: &str = "publish_due";

/// Publishes every post whose time has come since the last minute, or since whenever this ran last.
pub async fn publish_due(blog: &Blog) -> Result<(), Error> {
    let published = blog.table.publish_due(blog.now()).await?;
    if published > 0 {
        tracing::info!(published, "posts that were due are out");
    }
    Ok(())
}
