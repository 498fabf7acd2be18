//! `GET /posts/{slug}/reactions`: Count the reactions to a post, of each kind.
//!
//! Problems: gone.

use std::sync::Arc;

use edge::{Blog, Call, Json, Path, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;
use table::Consistency;

use crate::shared::lookup::{PostPath, readable_post};

#[derive(Serialize, JsonSchema)]
pub struct Reactions {
    counts: ReactionCounts,
    /// The number of reactions of all kinds.
    total: u64,
}

#[derive(Serialize, JsonSchema)]
struct ReactionCounts {
    like: u64,
    love: u64,
    insightful: u64,
    celebrate: u64,
}

pub async fn get_reactions(
    blog: &Arc<Blog>,
    Call { caller: Visitor(viewer), input: Path(path), now, .. }: Call<Visitor, Path<PostPath>>,
) -> Result<Json<Reactions>, Problem> {
    let post = readable_post(blog, &path.slug, viewer.as_ref(), now).await?;
    let counts = blog.table.reactions(&post, Consistency::for_viewer(viewer.as_ref())).await?;
    let [like, love, insightful, celebrate] = counts;
    let total = counts.iter().sum();
    Ok(Json(Reactions { counts: ReactionCounts { like, love, insightful, celebrate }, total }))
}
