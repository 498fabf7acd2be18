//! The latest list's years.
//!
//! The list has a partition for each year that something was published in. A page that reaches the end of a
//! year must know which year comes before it without trying one after the other: the item at the end of each
//! partition names the years before it, and comes with the page.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use serde::{Deserialize, Serialize};

use super::keys::{self, Key};
use super::{Consistency, Entity, Item, Table, key_attributes, read};
use crate::Error;
use crate::clock::Timestamp;

/// The end of a year's partition.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct YearEnd {
    /// The years before this one that have a partition.
    #[serde(default)]
    older: BTreeSet<String>,
    /// Whether `older` is all of them. It is not while a writer is at it, or after it was stopped there.
    #[serde(default)]
    complete: bool,
}

impl Entity for YearEnd {
    const TYPE: &'static str = "latest_end";
}

impl Table {
    /// Prepares the partitions that a post published at `published_at` needs: that of its year, and that of
    /// the coming year, so that the new year's first readers find their way back too.
    ///
    /// Outside the post's transaction: an end without posts does no harm, and in it all writers of the site
    /// would conflict on one item. Each process does this once a year.
    pub(super) async fn prepare_latest(&self, published_at: Timestamp, now: Timestamp) -> Result<(), Error> {
        self.prepare_year(&keys::latest_year(published_at)).await?;
        self.prepare_year(&format!("{:04}", now.year() + 1)).await
    }

    /// The order makes it safe without a transaction: a year is in the directory before its end is complete, so
    /// of two years that come at once at least one sees the other, and adding to a set is the same in any order.
    async fn prepare_year(&self, year: &str) -> Result<(), Error> {
        if self.latest_years.lock().unwrap_or_else(PoisonError::into_inner).contains(year) {
            return Ok(());
        }
        let end: Option<YearEnd> = self.get(&keys::latest_end(year), Consistency::Strong).await?;
        if !end.is_some_and(|end| end.complete) {
            let this = BTreeSet::from([year.to_owned()]);
            let directory = self.add_years(&keys::latest_years(), "years", &this, false).await?;
            let years: BTreeSet<String> = strings(&directory, "years");
            for newer in years.iter().filter(|other| other.as_str() > year) {
                self.add_years(&keys::latest_end(newer), "older", &this, false).await?;
            }
            let older = years.into_iter().filter(|other| other.as_str() < year).collect();
            self.add_years(&keys::latest_end(year), "older", &older, true).await?;
        }
        self.latest_years.lock().unwrap_or_else(PoisonError::into_inner).insert(year.to_owned());
        Ok(())
    }

    /// Adds to a set of years; as often as one likes.
    async fn add_years(&self, key: &Key, name: &str, years: &BTreeSet<String>, complete: bool) -> Result<Item, Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_attributes(key)))
            .expression_attribute_names("#type", "type")
            .expression_attribute_values(":type", AttributeValue::S(YearEnd::TYPE.to_owned()));
        let mut expression = "SET #type = :type".to_owned();
        if complete {
            expression.push_str(", complete = :complete");
            update = update.expression_attribute_values(":complete", AttributeValue::Bool(true));
        }
        // DynamoDB has no empty sets.
        if !years.is_empty() {
            expression.push_str(" ADD #years :years");
            update = update
                .expression_attribute_names("#years", name)
                .expression_attribute_values(":years", AttributeValue::Ss(years.iter().cloned().collect()));
        }
        let output = update
            .update_expression(expression)
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(Error::from_aws)?;
        Ok(output.attributes.unwrap_or_default())
    }

    /// The year that comes before `year` in the list, given the end of its partition if the page reached one.
    pub(super) async fn year_before(&self, year: &str, end: Option<Item>) -> Result<Option<String>, Error> {
        if let Some(end) = end.map(read::<YearEnd>).transpose()?.filter(|end| end.complete) {
            return Ok(end.older.into_iter().next_back());
        }
        let directory = self.get_item(&keys::latest_years(), Consistency::Strong).await?.unwrap_or_default();
        Ok(strings(&directory, "years").into_iter().rfind(|other| other.as_str() < year))
    }
}

fn strings(item: &Item, name: &str) -> BTreeSet<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).into_iter().flatten().cloned().collect()
}
