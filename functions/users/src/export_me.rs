//! `POST /me/export`: asks for a file with all that is stored of oneself. It is written after the answer.
//!
//! By `export_user`.

use blog::domain::{Export, ExportId};
use blog::edge::{Begun, Call, NoFields, Operation, Reader};
use blog::error::Problem;
use blog::{Blog, Error};
use schemars::JsonSchema;
use serde::Serialize;

pub struct ExportMe;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportAskedFor")]
pub struct Asked {
    export_id: ExportId,
}

impl Operation for ExportMe {
    const NAME: &'static str = "export_me";
    type Caller = Reader;
    type Path = NoFields;
    type Query = NoFields;
    type Body = NoFields;
    type Reply = Begun<Asked>;
    const PROBLEMS: &'static [Problem] = &[Problem::CONFLICT];

    async fn run(
        blog: &Blog,
        Call { caller: Reader(viewer), new_id, now, .. }: Call<Self>,
    ) -> Result<Self::Reply, Error> {
        // Whoever asks again while one is pending gets that one: asking often costs no more than asking once.
        let export = Export::new(new_id.into(), viewer.user_id, now);
        let export_id = blog.table.ask_for_export(&export, now).await?;
        Ok(Begun { location: format!("/me/exports/{export_id}"), body: Asked { export_id } })
    }
}
