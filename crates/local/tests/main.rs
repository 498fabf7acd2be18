//! Stories that clients tell, against the whole stack in one process: each test has a stack, a database, a
//! clock and a mailbox of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod harness;

mod accounts;
mod administration;
mod bookmarks;
mod budgets;
mod caching;
mod cdn;
mod comments;
mod concurrency;
mod conflicts;
mod content;
mod conventions;
mod counters;
mod custom_domain;
mod daily_limit;
mod domain_events;
mod email_change;
mod exports;
mod faults;
mod feeds;
mod follows;
mod gateway;
mod growth;
mod health;
mod home_feed;
mod idempotency;
mod kinds;
mod leaving;
mod lists;
mod logging;
mod moderation;
mod notifications;
mod openapi;
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
mod seeding;
mod sitemaps;
mod structure;
mod tag_follows;
mod tags;
mod template;
mod tokens;
mod trash;
mod triggers;
mod used;
mod watching;
