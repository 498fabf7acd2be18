//! Transactional writes: each says what it does, on what condition, and what it means if the condition fails.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, DeleteRequest, Put, PutRequest, ReturnConsumedCapacity,
    TransactWriteItem, Update, WriteRequest,
};
use ulid::Ulid;

use crate::Refused;
use crate::keys::Key;
use crate::{Entity, Item, Table, attributes, key_attributes, stored};

/// One write of a transaction.
pub(crate) struct Write {
    key: Key,
    action: Action,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    refusal: Option<Refused>,
}

enum Action {
    Put(Item),
    Update(BTreeMap<String, Change>),
    Delete,
    Check,
}

enum Change {
    Set(AttributeValue),
    Remove,
    Add(i64),
    AddToSet(String),
    DeleteFromSet(String),
}

impl Write {
    fn new(key: Key, action: Action) -> Self {
        Self { key, action, condition: None, names: HashMap::new(), values: HashMap::new(), refusal: None }
    }

    /// Puts an entity, whatever is there.
    pub fn put<T: Entity>(key: Key, entity: &T) -> Result<Self, Refused> {
        let item = stored(&key, entity)?;
        Ok(Self::new(key, Action::Put(item)))
    }

    /// Puts ready-made attributes, whatever is there.
    pub fn put_item(key: Key, kind: &str, mut item: Item) -> Self {
        item.extend(key_attributes(&key));
        item.insert("type".to_owned(), AttributeValue::S(kind.to_owned()));
        Self::new(key, Action::Put(item))
    }

    /// Changes the attributes in which `new` differs from `old` and no others, so that counters which others
    /// move at the same time are not written back. The item must be there.
    pub fn update<T: Entity>(key: Key, old: &T, new: &T) -> Result<Self, Refused> {
        Ok(Self::update_item(key, attributes(old)?, attributes(new)?))
    }

    /// The same with ready-made attributes.
    pub fn update_item(key: Key, old: Item, new: Item) -> Self {
        let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Change::Remove));
        let mut changes: BTreeMap<_, _> = gone.collect();
        let different = new.into_iter().filter(|(name, value)| old.get(name) != Some(value));
        changes.extend(different.map(|(name, value)| (name, Change::Set(value))));
        Self::new(key, Action::Update(changes)).on_condition("attribute_exists(pk)")
    }

    /// Sets one attribute of an item that must be there.
    pub fn set(key: Key, name: &str, value: AttributeValue) -> Self {
        let changes = BTreeMap::from([(name.to_owned(), Change::Set(value))]);
        Self::new(key, Action::Update(changes)).on_condition("attribute_exists(pk)")
    }

    /// Adds to a number of an item that must be there.
    pub fn add(key: Key, name: &str, by: i64) -> Self {
        let changes = BTreeMap::from([(name.to_owned(), Change::Add(by))]);
        Self::new(key, Action::Update(changes)).on_condition("attribute_exists(pk)")
    }

    /// Adds to a number of an item, which is made if it is not there.
    pub fn count(key: Key, kind: &str, name: &str, by: i64) -> Self {
        let kind = Change::Set(AttributeValue::S(kind.to_owned()));
        let changes = BTreeMap::from([("type".to_owned(), kind), (name.to_owned(), Change::Add(by))]);
        Self::new(key, Action::Update(changes))
    }

    /// Adds to a number besides, in an update.
    pub fn and_add(mut self, name: &str, by: i64) -> Self {
        if let Action::Update(changes) = &mut self.action {
            changes.insert(name.to_owned(), Change::Add(by));
        }
        self
    }

    /// Puts a text into a set, which is made if it is not there.
    pub fn add_to_set(key: Key, name: &str, value: String) -> Self {
        Self::new(key, Action::Update(BTreeMap::from([(name.to_owned(), Change::AddToSet(value))])))
    }

    /// Takes a text out of a set.
    pub fn delete_from_set(key: Key, name: &str, value: String) -> Self {
        Self::new(key, Action::Update(BTreeMap::from([(name.to_owned(), Change::DeleteFromSet(value))])))
    }

    /// Sets an attribute besides, in an update.
    pub fn and_set(mut self, name: &str, value: AttributeValue) -> Self {
        if let Action::Update(changes) = &mut self.action {
            changes.insert(name.to_owned(), Change::Set(value));
        }
        self
    }

    /// Removes an attribute besides, in an update.
    pub fn and_remove(mut self, name: &str) -> Self {
        if let Action::Update(changes) = &mut self.action {
            changes.insert(name.to_owned(), Change::Remove);
        }
        self
    }

    /// Changes nothing; only the condition counts.
    pub fn check(key: Key) -> Self {
        Self::new(key, Action::Check)
    }

    /// Deletes an item, if it is there.
    pub fn delete(key: Key) -> Self {
        Self::new(key, Action::Delete)
    }

    /// Replaces the condition.
    pub fn on_condition(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// An attribute that the condition names by another name, because DynamoDB reserves its own.
    pub fn with_name(mut self, alias: &str, name: &str) -> Self {
        self.names.insert(alias.to_owned(), name.to_owned());
        self
    }

    /// A value that the condition names.
    pub fn with_value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Only if the item is at this version.
    pub fn at_version(self, version: u64) -> Self {
        self.on_condition("version = :expected_version")
            .with_value(":expected_version", AttributeValue::N(version.to_string()))
    }

    /// What it means when the condition fails.
    pub fn on_condition_failed(mut self, refusal: Refused) -> Self {
        self.refusal = Some(refusal);
        self
    }

    fn item(&self, table: &str) -> Result<TransactWriteItem, Refused> {
        let values = (!self.values.is_empty()).then(|| self.values.clone());
        let names = (!self.names.is_empty()).then(|| self.names.clone());
        let builder = TransactWriteItem::builder();
        Ok(match &self.action {
            Action::Put(item) => builder.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(item.clone()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()
                    .map_err(Refused::internal)?,
            ),
            Action::Check => builder.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(&self.key)))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()
                    .map_err(Refused::internal)?,
            ),
            Action::Delete => builder.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key_attributes(&self.key)))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()
                    .map_err(Refused::internal)?,
            ),
            Action::Update(changes) => {
                let (expression, mut names, mut values) = update_expression(changes);
                names.extend(self.names.clone());
                values.extend(self.values.clone());
                builder.update(
                    Update::builder()
                        .table_name(table)
                        .set_key(Some(key_attributes(&self.key)))
                        .update_expression(expression)
                        .set_expression_attribute_names(Some(names))
                        .set_condition_expression(self.condition.clone())
                        .set_expression_attribute_values((!values.is_empty()).then_some(values))
                        .build()
                        .map_err(Refused::internal)?,
                )
            }
        }
        .build())
    }
}

type Expression = (String, HashMap<String, String>, HashMap<String, AttributeValue>);

fn update_expression(changes: &BTreeMap<String, Change>) -> Expression {
    let (mut set, mut remove, mut add, mut delete) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut names, mut values) = (HashMap::new(), HashMap::new());
    for (position, (name, change)) in changes.iter().enumerate() {
        names.insert(format!("#n{position}"), name.clone());
        match change {
            Change::Set(value) => {
                values.insert(format!(":v{position}"), value.clone());
                set.push(format!("#n{position} = :v{position}"));
            }
            Change::Remove => remove.push(format!("#n{position}")),
            Change::Add(by) => {
                values.insert(format!(":v{position}"), AttributeValue::N(by.to_string()));
                add.push(format!("#n{position} :v{position}"));
            }
            Change::AddToSet(value) => {
                values.insert(format!(":v{position}"), AttributeValue::Ss(vec![value.clone()]));
                add.push(format!("#n{position} :v{position}"));
            }
            Change::DeleteFromSet(value) => {
                values.insert(format!(":v{position}"), AttributeValue::Ss(vec![value.clone()]));
                delete.push(format!("#n{position} :v{position}"));
            }
        }
    }
    let clauses = [("SET", set), ("REMOVE", remove), ("ADD", add), ("DELETE", delete)];
    let expression: Vec<_> = clauses
        .into_iter()
        .filter(|(_, terms)| !terms.is_empty())
        .map(|(verb, terms)| format!("{verb} {}", terms.join(", ")))
        .collect();
    (expression.join(" "), names, values)
}

/// Two transactions that touch one item at the same moment cancel each other. The maximum number of tries.
pub const MAX_TRIES: u32 = 8;

impl Table {
    /// Does all of these writes, or none. Each try has an idempotency token, with which the SDK sends it again when it misses the answer: so it
    /// is not done twice and does not fail its own condition.
    pub(crate) async fn write(&self, mut writes: Vec<Write>) -> Result<(), Refused> {
        let items = writes.iter().map(|write| write.item(&self.name)).collect::<Result<Vec<_>, _>>()?;
        // The tokens of tries that met another transaction. AWS does not say whether it would do a cancelled try with the same token again.
        let mut met: Vec<String> = Vec::new();
        let mut token = idempotency_token()?;
        for attempt in 1.. {
            let answer = self
                .client
                .transact_write_items()
                .client_request_token(&token)
                .set_transact_items(Some(items.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match answer {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let has = |code: &str| reasons(&error).iter().any(|reason| reason.code() == Some(code));
            let refused = reasons(&error).iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"));
            if let Some(position) = refused {
                // A try whose answer was missed may have been done before it met another transaction: then its token is answered with success.
                // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-apis-txwriteitems
                if let Some(earlier) = met.pop() {
                    token = earlier;
                    continue;
                }
                let refusal = writes.get_mut(position).and_then(|write| write.refusal.take());
                return Err(refusal.unwrap_or_else(|| Refused::internal(error)));
            }
            if has("TransactionConflict") && attempt < MAX_TRIES {
                met.push(std::mem::replace(&mut token, idempotency_token()?));
                self.pause(attempt).await;
                continue;
            }
            let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            if passing.into_iter().any(has) {
                return Err(Refused::unavailable(error));
            }
            return Err(Refused::of(error));
        }
        Ok(())
    }
}

impl Table {
    /// Waits before the next try.
    pub(crate) async fn pause(&self, attempt: u32) {
        aws::pause(self.client.config().sleep_impl(), pause(attempt)).await;
    }
}

/// A write of a batch: unconditional, and not in one with the others.
pub(crate) enum BatchWrite {
    /// Puts an item, whatever is there.
    Put(Item),
    /// Deletes an item, if it is there.
    Delete(Key),
}

impl BatchWrite {
    /// Puts an entity, whatever is there.
    pub fn put<T: Entity>(key: &Key, entity: &T) -> Result<Self, Refused> {
        Ok(Self::Put(stored(key, entity)?))
    }

    fn request(self) -> Result<WriteRequest, Refused> {
        let request = WriteRequest::builder();
        Ok(match self {
            Self::Put(item) => {
                request.put_request(PutRequest::builder().set_item(Some(item)).build().map_err(Refused::internal)?)
            }
            Self::Delete(key) => {
                let delete = DeleteRequest::builder().set_key(Some(key_attributes(&key)));
                request.delete_request(delete.build().map_err(Refused::internal)?)
            }
        }
        .build())
    }
}

/// The maximum number of writes of a batch.
const MAX_BATCH: usize = 25;

impl Table {
    /// Does these writes, each of another item, for half of what a transaction costs. Some may be done if it fails.
    pub(crate) async fn batch_write(&self, writes: Vec<BatchWrite>) -> Result<(), Refused> {
        let requests = writes.into_iter().map(BatchWrite::request).collect::<Result<Vec<_>, _>>()?;
        for batch in requests.chunks(MAX_BATCH) {
            let mut wanted = Some(HashMap::from([(self.name.clone(), batch.to_vec())]));
            for attempt in 1.. {
                let write = self
                    .client
                    .batch_write_item()
                    .set_request_items(wanted)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let output = outlast_transactions(&self.client, || write.clone().send()).await.map_err(Refused::of)?;
                // What was too much for now is left over, and asked for again.
                wanted = output.unprocessed_items.filter(|left| !left.is_empty());
                if wanted.is_none() {
                    break;
                }
                if attempt == MAX_TRIES {
                    return Err(Refused::unavailable("writes of a batch were left unprocessed again and again"));
                }
                self.pause(attempt).await;
            }
        }
        Ok(())
    }
}

/// Sends a single write, again while it meets a transaction on its item: it then was not done. The SDK takes that for
/// an error of the request and does not try again.
pub(crate) async fn outlast_transactions<T, E, F>(client: &Client, send: impl Fn() -> F) -> Result<T, SdkError<E>>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E>>>,
{
    let mut attempt = 1;
    loop {
        match send().await {
            Err(error) if error.code() == Some("TransactionConflictException") && attempt < MAX_TRIES => {
                aws::pause(client.config().sleep_impl(), pause(attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// What tells one transaction from others: at most 36 characters.
fn idempotency_token() -> Result<String, Refused> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Refused::internal("the system gives no random bytes"))?;
    Ok(Ulid::from_bytes(bytes).to_string())
}

/// Why a transaction was cancelled, one reason for each of its writes, in their order.
fn reasons(error: &SdkError<TransactWriteItemsError>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => &[],
    }
}

/// Twice as long each time, from about 20 ms, and never quite the same for two writers.
fn pause(attempt: u32) -> Duration {
    let mut jitter = [0; 1];
    // Without randomness the writers meet again once more; not worth failing for.
    let _ = aws_lc_rs::rand::fill(&mut jitter);
    let milliseconds = 10_u64 << attempt.min(6);
    Duration::from_millis(milliseconds + milliseconds * u64::from(jitter[0]) / 255)
}
