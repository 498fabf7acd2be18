//! Whether what several clients saw of one thing can have happened one after the other: a checker of linearizability
//! (Wing and Gong 1993, with the memory of Lowe 2017).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// What a thing is, and what follows from what is done to it.
pub trait Spec {
    type State: Clone + Eq + Hash + Debug;
    type Op: Clone + Debug;

    /// The states that a thing can be in after `op`, which says also what was answered. None if nobody can be answered
    /// that in this state.
    fn next(state: &Self::State, op: &Self::Op) -> Vec<Self::State>;
}

/// Something that somebody did, from the moment when they began to the moment when they were answered.
#[derive(Debug, Clone)]
pub struct Event<O> {
    pub op: O,
    pub start: u64,
    /// Without an end it happens at any time after its start, or never: the answer was lost.
    pub end: Option<u64>,
    pub what: String,
}

/// The maximum number of events of a thing.
pub const MAX_EVENTS: usize = 128;

/// Says what cannot be explained: the longest order of events that can have happened, and what comes after.
pub fn check<S: Spec>(first: &S::State, events: &[Event<S::Op>]) -> Result<(), String> {
    assert!(events.len() <= MAX_EVENTS, "{} events", events.len());
    let certain = events.iter().enumerate().filter(|(_, event)| event.end.is_some());
    let goal = certain.fold(0_u128, |goal, (position, _)| goal | (1 << position));
    let mut search = Search::<S> { events, goal, seen: HashSet::new(), order: Vec::new(), longest: Vec::new() };
    if search.explain(0, first) {
        return Ok(());
    }
    let happened: Vec<_> =
        search.longest.iter().map(|(position, state)| format!("  {} -> {state:?}", events[*position].what)).collect();
    let left: Vec<_> = events
        .iter()
        .enumerate()
        .filter(|(position, _)| !search.longest.iter().any(|(done, _)| done == position))
        .map(|(_, Event { op, start, end, what })| format!("  {what}: {op:?} from {start} to {end:?}"))
        .collect();
    Err(format!("after\n{}\nthis cannot be explained:\n{}", happened.join("\n"), left.join("\n")))
}

struct Search<'a, S: Spec> {
    events: &'a [Event<S::Op>],
    goal: u128,
    seen: HashSet<(u128, S::State)>,
    order: Vec<(usize, S::State)>,
    longest: Vec<(usize, S::State)>,
}

impl<S: Spec> Search<'_, S> {
    fn explain(&mut self, done: u128, state: &S::State) -> bool {
        if done & self.goal == self.goal {
            return true;
        }
        if !self.seen.insert((done, state.clone())) {
            return false;
        }
        let events = self.events;
        let waiting = || events.iter().enumerate().filter(move |(position, _)| done & (1 << position) == 0);
        // What ended before another began, happened before it.
        let first_end = waiting().filter_map(|(_, event)| event.end).min().unwrap_or(u64::MAX);
        for (position, event) in waiting().filter(|(_, event)| event.start < first_end) {
            for next in S::next(state, &event.op) {
                self.order.push((position, next.clone()));
                if self.order.len() > self.longest.len() {
                    self.longest.clone_from(&self.order);
                }
                if self.explain(done | (1 << position), &next) {
                    return true;
                }
                self.order.pop();
            }
        }
        false
    }
}

/// Something that has a value: it is written, and read.
pub struct Register;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<V> {
    Write(V),
    Read(V),
}

impl Spec for Register {
    type State = u32;
    type Op = Access<u32>;

    fn next(state: &u32, op: &Access<u32>) -> Vec<u32> {
        match op {
            Access::Write(value) => vec![*value],
            Access::Read(value) if value == state => vec![*value],
            Access::Read(_) => Vec::new(),
        }
    }
}

#[test]
fn what_cannot_have_happened_is_found() {
    let event = |op: Access<u32>, start, end| Event { what: format!("{op:?}"), op, start, end };
    let history = |events: &[Event<Access<u32>>]| check::<Register>(&0, events).is_ok();
    let write = |value, start, end| event(Access::Write(value), start, end);
    let read = |value, start, end| event(Access::Read(value), start, Some(end));
    assert!(history(&[write(1, 0, Some(1)), read(1, 2, 3)]));
    assert!(!history(&[write(1, 0, Some(1)), read(0, 2, 3)]), "a write that was answered is lost");
    assert!(history(&[write(1, 0, Some(3)), read(0, 1, 2)]), "it may not have happened yet");
    assert!(!history(&[write(1, 0, Some(9)), read(1, 1, 2), read(0, 3, 4)]), "it cannot be taken back");
    assert!(history(&[write(1, 0, None), read(0, 1, 2), read(1, 3, 4)]), "a lost one may happen later");
    assert!(history(&[write(1, 0, None), read(0, 1, 2)]), "or never");
    assert!(!history(&[write(1, 0, None), read(0, 1, 2), read(1, 3, 4), read(0, 5, 6)]), "but only once");
    assert!(!history(&[write(1, 5, None), read(1, 1, 2)]), "and not before it was asked for");
}
