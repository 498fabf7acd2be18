//! Tags, with how many published posts each has.
//!
//! A tag's count changes in the transaction of the post that changes it, and is where tags are listed by name. The list
//! by count has the count in its sort key, so an item of it is another one whenever the count changes; that would cost
//! a write more for each tag of a post, and writers of one tag would have to wait for each other. A consumer of the
//! stream keeps it instead, a moment behind.

use aws_sdk_dynamodb::types::AttributeValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::keys::{self, Key, SHARDS, TAG_NAME_PREFIX, TAG_RANK_PREFIX};
use crate::write::Write;
use crate::{Consistency, Cursor, Entity, Query, SortKeys, Table, read, sort_key};
use domain::{Limit, Page, Tag};

/// The order of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TagOrder {
    /// The most used tags first; tags with the same count by name.
    #[default]
    Count,
    /// By name, from a to z.
    Name,
}

/// A tag's count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TagCount {
    posts: u64,
    /// The count in its key in the list by count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ranked: Option<u64>,
}

impl Entity for TagCount {
    const TYPE: &'static str = "tag";
}

/// A tag in the list by count.
#[derive(Serialize, Deserialize)]
struct RankedTag {
    posts: u64,
}

impl Entity for RankedTag {
    const TYPE: &'static str = "ranked_tag";
}

impl Table {
    /// A page of tags with their counts.
    pub async fn tags(
        &self,
        order: TagOrder,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<(String, u64)>, Refused> {
        let (name, prefix) = match order {
            TagOrder::Count => ("TAGS/COUNT", TAG_RANK_PREFIX),
            TagOrder::Name => ("TAGS/NAME", TAG_NAME_PREFIX),
        };
        let start = self.verify_cursor(cursor, name).await?.map(|cursor| cursor.after);
        let limit = limit.get();
        let [a, b, c, d] = SHARDS.map(|shard| self.tags_of(shard, prefix, start.as_deref(), limit, consistency));
        let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
        // Each shard is in order; the page is what comes first of all of them.
        let mut tags: Vec<(String, u64)> = [a, b, c, d].into_iter().flatten().collect();
        tags.sort_unstable();
        let next_cursor = if tags.len() > limit {
            tags.truncate(limit);
            let after = tags.last().map(|(sk, _)| sk.clone()).unwrap_or_default();
            Some(self.sign_cursor(&Cursor::after(&after), name).await?)
        } else {
            None
        };
        let tag_of = |sk: &str| sk.rsplit('#').next().unwrap_or_default().to_owned();
        Ok(Page { items: tags.into_iter().map(|(sk, posts)| (tag_of(&sk), posts)).collect(), next_cursor })
    }

    /// The sort keys and counts of a shard's next tags: one more than a page has, so that the end shows.
    async fn tags_of(
        &self,
        shard: u8,
        prefix: &str,
        start: Option<&str>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<(String, u64)>, Refused> {
        let partition = keys::tags_partition(shard);
        let mut found = Vec::new();
        let mut start = start.map(str::to_owned);
        loop {
            let wanted = limit + 1 - found.len();
            let query = Query::of(&partition, SortKeys::Prefix(prefix), consistency);
            let items = self.query(Query { start: start.as_deref(), limit: Some(wanted), ..query }).await?;
            let exhausted = items.len() < wanted;
            start = items.last().and_then(sort_key).map(str::to_owned);
            for item in items {
                let sk = sort_key(&item).unwrap_or_default().to_owned();
                let RankedTag { posts } = read(item)?;
                // One that nobody uses any more is about to be deleted.
                found.extend((posts > 0).then_some((sk, posts)));
            }
            if exhausted || found.len() > limit {
                return Ok(found);
            }
        }
    }

    /// Puts a tag where it belongs in the list by count, and deletes it if nobody uses it any more. Does nothing if it
    /// is there already, so it may be repeated.
    pub async fn rank_tag(&self, tag: &Tag) -> Result<(), Refused> {
        let key = keys::tag_count(tag);
        loop {
            let Some(count) = self.get::<TagCount>(&key, Consistency::Strong).await? else { return Ok(()) };
            if count.ranked == Some(count.posts) && count.posts > 0 {
                return Ok(());
            }
            match self.write(rank(tag, &key, &count)?).await {
                // It has changed meanwhile.
                Err(Refused::Changed) => {}
                outcome => return outcome,
            }
        }
    }
}

fn rank(tag: &Tag, key: &Key, count: &TagCount) -> Result<Vec<Write>, Refused> {
    let TagCount { posts, ranked } = *count;
    let own = if posts == 0 {
        Write::delete(key.clone())
    } else {
        Write::set(key.clone(), "ranked", AttributeValue::N(posts.to_string()))
    };
    let own = match ranked {
        None => own.on_condition("posts = :posts AND attribute_not_exists(ranked)"),
        Some(ranked) => own
            .on_condition("posts = :posts AND ranked = :ranked")
            .with_value(":ranked", AttributeValue::N(ranked.to_string())),
    };
    let own = own.with_value(":posts", AttributeValue::N(posts.to_string())).on_condition_failed(Refused::Changed);
    let mut writes = vec![own];
    writes.extend(ranked.filter(|ranked| *ranked != posts).map(|ranked| Write::delete(keys::tag_rank(tag, ranked))));
    if posts > 0 {
        writes.push(Write::put(keys::tag_rank(tag, posts), &RankedTag { posts })?);
    }
    Ok(writes)
}

/// The tag that an item of its count is about.
pub fn tag_of(item_sort_key: &str) -> Option<Tag> {
    item_sort_key.strip_prefix(TAG_NAME_PREFIX).and_then(|tag| tag.to_owned().try_into().ok())
}
