//! Stories that clients tell, against the whole stack in one process: each test has a stack, a database, a
//! clock and a mailbox of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod harness;

/// Takes a fifteenth of the processor's time off the stories and the simulation, which allocate all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod accounts;
mod administration;
mod aliases;
mod api_keys;
mod audit;
mod bookmarks;
mod bucket;
mod budgets;
mod caching;
mod cdn;
mod comments;
mod concurrency;
mod conduit;
mod conflicts;
mod content;
mod conventions;
mod counters;
mod crowd;
mod custom_domain;
mod daily_limit;
mod domain_events;
mod editor;
mod email_change;
mod exporting;
mod exports;
mod faults;
mod feeds;
mod follows;
mod fuzzed;
mod gateway;
mod ghost;
mod growth;
mod health;
mod home_feed;
mod hostile_tokens;
mod idempotency;
mod importing;
mod importing_formats;
mod invitations;
mod kinds;
mod leaving;
mod lists;
mod logging;
mod media;
mod moderation;
mod notifications;
mod openapi;
mod operations;
mod owasp;
mod pages;
mod passwords;
mod pins;
mod plugins;
mod posts;
mod previews;
mod process;
mod profiles;
mod properties;
mod rate_limits;
mod reactions;
mod readers;
mod repaired;
mod revisions;
mod scheduling;
mod search;
mod simulation;
mod sitemaps;
mod spread;
mod structure;
mod tag_follows;
mod tags;
mod template;
mod tokens;
mod trash;
mod triggers;
mod used;
mod watching;
mod webhooks;
