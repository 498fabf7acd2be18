//! Recounts everything that is counted, for an operator who has reason to doubt a count: after a restore, or after somebody
//! wrote to the table by hand. Others may read and write meanwhile.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::comments::counted_comment;
use crate::counts::Target;
use crate::keys::{self, COUNT_SHARDS, List, SHARDS, TAG_NAME_PREFIX};
use crate::post_writes::number;
use crate::reactions::member_of_kind;
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Item, Query, SortKeys, Table, read, sort_key, tag_of};
use domain::{Limit, Post, PostKind, ReactionKind, Tag, Timestamp, UserId};

/// How far a recount has come; stored after each step, so that the next invocation goes on there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// The sort key of the last user, in the list of users, whose counts are done.
    after_user: Option<String>,
    /// The sort key of the last post of the next user whose counts are done.
    after_post: Option<String>,
    /// Counts that were wrong.
    corrected: u64,
    /// Targets that others wrote so often that not every count could be checked.
    unsettled: u64,
}

impl Entity for Progress {
    const TYPE: &'static str = "recount";
}

/// What a recount found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Recounted {
    /// Counts that were wrong and are right now.
    pub corrected: u64,
    /// Posts, users and tags that others wrote so often that a count could not be checked. Recount once more.
    pub unsettled: u64,
}

/// What counts in a list: the name of the count, the list, and the id of the member that an item of it is, if it counts.
type Counted = (&'static str, List, fn(&Item) -> Option<String>);

fn attribute(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn id(item: &Item) -> Option<String> {
    attribute(item, "id")
}

impl Table {
    /// Recounts the counts of each user, of each of their posts, and of each tag, and brings the copies of them up to date.
    /// Puts each post into a sitemap of at most `sitemap_posts` posts that is in none. May be stopped anywhere: the next call goes on at the
    /// last hundred posts.
    pub async fn recount(&self, sitemap_posts: u32, now: Timestamp) -> Result<Recounted, Refused> {
        let key = keys::recount();
        let mut progress: Progress = self.get(&key, Consistency::Strong).await?.unwrap_or_default();
        loop {
            let next = self.walk_up(&keys::users(), progress.after_user.as_deref(), 1).await?;
            let Some(listed) = next.first().and_then(sort_key) else { break };
            let id: UserId = listed.parse().map_err(Refused::internal)?;
            loop {
                let posts =
                    self.walk_up(&keys::own_posts(id), progress.after_post.as_deref(), Limit::MAX.get()).await?;
                let Some(last) = posts.last() else { break };
                let last = sort_key(last).map(str::to_owned);
                self.recount_posts(posts, &mut progress, sitemap_posts, now).await?;
                progress.after_post = last;
                self.write(vec![Write::put(key.clone(), &progress)?]).await?;
            }
            let trash = self.walk_up(&keys::trash(id), None, usize::MAX).await?;
            self.recount_posts(trash, &mut progress, sitemap_posts, now).await?;
            self.recount_user(id, &mut progress).await?;
            progress.after_user = Some(listed.to_owned());
            progress.after_post = None;
            self.write(vec![Write::put(key.clone(), &progress)?]).await?;
        }
        for shard in SHARDS {
            let mut last: Option<Tag> = None;
            let partition = keys::tags_partition(shard);
            for item in self.query_prefix(&partition, TAG_NAME_PREFIX, Consistency::Strong).await? {
                let tag = sort_key(&item).and_then(tag_of).filter(|tag| Some(tag) != last.as_ref());
                if let Some(tag) = tag {
                    self.recount_tag(&tag, &mut progress).await?;
                    last = Some(tag);
                }
            }
        }
        self.recount_pinned(&mut progress).await?;
        self.write(vec![Write::delete(key)]).await?;
        Ok(Recounted { corrected: progress.corrected, unsettled: progress.unsettled })
    }

    async fn walk_up(&self, list: &List, after: Option<&str>, max: usize) -> Result<Vec<Item>, Refused> {
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), Consistency::Strong);
        self.query(Query { start: after, limit: Some(max), ..query }).await
    }

    async fn recount_posts(
        &self,
        items: Vec<Item>,
        progress: &mut Progress,
        sitemap_posts: u32,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut missing = Vec::new();
        for item in items {
            let post: Post = read(item)?;
            if post.kind == PostKind::Repost {
                continue;
            }
            let Some(slug) = self.slug_of(post.id).await? else { continue };
            let reactions = || keys::reactions(post.id);
            let counted: [Counted; 7] = [
                ("replies", keys::replies(post.id), id),
                ("reposts", keys::reposts(post.id), id),
                ("comments", keys::comments(post.id), counted_comment),
                ("like", reactions(), |item| member_of_kind(item, ReactionKind::Like)),
                ("love", reactions(), |item| member_of_kind(item, ReactionKind::Love)),
                ("insightful", reactions(), |item| member_of_kind(item, ReactionKind::Insightful)),
                ("celebrate", reactions(), |item| member_of_kind(item, ReactionKind::Celebrate)),
            ];
            self.recount_target(Target::Post(post.id, &slug), &counted, progress).await?;
            self.copy_counts(post.id, &slug, now).await?;
            self.map_post(post.id, &slug, sitemap_posts, now).await?;
            missing.extend(post.details.tags.iter().filter(|_| post.is_published()).cloned());
        }
        // A tag that has lost all of its counts is not met where tags are listed.
        missing.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        missing.dedup();
        for tag in missing {
            let shards = self.shards(&keys::partition_of_tag(&tag), &keys::tag_prefix(&tag)).await?;
            if shards.iter().map(|shard| shard.get("posts")).sum::<i64>() <= 0 {
                self.recount_tag(&tag, progress).await?;
            }
        }
        Ok(())
    }

    async fn recount_user(&self, id: UserId, progress: &mut Progress) -> Result<(), Refused> {
        self.recount_target(
            Target::User(id),
            &[("followers", keys::followers(id), |item| attribute(item, "follower"))],
            progress,
        )
        .await?;
        self.copy_followers(id).await?;
        // These two only the user's own doing changes.
        for _ in 0..MAX_TRIES {
            let Some(user) = self.user(id, Consistency::Strong).await? else { return Ok(()) };
            let is_counted = |item: &Item| {
                let is = |name: &str, wanted: &str| {
                    item.get(name).and_then(|value| value.as_s().ok()).is_some_and(|value| value == wanted)
                };
                is("status", "published") && !is("kind", PostKind::Repost.as_str())
            };
            let posts = self.tally(&keys::own_posts(id), is_counted).await?;
            let following = self.tally(&keys::following(id), |_| true).await?;
            let wrong = u64::from(posts != user.posts) + u64::from(following != user.following);
            if wrong == 0 {
                return Ok(());
            }
            let write = Write::set(keys::profile(id), "posts", number(posts)).and_set("following", number(following));
            let write = write
                .on_condition("posts = :old_posts AND following = :old_following")
                .with_value(":old_posts", number(user.posts))
                .with_value(":old_following", number(user.following))
                .on_condition_failed(Refused::Changed);
            match self.write(vec![write]).await {
                Ok(()) => {
                    progress.corrected += wrong;
                    return Ok(());
                }
                Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        progress.unsettled += 1;
        Ok(())
    }

    async fn recount_tag(&self, tag: &Tag, progress: &mut Progress) -> Result<(), Refused> {
        self.recount_target(Target::Tag(tag), &[("posts", keys::posts_by_tag(tag), id)], progress).await?;
        self.rank_tag(tag).await
    }

    async fn recount_pinned(&self, progress: &mut Progress) -> Result<(), Refused> {
        let key = keys::pinned_count();
        let count = self.get_item(&key, Consistency::Strong).await?;
        let count = count.and_then(|item| item.get("posts")?.as_n().ok()?.parse::<u64>().ok()).unwrap_or(0);
        let pinned = self.tally(&keys::pinned(), |_| true).await?;
        if pinned == count {
            return Ok(());
        }
        let write =
            Write::count(key, "count", "posts", i64::try_from(pinned).unwrap_or(0) - i64::try_from(count).unwrap_or(0));
        let write = write
            .on_condition("attribute_not_exists(posts) OR posts = :old")
            .with_value(":old", number(count))
            .on_condition_failed(Refused::Changed);
        match self.write(vec![write]).await {
            Ok(()) => progress.corrected += 1,
            Err(Refused::Changed) => progress.unsettled += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// How many items of a list are `wanted`.
    async fn tally(&self, list: &List, wanted: impl Fn(&Item) -> bool) -> Result<u64, Refused> {
        let (mut count, mut before) = (0, None);
        loop {
            let items = self.items(list, before.as_deref()).await?;
            let Some(last) = items.last() else { return Ok(count) };
            before = sort_key(last).map(str::to_owned);
            count += items.iter().filter(|item| wanted(item)).count() as u64;
        }
    }

    /// Makes each shard of a target count what is listed. A shard is set only if nobody has counted in it since before the
    /// lists were read: its members were the same all that time.
    async fn recount_target(
        &self,
        target: Target<'_>,
        counted: &[Counted],
        progress: &mut Progress,
    ) -> Result<(), Refused> {
        for _ in 0..MAX_TRIES {
            let first = target.shard(0);
            let prefix = first.sk.trim_end_matches("00");
            let shards = self.shards(&first.pk, prefix).await?;
            let mut tally: BTreeMap<(u8, &str), i64> = BTreeMap::new();
            for (name, list, member) in counted {
                let mut before = None;
                loop {
                    let items = self.items(list, before.as_deref()).await?;
                    let Some(last) = items.last() else { break };
                    before = sort_key(last).map(str::to_owned);
                    for member in items.iter().filter_map(member) {
                        *tally.entry((keys::count_shard(&member), name)).or_default() += 1;
                    }
                }
            }
            let mut settled = true;
            for shard in 0..COUNT_SHARDS {
                let found = shards.iter().find(|found| found.number() == shard);
                let changes: Vec<_> = counted
                    .iter()
                    .map(|(name, ..)| {
                        let listed = tally.get(&(shard, name)).copied().unwrap_or_default();
                        (*name, listed - found.map_or(0, |found| found.get(name)))
                    })
                    .filter(|(_, by)| *by != 0)
                    .collect();
                if changes.is_empty() {
                    continue;
                }
                let wrong = changes.len() as u64;
                let write = target.count_in(shard, changes);
                let write = match found {
                    Some(found) => found.unchanged(write),
                    None => write.on_condition("attribute_not_exists(pk)").on_condition_failed(Refused::Changed),
                };
                match self.write(vec![write]).await {
                    Ok(()) => progress.corrected += wrong,
                    Err(Refused::Changed) => settled = false,
                    Err(error) => return Err(error),
                }
            }
            if settled {
                return Ok(());
            }
        }
        progress.unsettled += 1;
        Ok(())
    }
}
