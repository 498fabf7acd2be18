//! Tags, with how many published posts each has.
//!
//! A tag's count changes in the transaction of the post that changes it. Its shards stand one after the other where tags
//! are listed by name, so that list is exact. The list by count has the count in its sort key, so an item of it is
//! another one whenever the count changes; that would cost a write more for each tag of a post, and writers of one tag
//! would have to wait for each other. A consumer of the stream keeps it instead, a moment behind.
//!
//! A tag that moves while somebody walks the list by count would be skipped or shown twice. So each move leaves a note for a day,
//! and a walk shows each tag where it stood when the walk began, with the count that it has now.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aws_sdk_dynamodb::types::AttributeValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::counts::{Shard, Sums};
use crate::keys::{self, SHARDS, TAG_MOVE_PREFIX, TAG_NAME_PREFIX, TAG_RANK_PREFIX};
use crate::post_writes::number;
use crate::write::Write;
use crate::{Consistency, Cursor, Entity, Item, Query, SortKeys, Table, read, sort_key};
use domain::{Limit, Page, Tag, Timestamp};

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

/// A tag that published posts have.
#[derive(Debug, Clone)]
pub struct UsedTag {
    /// The tag.
    pub tag: String,
    /// How many posts have it.
    pub posts: u64,
    /// How it was typed last, if that is kept.
    pub label: Option<String>,
}

/// Attributes of a shard: how a tag was typed last in a post that is counted there, and when.
const LABEL: &str = "label";
const LABELLED_AT: &str = "labelled_at";

/// Keeps with a count of a tag how the tag was typed.
pub(crate) fn label_tag(count: Write, label: String, now: Timestamp) -> Write {
    count.and_set(LABEL, AttributeValue::S(label)).and_set(LABELLED_AT, AttributeValue::S(now.to_string()))
}

/// A tag's items, added up while they are read.
struct ListedTag {
    /// The sort key after which the next tag begins.
    after: String,
    posts: u64,
    /// When it was typed how.
    label: Option<(String, String)>,
}

impl ListedTag {
    fn of(item: &Item, after: String) -> Self {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let label = text(LABELLED_AT).zip(text(LABEL));
        Self { after, posts: Sums::of([item]).get("posts"), label }
    }

    fn add(&mut self, other: Self) {
        self.posts += other.posts;
        self.label = self.label.take().max(other.label);
    }
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

/// A tag that has left its place in the list by count.
#[derive(Serialize, Deserialize)]
struct TagMove {
    tag: String,
    /// The count that it was ranked by.
    from: u64,
    /// The count that it is ranked by since then; 0 if nobody uses it any more.
    to: u64,
    /// In seconds.
    expires_at: i64,
}

impl Entity for TagMove {
    const TYPE: &'static str = "tag_move";
}

/// How long a walk of the list by count is spared what moves.
const MOVES_KEPT_SECONDS: i64 = 24 * 60 * 60;

/// The maximum number of moves in a shard that a page reads, 30 RCU of them. A walk that is outrun by more shows some tag where it is now.
const MAX_MOVES: usize = 1_000;

/// A page of the list by count.
struct PageByCount<'a> {
    /// When the walk began.
    begun_at: &'a str,
    /// The sort key that the page before ended with.
    start: Option<&'a str>,
    limit: usize,
    consistency: Consistency,
}

impl Table {
    /// A page of tags with their counts.
    pub async fn tags(
        &self,
        order: TagOrder,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<(String, u64)>, Refused> {
        let limit = limit.get();
        match order {
            TagOrder::Name => {
                let start = self.verify_cursor(cursor, "TAGS/NAME").await?.map(|cursor| cursor.after);
                let start = start.as_deref();
                let tags = SHARDS.map(|shard| self.tags_of(shard, order, start, limit, consistency));
                let [a, b, c, d] = tags;
                let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
                self.page_of_tags([a, b, c, d], limit, "TAGS/NAME", str::to_owned).await
            }
            TagOrder::Count => {
                let cursor = self.verify_cursor(cursor, "TAGS/COUNT").await?.map(|cursor| cursor.after);
                let (begun_at, start) = match cursor.as_deref().and_then(|after| after.split_once(' ')) {
                    Some((begun_at, start)) => (begun_at.to_owned(), Some(start)),
                    None => (now.to_string(), None),
                };
                let page = PageByCount { begun_at: &begun_at, start, limit, consistency };
                let [a, b, c, d] = SHARDS.map(|shard| self.tags_as_ranked_then(shard, &page));
                let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
                self.page_of_tags([a, b, c, d], limit, "TAGS/COUNT", |sk| format!("{begun_at} {sk}")).await
            }
        }
    }

    /// The page that comes first of all shards, each of which is in order and has one tag more than a page, if there is one.
    async fn page_of_tags(
        &self,
        shards: [Vec<(String, u64)>; SHARDS.len()],
        limit: usize,
        list: &str,
        cursor: impl Fn(&str) -> String,
    ) -> Result<Page<(String, u64)>, Refused> {
        let mut tags: Vec<(String, u64)> = shards.into_iter().flatten().collect();
        tags.sort_unstable();
        let has_more = tags.len() > limit;
        tags.truncate(limit);
        let next_cursor = match tags.last() {
            Some((last, _)) if has_more => Some(self.sign_cursor(&Cursor::after(&cursor(last)), list).await?),
            _ => None,
        };
        Ok(Page { items: tags.into_iter().map(|(sk, posts)| (name_in(&sk), posts)).collect(), next_cursor })
    }

    /// A shard's next tags where they stood when the walk began: one more than a page has, so that the end shows.
    async fn tags_as_ranked_then(&self, shard: u8, page: &PageByCount<'_>) -> Result<Vec<(String, u64)>, Refused> {
        let mut wanted = page.limit;
        loop {
            let mut tags = self.tags_of(shard, TagOrder::Count, page.start, wanted, page.consistency).await?;
            let is_all = tags.len() <= wanted;
            // Whoever gets the whole list at once walks nowhere.
            if page.start.is_none() && is_all && tags.len() <= page.limit {
                return Ok(tags);
            }
            // After the tags, so that one that moves in between is among them or here.
            let moved = self.moved_since(shard, page.begun_at).await?;
            tags.retain(|(sk, _)| !moved.contains_key(&name_in(sk)));
            if is_all || tags.len() > page.limit {
                tags.extend(moved.into_values().filter(|(sk, posts)| *posts > 0 && Some(sk.as_str()) > page.start));
                tags.sort_unstable();
                tags.truncate(page.limit + 1);
                return Ok(tags);
            }
            wanted = page.limit + moved.len();
        }
    }

    /// The tags of a shard that have moved since then, each with the sort key that it had at that time and the count that it has
    /// now. Strongly consistent: a move that is missed here is a tag that is missed, or shown twice.
    async fn moved_since(&self, shard: u8, begun_at: &str) -> Result<HashMap<String, (String, u64)>, Refused> {
        let partition = keys::tags_partition(shard);
        let start = format!("{TAG_MOVE_PREFIX}{begun_at}{AFTER_COUNTS}");
        let query = Query::of(&partition, SortKeys::Prefix(TAG_MOVE_PREFIX), Consistency::Strong);
        let mut moved: HashMap<String, (String, u64)> = HashMap::new();
        for item in self.query(Query { start: Some(&start), limit: Some(MAX_MOVES), ..query }).await? {
            let TagMove { tag, from, to, .. } = read(item)?;
            match moved.entry(tag) {
                Entry::Occupied(mut first) => first.get_mut().1 = to,
                Entry::Vacant(none) => {
                    let ranked = Tag::try_from(none.key().clone()).map_err(Refused::internal)?;
                    none.insert((keys::tag_rank(&ranked, from).sk, to));
                }
            }
        }
        Ok(moved)
    }

    /// The tags that published posts have, the most used first, up to `max` of each shard by name; strongly consistent, so that a
    /// tag is here as soon as its first post is published.
    pub async fn all_tags(&self, max: usize) -> Result<Vec<UsedTag>, Refused> {
        let tags = SHARDS.map(|shard| self.listed_tags(shard, TagOrder::Name, None, max, Consistency::Strong));
        let [a, b, c, d] = tags;
        let (a, b, c, d) = tokio::try_join!(a, b, c, d)?;
        let tags = [a, b, c, d].into_iter().flat_map(|tags| tags.into_iter().take(max));
        let used = |ListedTag { after, posts, label }| UsedTag {
            tag: name_in(&after),
            posts,
            label: label.map(|(_, label)| label),
        };
        let mut tags: Vec<_> = tags.map(used).collect();
        tags.sort_unstable_by(|one, other| other.posts.cmp(&one.posts).then_with(|| one.tag.cmp(&other.tag)));
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
        let tags = self.listed_tags(shard, order, start, limit, consistency).await?;
        Ok(tags.into_iter().map(|tag| (tag.after, tag.posts)).collect())
    }

    /// The same with how each was typed.
    async fn listed_tags(
        &self,
        shard: u8,
        order: TagOrder,
        start: Option<&str>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<ListedTag>, Refused> {
        let partition = keys::tags_partition(shard);
        let prefix = match order {
            TagOrder::Count => TAG_RANK_PREFIX,
            TagOrder::Name => TAG_NAME_PREFIX,
        };
        let mut found: Vec<ListedTag> = Vec::new();
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
                let listed = ListedTag::of(&item, after);
                match found.last_mut() {
                    Some(known) if known.after == listed.after => known.add(listed),
                    _ => found.push(listed),
                }
            }
            // The last one may have more items. One that nobody uses any more is about to be deleted.
            let incomplete = if exhausted { None } else { found.pop() };
            found.retain(|tag| tag.posts > 0);
            if exhausted || found.len() > limit {
                return Ok(found);
            }
            found.extend(incomplete);
        }
    }

    /// Puts a tag where it belongs in the list by count, and deletes it if nobody uses it any more. May be repeated at any
    /// time: it reads the current state.
    pub async fn rank_tag(&self, tag: &Tag, now: Timestamp) -> Result<(), Refused> {
        // Until what was read agrees: of two who do this at the same time, the one who writes last reads last.
        loop {
            let (ranked, shards) = self.place_and_shards(tag).await?;
            let writes = rank(tag, ranked, &shards, now)?;
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
fn rank(tag: &Tag, ranked: Option<u64>, shards: &[Shard], now: Timestamp) -> Result<Vec<Write>, Refused> {
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
        if let Some(from) = ranked {
            writes.push(Write::delete(keys::tag_rank(tag, from)));
            let (to, expires_at) = (wanted.unwrap_or(0), now.plus_seconds(MOVES_KEPT_SECONDS).seconds());
            writes.push(Write::put(keys::tag_move(tag, now), &TagMove { tag: tag.to_string(), from, to, expires_at })?);
        }
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

/// The tag at the end of a sort key in either list.
fn name_in(sk: &str) -> String {
    sk.trim_end_matches(AFTER_COUNTS).rsplit('#').next().unwrap_or_default().to_owned()
}

/// Sorts after all items of a tag, when it follows what their sort keys begin with.
const AFTER_COUNTS: &str = "#~";
