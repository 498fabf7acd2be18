//! The bus: where what happened is told to whoever wants to know. EventBridge; no rules of the blog.

use std::time::Duration;

use aws::{Failure, Meter, Sdk, Service};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::Timestamp;
use serde::Serialize;

/// The maximum number of entries of a call.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const MAX_ENTRIES: usize = 10;

/// The maximum size of a call, all entries together: 256 KiB. Less is used, since source, type and time count too.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size>
const MAX_BYTES: usize = 240 * 1024;

/// How often entries are sent that the bus did not take. The SDK sends a call that failed as a whole again by itself.
const MAX_TRIES: u32 = 3;

/// The bus.
pub struct Bus {
    client: Client,
    name: String,
}

/// Something to put on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    source: &'static str,
    detail_type: &'static str,
    detail: String,
    time: Option<Timestamp>,
}

impl Entry {
    /// `detail` of this type from this source, by which rules choose.
    pub fn new(source: &'static str, detail_type: &'static str, detail: &impl Serialize) -> Result<Self, Failure> {
        let detail = serde_json::to_string(detail).map_err(Failure::internal)?;
        Ok(Self { source, detail_type, detail, time: None })
    }

    /// The same, as something that happened at `time`. Otherwise it happens when it is put.
    pub fn at(self, time: Timestamp) -> Self {
        Self { time: Some(time), ..self }
    }
}

/// Entries that the bus did not take.
#[derive(Debug)]
pub struct NotTaken {
    /// Where they stand among those that were put.
    pub positions: Vec<usize>,
    /// Why the first of them was not taken.
    pub cause: Failure,
}

/// What the bus says of an entry that it does not take.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
struct EntryError {
    code: String,
    message: String,
}

impl Bus {
    /// The bus of this name. Makes no network call.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        let meter = Meter { count: |usage| usage.eventbridge_calls += 1, units: aws::no_units };
        let config = aws_sdk_eventbridge::config::Builder::from(&sdk.config(Service::EventBridge)).interceptor(meter);
        Self { client: Client::from_conf(config.build()), name }
    }

    /// Puts entries on the bus, in as many calls as it takes. One that is not taken does not keep back the others.
    pub async fn put(&self, entries: Vec<Entry>) -> Result<(), NotTaken> {
        let mut not_taken: Option<NotTaken> = None;
        for call in calls(entries) {
            if let Err(NotTaken { positions, cause }) = self.put_some(call).await {
                not_taken.get_or_insert(NotTaken { positions: Vec::new(), cause }).positions.extend(positions);
            }
        }
        not_taken.map_or(Ok(()), Err)
    }

    /// Puts as many as one call takes.
    async fn put_some(&self, mut pending: Vec<(usize, Entry)>) -> Result<(), NotTaken> {
        let positions = |entries: &[(usize, Entry)]| entries.iter().map(|(position, _)| *position).collect();
        for attempt in 1.. {
            let entries = pending.iter().map(|(_, entry)| self.request(entry)).collect();
            let answer = self.client.put_events().set_entries(Some(entries)).send().await;
            let answer =
                answer.map_err(|error| NotTaken { positions: positions(&pending), cause: Failure::of(error) })?;
            // In the order of the entries; what was not taken has a code.
            let results = answer.entries.unwrap_or_default();
            let (mut left, mut first) = (Vec::new(), None);
            for (entry, result) in pending.into_iter().zip(results) {
                if let Some(code) = result.error_code {
                    left.push(entry);
                    first.get_or_insert(EntryError { code, message: result.error_message.unwrap_or_default() });
                }
            }
            match first {
                None => break,
                Some(error) if attempt == MAX_TRIES => {
                    return Err(NotTaken { positions: positions(&left), cause: Failure::unavailable(error) });
                }
                Some(_) => tokio::time::sleep(Duration::from_millis(20 << attempt)).await,
            }
            pending = left;
        }
        Ok(())
    }

    fn request(&self, entry: &Entry) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(entry.source)
            .detail_type(entry.detail_type)
            .detail(&entry.detail)
            .set_time(entry.time.map(|time| DateTime::from_millis(time.milliseconds())))
            .build()
    }
}

/// The entries with their positions, as many together as one call takes.
fn calls(entries: Vec<Entry>) -> Vec<Vec<(usize, Entry)>> {
    let mut calls: Vec<Vec<(usize, Entry)>> = Vec::new();
    let mut bytes = 0;
    for (position, entry) in entries.into_iter().enumerate() {
        bytes += entry.detail.len();
        match calls.last_mut() {
            Some(call) if call.len() < MAX_ENTRIES && bytes <= MAX_BYTES => call.push((position, entry)),
            _ => {
                bytes = entry.detail.len();
                calls.push(vec![(position, entry)]);
            }
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_as_many_entries_as_it_may_and_no_more_bytes() {
        let sizes = |sizes: &[usize]| -> Vec<Vec<usize>> {
            let entry = |size: &usize| Entry::new("s", "t", &"x".repeat(*size)).unwrap();
            let calls = calls(sizes.iter().map(entry).collect());
            calls.into_iter().map(|call| call.into_iter().map(|(position, _)| position).collect()).collect()
        };
        assert!(sizes(&[]).is_empty());
        assert_eq!(sizes(&[1; 21]).iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 1]);
        let third = MAX_BYTES / 3;
        assert_eq!(sizes(&[third, third, third, 1]), [vec![0, 1], vec![2, 3]]);
        assert_eq!(sizes(&[MAX_BYTES + 1, 1]), [[0], [1]]);
    }
}
