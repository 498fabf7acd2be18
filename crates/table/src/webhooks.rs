//! Access patterns of webhooks and their deliveries.
//!
//! A delivery is one item, which says how often the function that makes an attempt was called. Each new number is a change of the
//! stream, by which `publish_events` calls it. As long as there is something to do, a second item stands in a list by the time when
//! the function is to be called again: after the pause between two attempts, or when a call has been lost. So a delivery that is
//! not over is always in that list (docs/adr/0035).

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AuditEntry, Delivery, DeliveryId, Limit, MAX_WEBHOOKS, Page, Timestamp, Webhook, WebhookId};
use serde::{Deserialize, Serialize};

use crate::audit::record;
use crate::keys::{self, Key};
use crate::post_writes::number;
use crate::write::Write;
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, read, sort_key};

/// So many due deliveries are read at once.
const READ_AT_ONCE: usize = 25;

/// The maximum number of deliveries that are called in one run, some 15 milliseconds each. The others wait for the next.
const MAX_CALLED: usize = 1_000;

impl Entity for Webhook {
    const TYPE: &'static str = "webhook";
}

impl Entity for Delivery {
    const TYPE: &'static str = "delivery";
}

/// That a delivery is to be called at some time.
#[derive(Serialize, Deserialize)]
struct DueDelivery {
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
    due_at: Timestamp,
    /// Goes with the delivery: DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl Entity for DueDelivery {
    const TYPE: &'static str = "due_delivery";
}

impl Table {
    /// Adds a webhook, and says so in the audit log; 1 RCU and 8 WCU. [`Refused::TooManyWebhooks`] beyond [`MAX_WEBHOOKS`]; who adds
    /// several at the same moment may get past it by as many. [`Refused::AlreadyDone`] if it is there.
    pub async fn create_webhook(&self, webhook: &Webhook, audit: &AuditEntry) -> Result<(), Refused> {
        let known = self.walk(&keys::webhooks(), None, MAX_WEBHOOKS, Consistency::Strong).await?;
        let key = keys::webhook(webhook.id);
        if known.len() == MAX_WEBHOOKS && known.iter().all(|item| sort_key(item) != Some(&key.sk)) {
            return Err(Refused::TooManyWebhooks);
        }
        let put = Write::put(key, webhook)?.on_condition("attribute_not_exists(pk)");
        let put = put.on_condition_failed(Refused::AlreadyDone);
        self.write([put].into_iter().chain(record(Some(audit))?).collect()).await
    }

    /// A webhook; strongly consistent.
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, Refused> {
        self.get(&keys::webhook(id), Consistency::Strong).await
    }

    /// All webhooks; one query.
    pub async fn all_webhooks(&self) -> Result<Vec<Webhook>, Refused> {
        // More than there should be, in case that several were added at the same moment.
        let items = self.walk(&keys::webhooks(), None, 2 * MAX_WEBHOOKS, Consistency::Eventual).await?;
        items.into_iter().map(read).collect()
    }

    /// A page of all webhooks, newest first.
    pub async fn webhooks(&self, cursor: Option<&str>, limit: Limit) -> Result<Page<Webhook>, Refused> {
        let Page { items, next_cursor } = self.page(&keys::webhooks(), cursor, limit, Consistency::Strong).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Writes a webhook that was read as `old`, and says so in the audit log if somebody did it. [`Refused::Changed`] if it is another
    /// version by now, or gone.
    pub async fn update_webhook(
        &self,
        old: &Webhook,
        new: &Webhook,
        audit: Option<&AuditEntry>,
    ) -> Result<(), Refused> {
        let update = Write::update(keys::webhook(old.id), old, new)?.at_version(old.version);
        let update = update.on_condition_failed(Refused::Changed);
        self.write([update].into_iter().chain(record(audit)?).collect()).await
    }

    /// Deletes a webhook that was read as this, and says so in the audit log. [`Refused::Changed`] if it is another version by now, or
    /// gone. Its deliveries go by their TTL.
    pub async fn delete_webhook(&self, webhook: &Webhook, audit: &AuditEntry) -> Result<(), Refused> {
        let delete = Write::delete(keys::webhook(webhook.id)).at_version(webhook.version);
        let delete = delete.on_condition_failed(Refused::Changed);
        self.write([delete].into_iter().chain(record(Some(audit))?).collect()).await
    }

    /// Adds a delivery; 6 WCU. [`Refused::AlreadyDone`] if it is there.
    pub async fn queue_delivery(&self, delivery: &Delivery) -> Result<(), Refused> {
        let put = Write::put(keys::delivery(delivery.webhook_id, delivery.id), delivery)?;
        let put = put.on_condition("attribute_not_exists(pk)").on_condition_failed(Refused::AlreadyDone);
        let due = delivery.due_at.map(|due_at| put_due(delivery, due_at)).transpose()?;
        self.write([put].into_iter().chain(due).collect()).await
    }

    /// A delivery; strongly consistent.
    pub async fn delivery(
        &self,
        webhook: WebhookId,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Refused> {
        let delivery: Option<Delivery> = self.get(&keys::delivery(webhook, id), Consistency::Strong).await?;
        Ok(delivery.filter(|delivery| !delivery.is_expired(now)))
    }

    /// A page of the deliveries of a webhook, newest first.
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        cursor: Option<&str>,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Page<Delivery>, Refused> {
        let list = keys::deliveries(webhook);
        let Page { items, next_cursor } = self.page(&list, cursor, limit, Consistency::Strong).await?;
        let mut items = items.into_iter().map(read).collect::<Result<Vec<Delivery>, _>>()?;
        items.retain(|delivery| !delivery.is_expired(now));
        Ok(Page { items, next_cursor })
    }

    /// Writes a delivery that was read as `old`, and when it is due. [`Refused::Changed`] if something else became of it.
    pub async fn update_delivery(&self, old: &Delivery, new: &Delivery) -> Result<(), Refused> {
        // Whatever becomes of a delivery, it gets another time, or none.
        let update = Write::update(keys::delivery(old.webhook_id, old.id), old, new)?
            .with_name("#call", "call")
            .with_value(":call", number(old.call.into()));
        let update = match old.due_at {
            Some(due_at) => update
                .on_condition("#call = :call AND due_at = :due_at")
                .with_value(":due_at", AttributeValue::S(due_at.to_string())),
            None => update.on_condition("#call = :call AND attribute_not_exists(due_at)"),
        };
        let mut writes = vec![update.on_condition_failed(Refused::Changed)];
        if old.due_at != new.due_at {
            writes.extend(old.due_at.map(|due_at| Write::delete(due_key(old, due_at))));
            writes.extend(new.due_at.map(|due_at| put_due(new, due_at)).transpose()?);
        }
        self.write(writes).await
    }

    /// Has every delivery attempted whose time has come, also if that was long ago. Each is called once, however many do this at the
    /// same time. Gives how many there were. One that cannot be called keeps no other back; the last such error is given when all have
    /// been tried. A query of 0.5 RCU if there is none.
    pub async fn call_due_deliveries(&self, now: Timestamp) -> Result<usize, Refused> {
        let (mut called, mut failure) = (0, None);
        // What sorts before the next millisecond is due.
        let end = Timestamp::from_milliseconds(now.milliseconds() + 1).to_string();
        let mut after: Option<String> = None;
        while called < MAX_CALLED {
            let query = Query::of(keys::DUE_DELIVERIES, SortKeys::Before(&end), Consistency::Eventual);
            let due = self.query(Query { start: after.as_deref(), limit: Some(READ_AT_ONCE), ..query }).await?;
            let Some(last) = due.last() else { break };
            after = sort_key(last).map(str::to_owned);
            for item in due {
                match self.call_if_due(read(item)?, now).await {
                    Ok(is_called) => called += usize::from(is_called),
                    Err(error) => failure = Some(error),
                }
            }
        }
        failure.map_or(Ok(called), Err)
    }

    async fn call_if_due(&self, due: DueDelivery, now: Timestamp) -> Result<bool, Refused> {
        let key = keys::delivery(due.webhook_id, due.delivery_id);
        let delivery: Option<Delivery> = self.get(&key, Consistency::Strong).await?;
        let delivery = delivery.filter(|delivery| delivery.due_at == Some(due.due_at));
        let Some((called, delivery)) = delivery.and_then(|delivery| Some((delivery.called_if_due(now)?, delivery)))
        else {
            // It has another time by now, or none.
            self.delete_item(&keys::due_delivery(due.due_at, due.webhook_id, due.delivery_id)).await?;
            return Ok(false);
        };
        match self.update_delivery(&delivery, &called).await {
            Err(Refused::Changed) => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }
}

fn due_key(delivery: &Delivery, due_at: Timestamp) -> Key {
    keys::due_delivery(due_at, delivery.webhook_id, delivery.id)
}

fn put_due(delivery: &Delivery, due_at: Timestamp) -> Result<Write, Refused> {
    let Delivery { webhook_id, id, expires_at, .. } = *delivery;
    Write::put(due_key(delivery, due_at), &DueDelivery { webhook_id, delivery_id: id, due_at, expires_at })
}
