//! A function's start: from `main` to the first event.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use lambda_http::{Error, Request, service_fn};
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

use crate::Blog;
use crate::clock::Clock;
use crate::config::Config;
use crate::edge::Entry;
use crate::telemetry::{self, Instance};

/// The handler that the template names is not one of this binary's.
#[derive(Debug)]
pub struct UnknownHandler {
    handler: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no handler {:?} in this binary; it has {}", self.handler, self.known.join(", "))
    }
}

impl std::error::Error for UnknownHandler {}

impl UnknownHandler {
    /// `handler` is none of the `known` ones.
    pub fn new(handler: &str, known: impl Iterator<Item = &'static str>) -> Self {
        Self { handler: handler.to_owned(), known: known.collect() }
    }
}

/// The operation that `handler` names.
pub fn find(operations: &'static [Entry], handler: &str) -> Result<&'static Entry, UnknownHandler> {
    operations
        .iter()
        .find(|operation| operation.name == handler)
        .ok_or_else(|| UnknownHandler::new(handler, operations.iter().map(|operation| operation.name)))
}

/// Runs the operation that Lambda's `_HANDLER` names, for as long as the process lives. An unknown handler or
/// a missing setting fails at init, where a deploy notices.
pub async fn serve(operations: &'static [Entry]) -> Result<(), Error> {
    start_logging();
    let operation = find(operations, &handler_name())?;
    let blog = Blog::new(Config::from_env()?, &sdk_config().await, Clock::system());
    // Behind the authorizer nothing verifies tokens.
    blog.warm(operation.least_role.is_none()).await;
    let blog = &blog;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(operation.handle(blog, request).await)
    }))
    .await
}

/// One JSON line for each event, on standard output, where Lambda collects it. `AWS_LAMBDA_LOG_LEVEL`, which
/// the template's `LoggingConfig` sets, says how much.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
#[allow(clippy::disallowed_methods, reason = "set by Lambda, not by the template")]
pub fn start_logging() {
    let variable = |name| std::env::var(name).ok();
    let level = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let named = variable("AWS_LAMBDA_FUNCTION_NAME").zip(variable("AWS_LAMBDA_FUNCTION_VERSION"));
    let instance = named.map(|(function, version)| Instance { function, version });
    let subscriber = telemetry::json_lines(level.unwrap_or(LevelFilter::INFO), instance, std::io::stdout);
    // There is one already only if this is called twice.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// How AWS is reached from a function: credentials and region of its environment, and limits that let a stuck
/// call fail while there is still time to answer.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_secs(3))
                .operation_timeout(Duration::from_secs(8))
                .build(),
        )
        .load()
        .await
}

/// What the template calls this function.
#[allow(clippy::disallowed_methods, reason = "set by Lambda, not by the template")]
pub fn handler_name() -> String {
    std::env::var("_HANDLER").unwrap_or_default()
}
