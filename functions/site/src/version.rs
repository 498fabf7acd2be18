//! `GET /version`: which Broadsheet this is.

use blog::clock::Timestamp;
use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

pub struct Version;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub struct Release {
    version: &'static str,
    /// The commit it was built from, if the build knew.
    commit: Option<&'static str>,
    /// When that commit was made, or what else the build was told (`build.rs`).
    built_at: Option<Timestamp>,
}

impl Operation for Version {
    const NAME: &'static str = "version";
    const CACHE_CONTROL: &'static str = "no-store";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Json<Release>;

    async fn run(_: &Blog, _: Call<Self>) -> Result<Self::Reply, Error> {
        let seconds = env!("COMMIT_SECONDS").parse::<i64>().ok();
        Ok(Json(Release {
            version: env!("CARGO_PKG_VERSION"),
            commit: Some(env!("COMMIT")).filter(|commit| !commit.is_empty()),
            built_at: seconds.map(|seconds| Timestamp::from_milliseconds(seconds.saturating_mul(1000))),
        }))
    }
}
