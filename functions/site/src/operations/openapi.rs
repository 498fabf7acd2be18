//! `GET /openapi.json`: Get this document: the API in OpenAPI 3.1.

use edge::{Call, File, Problem, StaticFile, Visitor};

use crate::Services;

pub struct Document;

impl StaticFile for Document {
    const MEDIA_TYPE: &'static str = "application/json";
    const TEXT: &'static str = include_str!("../../../../openapi.json");
    const POLICY: &'static str = "default-src 'none'";
}

pub async fn openapi(_: &Services, _: Call<Visitor>) -> Result<File<Document>, Problem> {
    Ok(File::NEW)
}
