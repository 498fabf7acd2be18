//! Run by hand: checks and corrects everything that is counted or copied, for an operator who has reason to doubt it
//! (docs/runbook.md).

use edge::Problem;
use table::Repair;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "repair";

/// Repairs everything, beginning where an invocation before this one was stopped. What was wrong is in the log.
pub async fn repair(services: &Services) -> Result<(), Problem> {
    let blog = &services.blog;
    let mut report = |finding| tracing::warn!("{finding}");
    let table::Repaired { wrong, unsettled } = blog.table.repair(Repair::Mend, blog.now(), &mut report).await?;
    tracing::info!(wrong, unsettled, "everything is repaired");
    Ok(())
}
