//! What the clients of all AWS services share: how AWS is reached, how a failure is read, what a request uses.

mod client;
mod failure;
mod pause;
mod sdk;
mod trust;
mod usage;
mod web;

pub use client::{Client, Refusal};
pub use failure::{Cause, Failure, Rejected};
pub use pause::pause;
pub use sdk::{Sdk, Service};
pub use trust::AMAZON_ROOTS;
pub use usage::{Meter, Usage, measure, no_units};
