//! How many instructions a function takes, which callgrind counts: on any machine the same but for what the processor can do.

use std::io;

use serde_json::Value;

use crate::function::Function;

/// How many requests a function answers before it counts as warm.
pub const WARM_UP: usize = 3;
/// How many more are counted.
pub const COUNTED: usize = 10;

/// The instructions from `main` to asking for the first event.
pub async fn of_init(function: &Function) -> io::Result<u64> {
    function.instructions(&[]).await
}

/// The instructions from `main` to the first answer.
pub async fn of_first_answer(function: &Function, events: &[Value]) -> io::Result<u64> {
    function.instructions(events.get(..1).unwrap_or_default()).await
}

/// The instructions of a request to a warm function: what [`COUNTED`] more of them cost.
pub async fn of_a_warm_request(function: &Function, events: &[Value]) -> io::Result<u64> {
    let (before, after) = match (events.get(..WARM_UP), events.get(WARM_UP..WARM_UP * 2 + COUNTED)) {
        (Some(before), Some(after)) => (before, after),
        _ => return Err(io::Error::other("too few events")),
    };
    let few = function.instructions(before).await?;
    let many = function.instructions(after).await?;
    Ok(many.saturating_sub(few) / COUNTED as u64)
}
