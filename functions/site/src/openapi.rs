//! `GET /openapi.json`: this API, described by OpenAPI 3.1 for programs.

use blog::edge::{Call, File, NoFields, Operation, StaticFile, Visitor};
use blog::{Blog, Error};

pub struct OpenApi;

pub struct Document;

impl StaticFile for Document {
    const MEDIA_TYPE: &'static str = "application/json";
    const TEXT: &'static str = include_str!("../../../openapi.json");
    const POLICY: &'static str = "default-src 'none'";
}

impl Operation for OpenApi {
    const NAME: &'static str = "openapi";
    type Caller = Visitor;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = File<Document>;

    async fn run(_: &Blog, _: Call<Self>) -> Result<Self::Reply, Error> {
        Ok(File::NEW)
    }
}
