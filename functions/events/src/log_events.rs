//! The plug-in that logs every event: a journal of what happened, for whoever writes a plug-in or looks for what became of
//! a post. Switched on by the parameter `EventLog`.

use edge::{BusEvent, Problem};

/// What the template calls it.
pub const NAME: &str = "log_events";

/// Writes a line with the event, which has nothing in it that is not public.
pub fn log_events(event: &BusEvent) -> Result<(), Problem> {
    tracing::info!(detail_type = event.detail_type, event = %event.detail, "an event");
    Ok(())
}
