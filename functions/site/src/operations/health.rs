//! `GET /health`: Check that the API responds.

use edge::{Call, Json, NoStore, Problem, Visitor};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub struct Alive {
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
}

pub async fn health(_: &Services, _: Call<Visitor>) -> Result<NoStore<Json<Alive>>, Problem> {
    Ok(NoStore(Json(Alive { status: "ok" })))
}
