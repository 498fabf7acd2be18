//! The one table. [`Table`] has a method for each access pattern; [`keys`] lists them. DynamoDB and the domain's types;
//! no HTTP.

mod aliases;
mod api_keys;
mod articles;
mod audit;
mod bookmarks;
mod capacity;
mod changes;
mod comments;
mod content_keys;
mod counts;
mod cursor;
mod exports;
mod feeds;
mod follows;
mod home_feed;
mod idempotency;
mod invitations;
pub mod keys;
mod lists;
mod marks;
mod media;
mod moderation;
mod notifications;
mod post_writes;
mod posts;
mod rate_limits;
mod reactions;
mod refused;
mod repair;
mod revisions;
mod schedule;
mod search;
mod signing_key;
mod sitemaps;
mod tag_follows;
mod tags;
mod users;
mod webhooks;
mod write;

use std::collections::{HashMap, HashSet};

use aws::{Meter, Service};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use domain::Viewer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use keys::Key;

pub use aliases::LeadingSlugs;
pub use changes::Change;
pub use comments::{CommenterPlace, Decided, HeldComments};
pub use cursor::Cursor;
pub use feeds::FeedIdentity;
pub use home_feed::{FanOutPlace, FollowPlace, MAX_POPULAR_FOLLOWS, Settled};
pub use idempotency::{Attempt, LOCKED_SECONDS, Lookup};
pub use marks::Mark;
pub use moderation::{Queue, Queued};
pub use notifications::{MAX_UNREAD, NotificationPage, SeenNotification, Told};
pub use post_writes::PostWrite;
pub use posts::{AuthorsPlace, Slot};
pub use rate_limits::{Quota, RateLimit};
pub use refused::Refused;
pub use repair::{Finding, Repair, RepairSettings, Repaired};
pub use search::{Manifest, Merging, PendingPost, Rebuild, SearchState, StoredSegment, Unlisted, UnlistedFiles};
pub use signing_key::SigningKey;
pub use sitemaps::{Sitemap, SitemapEntry};
pub use tags::{TagOrder, UsedTag, tag_of};
pub use users::Guarded;
pub use write::MAX_TRIES;

type Item = HashMap<String, AttributeValue>;

/// Which of DynamoDB's two kinds of read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// May lag behind by a moment; half the price. For what anonymous readers see.
    Eventual,
    /// Sees every write that was answered before. For whoever may have written it.
    Strong,
}

impl Consistency {
    /// For a read on behalf of this viewer, who may have written what is read; visitors have not.
    pub fn for_viewer(viewer: Option<&Viewer>) -> Self {
        if viewer.is_some_and(|viewer| viewer.wrote_lately) { Self::Strong } else { Self::Eventual }
    }
}

/// A kind of thing that the table stores. Entities hold no keys: those are added when one is written and
/// ignored when it is read.
trait Entity: Serialize + DeserializeOwned {
    /// Its name, the attribute `type`: an engineer with the console can tell items apart.
    const TYPE: &'static str;
}

/// The table, by way of its access patterns.
pub struct Table {
    client: Client,
    name: String,
    posts_per_day: u32,
    /// Whether all published posts are counted (ADR 37).
    counts_posts: bool,
    signing_key: OnceCell<SigningKey>,
    feed_identity: OnceCell<FeedIdentity>,
}

/// The maximum number of keys of a batch.
const MAX_KEYS: usize = 100;

impl Table {
    /// The table of this name, which takes this many posts a day of an author (0: any number). Makes no network call.
    pub fn new(sdk: &aws::Sdk, name: String, posts_per_day: u32) -> Self {
        let meter = Meter { count: |usage| usage.dynamodb_calls += 1, units: capacity::units };
        let config = aws_sdk_dynamodb::config::Builder::from(&sdk.config(Service::DynamoDb)).interceptor(meter);
        let client = Client::from_conf(config.build());
        Self {
            client,
            name,
            posts_per_day,
            counts_posts: false,
            signing_key: OnceCell::new(),
            feed_identity: OnceCell::new(),
        }
    }

    /// The same, which counts all published posts: 2 WCU more for each that is published or withdrawn.
    pub fn counting_posts(self, counts_posts: bool) -> Self {
        Self { counts_posts, ..self }
    }

    /// The key that the stack's cursors are signed with; made by whoever needs it first.
    ///
    /// It lives in the table because everything else costs money while idle (Secrets Manager, KMS) or asks the
    /// operator for a secret. Who can read the table can read what a cursor points at.
    pub async fn signing_key(&self) -> Result<&SigningKey, Refused> {
        self.signing_key.get_or_try_init(|| self.get_or_create_signing_key()).await
    }

    /// Whether the table answers.
    pub async fn ping(&self) -> Result<(), Refused> {
        self.get_item(&keys::admins(), Consistency::Eventual).await.map(drop)
    }

    /// Opens a connection by reading the signing key, if there is one yet.
    pub async fn warm(&self) -> Result<(), Refused> {
        self.existing_signing_key().await.map(drop)
    }

    /// The signing key, if there is one: as long as there is none, nothing has been signed. For whoever verifies, and so needs no
    /// permission to make one. Eventually consistent, by which the local stack tells that nobody is about to make one.
    pub async fn existing_signing_key(&self) -> Result<Option<&SigningKey>, Refused> {
        if !self.signing_key.initialized()
            && let Some(item) = self.get_item(&keys::signing_key(), Consistency::Eventual).await?
        {
            // Already set by another request: it is the same key.
            let _ = self.signing_key.set(read_signing_key(&item)?);
        }
        Ok(self.signing_key.get())
    }

    async fn get_or_create_signing_key(&self) -> Result<SigningKey, Refused> {
        let key = keys::signing_key();
        if let Some(item) = self.get_item(&key, Consistency::Strong).await? {
            return read_signing_key(&item);
        }
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Refused::internal("the system gives no random bytes"))?;
        let mut item = key_attributes(&key);
        item.insert("type".to_owned(), AttributeValue::S("signing_key".to_owned()));
        item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(bytes)));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(_) => {}
            // Another process, or this very put whose answer was lost: what is there now counts.
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {}
            Err(error) => return Err(Refused::of(error)),
        }
        match self.get_item(&key, Consistency::Strong).await? {
            Some(item) => read_signing_key(&item),
            None => Err(Refused::internal("the signing key vanished")),
        }
    }

    async fn get<T: Entity>(&self, key: &Key, consistency: Consistency) -> Result<Option<T>, Refused> {
        self.get_item(key, consistency).await?.map(read).transpose()
    }

    async fn delete_item(&self, key: &Key) -> Result<(), Refused> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        write::outlast_transactions(&self.client, || delete.clone().send()).await.map_err(Refused::of)?;
        Ok(())
    }

    async fn get_item(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, Refused> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .consistent_read(consistency == Consistency::Strong)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(Refused::of)?;
        Ok(output.item)
    }

    /// The items at these keys, in no order. What is not there is left out. A set, because DynamoDB refuses a
    /// batch that names a key twice.
    async fn batch_get(&self, keys: &HashSet<Key>, consistency: Consistency) -> Result<Vec<Item>, Refused> {
        let keys: Vec<Item> = keys.iter().map(key_attributes).collect();
        let mut found = Vec::new();
        for batch in keys.chunks(MAX_KEYS) {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(batch.to_vec()))
                .consistent_read(consistency == Consistency::Strong)
                .build()
                .map_err(Refused::internal)?;
            let mut wanted = Some(HashMap::from([(self.name.clone(), wanted)]));
            for attempt in 1.. {
                let output = self
                    .client
                    .batch_get_item()
                    .set_request_items(wanted)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(Refused::of)?;
                found.extend(output.responses.into_iter().flat_map(HashMap::into_values).flatten());
                // What was too much for now is left over, and asked for again.
                wanted = output.unprocessed_keys.filter(|left| !left.is_empty());
                if wanted.is_none() {
                    break;
                }
                if attempt == MAX_TRIES {
                    return Err(Refused::unavailable("keys of a batch were left unprocessed again and again"));
                }
                self.pause(attempt).await;
            }
        }
        Ok(found)
    }

    /// The items of a partition whose sort keys begin with `prefix`.
    async fn query_prefix(&self, pk: &str, prefix: &str, consistency: Consistency) -> Result<Vec<Item>, Refused> {
        self.query(Query::of(pk, SortKeys::Prefix(prefix), consistency)).await
    }

    /// The items that a query finds, however many answers DynamoDB needs for them: it ends one after 1 MB.
    async fn query(&self, wanted: Query<'_>) -> Result<Vec<Item>, Refused> {
        let Query { pk, sort_keys, backwards, start, limit, consistency } = wanted;
        let (condition, values) = sort_keys.condition();
        let mut start = start.map(|sk| key_attributes(&Key { pk: pk.to_owned(), sk: sk.to_owned() }));
        let mut found = Vec::new();
        loop {
            let left = limit.map(|limit| i32::try_from(limit - found.len()).unwrap_or(i32::MAX));
            let output = self
                .client
                .query()
                .table_name(&self.name)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .scan_index_forward(!backwards)
                .set_exclusive_start_key(start)
                .set_limit(left)
                .consistent_read(consistency == Consistency::Strong)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(Refused::of)?;
            found.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() || limit.is_some_and(|limit| found.len() >= limit) {
                return Ok(found);
            }
        }
    }
}

/// A query of one partition.
struct Query<'a> {
    pk: &'a str,
    sort_keys: SortKeys<'a>,
    /// The last sort key first.
    backwards: bool,
    /// Begins after this sort key, in the direction of the query.
    start: Option<&'a str>,
    /// At most this many; all if there is none.
    limit: Option<usize>,
    consistency: Consistency,
}

impl<'a> Query<'a> {
    fn of(pk: &'a str, sort_keys: SortKeys<'a>, consistency: Consistency) -> Self {
        Self { pk, sort_keys, backwards: false, start: None, limit: None, consistency }
    }
}

/// Which sort keys a query is after.
enum SortKeys<'a> {
    /// All.
    Any,
    /// Those that begin with this.
    Prefix(&'a str),
    /// Those that sort before this.
    Before(&'a str),
    /// Those from this to that, both included.
    Between(&'a str, &'a str),
}

impl SortKeys<'_> {
    /// The key condition, with the values that it names besides `:pk`.
    fn condition(&self) -> (&'static str, HashMap<String, AttributeValue>) {
        let values = |values: &[(&str, &str)]| {
            values.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned()))).collect()
        };
        match self {
            Self::Any | Self::Prefix("") => ("pk = :pk", HashMap::new()),
            Self::Prefix(prefix) => ("pk = :pk AND begins_with(sk, :prefix)", values(&[(":prefix", prefix)])),
            Self::Before(end) => ("pk = :pk AND sk < :end", values(&[(":end", end)])),
            Self::Between(from, to) => {
                ("pk = :pk AND sk BETWEEN :from AND :to", values(&[(":from", from), (":to", to)]))
            }
        }
    }
}

fn read_signing_key(item: &Item) -> Result<SigningKey, Refused> {
    match item.get("bytes") {
        Some(AttributeValue::B(bytes)) => Ok(SigningKey::new(bytes.as_ref())),
        _ => Err(Refused::internal("the signing key's item has no bytes")),
    }
}

fn key_attributes(key: &Key) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

fn sort_key(item: &Item) -> Option<&str> {
    item.get("sk")?.as_s().ok().map(String::as_str)
}

fn type_of(item: &Item) -> Option<&str> {
    item.get("type")?.as_s().ok().map(String::as_str)
}

/// The attributes of an entity, without keys. What is none is not stored.
fn attributes<T: Entity>(entity: &T) -> Result<Item, Refused> {
    let mut item: Item = serde_dynamo::to_item(entity).map_err(Refused::internal)?;
    item.retain(|_, value| !value.is_null());
    Ok(item)
}

/// An entity as it is stored: its attributes, its keys, its type and the version of its schema.
fn stored<T: Entity>(key: &Key, entity: &T) -> Result<Item, Refused> {
    let mut item = attributes(entity)?;
    item.extend(key_attributes(key));
    item.insert("type".to_owned(), AttributeValue::S(T::TYPE.to_owned()));
    item.insert("schema".to_owned(), AttributeValue::N("1".to_owned()));
    Ok(item)
}

fn read<T: Entity>(item: Item) -> Result<T, Refused> {
    serde_dynamo::from_item(item).map_err(Refused::internal)
}
