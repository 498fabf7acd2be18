//! Run by hand: counts everything again, for an operator who has reason to doubt a count (docs/runbook.md).

use edge::Problem;

use crate::Services;

/// What the template calls it.
pub const NAME: &str = "recount";

/// Recounts everything, beginning where an invocation before this one was stopped.
pub async fn recount(services: &Services) -> Result<(), Problem> {
    let blog = &services.blog;
    let table::Recounted { corrected, unsettled } =
        blog.table.recount(blog.config.sitemap_posts.get(), blog.now()).await?;
    tracing::info!(corrected, unsettled, "everything is recounted");
    Ok(())
}
