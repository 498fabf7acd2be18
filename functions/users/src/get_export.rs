//! `GET /me/exports/{export_id}`: what became of an export, with a link to its file.

use blog::bucket::export_key;
use blog::clock::Timestamp;
use blog::domain::{ExportId, ExportStatus};
use blog::edge::{Call, Json, NoFields, Operation, Reader};
use blog::{Blog, Error, fields};
use schemars::JsonSchema;
use serde::Serialize;

pub struct GetExport;

fields! {
    pub struct ExportPath {
        export_id: ExportId,
    }
}

/// An export as its user sees it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Export")]
pub struct ShownExport {
    id: ExportId,
    status: ExportStatus,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// Where the file is, once it is ready. Made anew for each answer, because it is good for minutes and works without a
    /// token.
    url: Option<String>,
}

impl Operation for GetExport {
    const NAME: &'static str = "get_export";
    type Caller = Reader;
    type Path = ExportPath;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Json<ShownExport>;

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), path, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        // Looked for among the caller's own, so that others' are not found.
        let export = blog.table.export(viewer.user_id, path.export_id, now).await?;
        let export = export.ok_or(Error::NotFound("There is no such export."))?;
        let status = export.status(now);
        let url = match status {
            ExportStatus::Ready => Some(blog.bucket.link(&export_key(&export)).await?),
            ExportStatus::Pending | ExportStatus::Failed => None,
        };
        Ok(Json(ShownExport {
            id: export.id,
            status,
            created_at: export.created_at,
            expires_at: Timestamp::from_milliseconds(export.expires_at * 1000),
            url,
        }))
    }
}
