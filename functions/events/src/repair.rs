//! Run by hand: checks and corrects everything that is counted or copied, for an operator who has reason to doubt it
//! (docs/runbook.md).

use edge::Problem;
use table::{Repair, RepairSettings};

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "repair";

/// Repairs everything, beginning where an invocation before this one was stopped. What was wrong is in the log.
pub async fn repair(services: &Services) -> Result<(), Problem> {
    let blog = &services.blog;
    let mut report = |finding| tracing::warn!("{finding}");
    let settings = RepairSettings {
        sitemap_posts: blog.config.sitemap_posts.get(),
        fan_out_followers: blog.config.fan_out_followers,
    };
    let repaired = blog.table.repair(Repair::Mend, settings, blog.now(), &mut report).await?;
    let table::Repaired { wrong, unsettled } = repaired;
    tracing::info!(wrong, unsettled, "everything is repaired");
    Ok(())
}
