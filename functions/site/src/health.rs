//! `GET /health`: the API answers.

use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

pub struct Health;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub struct Alive {
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
}

impl Operation for Health {
    const NAME: &'static str = "health";
    const CACHE_CONTROL: &'static str = "no-store";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Json<Alive>;

    async fn run(_: &Blog, _: Call<Self>) -> Result<Self::Reply, Error> {
        Ok(Json(Alive { status: "ok" }))
    }
}
