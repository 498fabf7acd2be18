//! `GET /me/exports/{export_id}`: Get the status of an export and, when it is ready, a link to its file.

use bucket::export_key;
use domain::{ExportId, ExportStatus, Timestamp, fields};
use edge::{Call, Json, Path, Problem, Reader};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

fields! {
    pub struct ExportPath {
        export_id: ExportId,
    }
}

/// An export.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Export")]
pub struct ExportView {
    id: ExportId,
    status: ExportStatus,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// The address of the file, once it is ready. It is valid for at least 15 minutes, and works without a token.
    url: Option<String>,
}

pub async fn get_export(
    services: &Services,
    Call { caller: Reader(viewer), input: Path(path), now, .. }: Call<Reader, Path<ExportPath>>,
) -> Result<Json<ExportView>, Problem> {
    // Looked for among the caller's own, so that others' are not found.
    let export = services.blog.table.export(viewer.user_id, path.export_id, now).await?;
    let export = export.ok_or_else(|| Problem::not_found("There is no such export."))?;
    let status = export.status(now);
    let url = match status {
        ExportStatus::Ready => Some(services.bucket.link(&export_key(&export)).await?),
        ExportStatus::Pending | ExportStatus::Failed => None,
    };
    let (created_at, expires_at) = (export.created_at, Timestamp::from_milliseconds(export.expires_at * 1000));
    Ok(Json(ExportView { id: export.id, status, created_at, expires_at, url }))
}
