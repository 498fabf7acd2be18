//! The start of a function: from `main` to the first event.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use aws::Sdk;
use lambda_http::{Error, Request, service_fn};
use lambda_runtime::LambdaEvent;
use tracing::level_filters::LevelFilter;

use crate::telemetry::{self, Instance};
use crate::{Blog, BusEvent, Clock, Config, Entry, Plugin, Services};

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
pub fn find<S>(operations: &'static [Entry<S>], handler: &str) -> Result<&'static Entry<S>, UnknownHandler> {
    let names = || operations.iter().map(|entry| entry.operation.name);
    operations.iter().find(|entry| entry.operation.name == handler).ok_or_else(|| UnknownHandler::new(handler, names()))
}

/// What every function starts with: its log, its settings, and how AWS is reached. A missing setting fails at init, where
/// a deploy notices.
pub fn start() -> Result<(Arc<Blog>, Sdk), Error> {
    start_logging();
    let config = Config::from_env()?;
    let sdk = Sdk::from_env()?.with_endpoints(config.endpoints.services());
    let blog = Blog::new(config, &sdk, Clock::system());
    Ok((Arc::new(blog), sdk))
}

/// Runs the operation that Lambda's `_HANDLER` names, for as long as the process lives. `services` makes what the
/// operations use. An unknown handler fails at init.
pub async fn serve<S: Services>(
    operations: &'static [Entry<S>],
    services: impl FnOnce(Arc<Blog>, &Sdk) -> S,
) -> Result<(), Error> {
    let (blog, sdk) = start()?;
    let entry = find(operations, &handler_name())?;
    blog.warm().await;
    let services = &services(blog, &sdk);
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>((entry.handle)(services, &request).await)
    }))
    .await
}

/// Runs the operation or the plug-in that Lambda's `_HANDLER` names, as [`serve`] does with an operation.
pub async fn serve_with_plugins<S: Services>(
    operations: &'static [Entry<S>],
    plugins: &'static [Plugin<S>],
    services: impl FnOnce(Arc<Blog>, &Sdk) -> S,
) -> Result<(), Error> {
    let handler = handler_name();
    let Some(plugin) = plugins.iter().find(|plugin| plugin.name == handler) else {
        return serve(operations, services).await;
    };
    let (blog, sdk) = start()?;
    let services = &services(blog, &sdk);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<BusEvent>| async move {
        plugin.run(services, event.payload).await.map_err(Error::from)
    }))
    .await
}

/// One JSON line for each event, on standard output, where Lambda collects it. `AWS_LAMBDA_LOG_LEVEL`, which
/// the template's `LoggingConfig` sets, says how much.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
#[allow(clippy::disallowed_methods, reason = "Lambda sets these variables, so Config does not contain them")]
fn start_logging() {
    let variable = |name| std::env::var(name).ok();
    let level = variable("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let named = variable("AWS_LAMBDA_FUNCTION_NAME").zip(variable("AWS_LAMBDA_FUNCTION_VERSION"));
    let instance = named.map(|(function, version)| Instance { function, version });
    let subscriber = telemetry::json_lines(level.unwrap_or(LevelFilter::INFO), instance, std::io::stdout);
    // There is one already only if this is called twice.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// What the template calls this function.
#[allow(clippy::disallowed_methods, reason = "Lambda sets these variables, so Config does not contain them")]
pub fn handler_name() -> String {
    std::env::var("_HANDLER").unwrap_or_default()
}
