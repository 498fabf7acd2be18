//! What every function of Broadsheet shares: the domain's types, the one table, identity, and the edge that
//! turns an API Gateway event into a parsed call of an [`Operation`](edge::Operation) and back.
//!
//! Decisions are pure: time, ids and configuration come in as data (see [`clock`]). I/O happens in [`table`],
//! [`bucket`] and [`identity`] only.

pub mod bucket;
pub mod clock;
pub mod config;
pub mod domain;
pub mod edge;
pub mod error;
pub mod function;
pub mod identity;
pub mod table;
pub mod telemetry;

mod aws;
mod schema;

pub use error::Error;

use std::sync::atomic::{AtomicBool, Ordering};

use bucket::Bucket;
use clock::{Clock, Timestamp};
use config::Config;
use domain::Policy;
use identity::{Identity, Verifier};
use table::Table;
use telemetry::Meter;

/// Everything an operation may use, made once at init and kept while the process is warm.
pub struct Blog {
    /// The stack's settings.
    pub config: Config,
    /// What this stack wants of posts.
    pub policy: Policy,
    /// Profiles and posts.
    pub table: Table,
    /// Files that are fetched by link.
    pub bucket: Bucket,
    /// Credentials, which Cognito holds.
    pub identity: Identity,
    /// Checks access tokens without a network call once its keys are there.
    pub verifier: Verifier,
    clock: Clock,
    is_warm: AtomicBool,
}

impl Blog {
    /// Puts the parts together; makes no network call. `sdk` says how AWS is reached, `clock` where time and
    /// ids come from.
    pub fn new(config: Config, sdk: &aws_config::SdkConfig, clock: Clock) -> Self {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(sdk).interceptor(Meter);
        let mut cognito = aws_sdk_cognitoidentityprovider::config::Builder::from(sdk).interceptor(Meter);
        // Elsewhere than `sdk` says only if a setting says so.
        if let Some(url) = &config.endpoints.dynamodb {
            dynamodb = dynamodb.endpoint_url(url);
        }
        if let Some(url) = &config.endpoints.cognito {
            cognito = cognito.endpoint_url(url);
        }
        Self {
            table: Table::new(
                aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
                config.table_name.clone(),
                config.posts_per_day,
            ),
            bucket: Bucket::new(sdk, config.bucket_name.clone(), config.endpoints.s3.as_deref()),
            identity: Identity::new(aws_sdk_cognitoidentityprovider::Client::from_conf(cognito.build()), &config),
            verifier: Verifier::new(&config),
            policy: Policy::new(&config),
            config,
            clock,
            is_warm: AtomicBool::new(false),
        }
    }

    /// The time of this request. Read once a request, at the edge, and handed on as data.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id, unique and sorting by `now`.
    pub fn new_id<T: From<ulid::Ulid>>(&self, now: Timestamp) -> T {
        T::from(self.clock.new_ulid(now))
    }

    /// Whether this is asked for the first time: the start of the process is then part of what somebody waits for.
    fn is_cold(&self) -> bool {
        !self.is_warm.swap(true, Ordering::Relaxed)
    }

    /// Uses the network once during init, so that the first request does not pay for the TLS handshake:
    /// Lambda gives init a full CPU whatever the function's memory. A failure is left to the first request,
    /// which answers it properly.
    pub async fn warm(&self, verifies_tokens: bool) {
        let keys = async { if verifies_tokens { self.verifier.prefetch(self.now()).await } else { Ok(()) } };
        let (table, keys) = tokio::join!(self.table.warm(), keys);
        if let Err(error) = table.and(keys) {
            tracing::warn!(causes = error.causes(), "warming up failed");
        }
    }
}
