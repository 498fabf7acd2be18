//! Access patterns of the audit log.
//!
//! An entry is written by the transaction of what it tells of, so none is missing and none tells of what did not happen. It
//! stands in three lists; nothing changes or deletes one of them (docs/adr/0034).

use crate::keys::{self, List};
use crate::write::Write;
use crate::{Consistency, Entity, Refused, Table, read};
use domain::{AuditEntry, Limit, Page, UserId};

impl Entity for AuditEntry {
    const TYPE: &'static str = "audit_entry";
}

/// The writes of an entry, if there is one, for the end of a transaction: 6 WCU. An entry that is there is not replaced.
pub(crate) fn record(entry: Option<&AuditEntry>) -> Result<Vec<Write>, Refused> {
    let Some(entry) = entry else { return Ok(Vec::new()) };
    let put = |key| {
        let put = Write::put(key, entry)?.on_condition("attribute_not_exists(pk)");
        Ok(put.on_condition_failed(Refused::AlreadyDone))
    };
    keys::audit_entry(entry).into_iter().map(put).collect()
}

impl Table {
    /// A page of one of the lists of the audit log, newest first.
    pub async fn audit(&self, list: &List, cursor: Option<&str>, limit: Limit) -> Result<Page<AuditEntry>, Refused> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, Consistency::Strong).await?;
        let items = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor })
    }

    /// What a user did, for their export: up to a hundred entries before this one, newest first.
    pub async fn audit_of_actor(&self, user: UserId, before: Option<&AuditEntry>) -> Result<Vec<AuditEntry>, Refused> {
        let before = before.map(|before| before.id.to_string());
        let items = self.items(&keys::audit_of_actor(user), before.as_deref()).await?;
        items.into_iter().map(read).collect()
    }
}
