//! The schedule on a laptop: runs the jobs that the template has a schedule for, as EventBridge does.

use std::sync::Arc;
use std::time::Duration;

use events::{Function, Job, Services};

use crate::wire::{OPERATION, survived};

/// The jobs, which are run every minute.
pub struct Schedule {
    services: Arc<Services>,
    jobs: Vec<&'static Job>,
}

impl Schedule {
    /// The jobs with these names.
    pub fn new(services: Arc<Services>, names: &[String]) -> Self {
        let job = |name: &String| match events::find(name) {
            Ok(Function::Job(job)) => Some(job),
            _ => None,
        };
        Self { services, jobs: names.iter().filter_map(job).collect() }
    }

    /// Runs every job once. One that fails has said so in the log, and is run again the next time.
    pub async fn run(&self) {
        for job in &self.jobs {
            let _ = survived(OPERATION.scope(job.name.to_owned(), job.run(&self.services))).await;
        }
    }

    /// Does so whenever a minute begins, and at once for what came due while nothing ran.
    pub async fn keep(&self) {
        loop {
            self.run().await;
            let into_minute = self.services.blog.now().milliseconds().rem_euclid(60_000).unsigned_abs();
            tokio::time::sleep(Duration::from_millis(60_000 - into_minute)).await;
        }
    }
}
