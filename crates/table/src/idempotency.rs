//! Access patterns of `Idempotency-Key`: a record for each key that is in use.
//!
//! What a record goes through, and why a crash between the work and its record makes nothing twice, is told in
//! docs/adr/0009.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::Refused;
use crate::keys::Key;
use crate::{Entity, Item, Table, read, stored};
use domain::Timestamp;

/// For how long an answer is given again.
const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// After this long a try that has not ended never will: Lambda stops a function after 28 seconds at most, and clocks
/// differ a little. A test compares it with the template.
pub const LOCKED_SECONDS: i64 = 30;

/// What is known of the requests under one key.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Tells the request from others, without telling what it says.
    fingerprint: String,
    /// The id of what the request makes. It stays over all tries, so that each recognises what one before it made.
    new_id: Ulid,
    /// The try that has the record.
    attempt: Ulid,
    /// Until when that try may be running, in milliseconds since 1970.
    locked_until: i64,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl Entity for Record {
    const TYPE: &'static str = "idempotency";
}

/// What is known of a request with a key.
#[derive(Debug)]
pub enum Lookup {
    /// It is to be done.
    New(Attempt),
    /// It was done: the answer, as it was handed to [`Table::keep_answer`].
    Answered(Vec<u8>),
}

/// A try that nobody else makes at the same time.
#[derive(Debug)]
pub struct Attempt {
    key: Key,
    record: Record,
    /// Whether it is the first, so that nothing can have been made before it.
    first: bool,
}

impl Attempt {
    /// The id of what is made: the same for every try under one key.
    pub fn new_id(&self) -> Ulid {
        self.record.new_id
    }
}

impl Table {
    /// Begins the request of this fingerprint, unless it is running or done, or the key is another request's.
    /// `candidate` is a new id, for this try and for what it makes if it is the first.
    pub async fn begin_once(
        &self,
        key: Key,
        fingerprint: String,
        candidate: Ulid,
        now: Timestamp,
    ) -> Result<Lookup, Refused> {
        let locked_until = now.plus_seconds(LOCKED_SECONDS).milliseconds();
        let expires_at = now.plus_seconds(KEPT_SECONDS).seconds();
        let record = Record { fingerprint, new_id: candidate, attempt: candidate, locked_until, expires_at };
        let free = "attribute_not_exists(pk) OR expires_at <= :now";
        let now_value = (":now", AttributeValue::N(now.seconds().to_string()));
        let mut item = match self.put_record(&key, &record, None, free, now_value).await? {
            None => return Ok(Lookup::New(Attempt { key, record, first: true })),
            Some(item) => item,
        };
        let answer = item.remove("answer");
        let found: Record = read(item)?;
        if found.fingerprint != record.fingerprint {
            return Err(Refused::IdempotencyKeyReused);
        }
        if let Some(AttributeValue::B(answer)) = answer {
            return Ok(Lookup::Answered(answer.into_inner()));
        }
        // Our own, if the answer to the first call was lost and the SDK asked again. Then too in what follows.
        if found.attempt == candidate {
            return Ok(Lookup::New(Attempt { key, record, first: true }));
        }
        if found.locked_until > now.milliseconds() {
            return Err(Refused::IdempotencyInProgress);
        }
        // The try before this one broke off, and may have made the thing: this one continues with its id.
        let record = Record { new_id: found.new_id, expires_at: found.expires_at, ..record };
        let still = "attempt = :attempt AND attribute_not_exists(answer)";
        let attempt = (":attempt", AttributeValue::S(found.attempt.to_string()));
        match self.put_record(&key, &record, None, still, attempt).await? {
            None => {}
            Some(item) if is_attempt(&item, candidate) => {}
            Some(_) => return Err(Refused::IdempotencyInProgress),
        }
        Ok(Lookup::New(Attempt { key, record, first: false }))
    }

    /// Keeps the answer of a try.
    pub async fn keep_answer(&self, attempt: Attempt, answer: Vec<u8>) -> Result<(), Refused> {
        self.end(attempt, Some(answer)).await
    }

    /// Ends a try that has no answer to keep, so that the next one need not wait. `refused` says that it made
    /// nothing, for a reason of the request's own: if none was before it, the key is free for another request.
    pub async fn give_up(&self, mut attempt: Attempt, refused: bool, now: Timestamp) -> Result<(), Refused> {
        attempt.record.locked_until = 0;
        if refused && attempt.first {
            attempt.record.expires_at = now.seconds();
        }
        self.end(attempt, None).await
    }

    async fn end(&self, attempt: Attempt, answer: Option<Vec<u8>>) -> Result<(), Refused> {
        let Attempt { key, record, .. } = attempt;
        let mine = (":attempt", AttributeValue::S(record.attempt.to_string()));
        // If another try has the record by now, it gives the answer.
        self.put_record(&key, &record, answer, "attempt = :attempt", mine).await.map(drop)
    }

    /// Puts a record on a condition; gives what is there if the condition does not hold.
    async fn put_record(
        &self,
        key: &Key,
        record: &Record,
        answer: Option<Vec<u8>>,
        condition: &str,
        (name, value): (&str, AttributeValue),
    ) -> Result<Option<Item>, Refused> {
        let mut item = stored(key, record)?;
        item.extend(answer.map(|answer| ("answer".to_owned(), AttributeValue::B(Blob::new(answer)))));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(name, value)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item().cloned().unwrap_or_default()))
                }
                _ => Err(Refused::of(error)),
            },
        }
    }
}

fn is_attempt(item: &Item, candidate: Ulid) -> bool {
    item.get("attempt").and_then(|attempt| attempt.as_s().ok()) == Some(&candidate.to_string())
}
