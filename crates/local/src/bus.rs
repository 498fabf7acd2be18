//! The bus on a laptop: takes events as EventBridge does, and calls the functions that the template's rules name, as Lambda
//! does for whoever does not wait: again if they fail, and then it keeps the event in the function's queue of failures.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use edge::{BusEvent, Plugin, Problem, Services};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lambda_http::BoxFuture;
use serde_json::{Value, json};
use template::{Rule, Template};
use tokio::sync::Semaphore;

use crate::wire::{OPERATION, survived};

/// The maximum number of entries of a call.
const MAX_ENTRIES: usize = 10;

/// The maximum size of a call, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The plug-ins that wait for servers of others or for pictures to be decoded, each with the maximum number of its calls at a time: a picture
/// takes the memory that a function has on Lambda. All other plug-ins have their turns, so that a story goes the same way each time, and wait
/// for none of these.
const SLOW: [(&str, usize); 3] = [("deliver_webhook", 1000), ("process_media", 1), ("tell_hub", 1000)];

/// The calls of slow plug-ins that have begun or wait for their turn.
pub type SlowCalls<'a> = FuturesUnordered<BoxFuture<'a, ()>>;

/// The plug-ins of all binaries by their names, ready to be called with what they use.
pub type Plugins = BTreeMap<&'static str, Run>;

type Run = Box<dyn Fn(BusEvent) -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>;

/// The plug-ins of a binary, ready to be called with what they use.
pub fn plugins<S: Services>(
    services: &Arc<S>,
    plugins: &'static [Plugin<S>],
) -> impl Iterator<Item = (&'static str, Run)> {
    plugins.iter().map(move |plugin| {
        let services = Arc::clone(services);
        let run: Run = Box::new(move |event| {
            let services = Arc::clone(&services);
            Box::pin(async move { plugin.run(&services, event).await })
        });
        (plugin.name, run)
    })
}

/// The bus, with its rules and what waits to be delivered. What waits is kept in memory only: the change of the table that it
/// follows from stays in the stream until it is delivered (`Streams`).
pub struct EventBus {
    name: String,
    rules: Vec<Rule>,
    /// Of each slow plug-in, how many more calls may begin.
    slow: BTreeMap<&'static str, Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Delivery>,
    /// What the deliveries that are queued now follow from.
    cause: Weak<()>,
    taken: u64,
    /// What was put on the bus, if that is written down.
    recorded: Option<Vec<Value>>,
    /// What was given up, by the queue that keeps it.
    given_up: BTreeMap<String, Vec<Value>>,
    /// Which of those that wait comes next, given how many there are; the first, if nobody says.
    order: Option<Box<dyn FnMut(usize) -> usize + Send>>,
}

impl State {
    fn next(&mut self) -> Option<Delivery> {
        let waiting = self.waiting.len();
        let position = self.order.as_mut().filter(|_| waiting > 0).map_or(0, |order| order(waiting));
        self.waiting.remove(position)
    }
}

/// An event on its way to the function of a rule.
struct Delivery {
    rule: Rule,
    event: Value,
    failures: usize,
    /// What it follows from, which is not done before this is (`EventBus::follows_from`).
    cause: Option<Arc<()>>,
}

impl std::fmt::Debug for EventBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventBus")
    }
}

impl EventBus {
    /// The bus of this template.
    pub fn new(template: &Template) -> Self {
        Self {
            name: template.bus_name.clone(),
            rules: template.rules.clone(),
            slow: SLOW.into_iter().map(|(name, max)| (name, Semaphore::new(max))).collect(),
            state: Mutex::default(),
        }
    }

    /// From now on, each delivery that is queued holds a reference to `cause` until it is delivered or given up, unless `cause` is dropped before.
    pub fn follows_from(&self, cause: &Arc<()>) {
        self.state().cause = Arc::downgrade(cause);
    }

    /// From now on what is put on the bus is written down.
    pub fn record(&self) {
        self.state().recorded = Some(Vec::new());
    }

    /// What was written down, events and work, as rules see it. What comes next is written down anew.
    pub fn take_recorded(&self) -> Vec<Value> {
        self.state().recorded.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What a queue of failures holds.
    pub fn given_up(&self, queue: &str) -> Vec<Value> {
        self.state().given_up.get(queue).cloned().unwrap_or_default()
    }

    /// Keeps something in a queue of failures.
    pub fn give_up(&self, queue: &str, message: Value) {
        // Not the message, which may have in it what nobody is to read in a log.
        tracing::error!(queue, "something is given up");
        self.state().given_up.entry(queue.to_owned()).or_default().push(message);
    }

    /// Answers `PutEvents`: a status and a body. Takes no more than the first `max` entries.
    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
    pub fn put_events(&self, request: &Value, max: usize) -> (u16, Value) {
        let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let size = |entry: &Value| -> usize {
            let time = if entry["Time"].is_null() { 0 } else { 14 };
            ["Source", "DetailType", "Detail"].iter().map(|name| text(entry, name).len()).sum::<usize>() + time
        };
        let refused = |message: &str| (400, json!({ "__type": "ValidationException", "message": message }));
        if entries.is_empty() || entries.len() > MAX_ENTRIES {
            return refused("a call has 1 to 10 entries");
        }
        if entries.iter().map(size).sum::<usize>() > MAX_BYTES {
            return refused("the entries are too large together");
        }
        let mut results = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            let failed = |code: &str| json!({ "ErrorCode": code, "ErrorMessage": "not taken" });
            let detail: Option<Value> = serde_json::from_str(&text(entry, "Detail")).ok().filter(Value::is_object);
            results.push(match detail {
                _ if position >= max => failed("ThrottlingException"),
                _ if text(entry, "EventBusName") != self.name => failed("ResourceNotFoundException"),
                _ if text(entry, "Source").is_empty() || text(entry, "DetailType").is_empty() => {
                    failed("InvalidArgument")
                }
                None => failed("MalformedDetail"),
                Some(detail) => json!({ "EventId": self.take(entry, &detail) }),
            });
        }
        let failed = results.iter().filter(|result| !result["ErrorCode"].is_null()).count();
        (200, json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    /// Takes an entry; gives its id.
    fn take(&self, entry: &Value, detail: &Value) -> String {
        let id = {
            let mut state = self.state();
            state.taken += 1;
            format!("00000000-0000-0000-0000-{:012}", state.taken)
        };
        let event = json!({
            "version": "0", "id": id, "source": entry["Source"], "detail-type": entry["DetailType"],
            "account": "000000000000", "region": "local", "time": entry["Time"], "resources": [], "detail": detail,
        });
        if let Some(recorded) = &mut self.state().recorded {
            recorded.push(event.clone());
        }
        self.send(&event);
        id
    }

    /// Sends an event to whom the rules say, also one that was sent before: the bus delivers each at least once.
    pub fn send(&self, event: &Value) {
        let rules = self.rules.iter().filter(|rule| rule.is_enabled && rule.pattern.matches(event));
        let mut state = self.state();
        let cause = state.cause.upgrade();
        let delivery =
            |rule: &Rule| Delivery { rule: rule.clone(), event: event.clone(), failures: 0, cause: cause.clone() };
        state.waiting.extend(rules.map(delivery));
    }

    /// From now on `order` says which of what waits comes next, given how many there are: the bus promises no order.
    pub fn deliver_in_order(&self, order: impl FnMut(usize) -> usize + Send + 'static) {
        self.state().order = Some(Box::new(order));
    }

    /// Takes out what was given up, by its queue, so that it can be sent again.
    pub fn take_given_up(&self) -> BTreeMap<String, Vec<Value>> {
        std::mem::take(&mut self.state().given_up)
    }

    /// Whether nothing waits to be delivered.
    pub fn is_idle(&self) -> bool {
        self.state().waiting.is_empty()
    }

    /// Delivers all that waits, and what follows from it. What fails has its next turn after all others. Calls of slow plug-ins are only
    /// begun; whoever waits for them calls this again, because they may fail.
    pub async fn deliver<'a>(&'a self, plugins: &'a Plugins, slow: &mut SlowCalls<'a>) {
        loop {
            let Some(delivery) = self.state().next() else { return };
            if let Some(calls) = self.slow.get(&*delivery.rule.handler) {
                slow.push(Box::pin(async move {
                    let _call = calls.acquire().await;
                    self.call(plugins, delivery).await;
                }));
                continue;
            }
            let mut call = pin!(self.call(plugins, delivery));
            loop {
                tokio::select! {
                    biased;
                    () = &mut call => break,
                    Some(()) = slow.next() => {}
                }
            }
        }
    }

    /// Calls the function of a rule with an event.
    async fn call(&self, plugins: &Plugins, Delivery { rule, event, failures, cause }: Delivery) {
        let run = plugins.get(&*rule.handler).zip(serde_json::from_value(event.clone()).ok());
        let Some((run, read)) = run else { return self.give_up(&rule.failures, event) };
        if survived(OPERATION.scope(rule.handler.clone(), run(read))).await.is_some_and(|answer| answer.is_ok()) {
            return;
        }
        if failures == rule.max_retries {
            self.give_up(&rule.failures, event);
        } else {
            self.state().waiting.push_back(Delivery { rule, event, failures: failures + 1, cause });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
