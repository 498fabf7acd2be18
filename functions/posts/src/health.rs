//! `GET /health`: the API answers.

use blog::edge::{Call, Json, NoFields, Operation, Visitor};
use blog::{Blog, Error};
use serde::Serialize;

pub struct Health;

#[derive(Serialize)]
pub struct Alive {
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
