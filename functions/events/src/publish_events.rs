//! Reads the table's stream and tells the bus what happened: domain events, for plug-ins, and work that takes longer than
//! a moment. What the search index does not have yet it marks in the table, where every search looks too.

use aws_lambda_events::event::dynamodb::{Event as Batch, EventRecord};
use bus::{Entry, NotTaken};
use domain::event::Event;
use domain::{PostAuthor, PostKind, Timestamp, UserStatus};
use edge::Problem;
use edge::telemetry::observe;
use serde_json::json;
use table::{Change, PendingPost};

use crate::{
    BatchResponse, Services, delete_media_files, delete_rest_of_post, delete_user, export_user, home_feed,
    rewrite_bylines, steps,
};

/// What the template calls it.
pub const NAME: &str = "publish_events";

/// The source of domain events on the bus.
const SOURCE: &str = "broadsheet";

/// The plug-in that sends a message to a webhook (`functions/webhooks`), which the rule goes by.
const DELIVER_WEBHOOK: &str = "deliver_webhook";

/// Puts on the bus what follows from the changes of a batch, and names the changes of which something was not taken. One
/// that fails keeps no other back. What comes after the first of them is put again, with the same ids.
pub async fn publish_events(services: &Services, batch: &Batch) -> Result<BatchResponse, Problem> {
    observe(&services.blog, NAME, None, publish(services, batch)).await
}

async fn publish(services: &Services, batch: &Batch) -> Result<BatchResponse, Problem> {
    let (mut entries, mut records, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for record in &batch.records {
        let follow_up = async {
            let follow_up = follow_up(&services.blog.config.stack_name, record)?;
            // Before anybody is told: whoever writes the index then finds it.
            if let Some(pending) = &follow_up.pending {
                services.blog.table.mark_for_search(pending).await?;
            }
            Ok::<_, Problem>(follow_up.entries)
        };
        match follow_up.await {
            Ok(follow_up) => {
                records.extend(follow_up.iter().map(|_| record));
                entries.extend(follow_up);
            }
            Err(problem) => {
                report(services, record, problem).await;
                failed.push(record);
            }
        }
    }
    if let Err(NotTaken { positions, cause }) = services.bus.put(entries).await {
        let not_taken: Vec<_> = positions.into_iter().filter_map(|position| records.get(position).copied()).collect();
        if let Some(first) = not_taken.first() {
            report(services, first, cause.into()).await;
        }
        failed.extend(not_taken);
    }
    failed.dedup();
    Ok(BatchResponse::failed(failed))
}

/// Writes a line of a change that failed, with what a release and an operator go by.
async fn report(services: &Services, record: &EventRecord, problem: Problem) {
    let sequence_number = record.change.sequence_number.as_deref();
    let failed = async { Err::<(), _>(problem) };
    // It is reported by being observed; the change is named to Lambda besides.
    let _ = observe(&services.blog, NAME, sequence_number, failed).await;
}

/// What follows from a change.
#[derive(Default)]
struct FollowUp {
    /// What goes on the bus: what happened, and the work that it makes.
    entries: Vec<Entry>,
    /// The post that the search index does not have yet like this.
    pending: Option<PendingPost>,
}

fn follow_up(stack: &str, record: &EventRecord) -> Result<FollowUp, Problem> {
    let stored = &record.change;
    let Some(change) = Change::read(&stored.keys, &stored.old_image, &stored.new_image)? else {
        return Ok(FollowUp::default());
    };
    let (event, work) = match &change {
        Change::Post { old, new } => (Event::of_post(old.as_deref(), new.as_deref()), None),
        Change::PostDeleted(post) => {
            let work = delete_rest_of_post::Work {
                post_id: post.id,
                slug: post.slug.clone(),
                author_id: post.author.id,
                media: post.media.clone(),
            };
            (Some(Event::of_deleted_post(post)), Some(steps::begin(delete_rest_of_post::NAME, &work)?))
        }
        Change::User { old, new } => {
            // A new version, and not each new count: that of posts changes with every post that is deleted.
            let is_new = old.as_ref().is_none_or(|old| old.version != new.version);
            let has_left = new.status == UserStatus::Deleting && is_new;
            let looks_different = old.as_ref().is_some_and(|old| PostAuthor::from(&**old) != PostAuthor::from(&**new));
            let work = if has_left {
                Some(steps::begin(delete_user::NAME, &delete_user::Work { user_id: new.id })?)
            } else if looks_different {
                Some(steps::begin(rewrite_bylines::NAME, &rewrite_bylines::Work::of(new.id))?)
            } else {
                None
            };
            (Event::of_user(old.as_deref(), new), work)
        }
        Change::Followed(follow) => (Some(Event::of_follow(follow)), None),
        Change::ExportRequested(export) => {
            (None, Some(steps::begin(export_user::NAME, &export_user::Work::of(export))?))
        }
        Change::Unfollowed(follow) => (Some(Event::of_ended_follow(follow)), None),
        Change::Comment { old, new } => (Event::of_comment(old.as_deref(), new.as_deref()), None),
        Change::CommentHeld { post, comment } => (Some(Event::of_held_comment(*comment, *post)), None),
        Change::CommentDeleted { post, comment } => (Some(Event::of_deleted_comment(*comment, *post)), None),
        Change::Media { old, new } => (Event::of_media(old, new), None),
        Change::MediaDeleted(media) => {
            (None, Some(steps::begin(delete_media_files::NAME, &delete_media_files::Work::of(media))?))
        }
        Change::DeliveryCalled { webhook, delivery, call } => {
            let called = json!({ "webhook_id": webhook, "delivery_id": delivery, "call": call });
            (None, Some(Entry::new(steps::SOURCE, DELIVER_WEBHOOK, &called)?))
        }
        Change::Reaction { post, user, old, new } => (Event::of_reaction(*post, *user, *old, *new), None),
    };
    let pending = match (&change, &event) {
        // Whatever is an event of a post concerns the index, but for reposts, which have no words.
        (Change::Post { old, new }, Some(_)) => new.as_deref().or(old.as_deref()),
        _ => None,
    };
    let pending = pending.filter(|post| post.kind != PostKind::Repost).map(PendingPost::from);
    let dated_anew = match &change {
        Change::Post { old: Some(old), new: Some(new) } => home_feed::works_of_dates(old, new),
        _ => Vec::new(),
    };
    let dated_anew = dated_anew.iter().map(|work| steps::begin(home_feed::NAME, work));
    let event = event.map(|event| entry(stack, record, &event)).transpose()?;
    let work = work.into_iter().chain(dated_anew.collect::<Result<Vec<_>, _>>()?);
    Ok(FollowUp { entries: event.into_iter().chain(work).collect(), pending })
}

/// An event as it is put on the bus. Its id follows from that of the change, so that whoever gets it twice can tell.
fn entry(stack: &str, record: &EventRecord, event: &Event) -> Result<Entry, Problem> {
    let time = Timestamp::from_milliseconds(record.change.approximate_creation_date_time.timestamp_millis());
    let id = format!("{}.{}", record.event_id, event.type_name());
    let envelope = event.envelope(format!("urn:broadsheet:{stack}"), id, time).map_err(Problem::internal)?;
    Ok(Entry::new(SOURCE, event.type_name(), &envelope)?.at(time))
}
