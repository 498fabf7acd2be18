//! Access patterns of API keys.
//!
//! A key stands at its own id, which its text names, so that whoever checks one reads one item. Which keys a user has is a list of their
//! ids. The day on which a key was last used is an item apart: functions that note it have no permission to write keys (docs/adr/0033).

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::{Deserialize, Serialize};

use crate::audit::record;
use crate::write::{self, Write};
use crate::{Consistency, Entity, Item, Refused, Table, key_attributes, keys, read, sort_key, type_of};
use domain::{ApiKey, AuditEntry, DAY_SECONDS, Denied, KeyId, Limit, MAX_API_KEYS, Page, Timestamp, UserId};

/// For how long it is known when a key was last used, in seconds: two years.
const USE_SECONDS: i64 = 2 * 365 * DAY_SECONDS;

/// When a key was last used.
#[derive(Serialize, Deserialize)]
struct Use {
    /// The day (UTC), such as `2026-11-21`.
    last_used_on: String,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl Entity for ApiKey {
    const TYPE: &'static str = "api_key";
}

impl Entity for Use {
    const TYPE: &'static str = "api_key_use";
}

impl Table {
    /// Stores a new key; 12 WCU. [`Refused::AlreadyDone`] if an earlier try of the same request did, [`Refused::TooManyKeys`] beyond
    /// [`MAX_API_KEYS`]; who sends several such requests at the same moment may get past it by as many.
    pub async fn create_key(&self, key: &ApiKey, audit: &AuditEntry) -> Result<(), Refused> {
        let ids = self.key_ids(key.user_id, MAX_API_KEYS).await?;
        if ids.len() == MAX_API_KEYS && !ids.contains(&key.id) {
            return Err(Refused::TooManyKeys);
        }
        let mut writes = vec![
            Write::put(keys::api_key(key.id), key)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::AlreadyDone),
            Write::put_item(keys::api_key_of(key.user_id, key.id), "api_key_of_user", Item::new()),
            // A user who leaves at this moment takes no key along that nobody would delete.
            Write::check(keys::profile(key.user_id))
                .on_condition("#status = :active")
                .with_name("#status", "status")
                .with_value(":active", AttributeValue::S("active".to_owned()))
                .on_condition_failed(Denied::AccountNotInUse.into()),
        ];
        writes.extend(record(Some(audit))?);
        self.write(writes).await
    }

    /// The key with this id, with the day on which it was last used; 1 RCU. Eventually consistent, apart from a key that is not there
    /// yet.
    pub async fn key(&self, id: KeyId) -> Result<Option<(ApiKey, Option<String>)>, Refused> {
        let (key, used) = (keys::api_key(id), keys::api_key_use(id));
        let (found, used) =
            tokio::try_join!(self.get(&key, Consistency::Eventual), self.get::<Use>(&used, Consistency::Eventual))?;
        let found = match found {
            Some(found) => Some(found),
            None => self.get(&key, Consistency::Strong).await?,
        };
        Ok(found.map(|found| (found, used.map(|used| used.last_used_on))))
    }

    /// Notes that a key is used on this day, unless that is noted.
    pub async fn note_key_use(&self, id: KeyId, now: Timestamp) -> Result<(), Refused> {
        let today = day(now);
        let note = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(&keys::api_key_use(id))))
            .update_expression("SET last_used_on = :today, expires_at = :end, #type = :type")
            .condition_expression("attribute_not_exists(pk) OR last_used_on < :today")
            .expression_attribute_names("#type", "type")
            .expression_attribute_values(":today", AttributeValue::S(today))
            .expression_attribute_values(":end", AttributeValue::N(now.plus_seconds(USE_SECONDS).seconds().to_string()))
            .expression_attribute_values(":type", AttributeValue::S(Use::TYPE.to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match write::outlast_transactions(&self.client, || note.clone().send()).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(Refused::of(error)),
        }
    }

    /// A page of a user's keys, newest first, each with the day on which it was last used.
    pub async fn keys_of(
        &self,
        user: UserId,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<Page<(ApiKey, Option<String>)>, Refused> {
        let list = keys::api_keys(user);
        let Page { items, next_cursor } = self.page(&list, cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: self.keys_at(&key_ids(&items)?).await?, next_cursor })
    }

    /// All keys of a user, for their export. There are few.
    pub async fn all_keys_of(&self, user: UserId) -> Result<Vec<(ApiKey, Option<String>)>, Refused> {
        let ids = self.key_ids(user, usize::MAX).await?;
        self.keys_at(&ids).await
    }

    async fn keys_at(&self, ids: &[KeyId]) -> Result<Vec<(ApiKey, Option<String>)>, Refused> {
        let wanted: HashSet<_> = ids.iter().flat_map(|id| [keys::api_key(*id), keys::api_key_use(*id)]).collect();
        let (mut found, mut used) = (HashMap::new(), HashMap::new());
        for item in self.batch_get(&wanted, Consistency::Strong).await? {
            if type_of(&item) == Some(Use::TYPE) {
                let id = item.get("pk").and_then(|pk| keys::api_key_of_use(pk.as_s().ok()?));
                let Use { last_used_on, .. } = read(item)?;
                used.extend(id.map(|id| (id, last_used_on)));
            } else {
                let key: ApiKey = read(item)?;
                found.insert(key.id, key);
            }
        }
        Ok(ids.iter().filter_map(|id| Some((found.remove(id)?, used.remove(id)))).collect())
    }

    async fn key_ids(&self, user: UserId, max: usize) -> Result<Vec<KeyId>, Refused> {
        key_ids(&self.walk(&keys::api_keys(user), None, max, Consistency::Strong).await?)
    }

    /// Revokes a key of a user. [`Refused::Absent`] if they have no such key.
    pub async fn delete_key(&self, user: UserId, id: KeyId, audit: Option<&AuditEntry>) -> Result<(), Refused> {
        let mut writes = vec![
            Write::delete(keys::api_key_of(user, id))
                .on_condition("attribute_exists(pk)")
                .on_condition_failed(Refused::Absent),
            Write::delete(keys::api_key(id)),
            Write::delete(keys::api_key_use(id)),
        ];
        writes.extend(record(audit)?);
        self.write(writes).await
    }

    /// Deletes keys of a user who leaves, at most `max`. Says whether there was none any more.
    pub async fn delete_keys_of(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let ids = self.key_ids(user, max).await?;
        for id in &ids {
            match self.delete_key(user, *id, None).await {
                Ok(()) | Err(Refused::Absent) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ids.is_empty())
    }
}

/// The ids that a list of keys has.
fn key_ids(items: &[Item]) -> Result<Vec<KeyId>, Refused> {
    items.iter().map(|item| sort_key(item).unwrap_or_default().parse().map_err(Refused::internal)).collect()
}

/// The day (UTC) of a time, such as `2026-11-21`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}
