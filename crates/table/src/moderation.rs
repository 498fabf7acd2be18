//! Access patterns of moderation: comments that editors should look at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::record;
use crate::comments::Place;
use crate::keys;
use crate::write::Write;
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, read};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AuditEntry, Comment, CommentId, CommentReport, CommentStatus, Denied, Limit, Page, UserId};

/// Why editors should look at comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Queue {
    /// They wait for an editor.
    #[default]
    Held,
    /// They were reported.
    Reported,
}

/// A comment that editors should look at.
pub struct Queued {
    /// The comment.
    pub comment: Comment,
    /// The number of users who reported it.
    pub reports: u64,
    /// Why the last of them did.
    pub reason: Option<String>,
}

/// A comment in a queue.
#[derive(Serialize, Deserialize)]
struct Entry {
    post: domain::PostId,
    path: String,
    #[serde(default)]
    reports: u64,
    #[serde(default)]
    reason: Option<String>,
}

impl Entity for Entry {
    const TYPE: &'static str = "queued_comment";
}

impl Entity for CommentReport {
    const TYPE: &'static str = "comment_report";
}

impl Table {
    /// A page of a queue, the newest comments first. What has gone from it meanwhile is left out.
    pub async fn moderation_queue(
        &self,
        queue: Queue,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<Page<Queued>, Refused> {
        let list = match queue {
            Queue::Held => keys::held_queue(),
            Queue::Reported => keys::reported_queue(),
        };
        let Page { items, next_cursor } = self.page(&list, cursor, limit, Consistency::Strong).await?;
        let entries = items.into_iter().map(read).collect::<Result<Vec<Entry>, _>>()?;
        let places: Vec<_> =
            entries.iter().map(|entry| Place { post: entry.post, path: entry.path.clone(), deleted: false }).collect();
        let comments = self.comments_at(&places, Consistency::Strong).await?;
        let mut entries = entries.into_iter();
        let mut queued = Vec::new();
        for comment in comments {
            // Both are in the order of the page.
            let path = comment.path.to_string();
            let entry = entries.find(|entry| entry.path == path);
            let Some(Entry { reports, reason, .. }) = entry else { continue };
            if comment.status != CommentStatus::Deleted {
                queued.push(Queued { comment, reports, reason });
            }
        }
        Ok(Page { items: queued, next_cursor })
    }

    /// Reports a comment, which goes into the queue. [`Refused::AlreadyReported`] if this user did before,
    /// [`Denied::CommentNotFound`] if it is no longer published.
    pub async fn report_comment(&self, user: UserId, comment: &Comment, report: &CommentReport) -> Result<(), Refused> {
        let Place { post, path, .. } = Place::of(comment);
        let entry = Write::count(keys::reported_entry(report.comment), Entry::TYPE, "reports", 1)
            .and_set("post", AttributeValue::S(post.to_string()))
            .and_set("path", AttributeValue::S(path))
            .and_set("reason", AttributeValue::S(report.reason.clone()));
        let writes = vec![
            Write::put(keys::comment_report(user, report.comment), report)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::AlreadyReported),
            Write::check(keys::comment(comment.post, &comment.path))
                .on_condition("#status = :published")
                .with_name("#status", "status")
                .with_value(":published", AttributeValue::S(CommentStatus::Published.as_str().to_owned()))
                .on_condition_failed(Denied::CommentNotFound.into()),
            entry,
        ];
        self.write(writes).await
    }

    /// Takes a comment out of those that were reported, as `audit` says. One that is not reported stays as it is, and is no decision.
    pub async fn dismiss_reports(&self, id: CommentId, audit: &AuditEntry) -> Result<(), Refused> {
        let dismiss = Write::delete(keys::reported_entry(id))
            .on_condition("attribute_exists(pk)")
            .on_condition_failed(Refused::Absent);
        let mut writes = vec![dismiss];
        writes.extend(record(Some(audit))?);
        match self.write(writes).await {
            Err(Refused::Absent) => Ok(()),
            outcome => outcome,
        }
    }

    /// The reports that a user made, at most `max` after `after`.
    pub async fn reports_by(
        &self,
        user: UserId,
        after: Option<CommentId>,
        max: usize,
    ) -> Result<Vec<CommentReport>, Refused> {
        let partition = keys::reporter_partition(user);
        let start = after.map(|after| after.to_string());
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { start: start.as_deref(), limit: Some(max), ..query }).await?;
        items.into_iter().map(read).collect()
    }

    /// Deletes reports that a user made, at most `max`. Says whether there was none any more.
    pub async fn delete_reports_by(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let reports = self.reports_by(user, None, max).await?;
        for report in &reports {
            self.delete_item(&keys::comment_report(user, report.comment)).await?;
        }
        Ok(reports.is_empty())
    }
}
