//! What the clients of all AWS services share: how AWS is reached, how a failure is read, what a request uses.

mod failure;
mod sdk;
mod usage;
mod web;

pub use failure::{Cause, Failure, Rejected};
pub use sdk::{Sdk, Service};
pub use usage::{Meter, Usage, measure, no_units};
