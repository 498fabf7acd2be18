//! Lists, newest first, page by page.

use domain::{Limit, Page};

use crate::keys::List;
use crate::{Consistency, Cursor, Item, Query, Refused, SortKeys, Table, sort_key};

impl Table {
    /// A page of a list, newest first. `cursor` is the `next_cursor` of the page before this one.
    pub(crate) async fn page(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Item>, Refused> {
        self.page_of(list, true, cursor, limit, consistency).await
    }

    /// The same in the order of the sort keys.
    pub(crate) async fn page_by_name(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Item>, Refused> {
        self.page_of(list, false, cursor, limit, consistency).await
    }

    async fn page_of(
        &self,
        list: &List,
        backwards: bool,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Item>, Refused> {
        let name = list.name();
        let start = self.verify_cursor(cursor, &name).await?.map(|cursor| cursor.after);
        let limit = limit.get();
        // One more than the page holds tells whether there is a next page.
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), consistency);
        let query = Query { backwards, start: start.as_deref(), limit: Some(limit + 1), ..query };
        let mut items = self.query(query).await?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last().and_then(sort_key) {
            Some(last) if has_more => Some(self.sign_cursor(&Cursor::after(last), &name).await?),
            _ => None,
        };
        Ok(Page { items, next_cursor })
    }

    /// What a client's cursor says, if there is one.
    pub(crate) async fn verify_cursor(&self, cursor: Option<&str>, name: &str) -> Result<Option<Cursor>, Refused> {
        match cursor {
            Some(cursor) => {
                let key = self.existing_signing_key().await?.ok_or(Refused::InvalidCursor)?;
                Cursor::verify(cursor, name, key).map(Some).ok_or(Refused::InvalidCursor)
            }
            None => Ok(None),
        }
    }

    /// A cursor as a client gets it.
    pub(crate) async fn sign_cursor(&self, cursor: &Cursor, name: &str) -> Result<String, Refused> {
        Ok(cursor.sign(name, self.signing_key().await?))
    }

    /// Up to `max` items of a list, after the sort key `start`.
    pub(crate) async fn walk(
        &self,
        list: &List,
        start: Option<&str>,
        max: usize,
        consistency: Consistency,
    ) -> Result<Vec<Item>, Refused> {
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), consistency);
        self.query(Query { backwards: true, start, limit: Some(max), ..query }).await
    }

    /// The same in the order of the sort keys.
    pub(crate) async fn walk_by_name(
        &self,
        list: &List,
        start: Option<&str>,
        max: usize,
        consistency: Consistency,
    ) -> Result<Vec<Item>, Refused> {
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), consistency);
        self.query(Query { start, limit: Some(max), ..query }).await
    }

    /// Items of a list, for whoever goes through all of it: up to a hundred after the sort key `start`. Without
    /// cursors, whose signing key not every function may create.
    pub(crate) async fn items(&self, list: &List, start: Option<&str>) -> Result<Vec<Item>, Refused> {
        self.walk(list, start, Limit::MAX.get(), Consistency::Strong).await
    }
}
