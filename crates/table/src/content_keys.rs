//! Access patterns of the keys of Ghost's Content API (docs/adr/0038).
//!
//! Whoever checks a key reads one item, in a partition of the key's own, so that the front ends of a busy blog do not all read one
//! partition. A second item is in the list that administrators see.

use domain::{AuditEntry, ContentKey, ContentKeyId, ContentKeyText, Limit, Page};

use crate::audit::record;
use crate::write::Write;
use crate::{Consistency, Entity, Item, Refused, Table, keys, read};

impl Entity for ContentKey {
    const TYPE: &'static str = "content_key";
}

impl Table {
    /// Stores a new content key; 10 WCU. [`Refused::AlreadyDone`] if an earlier try of the same request did.
    pub async fn create_content_key(&self, key: &ContentKey, audit: &AuditEntry) -> Result<(), Refused> {
        let put = Write::put(keys::content_key(key.id), key)?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::AlreadyDone);
        let in_use = Write::put_item(keys::content_key_in_use(&key.key), "content_key_in_use", Item::new());
        let mut writes = vec![put, in_use];
        writes.extend(record(Some(audit))?);
        self.write(writes).await
    }

    /// A content key by its id.
    pub async fn content_key(&self, id: ContentKeyId) -> Result<Option<ContentKey>, Refused> {
        self.get(&keys::content_key(id), Consistency::Strong).await
    }

    /// Whether there is this content key; 0.5 RCU. Eventually consistent, apart from a key that is not there yet.
    pub async fn is_content_key(&self, key: &ContentKeyText) -> Result<bool, Refused> {
        let key = keys::content_key_in_use(key);
        if self.get_item(&key, Consistency::Eventual).await?.is_some() {
            return Ok(true);
        }
        Ok(self.get_item(&key, Consistency::Strong).await?.is_some())
    }

    /// A page of all content keys, newest first.
    pub async fn content_keys(&self, cursor: Option<&str>, limit: Limit) -> Result<Page<ContentKey>, Refused> {
        let Page { items, next_cursor } = self.page(&keys::content_keys(), cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Revokes a content key; 1 RCU and 10 WCU. [`Refused::Absent`] if there is none.
    pub async fn delete_content_key(&self, id: ContentKeyId, audit: &AuditEntry) -> Result<(), Refused> {
        let key = self.content_key(id).await?.ok_or(Refused::Absent)?;
        let delete = Write::delete(keys::content_key(id))
            .on_condition("attribute_exists(pk)")
            .on_condition_failed(Refused::Absent);
        let mut writes = vec![delete, Write::delete(keys::content_key_in_use(&key.key))];
        writes.extend(record(Some(audit))?);
        self.write(writes).await
    }
}
