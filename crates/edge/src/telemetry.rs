//! What the operator is told of what is done: one line of JSON for each request, and in the same line the metrics that
//! CloudWatch makes of it. `docs/logging.md` says what is in a line and what never is.

use std::fmt;
use std::sync::LazyLock;

use aws::Usage;
use domain::UserId;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use crate::{Blog, Clock, MetricsBy, Problem};

/// The target of the lines that have metrics.
const MEASURED: &str = "edge::measured";

/// The metrics of such a line, by the fields that hold them.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
const METRICS: [(&str, &str); 5] = [
    ("latency_ms", "Milliseconds"),
    ("client_error", "Count"),
    ("server_error", "Count"),
    ("read_units", "Count"),
    ("write_units", "Count"),
];

/// Which function of AWS writes the lines, in which of its versions: what a release is watched by.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its name at AWS.
    pub function: String,
    /// The version that was published, or `$LATEST`.
    pub version: String,
}

/// A line of the log: what was done, for whom, how it went and what it took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome<'a> {
    pub operation: &'static str,
    pub request_id: Option<&'a str>,
    pub correlation_id: Option<&'a str>,
    pub invocation_id: Option<&'a str>,
    pub trace_id: Option<&'a str>,
    pub method: Option<&'a str>,
    pub route: Option<&'a str>,
    pub status: Option<u16>,
    pub sequence_number: Option<&'a str>,
    pub problem: Option<&'a Problem>,
    pub user_id: Option<UserId>,
    pub latency_ms: i64,
    /// Whether it is worth a line only if it wrote something or failed.
    pub may_be_idle: bool,
}

impl Outcome<'_> {
    /// Writes the line. A fault of ours, or of what we depend on, is one for an operator to see, with its causes.
    pub(crate) fn log(self, blog: &Blog, usage: &Usage) {
        let status = self.problem.map(|problem| problem.kind().status.as_u16()).or(self.status);
        let server_error = status.is_some_and(|status| status >= 500);
        let client_error = status.is_some_and(|status| (400..500).contains(&status));
        let is_failure = server_error || client_error || self.problem.is_some();
        if !is_failure && !self.is_sampled(blog.config.success_lines) {
            return;
        }
        let overloaded = self.problem.is_some_and(Problem::is_overload).then_some(true);
        // What answers no request is told apart by its name in any case: there is little of it, and alarms go by it.
        let class = match (blog.config.metrics_by, self.method) {
            (MetricsBy::Operation, _) | (_, None) => None,
            (MetricsBy::Class, Some("GET" | "HEAD")) => Some("read"),
            (MetricsBy::Class, Some(_)) => Some("write"),
        };
        let causes = self.problem.map(Problem::causes).filter(|causes| !causes.is_empty());
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: MEASURED,
                    $level,
                    operation = self.operation,
                    class,
                    overloaded,
                    stack = blog.config.stack_name,
                    request_id = self.request_id,
                    correlation_id = self.correlation_id,
                    invocation_id = self.invocation_id,
                    trace_id = self.trace_id,
                    method = self.method,
                    route = self.route,
                    status,
                    problem = self.problem.map(|problem| problem.kind().name),
                    causes,
                    sequence_number = self.sequence_number,
                    user_id = self.user_id.map(tracing::field::display),
                    cold_start = blog.is_cold(),
                    latency_ms = self.latency_ms,
                    client_error = u64::from(client_error),
                    server_error = u64::from(server_error),
                    dynamodb_calls = usage.dynamodb_calls,
                    cognito_calls = usage.cognito_calls,
                    s3_calls = usage.s3_calls,
                    eventbridge_calls = usage.eventbridge_calls,
                    read_units = usage.read_units,
                    write_units = usage.write_units,
                    "done"
                )
            };
        }
        if server_error {
            line!(tracing::Level::ERROR)
        } else if self.may_be_idle && usage.write_units == 0.0 {
            line!(tracing::Level::DEBUG)
        } else {
            line!(tracing::Level::INFO)
        }
    }

    /// Whether this is one of the `percent` of what goes well that leave a line. By its id, so that a request that is looked at
    /// again gives the same. What has no id always leaves one.
    fn is_sampled(&self, percent: u8) -> bool {
        let Some(id) = self.request_id.or(self.sequence_number) else { return true };
        // FNV-1a: ids differ in their last bytes, and here each byte moves all of the hash.
        let hash = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        // The high half, because the lowest bits of this hash depend on the lowest bits of the bytes only.
        (hash >> 32) % 100 < u64::from(percent)
    }
}

/// Does what nobody waits for at the other end of HTTP, such as a change of the table that is consumed, and writes its
/// line. `sequence_number` is the change's.
pub async fn observe<T>(
    blog: &Blog,
    operation: &'static str,
    sequence_number: Option<&str>,
    running: impl Future<Output = Result<T, Problem>> + Send,
) -> Result<T, Problem> {
    observe_as(Outcome { operation, sequence_number, ..Outcome::default() }, blog, running).await
}

/// The same for a job. One that found nothing to do leaves a line for debugging only: it runs every minute, and its
/// metrics would be paid for on a blog that nobody uses.
pub async fn observe_job<T>(
    blog: &Blog,
    operation: &'static str,
    running: impl Future<Output = Result<T, Problem>> + Send,
) -> Result<T, Problem> {
    observe_as(Outcome { operation, may_be_idle: true, ..Outcome::default() }, blog, running).await
}

async fn observe_as<T>(
    mut line: Outcome<'_>,
    blog: &Blog,
    running: impl Future<Output = Result<T, Problem>> + Send,
) -> Result<T, Problem> {
    let begun = blog.now();
    let span = tracing::info_span!("function", operation = line.operation, sequence_number = line.sequence_number);
    let (outcome, usage) = aws::measure(Box::pin(running.instrument(span))).await;
    line.latency_ms = blog.now().milliseconds() - begun.milliseconds();
    Outcome { problem: outcome.as_ref().err(), ..line }.log(blog, &usage);
    outcome
}

/// A subscriber that writes each line as JSON: from this level on what is our own, and the warnings of all else. What
/// the SDK says of itself below that has whole requests in it. `instance` is who writes, if that is a function of AWS.
pub fn json_lines<W>(level: LevelFilter, instance: Option<Instance>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(JsonLine { clock: Clock::system(), instance })
        .with_writer(writer);
    tracing_subscriber::registry().with(ours(level)).with(layer)
}

/// A subscriber that writes lines for people to read, with the same in them, to standard error: standard output is for what a command was
/// asked for.
pub fn readable_lines(level: LevelFilter) -> impl Subscriber + Send + Sync {
    let layer =
        tracing_subscriber::fmt::layer().compact().without_time().with_target(false).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(ours(level)).with(layer)
}

/// The crates that log below `WARN`, as prefixes of targets. `aws` alone would let the SDK's crates through, and they log whole requests.
/// A test holds them against the crates that depend on `tracing`.
pub const LOGGING_CRATES: [&str; 11] = [
    "aws::",
    "edge",
    "events",
    "identity",
    "local",
    "local_cognito",
    "local_s3",
    "search",
    "table",
    "users",
    "webhooks",
];

fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_default(LevelFilter::WARN.min(level)).with_targets(LOGGING_CRATES.map(|name| (name, level)))
}

/// A line as Lambda wants it, which goes by `level` and `timestamp` and leaves the rest as it is; with metrics in
/// CloudWatch's embedded metric format where it has some.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
struct JsonLine {
    clock: Clock,
    instance: Option<Instance>,
}

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = self.clock.now();
        let metadata = event.metadata();
        let mut line = Line(Map::new());
        line.0.insert("timestamp".to_owned(), json!(now));
        line.0.insert("level".to_owned(), json!(metadata.level().as_str()));
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>()
                && let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields)
            {
                line.0.extend(fields);
            }
        }
        event.record(&mut line);
        if metadata.target() != MEASURED {
            line.0.insert("target".to_owned(), json!(metadata.target()));
            return writeln!(writer, "{}", Value::Object(line.0));
        }
        let by = if line.0.contains_key("class") { &OF_CLASS } else { &OF_OPERATION };
        // Of a version only what goes wrong, which its release is watched by: a metric costs in each hour in
        // which it is reported, and what is not reported counts as none. Throttling and conflicts are the load's
        // fault and not the version's.
        let is_watched = self.instance.is_some()
            && line.0.get("server_error") == Some(&json!(1))
            && !line.0.contains_key("overloaded");
        if let Some(Instance { function, version }) = &self.instance {
            line.0.insert("function".to_owned(), json!(function));
            line.0.insert("version".to_owned(), json!(version));
        }
        // The same in all lines, so it is not made anew for each.
        let of_version = if is_watched { OF_VERSION } else { "" };
        let (directives, timestamp) = (by.as_str(), now.milliseconds());
        let line = Value::Object(line.0).to_string();
        let fields = line.strip_prefix('{').unwrap_or_default();
        writeln!(
            writer,
            r#"{{"_aws":{{"CloudWatchMetrics":[{directives}{of_version}],"Timestamp":{timestamp}}},{fields}"#
        )
    }
}

/// Which metrics are in a line, by the operation and by its class.
static OF_OPERATION: LazyLock<String> = LazyLock::new(|| metrics_by("operation"));
static OF_CLASS: LazyLock<String> = LazyLock::new(|| metrics_by("class"));

/// The same of what goes wrong in a version, which follows others.
const OF_VERSION: &str = concat!(
    r#",{"Dimensions":[["function","version"]],"#,
    r#""Metrics":[{"Name":"server_error","Unit":"Count"}],"Namespace":"Broadsheet"}"#,
);

fn metrics_by(dimension: &str) -> String {
    let metrics = METRICS.map(|(name, unit)| json!({ "Name": name, "Unit": unit }));
    json!({ "Namespace": "Broadsheet", "Dimensions": [["stack", dimension]], "Metrics": metrics }).to_string()
}

struct Line(Map<String, Value>);

impl Line {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, json!(value));
    }
}
