//! What AWS calls when something has happened: one file each.
//!
//! Consumers of the table's stream do what follows from a change but need not be done before the client is answered.
//! The stream delivers each change at least once, those of one item in order. So a consumer must come to the same
//! end when it is run again, or stopped anywhere and run again: it looks at what is there now, and not only at
//! what the event says.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
//!
//! Triggers of the user pool have their say in what users do at Cognito, by way of our API or not. Cognito waits five
//! seconds for an answer and asks up to three times, so a trigger too must come to the same end when it is run again.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

mod delete_user;
mod export_user;
mod post_confirmation;
mod pre_sign_up;
mod rewrite_bylines;

use std::future::Future;
use std::pin::Pin;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use blog::function::UnknownHandler;
use blog::{Blog, Error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Every consumer of this crate.
pub static CONSUMERS: &[Consumer] = &[
    Consumer { name: delete_user::NAME, handle: |blog, record| Box::pin(delete_user::delete_user(blog, record)) },
    Consumer { name: export_user::NAME, handle: |blog, record| Box::pin(export_user::export_user(blog, record)) },
    Consumer {
        name: rewrite_bylines::NAME,
        handle: |blog, record| Box::pin(rewrite_bylines::rewrite_bylines(blog, record)),
    },
];

/// Every trigger of this crate.
pub static TRIGGERS: &[Trigger] = &[
    Trigger {
        name: post_confirmation::NAME,
        handle: |blog, event| {
            Box::pin(async { write(post_confirmation::post_confirmation(blog, read(event)?).await?) })
        },
    },
    Trigger {
        name: pre_sign_up::NAME,
        handle: |blog, event| Box::pin(async { write(pre_sign_up::pre_sign_up(blog, read(event)?)) }),
    },
];

type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A consumer as the dispatch and the tests see it.
pub struct Consumer {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Blog, &'a EventRecord) -> Doing<'a, ()>,
}

/// A trigger as the dispatch and the tests see it.
pub struct Trigger {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: for<'a> fn(&'a Blog, Value) -> Doing<'a, Value>,
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
    pub async fn consume(&self, blog: &Blog, event: Event) -> BatchResponse {
        for record in &event.records {
            if let Err(error) = (self.handle)(blog, record).await {
                let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
                tracing::error!(consumer = self.name, sequence_number, causes = error.causes(), "a change failed");
                return BatchResponse {
                    batch_item_failures: vec![BatchItemFailure { item_identifier: sequence_number }],
                };
            }
        }
        BatchResponse { batch_item_failures: Vec::new() }
    }
}

impl Trigger {
    /// What Cognito is answered: the event, with what the trigger decides. An error refuses what the user asked for, or
    /// tells them what did not follow from it; they read its text.
    pub async fn answer(&self, blog: &Blog, event: Value) -> Result<Value, Error> {
        (self.handle)(blog, event).await.inspect_err(|error| {
            tracing::error!(trigger = self.name, problem = error.problem().0, causes = error.causes(), "failed");
        })
    }
}

/// What a function of this crate is.
pub enum Function {
    /// A consumer of the table's stream.
    Consumer(&'static Consumer),
    /// A trigger of the user pool.
    Trigger(&'static Trigger),
}

/// The consumer or trigger that `handler` names.
pub fn find(handler: &str) -> Result<Function, UnknownHandler> {
    let consumer = CONSUMERS.iter().find(|consumer| consumer.name == handler).map(Function::Consumer);
    let trigger = || TRIGGERS.iter().find(|trigger| trigger.name == handler).map(Function::Trigger);
    consumer.or_else(trigger).ok_or_else(|| {
        let consumers = CONSUMERS.iter().map(|consumer| consumer.name);
        UnknownHandler::new(handler, consumers.chain(TRIGGERS.iter().map(|trigger| trigger.name)))
    })
}

fn read<T: DeserializeOwned>(event: Value) -> Result<T, Error> {
    serde_json::from_value(event).map_err(Error::internal)
}

fn write<T: Serialize>(event: T) -> Result<Value, Error> {
    serde_json::to_value(event).map_err(Error::internal)
}
