//! `GET /version`: Get the version of Broadsheet that responds.

use domain::Timestamp;
use edge::{Call, Json, NoStore, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub struct Release {
    version: &'static str,
    /// The commit that it was built from, if the build knew it.
    commit: Option<&'static str>,
    /// The time of that commit, or the `SOURCE_DATE_EPOCH` of the build.
    built_at: Option<Timestamp>,
}

pub async fn version(_: &Services, _: Call<Visitor>) -> Result<NoStore<Json<Release>>, Problem> {
    let seconds = env!("COMMIT_SECONDS").parse::<i64>().ok();
    Ok(NoStore(Json(Release {
        version: env!("CARGO_PKG_VERSION"),
        commit: Some(env!("COMMIT")).filter(|commit| !commit.is_empty()),
        built_at: seconds.map(|seconds| Timestamp::from_milliseconds(seconds.saturating_mul(1000))),
    })))
}
