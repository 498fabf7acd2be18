//! What AWS calls when something has happened: one file each.
//!
//! Consumers of the table's stream do what follows from a change but need not be done before the client is answered.
//! The stream delivers each change at least once, those of one item in order. So a consumer must come to the same
//! end when it is run again, or stopped anywhere and run again: it looks at what is there now, and not only at
//! what the event says.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
//!
//! Jobs are run by a schedule, or by hand. The schedule may call one late, twice, or twice at the same time, so a job does what is to
//! be done by now and not what is to be done at a certain minute.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html>
//!
//! Triggers of the user pool have their say in what users do at Cognito, by way of our API or not. Cognito waits five
//! seconds for an answer and asks up to three times, so a trigger too must come to the same end when it is run again.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

mod copy_counts;
mod delete_rest_of_post;
mod delete_user;
mod export_user;
mod post_confirmation;
mod pre_sign_up;
mod publish_due;
mod rank_tag;
mod recount;
mod rewrite_bylines;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws::Sdk;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use bucket::Bucket;
use edge::runtime::UnknownHandler;
use edge::telemetry::{observe, observe_job};
use edge::{Blog, Problem};
use identity::Identity;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What these functions use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    /// Credentials, which Cognito holds.
    pub identity: Identity,
    /// The files of exports.
    pub bucket: Bucket,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        let config = &blog.config;
        Self {
            identity: Identity::new(sdk, config.user_pool_id.clone(), config.user_pool_client_id.clone()),
            bucket: Bucket::new(sdk, config.bucket_name.clone()),
            blog,
        }
    }
}

/// Every consumer of this crate.
pub static CONSUMERS: &[Consumer] = &[
    Consumer {
        name: copy_counts::NAME,
        handle: |services, record| Box::pin(copy_counts::copy_counts(services, record)),
    },
    Consumer {
        name: delete_rest_of_post::NAME,
        handle: |services, record| Box::pin(delete_rest_of_post::delete_rest_of_post(services, record)),
    },
    Consumer {
        name: delete_user::NAME,
        handle: |services, record| Box::pin(delete_user::delete_user(services, record)),
    },
    Consumer {
        name: export_user::NAME,
        handle: |services, record| Box::pin(export_user::export_user(services, record)),
    },
    Consumer { name: rank_tag::NAME, handle: |services, record| Box::pin(rank_tag::rank_tag(services, record)) },
    Consumer {
        name: rewrite_bylines::NAME,
        handle: |services, record| Box::pin(rewrite_bylines::rewrite_bylines(services, record)),
    },
];

/// Every job of this crate.
pub static JOBS: &[Job] = &[
    Job { name: publish_due::NAME, handle: |services| Box::pin(publish_due::publish_due(services)) },
    Job { name: recount::NAME, handle: |services| Box::pin(recount::recount(services)) },
];

/// Every trigger of this crate.
pub static TRIGGERS: &[Trigger] = &[
    Trigger {
        name: post_confirmation::NAME,
        handle: |services, event| {
            Box::pin(async { write(post_confirmation::post_confirmation(services, read(event)?).await?) })
        },
    },
    Trigger {
        name: pre_sign_up::NAME,
        handle: |services, event| Box::pin(async { write(pre_sign_up::pre_sign_up(services, read(event)?)) }),
    },
];

type HandlerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// A consumer as the dispatch and the tests see it.
pub struct Consumer {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Services, &'a EventRecord) -> HandlerFuture<'a, ()>,
}

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

/// What Lambda is told of a batch: where to begin again, if anywhere.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The first change that failed. Lambda delivers it and what comes after it again.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// A change that failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its sequence number.
    pub item_identifier: String,
}

impl Consumer {
    /// Handles a batch of changes in their order, up to the first that fails.
    pub async fn consume(&self, services: &Services, event: Event) -> BatchResponse {
        for record in &event.records {
            let sequence_number = record.change.sequence_number.as_deref();
            if observe(&services.blog, self.name, sequence_number, (self.handle)(services, record)).await.is_err() {
                let item_identifier = sequence_number.unwrap_or_default().to_owned();
                return BatchResponse { batch_item_failures: vec![BatchItemFailure { item_identifier }] };
            }
        }
        BatchResponse { batch_item_failures: Vec::new() }
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
    /// A consumer of the table's stream.
    Consumer(&'static Consumer),
    /// A job that a schedule runs.
    Job(&'static Job),
    /// A trigger of the user pool.
    Trigger(&'static Trigger),
}

impl Function {
    /// Every function of this crate.
    pub fn all() -> impl Iterator<Item = Self> {
        let consumers = CONSUMERS.iter().map(Self::Consumer);
        consumers.chain(JOBS.iter().map(Self::Job)).chain(TRIGGERS.iter().map(Self::Trigger))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consumer(consumer) => consumer.name,
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

fn read<T: DeserializeOwned>(event: Value) -> Result<T, Problem> {
    serde_json::from_value(event).map_err(Problem::internal)
}

fn write<T: Serialize>(event: T) -> Result<Value, Problem> {
    serde_json::to_value(event).map_err(Problem::internal)
}
