//! How many instructions a function takes, which callgrind counts: on any machine the same but for what the processor can do.

use std::io;

use serde_json::Value;

use crate::function::Function;

/// How many requests a function answers before it counts as warm.
pub const WARM_UP: usize = 3;
/// How many more are counted.
const COUNTED: usize = 10;

/// How often instructions are counted. The smallest number counts: what differs is how many pieces the network makes of an answer.
const RUNS: usize = 3;

/// How many events that takes.
pub const EVENTS: usize = RUNS * (WARM_UP + WARM_UP + COUNTED);

/// The instructions from `main` to asking for the first event.
pub async fn of_init(function: &Function) -> io::Result<u64> {
    smallest(function, &[]).await
}

/// The instructions from `main` to the first answer.
pub async fn of_first_answer(function: &Function, events: &[Value]) -> io::Result<u64> {
    smallest(function, events.get(..1).unwrap_or_default()).await
}

async fn smallest(function: &Function, events: &[Value]) -> io::Result<u64> {
    let mut smallest = u64::MAX;
    for _ in 0..RUNS {
        smallest = smallest.min(function.instructions(events).await?);
    }
    Ok(smallest)
}

/// The instructions of a request to a warm function: what [`COUNTED`] more of them cost. Takes the first [`EVENTS`] events, each once.
pub async fn of_a_warm_request(function: &Function, events: &[Value]) -> io::Result<u64> {
    let (mut few, mut many) = (u64::MAX, u64::MAX);
    for events in events.get(..EVENTS).unwrap_or_default().chunks(EVENTS / RUNS) {
        let (before, after) = events.split_at(WARM_UP);
        few = few.min(function.instructions(before).await?);
        many = many.min(function.instructions(after).await?);
    }
    Ok(many.saturating_sub(few) / COUNTED as u64)
}
