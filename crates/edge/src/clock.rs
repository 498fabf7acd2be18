//! Where time and ids come from. The only file that may ask the system for either (`clippy.toml` forbids it
//! elsewhere): everything else takes them as data, so tests can fix them.

use std::sync::Arc;

use domain::Timestamp;
use ulid::Ulid;

/// The source of time and of randomness for ids.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Arc<dyn Fn() -> u128 + Send + Sync>,
}

impl Clock {
    /// The system's time, and random bits of the operating system's quality.
    #[allow(clippy::disallowed_methods, reason = "the one place where time enters")]
    pub fn system() -> Self {
        Self::new(
            || Timestamp::from_milliseconds(jiff::Timestamp::now().as_millisecond()),
            || {
                let mut bytes = [0; 16];
                // The only failure is an operating system without entropy; a ULID of the current millisecond
                // with fewer random bits is still refused by the conditional put if it were ever taken.
                let _ = aws_lc_rs::rand::fill(&mut bytes);
                u128::from_be_bytes(bytes)
            },
        )
    }

    /// A custom clock, for tests that fix time and ids.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        random: impl Fn() -> u128 + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), random: Arc::new(random) }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A ULID of the time `now`.
    pub fn new_ulid(&self, now: Timestamp) -> Ulid {
        Ulid::from_parts(now.milliseconds().unsigned_abs(), (self.random)())
    }
}
