//! Long work, done in steps: each fits one invocation, and puts what is left on the bus as the next. Between two steps
//! others have their turn, so a large deletion or export makes no other wait.

use std::future::Future;

use bus::Entry;
use edge::{BusEvent, Problem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Services;

/// The source of work on the bus. That of domain events is another, so no rule for events meets work.
pub const SOURCE: &str = "broadsheet.work";

/// How much a step does of what there may be any number of: posts, follows, versions. Each is up to a few hundred
/// milliseconds of waiting for a transaction, so a step takes seconds and its function times out after minutes.
pub const STEP: usize = 25;

/// The maximum number of steps: 2.5 million posts. Work that does not end would be paid for without end.
const MAX_STEPS: u32 = 100_000;

/// Some work on the bus, as much of it as is left.
#[derive(Debug, Serialize, Deserialize)]
struct Step<W> {
    /// Counts the steps, from 1.
    number: u32,
    work: W,
}

/// An entry of the bus that begins some work of this name.
pub fn begin(name: &'static str, work: &impl Serialize) -> Result<Entry, Problem> {
    entry(name, 1, work)
}

fn entry(name: &'static str, number: u32, work: &impl Serialize) -> Result<Entry, Problem> {
    Ok(Entry::new(SOURCE, name, &Step { number, work })?)
}

/// The first step of some work of this name, to be done at once and not by way of the bus.
pub fn first(name: &'static str, work: &impl Serialize) -> Result<BusEvent, Problem> {
    let detail = serde_json::to_value(Step { number: 1, work }).map_err(Problem::internal)?;
    Ok(BusEvent { detail_type: name.to_owned(), detail })
}

/// Does one step of some work, and puts on the bus what it says is left.
///
/// A step that fails is tried again as it is. One that was done but could not hand on the rest is too: whoever takes a
/// step twice finds the first half of it done.
pub async fn step<'a, W, F>(
    services: &'a Services,
    event: BusEvent,
    name: &'static str,
    take: impl FnOnce(&'a Services, W) -> F,
) -> Result<(), Problem>
where
    W: Serialize + DeserializeOwned,
    F: Future<Output = Result<Option<W>, Problem>>,
{
    let Step { number, work } = serde_json::from_value(event.detail).map_err(Problem::internal)?;
    match take(services, work).await? {
        None => Ok(()),
        Some(_) if number >= MAX_STEPS => Err(Problem::internal(format!("{name} does not end"))),
        Some(rest) => {
            let next = entry(name, number + 1, &rest)?;
            services.bus.put(vec![next]).await.map_err(|not_taken| not_taken.cause.into())
        }
    }
}
