//! Tags, with how many published posts each has.
//!
//! A tag's count changes in the transaction of the post that changes it. Its shards stand one after the other where tags
//! are listed by name, so that list is exact. The list by count has the count in its sort key, so an item of it is
//! another one whenever the count changes; that would cost a write more for each tag of a post, and writers of one tag
//! would have to wait for each other. A consumer of the stream keeps it instead, a moment behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::counts::{Shard, Sums};
use crate::keys::{self, SHARDS, TAG_NAME_PREFIX, TAG_RANK_PREFIX};
use crate::post_writes::number;
use crate::write::Write;
use crate::{Consistency, Cursor, Entity, Item, Query, SortKeys, Table, read, sort_key};
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

/// Where a tag stands in the list by count.
#[derive(Serialize, Deserialize)]
struct TagPlace {
    /// The count in its key there.
    ranked: u64,
}

impl Entity for TagPlace {
    const TYPE: &'static str = "tag_place";
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
        let name = match order {
            TagOrder::Count => "TAGS/COUNT",
            TagOrder::Name => "TAGS/NAME",
        };
        let start = self.verify_cursor(cursor, name).await?.map(|cursor| cursor.after);
        let limit = limit.get();
        let [a, b, c, d] = SHARDS.map(|shard| self.tags_of(shard, order, start.as_deref(), limit, consistency));
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
        let tag_of = |sk: &str| sk.trim_end_matches(AFTER_COUNTS).rsplit('#').next().unwrap_or_default().to_owned();
        Ok(Page { items: tags.into_iter().map(|(sk, posts)| (tag_of(&sk), posts)).collect(), next_cursor })
    }

    /// The tags that published posts have, the most used first, up to `max` of each shard by name; strongly consistent, so that a
    /// tag is here as soon as its first post is published.
    pub async fn all_tags(&self, max: usize) -> Result<Vec<(String, u64)>, Refused> {
        let tags = SHARDS.map(|shard| self.tags_of(shard, TagOrder::Name, None, max, Consistency::Strong));
        let [a, b, c, d] = tags;
        let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
        let tags = [a, b, c, d].into_iter().flat_map(|tags| tags.into_iter().take(max));
        let tag_of = |sk: &str| sk.trim_end_matches(AFTER_COUNTS).rsplit('#').next().unwrap_or_default().to_owned();
        let mut tags: Vec<_> = tags.map(|(sk, posts)| (tag_of(&sk), posts)).collect();
        tags.sort_unstable_by(|(one, of_one), (other, of_other)| of_other.cmp(of_one).then_with(|| one.cmp(other)));
        Ok(tags)
    }

    /// How many published posts have this tag; strongly consistent.
    pub async fn posts_with_tag(&self, tag: &Tag) -> Result<u64, Refused> {
        Ok(self.rank_of_tag(tag).await?.1.unwrap_or_default())
    }

    /// A shard's next tags with their counts, each with the sort key after which the one after it begins: one more than
    /// a page has, so that the end shows.
    async fn tags_of(
        &self,
        shard: u8,
        order: TagOrder,
        start: Option<&str>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<(String, u64)>, Refused> {
        let partition = keys::tags_partition(shard);
        let prefix = match order {
            TagOrder::Count => TAG_RANK_PREFIX,
            TagOrder::Name => TAG_NAME_PREFIX,
        };
        let mut found: Vec<(String, u64)> = Vec::new();
        let mut start = start.map(str::to_owned);
        loop {
            // A tag that few posts have, which is most of them, has few items.
            let wanted = (limit + 1) * 2;
            let query = Query::of(&partition, SortKeys::Prefix(prefix), consistency);
            let items = self.query(Query { start: start.as_deref(), limit: Some(wanted), ..query }).await?;
            let exhausted = items.len() < wanted;
            start = items.last().and_then(sort_key).map(str::to_owned);
            for item in items {
                let sk = sort_key(&item).unwrap_or_default();
                let after = match (order, tag_of(sk)) {
                    (TagOrder::Count, _) => sk.to_owned(),
                    (TagOrder::Name, Some(tag)) => format!("{TAG_NAME_PREFIX}{tag}{AFTER_COUNTS}"),
                    (TagOrder::Name, None) => continue,
                };
                let posts = Sums::of([&item]).get("posts");
                match found.last_mut() {
                    Some((known, sum)) if *known == after => *sum += posts,
                    _ => found.push((after, posts)),
                }
            }
            // The last one may have more items. One that nobody uses any more is about to be deleted.
            let incomplete = if exhausted { None } else { found.pop() };
            found.retain(|(_, posts)| *posts > 0);
            if exhausted || found.len() > limit {
                return Ok(found);
            }
            found.extend(incomplete);
        }
    }

    /// Puts a tag where it belongs in the list by count, and deletes it if nobody uses it any more. May be repeated at any
    /// time: it reads the current state.
    pub async fn rank_tag(&self, tag: &Tag) -> Result<(), Refused> {
        // Until what was read agrees: of two who do this at the same time, the one who writes last reads last.
        loop {
            let (ranked, shards) = self.place_and_shards(tag).await?;
            let writes = rank(tag, ranked, &shards)?;
            if writes.is_empty() {
                return self.delete_empty(&shards).await;
            }
            match self.write(writes).await {
                Ok(()) | Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The count by which a tag is ranked, and the count that it has; none if nobody uses it.
    pub(crate) async fn rank_of_tag(&self, tag: &Tag) -> Result<(Option<u64>, Option<u64>), Refused> {
        let (ranked, shards) = self.place_and_shards(tag).await?;
        Ok((ranked, wanted_rank(&shards)))
    }

    async fn place_and_shards(&self, tag: &Tag) -> Result<(Option<u64>, Vec<Shard>), Refused> {
        let (partition, place) = (keys::partition_of_tag(tag), keys::tag_place(tag));
        let items = self.query_prefix(&partition, &keys::tag_prefix(tag), Consistency::Strong).await?;
        let is_place = |item: &Item| sort_key(item) == Some(&place.sk);
        let (place, shards) = items.into_iter().partition::<Vec<_>, _>(is_place);
        let place = place.into_iter().next().map(read::<TagPlace>).transpose()?;
        Ok((place.map(|place| place.ranked), shards.into_iter().map(Shard).collect()))
    }
}

/// The count by which a tag with these shards is ranked; none if nobody uses it.
fn wanted_rank(shards: &[Shard]) -> Option<u64> {
    let posts = u64::try_from(shards.iter().map(|shard| shard.get("posts")).sum::<i64>()).unwrap_or(0);
    Some(posts).filter(|posts| *posts > 0)
}

/// The writes that put a tag where its count belongs; none if it is there. Its shards stay out of them while the tag is
/// in use: writers of the tag would have to wait.
fn rank(tag: &Tag, ranked: Option<u64>, shards: &[Shard]) -> Result<Vec<Write>, Refused> {
    let wanted = wanted_rank(shards);
    let mut writes = Vec::new();
    if ranked != wanted {
        let place = keys::tag_place(tag);
        let place = match wanted {
            Some(posts) => Write::put(place, &TagPlace { ranked: posts })?,
            None => Write::delete(place),
        };
        let place = match ranked {
            None => place.on_condition("attribute_not_exists(pk)"),
            Some(ranked) => place.on_condition("ranked = :ranked").with_value(":ranked", number(ranked)),
        };
        writes.push(place.on_condition_failed(Refused::Changed));
        writes.extend(ranked.map(|ranked| Write::delete(keys::tag_rank(tag, ranked))));
        if let Some(posts) = wanted {
            writes.push(Write::put(keys::tag_rank(tag, posts), &RankedTag { posts })?);
        }
    }
    if wanted.is_none() {
        writes.extend(shards.iter().map(Shard::deleted));
    }
    Ok(writes)
}

/// The tag that an item of its counts is about.
pub fn tag_of(item_sort_key: &str) -> Option<Tag> {
    let (tag, _) = item_sort_key.strip_prefix(TAG_NAME_PREFIX)?.split_once('#')?;
    tag.to_owned().try_into().ok()
}

/// Sorts after all items of a tag, when it follows what their sort keys begin with.
const AFTER_COUNTS: &str = "#~";
