//! Plug-ins of the bus, which any crate of functions may have.

use lambda_http::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use crate::telemetry::observe;
use crate::{Problem, Services};

/// A plug-in as the dispatch and the tests see it. `S` is what it uses.
pub struct Plugin<S: 'static> {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    /// What it does.
    pub handle: for<'a> fn(&'a S, BusEvent) -> BoxFuture<'a, Result<(), Problem>>,
}

/// Something on the bus, as it comes from there.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>
#[derive(Debug, Clone, Deserialize)]
pub struct BusEvent {
    /// What it is.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// What it says: the envelope of an event, or a step of some work.
    pub detail: Value,
}

/// The type of the event by which a new version of a plug-in is tried before it gets any other
/// (`functions/release_check`). That it is read shows that the function starts with its settings.
const RELEASE_CHECK: &str = "release-check";

impl<S: Services> Plugin<S> {
    /// Does what follows from an event. An error lets Lambda try again, twice, and then keep the event for an engineer.
    pub async fn run(&self, services: &S, event: BusEvent) -> Result<(), Problem> {
        if event.detail_type == RELEASE_CHECK {
            return Ok(());
        }
        observe(services.blog(), self.name, None, (self.handle)(services, event)).await
    }
}
