//! The simulation: eight clients ask for two hundred things at once, while what stands behind us fails and functions die, as a
//! seed says. Whatever happens, nothing is lost, doubled or shown to somebody who must not see it
//! ([ADR 43](../../../docs/adr/0043-simulation.md)). A seed goes the same way each time.
//!
//! `SEEDS=1000 cargo test -p local --test stories simulation::seeds` tries more of them, `SEED=7` one, with all that
//! happens, and `FIRST_SEED=5000` begins elsewhere.

pub mod chance;
mod fate;
mod linear;
mod model;
mod plan;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use local::wire::ORIGIN;
use tokio::task::JoinHandle;

use chance::Chance;
use fate::{Fate, Weather};
use plan::{CLIENTS, Request, requests};
use world::World;

/// How many seeds each run of the tests tries.
const SEEDS: u64 = 6;

/// The number of requests of a seed.
const REQUESTS: usize = 200;

/// The maximum number of runs that a failing seed is shrunk by, unless `SHRINK` says another.
const MAX_SHRINKING: u64 = 60;

/// What came of a seed.
struct Run {
    trace: Vec<String>,
    failure: Option<String>,
}

fn weather(seed: u64) -> (Weather, bool) {
    let mut chance = Chance::new(seed ^ 0x3ea7_4e20);
    let faults = *chance.pick(&[0, 10, 30, 80]);
    let crashes = *chance.pick(&[0, 3, 10]);
    (Weather { faults, crashes, slow: *chance.pick(&[20, 100, 300]) }, chance.below(2) == 0)
}

/// Runs these requests, on a thread of its own.
fn run(seed: u64, requests: &[Request]) -> Run {
    let (weather, holds_comments) = weather(seed);
    let fate = Fate::new(seed, weather);
    let of_thread = (fate.clone(), requests.to_vec());
    let thread = std::thread::Builder::new().name(format!("seed {seed}")).stack_size(16 << 20);
    let thread = thread.spawn(move || {
        let (fate, requests) = of_thread;
        // What is logged costs more than all else.
        let _quiet = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let running = AssertUnwindSafe(simulate(&fate, holds_comments, requests)).catch_unwind();
        runtime.block_on(running).unwrap_or_else(|panic| Err(text_of(panic.as_ref())))
    });
    let failure = match thread.unwrap().join() {
        Ok(ended) => ended.err(),
        Err(panic) => Some(text_of(panic.as_ref())),
    };
    Run { trace: fate.trace(), failure }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or("a panic".to_owned())
}

async fn simulate(fate: &Fate, holds_comments: bool, requests: Vec<Request>) -> Result<(), String> {
    let world = Arc::new(World::start(fate, holds_comments).await);
    fate.begin();
    let clients: Vec<_> = (0..CLIENTS.len())
        .map(|client| {
            let own = requests.iter().copied().enumerate().filter(|(_, request)| request.client == client).collect();
            tokio::spawn(ask(Arc::clone(&world), fate.clone(), client, own))
        })
        .collect();
    let of_stream = Arc::clone(&world);
    let consumer = tokio::spawn(ORIGIN.scope("stream".to_owned(), async move { of_stream.consume().await }));
    let mut idle = 0;
    while !clients.iter().all(JoinHandle::is_finished) {
        // Whoever went on comes to where they wait next.
        for _ in 0..6 {
            tokio::task::yield_now().await;
        }
        idle = if fate.release() { 0 } else { idle + 1 };
        assert!(idle < 100_000, "nobody goes on");
    }
    world.is_over.store(true, Ordering::SeqCst);
    fate.end();
    fate.note("end".to_owned());
    for task in clients {
        task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    consumer.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    world.check().await
}

/// What a client does, one after the other.
async fn ask(world: Arc<World>, fate: Fate, client: usize, requests: Vec<(usize, Request)>) {
    for (position, request) in requests {
        let origin = format!("{}#{position}", CLIENTS[client]);
        let asking = async {
            local::wire::Scheduler::wait(&fate, "begins").await;
            world.perform(request).await;
        };
        ORIGIN.scope(origin, asking).await;
    }
}

/// Fewer requests that fail as well.
fn shrink(seed: u64, requests: Vec<Request>) -> Vec<Request> {
    let max = number("SHRINK").unwrap_or(MAX_SHRINKING);
    let (mut left, mut chunk, mut runs) = (requests, REQUESTS / 2, 0);
    while chunk > 0 {
        let mut start = 0;
        while start < left.len() && runs < max {
            let end = (start + chunk).min(left.len());
            let fewer = [&left[..start], &left[end..]].concat();
            runs += 1;
            if run(seed, &fewer).failure.is_some() {
                left = fewer;
            } else {
                start = end;
            }
        }
        chunk /= 2;
    }
    left
}

/// Fails with all that there is to know of a failing seed.
fn fail(seed: u64, failure: &str) -> ! {
    let left = shrink(seed, requests(seed, REQUESTS));
    let Run { trace, failure: shrunk } = run(seed, &left);
    let shrunk = shrunk.unwrap_or_default();
    panic!(
        "seed {seed} fails: {failure}\n\n{} requests are enough: {left:#?}\n\n{}\n\n{shrunk}",
        left.len(),
        trace.join("\n"),
    );
}

/// The number that somebody gives a test in the environment.
pub fn number(name: &str) -> Option<u64> {
    #[allow(clippy::disallowed_methods, reason = "says how much of a test somebody wants to see")]
    let value = std::env::var(name);
    value.ok().map(|text| text.parse().unwrap())
}

#[test]
fn seeds() {
    if let Some(seed) = number("SEED") {
        let Run { trace, failure } = run(seed, &requests(seed, REQUESTS));
        println!("{:?}, {} lines", weather(seed), trace.len());
        if let Some(failure) = failure {
            println!("{failure}");
            fail(seed, &failure);
        }
        return;
    }
    let (first, seeds) = (number("FIRST_SEED").unwrap_or_default(), number("SEEDS").unwrap_or(SEEDS));
    let (next, began) = (AtomicU64::new(first), tokio::time::Instant::now());
    let try_some = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= first + seeds {
                return None;
            }
            if let Some(failure) = run(seed, &requests(seed, REQUESTS)).failure {
                next.store(u64::MAX / 2, Ordering::SeqCst);
                return Some((seed, failure));
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(try_some)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).next()
    });
    if let Some((seed, failure)) = failed {
        fail(seed, &failure);
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{seeds} seeds in {seconds:.1} s");
}

#[test]
fn a_seed_goes_the_same_way_each_time() {
    let requests = requests(3, 60);
    let (once, again) = (run(3, &requests), run(3, &requests));
    if let Some(line) = once.trace.iter().zip(&again.trace).position(|(one, other)| one != other) {
        panic!("line {line}: {}\nand then {}", once.trace[line], again.trace[line]);
    }
    assert_eq!((once.trace.len(), &once.failure), (again.trace.len(), &again.failure));
    assert!(once.trace.len() > 400, "{}", once.trace.len());
}
