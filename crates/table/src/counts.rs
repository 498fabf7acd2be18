//! Counts that strangers change: comments, reactions, replies and reposts of a post, followers of a user, posts of a tag and of the
//! blog.
//!
//! DynamoDB cancels a transaction that meets another one on an item, even if it only checks the item. So a count that
//! many change at one moment is the sum of [`keys::COUNT_SHARDS`] items, the shards of its [`Target`]. What is counted, the
//! member, is always counted in the same shard, which follows from its id, so each shard is exact by itself.
//!
//! - **Count:** add the write [`Target::count`] to the transaction of what is counted. It never fails, makes the shard if
//!   there is none, and is the only item of the target that the transaction may contain: no check of the target either.
//!   Read before whether the target is there.
//! - **Read:** [`Sums::of`] the shards. They stand where the target is read, so the query for the target finds them too.
//! - **Copies** of the sums, in cards and profiles, follow from the stream, for lists: [`Table::copy_counts`],
//!   [`Table::copy_followers`], [`Table::rank_tag`](crate::Table::rank_tag).
//! - **A member that comes too late**, for a target that is deleted or renamed since it was read, makes a shard where
//!   the target is no longer. The stream tells of it, and the same functions bring it to the target or remove it.
//! - **Repair:** [`Table::repair`](crate::Table::repair).
//!
//! How to add a count: docs/adr/0020.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::Refused;
use crate::keys::{self, Key};
use crate::post_writes::number;
use crate::write::{Write, outlast_transactions};
use crate::{Consistency, Item, Table, key_attributes, read, sort_key};
use domain::{Post, PostId, Slug, Tag, Timestamp, User, UserId};

/// What others count in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A post, with the slug that it has now.
    Post(PostId, &'a Slug),
    /// A user.
    User(UserId),
    /// A tag.
    Tag(&'a Tag),
    /// The whole blog.
    Site,
}

impl Target<'_> {
    /// The item of a shard.
    pub fn shard(self, shard: u8) -> Key {
        match self {
            Self::Post(id, slug) => keys::post_counts(slug, id, shard),
            Self::User(id) => keys::user_counts(id, shard),
            Self::Tag(tag) => keys::tag_counts(tag, shard),
            Self::Site => keys::site_counts(shard),
        }
    }

    /// The attribute `type` of a shard, by which consumers of the stream find it.
    fn kind(self) -> &'static str {
        match self {
            Self::Post(..) => "post_counts",
            Self::User(_) => "user_counts",
            Self::Tag(_) => "tag",
            Self::Site => "site_counts",
        }
    }

    /// Adds to counts of the target, each by its name, on behalf of `member`, the id of what is counted; 2 WCU. In one
    /// write, because a transaction must not contain an item twice.
    pub fn count<'n>(self, member: &str, changes: impl IntoIterator<Item = (&'n str, i64)>) -> Write {
        self.count_in(keys::count_shard(member), changes)
    }

    /// The same in this shard.
    pub fn count_in<'n>(self, shard: u8, changes: impl IntoIterator<Item = (&'n str, i64)>) -> Write {
        let write = Write::count(self.shard(shard), self.kind(), WRITES, 1);
        changes.into_iter().filter(|(_, by)| *by != 0).fold(write, |write, (name, by)| write.and_add(name, by))
    }
}

/// Counts how often the shard was written. A sum may be the same again after two writes; this is not.
const WRITES: &str = "writes";

/// Attributes of a shard that are no counts.
const OTHER_ATTRIBUTES: [&str; 4] = ["pk", "sk", "type", WRITES];

/// The sums of shards.
#[derive(Debug, Default)]
pub(crate) struct Sums(BTreeMap<String, i64>);

impl Sums {
    /// Of these shards.
    pub fn of<'a>(shards: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut sums = Self::default();
        for (name, count) in shards.into_iter().flat_map(counts) {
            *sums.0.entry(name.to_owned()).or_default() += count;
        }
        sums
    }

    /// The count of this name. A shard that was stranded may make a sum negative for a moment, which is shown as none.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |count| u64::try_from(*count).unwrap_or(0))
    }
}

fn counts(shard: &Item) -> impl Iterator<Item = (&str, i64)> {
    let counts = shard.iter().filter(|(name, _)| !OTHER_ATTRIBUTES.contains(&name.as_str()));
    counts.filter_map(|(name, value)| Some((name.as_str(), value.as_n().ok()?.parse().ok()?)))
}

/// A shard as it was read.
pub(crate) struct Shard(pub Item);

impl Shard {
    /// Its number.
    pub fn number(&self) -> u8 {
        let number = sort_key(&self.0).and_then(|sk| sk.rsplit('#').next()).and_then(|number| number.parse().ok());
        number.unwrap_or_default()
    }

    /// The count of this name.
    pub fn get(&self, name: &str) -> i64 {
        counts(&self.0).find(|(known, _)| *known == name).map_or(0, |(_, count)| count)
    }

    /// How often it was written.
    pub fn writes(&self) -> Option<&AttributeValue> {
        self.0.get(WRITES)
    }

    /// Whether nothing is counted in it any more.
    fn is_empty(&self) -> bool {
        counts(&self.0).all(|(_, count)| count == 0)
    }

    /// Only if nobody has counted in it since it was read; [`Refused::Changed`] if somebody has.
    pub fn unchanged(&self, write: Write) -> Write {
        let writes = self.writes().cloned().unwrap_or_else(|| number(0));
        write.on_condition("writes = :writes").with_value(":writes", writes).on_condition_failed(Refused::Changed)
    }

    /// Deletes it.
    pub fn deleted(&self) -> Write {
        self.unchanged(Write::delete(key_of(&self.0)))
    }

    /// Moves what it counts to the same shard of `target`.
    pub fn moved(&self, target: Target<'_>) -> [Write; 2] {
        [self.deleted(), target.count_in(self.number(), counts(&self.0))]
    }
}

fn key_of(item: &Item) -> Key {
    let key = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    Key { pk: key("pk"), sk: key("sk") }
}

/// How many late members of a kind are deleted before more are read.
const LATE_AT_ONCE: usize = 100;

/// The counts that cards show of a post.
pub(crate) const CARD_COUNTS: [&str; 4] = ["comments", "reactions", "reposts", "replies"];

impl Table {
    /// The shards of a post that stand at this slug; strongly consistent.
    pub(crate) async fn counts_of_post(&self, id: PostId, slug: &Slug) -> Result<Vec<Shard>, Refused> {
        let prefix = keys::post_counts_prefix(id);
        self.shards(&keys::slug_partition(slug), &prefix).await
    }

    /// The shards whose sort keys begin with `prefix`; strongly consistent.
    pub(crate) async fn shards(&self, partition: &str, prefix: &str) -> Result<Vec<Shard>, Refused> {
        let items = self.query_prefix(partition, prefix, Consistency::Strong).await?;
        Ok(items.into_iter().map(Shard).collect())
    }

    /// Copies what others count in a post into every list that contains the post. `slug` is where it was counted: if the
    /// post is elsewhere by now, what was counted there goes along; if it is gone, so do late reposts, comments and reactions.
    /// May be repeated at any time: it reads the current state.
    pub async fn copy_counts(&self, id: PostId, slug: &Slug, now: Timestamp) -> Result<(), Refused> {
        let current = self.slug_of(id).await?;
        if current.as_ref() != Some(slug) {
            self.take_counts_of_post(id, slug, current.as_ref()).await?;
        }
        let Some(slug) = current else {
            while !self.delete_comments_of_post(id, LATE_AT_ONCE).await? {}
            while !self.delete_reactions_of_post(id, LATE_AT_ONCE).await? {}
            return self.delete_reposts(id, now).await;
        };
        // Until what was read agrees: of two who do this at the same time, the one who writes last reads last.
        while let Some(post) = self.post_with_id(id, &slug, now).await? {
            let counts = [post.comments, post.reactions, post.reposts, post.replies].map(number);
            let items = self.cards_with_other_counts(&post).await?;
            if items.is_empty() {
                break;
            }
            for item in items {
                let counts = CARD_COUNTS.into_iter().zip(counts.iter().cloned());
                // It may have left the list by now; it must not come back as a torso.
                self.set_counts(&key_of(&item), counts, ("id = :id", id.to_string())).await?;
            }
        }
        self.delete_empty(&self.counts_of_post(id, &slug).await?).await
    }

    /// The cards of a post, in every list that contains it, that show other counts than it has. Reading them all costs a
    /// fifth of writing them all, and mostly none has to be written.
    pub(crate) async fn cards_with_other_counts(&self, post: &Post) -> Result<Vec<Item>, Refused> {
        let counts = [post.comments, post.reactions, post.reposts, post.replies].map(number);
        let listed: HashSet<Key> = keys::list_items(post).into_iter().collect();
        let mut cards = self.batch_get(&listed, Consistency::Strong).await?;
        cards.retain(|card| CARD_COUNTS.iter().zip(&counts).any(|(name, count)| card.get(*name) != Some(count)));
        Ok(cards)
    }

    /// Copies how many follow a user into the profile, which lists of users show. If the user leaves or is gone, whoever
    /// came too late follows them no longer. May be repeated at any time: it reads the current state.
    pub async fn copy_followers(&self, id: UserId) -> Result<(), Refused> {
        loop {
            let items = self.query_prefix(&keys::user_partition(id), keys::PROFILE_PREFIX, Consistency::Strong).await?;
            let is_profile = |item: &Item| sort_key(item) == Some(keys::PROFILE_PREFIX);
            let (profile, shards) = items.into_iter().partition::<Vec<_>, _>(is_profile);
            let profile = profile.into_iter().next().map(read::<User>).transpose()?;
            let Some(user) = profile.as_ref().filter(|user| user.is_public()) else {
                // Who leaves is worked on already; here go those who came too late, and they are the newest.
                let is_done = self.delete_follows_of(id, LATE_AT_ONCE).await?;
                if profile.is_some() {
                    return Ok(());
                }
                // The profile goes last, and takes these with it.
                return if is_done { self.take_counts_of_user(id).await } else { continue };
            };
            let followers = Sums::of(&shards).get("followers");
            if user.followers == followers {
                return self.delete_empty(&shards.into_iter().map(Shard).collect::<Vec<_>>()).await;
            }
            let counts = [("followers", number(followers))];
            self.set_counts(&keys::profile(id), counts, ("id = :id", id.to_string())).await?;
        }
    }

    /// Deletes those of the shards in which nothing is counted, so that who leaves leaves no trace.
    pub(crate) async fn delete_empty(&self, shards: &[Shard]) -> Result<(), Refused> {
        for shard in shards.iter().filter(|shard| shard.is_empty()) {
            match self.write(vec![shard.deleted()]).await {
                // Somebody counts in it again.
                Ok(()) | Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn set_counts<'n>(
        &self,
        key: &Key,
        counts: impl IntoIterator<Item = (&'n str, AttributeValue)>,
        (condition, id): (&str, String),
    ) -> Result<(), Refused> {
        let mut update = self.client.update_item().table_name(&self.name).set_key(Some(key_attributes(key)));
        let mut terms = Vec::new();
        for (name, count) in counts {
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), count);
            terms.push(format!("#{name} = :{name}"));
        }
        let update = update
            .update_expression(format!("SET {}", terms.join(", ")))
            .condition_expression(condition)
            .expression_attribute_values(":id", AttributeValue::S(id))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // The item may be edited at this moment, in a transaction.
        match outlast_transactions(&self.client, || update.clone().send()).await {
            Err(error) if error.code() != Some("ConditionalCheckFailedException") => Err(Refused::of(error)),
            _ => Ok(()),
        }
    }

    /// Moves what was counted in a post at a slug that is no longer its own to the slug that it has now; with none, deletes
    /// it. May be stopped anywhere and begun again.
    pub(crate) async fn take_counts_of_post(&self, id: PostId, from: &Slug, to: Option<&Slug>) -> Result<(), Refused> {
        let (partition, prefix) = (keys::slug_partition(from), keys::post_counts_prefix(id));
        self.take_counts(&partition, &prefix, to.map(|slug| Target::Post(id, slug))).await
    }

    /// Deletes what was counted in a user.
    pub(crate) async fn take_counts_of_user(&self, id: UserId) -> Result<(), Refused> {
        self.take_counts(&keys::user_partition(id), keys::USER_COUNTS_PREFIX, None).await
    }

    async fn take_counts(&self, partition: &str, prefix: &str, to: Option<Target<'_>>) -> Result<(), Refused> {
        loop {
            let shards = self.shards(partition, prefix).await?;
            if shards.is_empty() {
                return Ok(());
            }
            for shard in shards {
                let writes = to.map_or_else(|| vec![shard.deleted()], |target| shard.moved(target).into());
                match self.write(writes).await {
                    // Somebody counted in it meanwhile; it is read again.
                    Ok(()) | Err(Refused::Changed) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
