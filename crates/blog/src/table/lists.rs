//! Lists, newest first, page by page.
//!
//! A list that all of the site shares has a partition for each year. A page that reaches the end of a year must know
//! which year comes before it without trying one after the other: the item at the end of each partition names the years
//! before it, and comes with the page.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use serde::{Deserialize, Serialize};

use super::keys::{self, Key, List};
use super::write::outlast_transactions;
use super::{Consistency, Entity, Item, Query, SortKeys, Table, key_attributes, read, sort_key, type_of};
use crate::Error;
use crate::clock::Timestamp;
use crate::edge::{Cursor, Limit, Page};

/// The end of a year's partition.
#[derive(Debug, Serialize, Deserialize)]
struct YearEnd {
    /// The years before this one that have a partition.
    #[serde(default)]
    older: BTreeSet<String>,
    /// Whether `older` is all of them. It is not while a writer is at it, or after it was stopped there.
    #[serde(default)]
    complete: bool,
}

impl Entity for YearEnd {
    const TYPE: &'static str = "year_end";
}

/// An item of a list, with the year whose partition it lies in.
pub(super) struct Place {
    year: String,
    pub item: Item,
}

impl Place {
    /// The cursor of a page that ends here.
    pub fn cursor(&self) -> Cursor {
        let after = sort_key(&self.item).unwrap_or_default().to_owned();
        Cursor { bucket: self.year.clone(), after, led: Vec::new() }
    }
}

impl Table {
    /// A page of a list. `cursor` is what the page before this one gave.
    pub(super) async fn page(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<Item>, Error> {
        let name = list.name();
        let start = self.verify_cursor(cursor, &name).await?;
        let (found, more) = self.walk(list, start, limit.get(), consistency, now).await?;
        let next_cursor = match found.last() {
            Some(place) if more => Some(self.sign_cursor(&place.cursor(), &name).await?),
            _ => None,
        };
        Ok(Page { items: found.into_iter().map(|place| place.item).collect(), next_cursor })
    }

    /// What a client's cursor says, if there is one.
    pub(super) async fn verify_cursor(&self, cursor: Option<&str>, name: &str) -> Result<Option<Cursor>, Error> {
        match cursor {
            Some(cursor) => Ok(Some(Cursor::verify(cursor, name, self.signing_key().await?)?)),
            None => Ok(None),
        }
    }

    /// A cursor as a client gets it.
    pub(super) async fn sign_cursor(&self, cursor: &Cursor, name: &str) -> Result<String, Error> {
        Ok(cursor.sign(name, self.signing_key().await?))
    }

    /// Up to `limit` items of a list, from `start` on, and whether more come after them.
    pub(super) async fn walk(
        &self,
        list: &List,
        start: Option<Cursor>,
        limit: usize,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<(Vec<Place>, bool), Error> {
        let (mut year, mut before) = match start {
            Some(Cursor { bucket, after, .. }) => (bucket, Some(after)),
            None if list.yearly => (keys::year(now), None),
            None => (String::new(), None),
        };

        // One more than the page holds tells whether there is a next page; at the end of a year, an older year
        // does.
        let mut found: Vec<Place> = Vec::new();
        let more = loop {
            let wanted = limit + 1 - found.len();
            let partition = list.partition(&year);
            let mut items = self
                .query(Query {
                    backwards: true,
                    start: before.as_deref(),
                    limit: Some(wanted),
                    ..Query::of(&partition, SortKeys::Prefix(list.prefix), consistency)
                })
                .await?;
            let end = items.pop_if(|item| type_of(item) == Some(YearEnd::TYPE));
            let exhausted = end.is_some() || items.len() < wanted;
            found.extend(items.into_iter().map(|item| Place { year: year.clone(), item }));
            if !list.yearly || !exhausted {
                break found.len() > limit;
            }
            match self.year_before(list, &year, end).await? {
                Some(_) if found.len() == limit => break true,
                Some(older) => (year, before) = (older, None),
                None => break found.len() > limit,
            }
        };
        found.truncate(limit);
        Ok((found, more))
    }

    /// Items of a list with one partition, for who goes through all of it: up to a hundred that come after `before`, or
    /// the first ones. Without cursors, whose key not every function may make.
    pub(super) async fn items(&self, list: &List, before: Option<&str>) -> Result<Vec<Item>, Error> {
        let partition = list.partition("");
        let sort_keys = SortKeys::Prefix(list.prefix);
        let query = Query::of(&partition, sort_keys, Consistency::Strong);
        self.query(Query { backwards: true, start: before, limit: Some(Limit::MOST.get()), ..query }).await
    }

    /// Prepares the partitions that an item of the time `at` needs in a list that has one a year: that of its year, and
    /// that of the coming year, so that the new year's first readers find their way back too.
    ///
    /// Outside the transaction that writes the item: an end without items does no harm, and in it all writers of the
    /// site would conflict. Each process does this once a year.
    pub(super) async fn prepare_list(&self, list: &List, at: Timestamp, now: Timestamp) -> Result<(), Error> {
        self.prepare_year(list, &keys::year(at)).await?;
        self.prepare_year(list, &format!("{:04}", now.year() + 1)).await
    }

    /// The order makes it safe without a transaction: a year is in the directory before its end is complete, so
    /// of two years that come at once at least one sees the other, and adding to a set is the same in any order.
    async fn prepare_year(&self, list: &List, year: &str) -> Result<(), Error> {
        let partition = list.partition(year);
        if self.prepared.lock().unwrap_or_else(PoisonError::into_inner).contains(&partition) {
            return Ok(());
        }
        let end: Option<YearEnd> = self.get(&list.year_end(year), Consistency::Strong).await?;
        if !end.is_some_and(|end| end.complete) {
            let this = BTreeSet::from([year.to_owned()]);
            let directory = self.add_years(&list.years(), "years", &this, false).await?;
            let years: BTreeSet<String> = strings(&directory, "years");
            for newer in years.iter().filter(|other| other.as_str() > year) {
                self.add_years(&list.year_end(newer), "older", &this, false).await?;
            }
            let older = years.into_iter().filter(|other| other.as_str() < year).collect();
            self.add_years(&list.year_end(year), "older", &older, true).await?;
        }
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(partition);
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
        let update = update
            .update_expression(expression)
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = outlast_transactions(|| update.clone().send()).await.map_err(Error::from_aws)?;
        Ok(output.attributes.unwrap_or_default())
    }

    /// The year that comes before `year` in a list, given the end of its partition if the page reached one.
    async fn year_before(&self, list: &List, year: &str, end: Option<Item>) -> Result<Option<String>, Error> {
        if let Some(end) = end.map(read::<YearEnd>).transpose()?.filter(|end| end.complete) {
            return Ok(end.older.into_iter().next_back());
        }
        let directory = self.get_item(&list.years(), Consistency::Strong).await?.unwrap_or_default();
        Ok(strings(&directory, "years").into_iter().rfind(|other| other.as_str() < year))
    }
}

fn strings(item: &Item, name: &str) -> BTreeSet<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).into_iter().flatten().cloned().collect()
}
