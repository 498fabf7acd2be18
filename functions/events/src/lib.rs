//! Consumers of the table's stream: one file each. What follows from a change but need not be done before the
//! client is answered is done here.
//!
//! The stream delivers each change at least once, those of one item in order. So a consumer must come to the same
//! end when it is run again, or stopped anywhere and run again: it looks at what is there now, and not only at
//! what the event says.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

mod delete_user;
mod export_user;
mod rewrite_bylines;

use std::future::Future;
use std::pin::Pin;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use blog::function::UnknownHandler;
use blog::{Blog, Error};
use serde::Serialize;

/// Every consumer of this crate.
pub static CONSUMERS: &[Consumer] = &[
    Consumer { name: delete_user::NAME, handle: |blog, record| Box::pin(delete_user::delete_user(blog, record)) },
    Consumer { name: export_user::NAME, handle: |blog, record| Box::pin(export_user::export_user(blog, record)) },
    Consumer {
        name: rewrite_bylines::NAME,
        handle: |blog, record| Box::pin(rewrite_bylines::rewrite_bylines(blog, record)),
    },
];

type Handle = for<'a> fn(&'a Blog, &'a EventRecord) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// A consumer as the dispatch and the tests see it.
pub struct Consumer {
    /// Its name: the `Handler` in the template and the name of its file.
    pub name: &'static str,
    handle: Handle,
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

/// The consumer that `handler` names.
pub fn find(handler: &str) -> Result<&'static Consumer, UnknownHandler> {
    CONSUMERS
        .iter()
        .find(|consumer| consumer.name == handler)
        .ok_or_else(|| UnknownHandler::new(handler, CONSUMERS.iter().map(|consumer| consumer.name)))
}
