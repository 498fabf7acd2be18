//! The bus: where what happened is told to whoever wants to know. EventBridge; no rules of the blog.

use std::time::Duration;

use aws::{Client, Failure, Refusal, Sdk, Service};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// What EventBridge answers to entries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsAnswer {
    /// In the order of the entries.
    #[serde(default)]
    entries: Vec<EntryResult>,
}

/// What became of an entry: what was not taken has a code.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryResult {
    error_code: Option<String>,
    error_message: Option<String>,
}

impl Bus {
    /// The bus of this name. Makes no network call.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { client: Client::new(sdk, Service::EventBridge, "events", |usage| usage.eventbridge_calls += 1), name }
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
            let entries: Vec<_> = pending.iter().map(|(_, entry)| self.request(entry)).collect();
            let answer = self.put_events(&json!({ "Entries": entries })).await;
            let answer =
                answer.map_err(|error| NotTaken { positions: positions(&pending), cause: Failure::of(error) })?;
            let (mut left, mut first) = (Vec::new(), None);
            for (entry, result) in pending.into_iter().zip(answer.entries) {
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
                Some(_) => self.client.pause(Duration::from_millis(20 << attempt)).await,
            }
            pending = left;
        }
        Ok(())
    }

    fn request(&self, entry: &Entry) -> Value {
        let Entry { source, detail_type, detail, time } = entry;
        let mut request =
            json!({ "EventBusName": self.name, "Source": source, "DetailType": detail_type, "Detail": detail });
        if let Some(time) = time {
            request["Time"] = json!(time.milliseconds() as f64 / 1000.0);
        }
        request
    }

    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
    async fn put_events(&self, body: &Value) -> Result<PutEventsAnswer, SdkError<Refusal, HttpResponse>> {
        let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
        request.set_method("POST").and_then(|()| request.set_uri("/")).map_err(SdkError::construction_failure)?;
        request.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        request.headers_mut().insert("x-amz-target", "AWSEvents.PutEvents");
        self.client.call("PutEvents", request, read).await
    }
}

/// An answer to entries, or the code and the message of an error, as services answer that speak JSON 1.1.
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>
fn read(response: &HttpResponse) -> Result<PutEventsAnswer, ErrorMetadata> {
    let body = response.body().bytes().unwrap_or_default();
    let unreadable = || ErrorMetadata::builder().code(response.status().as_u16().to_string()).build();
    if response.status().is_success() {
        return serde_json::from_slice(body).map_err(|_| unreadable());
    }
    let Ok(error) = serde_json::from_slice::<Value>(body) else { return Err(unreadable()) };
    let text = |names: [&str; 3]| names.iter().find_map(|name| error[*name].as_str());
    let Some(code) = text(["__type", "code", "Code"]) else { return Err(unreadable()) };
    // With a namespace before it, or an address after it.
    let code = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code);
    let message = text(["message", "Message", "errorMessage"]).unwrap_or_default();
    Err(ErrorMetadata::builder().code(code).message(message).build())
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
    fn an_answer_says_what_became_of_each_entry_or_why_nothing_was_taken() {
        let answer =
            |status: u16, body: &str| read(&HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)));
        let taken = r#"{"FailedEntryCount":1,"Entries":[{"EventId":"e"},{"ErrorCode":"ThrottlingException","ErrorMessage":"m"}]}"#;
        let codes: Vec<_> = answer(200, taken).unwrap().entries.into_iter().map(|entry| entry.error_code).collect();
        assert_eq!(codes, [None, Some("ThrottlingException".to_owned())]);
        let refused = |status, body| answer(status, body).unwrap_err().code().map(str::to_owned).unwrap();
        assert_eq!(refused(400, r#"{"__type":"ThrottlingException","message":"m"}"#), "ThrottlingException");
        let long = r#"{"__type":"com.amazonaws.events#InternalException:http://internal.amazon.com/"}"#;
        assert_eq!(refused(500, long), "InternalException");
        assert_eq!(refused(502, "<html>"), "502");
        assert_eq!(refused(500, "{}"), "500");
        // Cut short on the way: nothing says what became of the entries.
        assert_eq!(refused(200, r#"{"Entries":["#), "200");
    }

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
