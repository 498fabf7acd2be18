//! Reads the table's stream and keeps the table itself right: what follows from a change, and takes no longer than a moment.
//! What may take longer goes to the bus (`publish_events`), so that no change waits for it.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use edge::telemetry::observe;

use crate::{BatchResponse, Handler, Services, copy_counts, map_post, rank_tag};

/// What the template calls it.
pub const NAME: &str = "keep_table";

/// What is kept right. The filters of the template let pass what any of them cares for.
pub static HANDLERS: &[Handler] = &[
    Handler {
        name: copy_counts::NAME,
        cares: copy_counts::cares,
        handle: |services, record| Box::pin(copy_counts::copy_counts(services, record)),
    },
    Handler {
        name: map_post::NAME,
        cares: map_post::cares,
        handle: |services, record| Box::pin(map_post::map_post(services, record)),
    },
    Handler {
        name: rank_tag::NAME,
        cares: rank_tag::cares,
        handle: |services, record| Box::pin(rank_tag::rank_tag(services, record)),
    },
];

/// Handles every change of a batch, so that one that fails keeps no other back, and names those that failed. What comes
/// after the first of them is delivered again, which handlers bear.
pub async fn keep_table(services: &Services, event: &Event) -> BatchResponse {
    let mut failed: Vec<&EventRecord> = Vec::new();
    for record in &event.records {
        let mut is_done = true;
        for handler in HANDLERS.iter().filter(|handler| (handler.cares)(record)) {
            let sequence_number = record.change.sequence_number.as_deref();
            let handled = (handler.handle)(services, record);
            is_done &= observe(&services.blog, handler.name, sequence_number, handled).await.is_ok();
        }
        if !is_done {
            failed.push(record);
        }
    }
    BatchResponse::failed(failed)
}
