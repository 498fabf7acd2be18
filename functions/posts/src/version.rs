//! `GET /version`: which Broadsheet this is.

use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

pub struct Version;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub struct Release {
    version: &'static str,
    /// The commit it was built from, where the build was told: `BROADSHEET_COMMIT`.
    commit: Option<&'static str>,
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
        Ok(Json(Release { version: env!("CARGO_PKG_VERSION"), commit: option_env!("BROADSHEET_COMMIT") }))
    }
}
