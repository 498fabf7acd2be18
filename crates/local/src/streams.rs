//! The table's stream on a laptop: hands changes to the consumers that the template's event sources name, as Lambda's
//! event source mappings do.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::sync::Arc;
use std::time::Duration;

use events::{Consumer, Function, Services};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};

use crate::backing::Backing;
use crate::wire::OPERATION;
use template::EventSource;

/// After this many failures a change is given up, and logged. On AWS it goes to the dead-letter queue.
const TRIES: usize = 3;

/// The stream with its consumers.
///
/// A change is taken away when all consumers had it. One that a crash left there is handed on again, or for the first
/// time, at the next start; a consumer has to bear being called again in any case.
pub struct Streams {
    services: Arc<Services>,
    consumers: Vec<(EventSource, &'static Consumer)>,
    /// Held by whoever hands changes on, so that no change is handed on twice at a time.
    draining: Mutex<()>,
    written: Notify,
}

impl Streams {
    /// The stream with the consumers of these event sources.
    pub fn new(services: Arc<Services>, sources: &[EventSource]) -> Self {
        let consumer = |source: &EventSource| match events::find(&source.handler) {
            Ok(Function::Consumer(consumer)) => Some((source.clone(), consumer)),
            _ => None,
        };
        Self {
            services,
            consumers: sources.iter().filter_map(consumer).collect(),
            draining: Mutex::default(),
            written: Notify::new(),
        }
    }

    /// Hands all changes on that were not handed on yet, and those that follow from them.
    pub async fn drain(&self, backing: &Backing) -> std::io::Result<()> {
        let _draining = self.draining.lock().await;
        loop {
            let records = backing.records()?;
            if records.is_empty() {
                return Ok(());
            }
            for (source, consumer) in &self.consumers {
                let batch = records.iter().filter(|record| source.takes(record)).cloned().collect();
                self.hand_on(consumer, batch).await;
            }
            backing.take_away(&records)?;
        }
    }

    /// Says that something may have been written.
    pub fn wake(&self) {
        self.written.notify_one();
    }

    /// Does so for ever: at once when it is told, and five times a second for what nobody tells, such as functions that
    /// write from outside of this process. Where nothing was written, looking costs one step in the database's file.
    pub async fn pump(&self, backing: &Backing) {
        let mut pause = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                _ = pause.tick() => {}
                () = self.written.notified() => {}
            }
            if let Err(error) = self.drain(backing).await {
                tracing::error!(%error, "the table's stream cannot be read");
            }
        }
    }

    async fn hand_on(&self, consumer: &'static Consumer, mut batch: Vec<Value>) {
        let mut failures = 0;
        while !batch.is_empty() {
            let event = match serde_json::from_value(json!({ "Records": batch })) {
                Ok(event) => event,
                Err(error) => return tracing::error!(%error, "a change has a form that consumers do not read"),
            };
            let consumed = OPERATION.scope(consumer.name.to_owned(), consumer.consume(&self.services, event)).await;
            let Some(failed) = consumed.batch_item_failures.into_iter().next() else { return };
            let at = |record: &Value| record["dynamodb"]["SequenceNumber"] == failed.item_identifier;
            let begin = batch.iter().position(at).unwrap_or(0);
            batch.drain(..begin);
            failures = if begin == 0 { failures + 1 } else { 1 };
            if failures == TRIES {
                tracing::error!(
                    consumer = consumer.name,
                    sequence_number = failed.item_identifier,
                    "a change is given up"
                );
                batch.remove(0);
                failures = 0;
            }
        }
    }
}
