//! `POST /me/export`: Start an export: a file with all stored data of the signed-in user. It is written after the response.
//! Repeating it while an export is pending returns that export.
//!
//! Problems: conflict.

use domain::{Export, ExportId};
use edge::{Call, Problem, Reader, Started};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Services;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportAskedFor")]
pub struct StartedExport {
    export_id: ExportId,
}

pub async fn export_me(
    services: &Services,
    Call { caller: Reader(viewer), new_id, now, .. }: Call<Reader>,
) -> Result<Started<StartedExport>, Problem> {
    // The plug-in `export_user` writes the file.
    let export = Export::new(new_id.into(), viewer.user_id, now);
    let export_id = services.blog.table.ask_for_export(&export, now).await?;
    Ok(Started { location: format!("/me/exports/{export_id}"), body: StartedExport { export_id } })
}
