//! Who goes on next and what fails, as the seed says.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use local::wire::{Call, Crash, Fault, ORIGIN, Scheduler, Turn};
use tokio::sync::oneshot;

use super::chance::Chance;

/// How bad it gets, in times of a thousand calls.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub faults: usize,
    pub crashes: usize,
    pub slow: usize,
}

/// Decides of each call, and writes down what it decided. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Fate {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    chance: Chance,
    weather: Weather,
    is_on: bool,
    waiting: Vec<Waiting>,
    crashed: BTreeSet<String>,
    trace: Vec<String>,
    /// Whether each line is shown at once.
    prints: bool,
    moments: u64,
}

#[derive(Debug)]
struct Waiting {
    what: String,
    origin: String,
    /// The call, unless something else waits.
    call: Option<Call>,
    go: oneshot::Sender<Turn>,
}

impl Fate {
    pub fn new(seed: u64, weather: Weather) -> Self {
        let state = State {
            chance: Chance::new(seed),
            weather,
            is_on: false,
            waiting: Vec::new(),
            crashed: BTreeSet::new(),
            trace: Vec::new(),
            prints: super::number("SEED").is_some(),
            moments: 0,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on everybody waits for their turn, and calls fail.
    pub fn begin(&self) {
        self.state().is_on = true;
    }

    /// From now on nothing waits or fails.
    pub fn end(&self) {
        let mut state = self.state();
        state.is_on = false;
        state.waiting.clear();
    }

    /// Lets one of those who wait go on. False if nobody waits.
    pub fn release(&self) -> bool {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return false;
        }
        let number = state.waiting.len();
        let next = state.chance.below(number);
        let Waiting { what, origin, call, go } = state.waiting.remove(next);
        let weather = state.weather;
        let turn = call.map_or_else(Turn::default, |call| decide(&mut state.chance, weather, &call, true));
        if turn.crash.is_some() {
            state.crashed.insert(origin);
        }
        let slow = if turn.is_slow { " slowly" } else { "" };
        let fate = match (turn.crash, turn.fault) {
            (Some(crash), _) => format!(" CRASH {crash:?}"),
            (None, Some(fault)) => format!(" {fault:?}"),
            (None, None) => String::new(),
        };
        state.note(format!("{what}{slow}{fate}"));
        // Nobody listens any more if the call was given up.
        let _ = go.send(turn);
        true
    }

    /// Whether the function died that this origin called.
    pub fn has_crashed(&self, origin: &str) -> bool {
        self.state().crashed.contains(origin)
    }

    pub fn note(&self, line: String) {
        self.state().note(line);
    }

    pub fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// The next moment: whatever has an earlier one was before.
    pub fn moment(&self) -> u64 {
        let mut state = self.state();
        state.moments += 1;
        state.moments
    }

    pub fn below(&self, end: usize) -> usize {
        self.state().chance.below(end)
    }

    fn enqueue(&self, what: String, call: Option<Call>) -> Pin<Box<dyn Future<Output = Turn> + Send + Sync>> {
        let mut state = self.state();
        let Ok(origin) = ORIGIN.try_with(Clone::clone) else {
            // What Cognito's triggers do: all else waits for it.
            let weather = state.weather;
            let is_on = state.is_on;
            let turn = call.filter(|_| is_on).map(|call| decide(&mut state.chance, weather, &call, false));
            return Box::pin(std::future::ready(turn.unwrap_or_default()));
        };
        if !state.is_on {
            return Box::pin(std::future::ready(Turn::default()));
        }
        let (go, gone) = oneshot::channel();
        state.waiting.push(Waiting { what: format!("{origin} {what}"), origin, call, go });
        // In the end nobody waits any more.
        Box::pin(async move { gone.await.unwrap_or_default() })
    }
}

impl State {
    fn note(&mut self, line: String) {
        if self.prints {
            println!("{line}");
        }
        self.trace.push(line);
    }
}

impl Scheduler for Fate {
    fn turn(&self, call: &Call) -> BoxFuture<'static, Turn> {
        self.enqueue(described(call), Some(call.clone()))
    }

    fn wait(&self, what: &'static str) -> local::wire::Waiting {
        let turn = self.enqueue(what.to_owned(), None);
        Box::pin(async move {
            turn.await;
        })
    }
}

fn decide(chance: &mut Chance, weather: Weather, call: &Call, waits: bool) -> Turn {
    let (operation, action) = (call.operation.as_deref().unwrap_or_default(), call.action.as_str());
    let mut turn = Turn { is_slow: waits && chance.per_mille(weather.slow), ..Turn::default() };
    // A request ends where the authorizer dies, and nothing that it does is worth a crash.
    if waits && operation != "authorizer" && chance.per_mille(weather.crashes) {
        turn.crash = Some(*chance.pick(&[Crash::Before, Crash::After]));
        return turn;
    }
    if chance.per_mille(weather.faults) {
        let mut faults = vec![Fault::Throttled, Fault::ServerError, Fault::TimedOut, Fault::AnswerLost];
        if waits && call.service == "dynamodb" && action.starts_with("Transact") {
            faults.push(Fault::TransactionConflict);
        }
        if ["BatchGetItem", "BatchWriteItem", "PutEvents"].contains(&action) {
            faults.push(Fault::Unprocessed);
        }
        turn.fault = Some(*chance.pick(&faults));
    }
    turn
}

/// The call without what differs from run to run, such as secrets.
fn described(call: &Call) -> String {
    let mut keys = BTreeSet::new();
    find_keys(&call.request, &mut keys);
    let keys: Vec<_> = keys.into_iter().collect();
    format!("{} {} {}", call.operation.as_deref().unwrap_or("-"), call.action, keys.join(" "))
}

fn find_keys(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match field["S"].as_str() {
                    Some(text) if matches!(name.as_str(), "pk" | ":pk") => {
                        let is_public = ["POST#", "USER#", "TAG#", "COMMENTS#", "REACTIONS#", "HELD#", "FEED#"];
                        let whole = is_public.iter().any(|prefix| text.starts_with(prefix));
                        let shown = if whole { text } else { text.split('#').next().unwrap_or_default() };
                        keys.insert(shown.to_owned());
                    }
                    _ => find_keys(field, keys),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| find_keys(item, keys)),
        _ => {}
    }
}
