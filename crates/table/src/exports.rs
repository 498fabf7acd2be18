//! Access patterns of exports.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::keys;
use crate::write::Write;
use crate::{Consistency, Entity, Query, SortKeys, Table, read};
use domain::Timestamp;
use domain::{Export, ExportId, ExportStatus, UserId};

/// Which export a user asked for last; what lets only one be pending.
#[derive(Serialize, Deserialize)]
struct LastExport {
    export_id: ExportId,
    /// Goes with the export: DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl Entity for Export {
    const TYPE: &'static str = "export";
}

impl Entity for LastExport {
    const TYPE: &'static str = "last_export";
}

/// Of requests that ask at the same moment one wins; the others look again, at most this often.
const MAX_TRIES: usize = 5;

impl Table {
    /// An export of a user's.
    pub async fn export(&self, user: UserId, id: ExportId, now: Timestamp) -> Result<Option<Export>, Refused> {
        let export: Option<Export> = self.get(&keys::export(user, id), Consistency::Strong).await?;
        Ok(export.filter(|export| !export.is_expired(now)))
    }

    /// Asks for this export, unless one is pending; gives the one that is pending then.
    pub async fn ask_for_export(&self, export: &Export, now: Timestamp) -> Result<ExportId, Refused> {
        let key = keys::last_export(export.user_id);
        for _ in 0..MAX_TRIES {
            let last: Option<LastExport> = self.get(&key, Consistency::Strong).await?;
            if let Some(last) = &last {
                let last = self.export(export.user_id, last.export_id, now).await?;
                if let Some(pending) = last.filter(|last| last.status(now) == ExportStatus::Pending) {
                    return Ok(pending.id);
                }
            }
            let asked = LastExport { export_id: export.id, expires_at: export.expires_at };
            let asked = Write::put(key.clone(), &asked)?;
            let asked = match last {
                Some(last) => asked
                    .on_condition("export_id = :last")
                    .with_value(":last", AttributeValue::S(last.export_id.to_string())),
                None => asked.on_condition("attribute_not_exists(pk)"),
            };
            let writes = vec![
                Write::put(keys::export(export.user_id, export.id), export)?
                    .on_condition("attribute_not_exists(pk)")
                    .on_condition_failed(Refused::AlreadyDone),
                asked.on_condition_failed(Refused::Changed),
            ];
            match self.write(writes).await {
                Err(Refused::Changed) => {}
                // By an earlier try of the same request.
                Err(Refused::AlreadyDone) => return Ok(export.id),
                outcome => return outcome.map(|()| export.id),
            }
        }
        Err(Refused::Contended)
    }

    /// Writes down that an export's file is whole. If the export is gone meanwhile, nobody waits for it.
    pub async fn finish_export(&self, export: &Export, now: Timestamp) -> Result<(), Refused> {
        let ready = Write::set(keys::export(export.user_id, export.id), "ready_at", AttributeValue::S(now.to_string()))
            .on_condition_failed(Refused::Absent);
        match self.write(vec![ready]).await {
            Err(Refused::Absent) => Ok(()),
            outcome => outcome,
        }
    }

    /// Exports of a user, at most `max`.
    pub async fn exports_of(&self, user: UserId, max: usize) -> Result<Vec<Export>, Refused> {
        let partition = keys::profile(user).pk;
        let query = Query::of(&partition, SortKeys::Prefix(keys::EXPORT_PREFIX), Consistency::Strong);
        self.query(Query { limit: Some(max), ..query }).await?.into_iter().map(read).collect()
    }

    /// Forgets an export of a user who leaves, and that it was the last one.
    pub async fn delete_export(&self, export: &Export) -> Result<(), Refused> {
        let export_keys = [keys::export(export.user_id, export.id), keys::last_export(export.user_id)];
        self.write(export_keys.map(Write::delete).into()).await
    }
}
