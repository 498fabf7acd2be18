//! What AWS calls when something has happened: one file each.
//!
//! Two readers of the table's stream, and no third, which DynamoDB would throttle (docs/adr/0021). `keep_table` keeps right in
//! the table what follows from a change; `publish_events` tells the bus of it. The stream delivers each change at least
//! once, those of one item in order.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
//!
//! Plug-ins are called by the bus, each by a rule of its own, and know nothing of each other. The bus delivers each event at
//! least once, in any order. Long work is a plug-in too: it does one step, and puts what is left on the bus (`steps`).
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html>
//!
//! So readers, handlers and plug-ins must come to the same end when they are run again, or stopped anywhere and run again:
//! they look at what is there now, and not only at what the event says.
//!
//! Jobs are run by a schedule, or by hand. The schedule may call one late, twice, or twice at the same time, so a job does what is to
//! be done by now and not what is to be done at a certain minute.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html>
//!
//! Triggers of the user pool have their say in what users do at Cognito, by way of our API or not. Cognito waits five
//! seconds for an answer and asks up to three times, so a trigger too must come to the same end when it is run again.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

mod copy_counts;
mod custom_message;
mod delete_media_files;
mod delete_rest_of_post;
mod delete_user;
mod export_user;
mod home_feed;
mod keep_table;
mod log_events;
mod map_post;
mod notify;
mod post_confirmation;
mod pre_sign_up;
mod publish_due;
mod publish_events;
mod rank_tag;
mod repair;
mod rewrite_bylines;
mod steps;
mod tell_hub;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws::Sdk;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use bucket::Bucket;
use bus::Bus;
use edge::runtime::UnknownHandler;
use edge::telemetry::{observe, observe_job};
use edge::{Blog, Problem};
use identity::Identity;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use keep_table::HANDLERS;

/// What these functions use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    /// Credentials, which Cognito holds.
    pub identity: Identity,
    /// The files of exports.
    pub bucket: Bucket,
    /// Where events and work go.
    pub bus: Bus,
    /// How servers are called that are not AWS's.
    pub sdk: Sdk,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        let config = &blog.config;
        Self {
            identity: Identity::new(
                sdk,
                config.user_pool_id.clone(),
                config.user_pool_client_id.clone(),
                config.user_pool_client_secret.reveal(),
            ),
            bucket: Bucket::new(sdk, config.bucket_name.clone()),
            // The template calls the bus what it calls the stack.
            bus: Bus::new(sdk, config.stack_name.clone()),
            sdk: sdk.clone(),
            blog,
        }
    }
}

impl edge::Services for Services {
    fn blog(&self) -> &Blog {
        &self.blog
    }
}

/// Every reader of the table's stream.
pub static READERS: &[Reader] = &[
    Reader {
        name: keep_table::NAME,
        handle: |services, event| Box::pin(async { Ok(keep_table::keep_table(services, event).await) }),
    },
    Reader {
        name: publish_events::NAME,
        handle: |services, event| Box::pin(publish_events::publish_events(services, event)),
    },
];

/// Every plug-in of this crate.
pub static PLUGINS: &[Plugin] = &[
    Plugin {
        name: delete_media_files::NAME,
        handle: |services, event| {
            Box::pin(steps::step(services, event, delete_media_files::NAME, delete_media_files::delete_media_files))
        },
    },
    Plugin {
        name: delete_rest_of_post::NAME,
        handle: |services, event| {
            Box::pin(steps::step(services, event, delete_rest_of_post::NAME, delete_rest_of_post::delete_rest_of_post))
        },
    },
    Plugin {
        name: delete_user::NAME,
        handle: |services, event| Box::pin(steps::step(services, event, delete_user::NAME, delete_user::delete_user)),
    },
    Plugin {
        name: export_user::NAME,
        handle: |services, event| Box::pin(steps::step(services, event, export_user::NAME, export_user::export_user)),
    },
    Plugin { name: home_feed::NAME, handle: |services, event| Box::pin(home_feed::home_feed(services, event)) },
    Plugin { name: log_events::NAME, handle: |_, event| Box::pin(async move { log_events::log_events(&event) }) },
    Plugin { name: notify::NAME, handle: |services, event| Box::pin(notify::notify(services, event)) },
    Plugin {
        name: rewrite_bylines::NAME,
        handle: |services, event| {
            Box::pin(steps::step(services, event, rewrite_bylines::NAME, rewrite_bylines::rewrite_bylines))
        },
    },
    Plugin { name: tell_hub::NAME, handle: |services, event| Box::pin(tell_hub::tell_hub(services, event)) },
];

/// Every job of this crate.
pub static JOBS: &[Job] = &[
    Job { name: publish_due::NAME, handle: |services| Box::pin(publish_due::publish_due(services)) },
    Job { name: repair::NAME, handle: |services| Box::pin(repair::repair(services)) },
];

/// Every trigger of this crate.
pub static TRIGGERS: &[Trigger] = &[
    Trigger {
        name: custom_message::NAME,
        handle: |_, event| Box::pin(async { write(custom_message::custom_message(read(event)?)) }),
    },
    Trigger {
        name: post_confirmation::NAME,
        handle: |services, event| {
            Box::pin(async { write(post_confirmation::post_confirmation(services, read(event)?).await?) })
        },
    },
    Trigger {
        name: pre_sign_up::NAME,
        handle: |services, event| Box::pin(async { write(pre_sign_up::pre_sign_up(services, read(event)?)?) }),
    },
];

type HandlerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// A reader as the dispatch and the tests see it.
pub struct Reader {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Services, &'a Event) -> HandlerFuture<'a, BatchResponse>,
}

/// A handler of `keep_table`: what follows in the table from some of its changes.
pub struct Handler {
    /// Its name, and the name of its file.
    pub name: &'static str,
    /// Whether a change is one of those.
    pub cares: fn(&EventRecord) -> bool,
    handle: for<'a> fn(&'a Services, &'a EventRecord) -> HandlerFuture<'a, ()>,
}

/// A plug-in of this crate.
pub type Plugin = edge::Plugin<Services>;

/// A job as the dispatch and the tests see it.
pub struct Job {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Services) -> HandlerFuture<'a, ()>,
}

/// A trigger as the dispatch and the tests see it.
pub struct Trigger {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Services, Value) -> HandlerFuture<'a, Value>,
}

/// What Lambda is told of a batch: what failed of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The changes that failed. Lambda delivers again what comes from the first of them on.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A change that failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

impl BatchResponse {
    /// That these changes failed.
    fn failed<'a>(records: impl IntoIterator<Item = &'a EventRecord>) -> Self {
        let failure = |record: &EventRecord| {
            let item_identifier = record.change.sequence_number.clone().unwrap_or_default();
            BatchItemFailure { item_identifier }
        };
        Self { batch_item_failures: records.into_iter().map(failure).collect() }
    }
}

impl Reader {
    /// Reads a batch of changes. An error is that of all of it.
    pub async fn read(&self, services: &Services, event: &Event) -> Result<BatchResponse, Problem> {
        (self.handle)(services, event).await
    }
}

impl Job {
    /// Does what is to be done by now. What fails is left to the next time.
    pub async fn run(&self, services: &Services) -> Result<(), Problem> {
        observe_job(&services.blog, self.name, (self.handle)(services)).await
    }
}

impl Trigger {
    /// What Cognito is answered: the event, with what the trigger decides. An error refuses what the user asked for, or
    /// tells them what did not follow from it; they read its text.
    pub async fn answer(&self, services: &Services, event: Value) -> Result<Value, Problem> {
        observe(&services.blog, self.name, None, (self.handle)(services, event)).await
    }
}

/// What a function of this crate is.
pub enum Function {
    /// A reader of the table's stream.
    Reader(&'static Reader),
    /// A plug-in of the bus.
    Plugin(&'static Plugin),
    /// A job that a schedule runs.
    Job(&'static Job),
    /// A trigger of the user pool.
    Trigger(&'static Trigger),
}

impl Function {
    /// Every function of this crate.
    pub fn all() -> impl Iterator<Item = Self> {
        let readers = READERS.iter().map(Self::Reader);
        let called = readers.chain(PLUGINS.iter().map(Self::Plugin));
        called.chain(JOBS.iter().map(Self::Job)).chain(TRIGGERS.iter().map(Self::Trigger))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reader(reader) => reader.name,
            Self::Plugin(plugin) => plugin.name,
            Self::Job(job) => job.name,
            Self::Trigger(trigger) => trigger.name,
        }
    }
}

/// The function that `handler` names.
pub fn find(handler: &str) -> Result<Function, UnknownHandler> {
    let found = Function::all().find(|function| function.name() == handler);
    found.ok_or_else(|| UnknownHandler::new(handler, Function::all().map(|function| function.name())))
}

/// A text attribute of an item, empty if it has none of this name.
fn text<'a>(item: &'a serde_dynamo::Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text,
        _ => "",
    }
}

fn read<T: DeserializeOwned>(event: Value) -> Result<T, Problem> {
    serde_json::from_value(event).map_err(Problem::internal)
}

fn write<T: Serialize>(event: T) -> Result<Value, Problem> {
    serde_json::to_value(event).map_err(Problem::internal)
}
