//! The table's stream on a laptop: hands changes to the readers that the template's event sources name, as Lambda's event
//! source mappings do, and what they put on the bus to whom it is for.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use events::{Function, Reader, Services};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};

use crate::backing::Backing;
use crate::bus::{EventBus, Plugins, SlowCalls};
use crate::wire::{OPERATION, survived};
use template::EventSource;

/// The stream with its readers, and the bus behind them.
///
/// A change is taken away when all readers had it and all that they put on the bus is delivered. One that a crash left
/// there is handed on again, or for the first time, at the next start; readers and plug-ins have to bear being called
/// again in any case.
pub struct Streams {
    services: Arc<Services>,
    readers: Vec<(EventSource, &'static Reader)>,
    bus: Arc<EventBus>,
    plugins: Plugins,
    /// Held by whoever hands changes on, so that no change is handed on twice at a time.
    draining: Mutex<()>,
    written: Notify,
}

/// The changes that were handed on and are not taken away, because something slow that follows from them is not done.
#[derive(Default)]
struct HandedOn {
    /// The last change of each batch, with what all share that follows from the batch.
    batches: VecDeque<(Weak<()>, Value)>,
}

impl HandedOn {
    fn last(&self) -> Option<&Value> {
        self.batches.back().map(|(_, last)| last)
    }

    /// Takes away the batches from which nothing follows any more. The stream is taken away from its beginning, so each waits for those before.
    fn take_away(&mut self, backing: &Backing) -> io::Result<()> {
        while let Some((cause, last)) = self.batches.front()
            && cause.strong_count() == 0
        {
            backing.take_away(last)?;
            self.batches.pop_front();
        }
        Ok(())
    }
}

impl Streams {
    /// The stream with the readers of these event sources, and these plug-ins behind the bus.
    pub fn new(services: Arc<Services>, sources: &[EventSource], bus: Arc<EventBus>, plugins: Plugins) -> Self {
        let reader = |source: &EventSource| match events::find(&source.handler) {
            Ok(Function::Reader(reader)) => Some((source.clone(), reader)),
            _ => None,
        };
        Self {
            services,
            readers: sources.iter().filter_map(reader).collect(),
            bus,
            plugins,
            draining: Mutex::default(),
            written: Notify::new(),
        }
    }

    /// Hands all changes on that were not taken away yet, delivers what follows from them on the bus, and so on, until nothing is left.
    pub async fn drain(&self, backing: &Backing) -> io::Result<()> {
        let _draining = self.draining.lock().await;
        let (mut handed_on, mut slow) = (HandedOn::default(), SlowCalls::new());
        loop {
            self.advance(backing, &mut handed_on, &mut slow).await?;
            if slow.next().await.is_none() {
                return Ok(());
            }
        }
    }

    /// The same, until only slow calls are left.
    async fn advance<'a>(
        &'a self,
        backing: &Backing,
        handed_on: &mut HandedOn,
        slow: &mut SlowCalls<'a>,
    ) -> io::Result<()> {
        loop {
            handed_on.take_away(backing)?;
            let records = backing.records_after(handed_on.last())?;
            if records.is_empty() && self.bus.is_idle() {
                return Ok(());
            }
            let cause = Arc::default();
            self.bus.follows_from(&cause);
            self.hand_on(&records).await;
            self.bus.deliver(&self.plugins, slow).await;
            handed_on.batches.extend(records.into_iter().next_back().map(|last| (Arc::downgrade(&cause), last)));
        }
    }

    /// Hands these changes to the readers, also if they had them before: the stream delivers each at least once.
    pub async fn hand_on(&self, records: &[Value]) {
        for (source, reader) in &self.readers {
            let batch = records.iter().filter(|record| source.takes(record)).cloned().collect();
            self.hand_to(source, reader, batch).await;
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
        let (mut handed_on, mut slow) = (HandedOn::default(), SlowCalls::new());
        loop {
            tokio::select! {
                _ = pause.tick() => {}
                () = self.written.notified() => {}
                Some(()) = slow.next() => {}
            }
            let _draining = self.draining.lock().await;
            if let Err(error) = self.advance(backing, &mut handed_on, &mut slow).await {
                tracing::error!(%error, "the table's stream cannot be read");
            }
        }
    }

    /// Hands a batch to a reader, and what comes from the first failure on again, as long as it may be tried.
    async fn hand_to(&self, source: &EventSource, reader: &'static Reader, mut batch: Vec<Value>) {
        let mut failures = 0;
        while !batch.is_empty() {
            let event = match serde_json::from_value(json!({ "Records": batch })) {
                Ok(event) => event,
                Err(error) => return tracing::error!(%error, "a change has a form that readers do not read"),
            };
            let read = survived(OPERATION.scope(reader.name.to_owned(), reader.read(&self.services, &event))).await;
            let failed: Vec<String> = match read {
                Some(Ok(answer)) => {
                    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
                }
                // All of it.
                Some(Err(_)) | None => vec![String::new()],
            };
            if failed.is_empty() {
                return;
            }
            let is_failed = |record: &Value| {
                let number = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
                failed.iter().any(|failed| failed == number)
            };
            let begin = batch.iter().position(is_failed).unwrap_or(0);
            batch.drain(..begin);
            failures = if begin == 0 { failures + 1 } else { 1 };
            if failures > source.max_retries {
                self.bus.give_up(&source.failures, batch.remove(0));
                failures = 0;
            }
        }
    }
}
