//! Every minute: what is due is published. Posts, and messages to webhooks that are to be sent again.

use edge::Problem;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "publish_due";

/// Publishes every post whose time has come since the last minute, or since whenever this ran last, and has such messages sent: each
/// by a call of its own, which follows from the change of its item. Neither keeps the other back.
pub async fn publish_due(services: &Services) -> Result<(), Problem> {
    let blog = &services.blog;
    let published = blog.table.publish_due(blog.now()).await;
    let called = blog.table.call_due_deliveries(blog.now()).await;
    if let Ok(published @ 1..) = published {
        tracing::info!(published, "posts that were due are out");
    }
    if let Ok(called @ 1..) = called {
        tracing::info!(called, "messages to webhooks that were due are sent");
    }
    published?;
    called?;
    Ok(())
}
