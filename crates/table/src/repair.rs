//! Checks everything that is counted or copied against what is stored, and corrects it if told to, for an operator who has
//! reason to doubt it: after a restore, or after somebody wrote to the table by hand. Others may read and write meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::comments::counted_comment;
use crate::counts::{CARD_COUNTS, Shard, Target};
use crate::home_feed::{Settled, WrongEntry};
use crate::keys::{self, COUNT_SHARDS, Key, List, SHARDS, TAG_NAME_PREFIX};
use crate::post_writes::number;
use crate::reactions::counted_reaction;
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Item, Query, SortKeys, Table, read, sort_key, tag_of};
use domain::{AuditEntry, Follow, MediaId, Post, PostId, PostKind, ReactionKind, Slug, Tag, Timestamp, UserId};

/// What a repair does about what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Says it. Nothing is written.
    Report,
    /// Corrects it. How far the repair has come is stored, so that the next one goes on where this one was stopped.
    Mend,
}

/// What a repair knows of the stack's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairSettings {
    /// The maximum number of posts in a sitemap.
    pub sitemap_posts: u32,
    /// The number of followers beyond which an author is very popular.
    pub fan_out_followers: u32,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of what: `post ID`, `user ID`, `tag NAME`, `comment ID`, `audit entry ID`, `pinned posts`, or `blog`. Nothing personal.
    pub of: String,
    /// What is wrong of it, such as `replies`, or `replies in cards` for a copy.
    pub what: String,
    /// What is stored.
    pub stored: i64,
    /// What would be right.
    pub right: i64,
    /// Whether it is of a copy, which follows from the table's stream and so may only be late.
    pub is_copy: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, what, stored, right, .. } = self;
        write!(f, "{of}: {what} is {stored} and should be {right}")
    }
}

/// How a repair ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Repaired {
    /// How much was wrong: all of it was corrected, or only reported.
    pub wrong: u64,
    /// Posts, users and tags that others wrote so often that they could not be checked. Repair once more.
    pub unsettled: u64,
}

/// How far a repair has come; stored after each step, so that the next invocation goes on there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// The sort key of the last user, in the list of users, who is done.
    after_user: Option<String>,
    /// The sort key of the last post of the next user that is done.
    after_post: Option<String>,
    wrong: u64,
    unsettled: u64,
}

impl Entity for Progress {
    const TYPE: &'static str = "repair";
}

/// A shard that counts something wrong.
struct WrongShard<'a> {
    number: u8,
    /// None if it is missing.
    shard: Option<&'a Shard>,
    /// The names of the counts, with what is stored and what is right.
    counts: Vec<(&'static str, i64, i64)>,
}

/// How many items of a list are read at a time.
const PAGE: usize = 100;

/// A list, the counts that its items count in, and what an item counts: the name of the count and the id of the member.
struct Counted {
    list: List,
    names: &'static [&'static str],
    counts: fn(&Item) -> Option<(&'static str, String)>,
}

const REACTION_COUNTS: [&str; 4] = {
    let [like, love, insightful, celebrate] = ReactionKind::ALL;
    [like.as_str(), love.as_str(), insightful.as_str(), celebrate.as_str()]
};

fn attribute(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn count_of(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0)
}

fn signed(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl Table {
    /// Checks the counts of each user, of each of their posts and of the comments on it, of each tag, the copies of them in
    /// lists, the audit log, pictures, sitemaps and home feeds. Each finding goes to `report` once. A copy that follows from the stream may be reported
    /// because it is on its way; it is right a moment later.
    pub async fn repair(
        &self,
        mode: Repair,
        settings: RepairSettings,
        now: Timestamp,
        report: &mut (dyn FnMut(Finding) + Send + Sync),
    ) -> Result<Repaired, Refused> {
        let progress = match mode {
            Repair::Report => None,
            Repair::Mend => self.get(&keys::repair(), Consistency::Strong).await?,
        };
        let mut run = Run { table: self, mode, settings, now, report, progress: progress.unwrap_or_default() };
        run.users().await?;
        run.site().await?;
        run.tags().await?;
        run.pinned().await?;
        run.audit().await?;
        if mode == Repair::Mend {
            self.write(vec![Write::delete(keys::repair())]).await?;
        }
        Ok(Repaired { wrong: run.progress.wrong, unsettled: run.progress.unsettled })
    }
}

/// A repair that is under way.
struct Run<'a> {
    table: &'a Table,
    mode: Repair,
    settings: RepairSettings,
    now: Timestamp,
    report: &'a mut (dyn FnMut(Finding) + Send + Sync),
    progress: Progress,
}

impl Run<'_> {
    fn found(&mut self, of: &str, what: impl Into<String>, stored: i64, right: i64) {
        self.progress.wrong += 1;
        (self.report)(Finding { of: of.to_owned(), what: what.into(), stored, right, is_copy: false });
    }

    fn found_copy(&mut self, of: &str, what: impl Into<String>, stored: i64, right: i64) {
        self.progress.wrong += 1;
        (self.report)(Finding { of: of.to_owned(), what: what.into(), stored, right, is_copy: true });
    }

    fn is_mending(&self) -> bool {
        self.mode == Repair::Mend
    }

    async fn keep_progress(&self) -> Result<(), Refused> {
        if self.is_mending() {
            self.table.write(vec![Write::put(keys::repair(), &self.progress)?]).await?;
        }
        Ok(())
    }

    async fn walk_up(&self, list: &List, after: Option<&str>, max: usize) -> Result<Vec<Item>, Refused> {
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), Consistency::Strong);
        self.table.query(Query { start: after, limit: Some(max), ..query }).await
    }

    async fn users(&mut self) -> Result<(), Refused> {
        loop {
            let listed = self.walk_up(&keys::users(), self.progress.after_user.as_deref(), PAGE).await?;
            for user in &listed {
                let sort_key = sort_key(user).unwrap_or_default();
                let id: UserId = sort_key.parse().map_err(Refused::internal)?;
                self.posts_of(id).await?;
                self.user(id).await?;
                self.home_feed(id).await?;
                self.media(id).await?;
                self.progress.after_user = Some(sort_key.to_owned());
                self.progress.after_post = None;
                self.keep_progress().await?;
            }
            if listed.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn posts_of(&mut self, author: UserId) -> Result<(), Refused> {
        loop {
            let posts = self.walk_up(&keys::own_posts(author), self.progress.after_post.as_deref(), PAGE).await?;
            let (is_last, last) = (posts.len() < PAGE, posts.last().and_then(sort_key).map(str::to_owned));
            self.posts(posts).await?;
            if is_last {
                break;
            }
            self.progress.after_post = last;
            self.keep_progress().await?;
        }
        let trash = self.walk_up(&keys::trash(author), None, usize::MAX).await?;
        self.posts(trash).await
    }

    async fn posts(&mut self, items: Vec<Item>) -> Result<(), Refused> {
        let mut missing = Vec::new();
        for item in items {
            let post: Post = read(item)?;
            if post.kind == PostKind::Repost {
                continue;
            }
            let Some(slug) = self.table.slug_of(post.id).await? else { continue };
            let of = format!("post {}", post.id);
            let counted = [
                Counted {
                    list: keys::replies(post.id),
                    names: &["replies"],
                    counts: |item| Some(("replies", attribute(item, "id")?)),
                },
                Counted {
                    list: keys::reposts(post.id),
                    names: &["reposts"],
                    counts: |item| Some(("reposts", attribute(item, "id")?)),
                },
                Counted {
                    list: keys::comments(post.id),
                    names: &["comments"],
                    counts: |item| Some(("comments", counted_comment(item)?)),
                },
                Counted { list: keys::reactions(post.id), names: &REACTION_COUNTS, counts: counted_reaction },
            ];
            if self.target(&of, Target::Post(post.id, &slug), &counted).await?.is_some() {
                self.copies(&of, post.id, &slug).await?;
            }
            self.threads(post.id).await?;
            self.shown_media(&of, &post).await?;
            missing.extend(post.details.tags.iter().filter(|_| post.is_published()).cloned());
        }
        // A tag that has lost all of its counts is not met where tags are listed.
        missing.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        missing.dedup();
        for tag in missing {
            let shards = self.table.shards(&keys::partition_of_tag(&tag), &keys::tag_prefix(&tag)).await?;
            if shards.iter().map(|shard| shard.get("posts")).sum::<i64>() <= 0 {
                self.tag(&tag).await?;
            }
        }
        Ok(())
    }

    /// The copies of a post's counts, in every list that contains it, and its entry in a sitemap.
    async fn copies(&mut self, of: &str, id: PostId, slug: &Slug) -> Result<(), Refused> {
        let Some(post) = self.table.post_with_id(id, slug, self.now).await? else { return Ok(()) };
        let right = [post.comments, post.reactions, post.reposts, post.replies].map(signed);
        let cards = self.table.cards_with_other_counts(&post).await?;
        let cards: BTreeMap<_, _> =
            cards.into_iter().map(|card| (attribute(&card, "pk").unwrap_or_default(), card)).collect();
        for (list, card) in cards {
            for (name, right) in CARD_COUNTS.into_iter().zip(right) {
                let stored = count_of(&card, name);
                if stored != right {
                    self.found_copy(of, format!("{name} in {list}"), stored, right);
                }
            }
        }
        if !self.table.is_mapped(&post).await? {
            self.found_copy(of, "sitemap entry", 0, 1);
        }
        if self.is_mending() {
            // It also moves what was counted at a slug that the post has no longer.
            self.table.copy_counts(id, slug, self.now).await?;
            self.table.map_post(id, slug, self.settings.sitemap_posts, self.now).await?;
        }
        Ok(())
    }

    /// How many replies each comment on a post has. Replies follow the comment in the list, so one walk counts them all.
    async fn threads(&mut self, post: PostId) -> Result<(), Refused> {
        let mut wrong = self.wrong_replies(post).await?;
        if !wrong.is_empty() {
            // Somebody may have replied during the walk. What is wrong is so both times.
            let again = self.wrong_replies(post).await?;
            wrong.retain(|path, counts| again.get(path) == Some(counts));
        }
        for (path, (stored, right)) in wrong {
            let id = path.rsplit('/').next().unwrap_or_default();
            self.found(&format!("comment {id}"), "replies", stored, right);
            if self.is_mending() {
                let key = Key { pk: keys::comments(post).partition, sk: path };
                let write = Write::set(key, "replies", number(u64::try_from(right).unwrap_or(0)));
                let write = write.on_condition("replies = :stored");
                let stored = number(u64::try_from(stored).unwrap_or(0));
                match self
                    .table
                    .write(vec![write.with_value(":stored", stored).on_condition_failed(Refused::Changed)])
                    .await
                {
                    Ok(()) => {}
                    Err(Refused::Changed) => self.progress.unsettled += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// The comments whose number of replies is wrong, by their path: what is stored, and what is right.
    async fn wrong_replies(&self, post: PostId) -> Result<BTreeMap<String, (i64, i64)>, Refused> {
        let mut counts = BTreeMap::<String, (i64, i64)>::new();
        self.each(&keys::comments(post), |item| {
            let path = sort_key(item).unwrap_or_default();
            counts.entry(path.to_owned()).or_default().0 = count_of(item, "replies");
            if let Some((parent, _)) = path.rsplit_once('/') {
                counts.entry(parent.to_owned()).or_default().1 += 1;
            }
        })
        .await?;
        counts.retain(|_, (stored, right)| stored != right);
        Ok(counts)
    }

    async fn user(&mut self, id: UserId) -> Result<(), Refused> {
        let of = format!("user {id}");
        let followers = Counted {
            list: keys::followers(id),
            names: &["followers"],
            counts: |item| Some(("followers", attribute(item, "follower")?)),
        };
        let followers = self.target(&of, Target::User(id), &[followers]).await?;
        if let (Some(followers), Some(user)) = (followers, self.table.user(id, Consistency::Strong).await?)
            && user.is_public()
            && user.followers != followers
        {
            self.found_copy(&of, "followers in the profile", signed(user.followers), signed(followers));
        }
        if self.is_mending() {
            self.table.copy_followers(id).await?;
        }
        self.own_counts(&of, id).await
    }

    /// What only the user's own doing changes, which the profile counts itself.
    async fn own_counts(&mut self, of: &str, id: UserId) -> Result<(), Refused> {
        for _ in 0..MAX_TRIES {
            let Some(user) = self.table.user(id, Consistency::Strong).await? else { return Ok(()) };
            let is_counted = |item: &Item| {
                attribute(item, "status").as_deref() == Some("published")
                    && attribute(item, "kind").as_deref() != Some(PostKind::Repost.as_str())
            };
            let posts = self.tally(&keys::own_posts(id), is_counted).await?;
            let following = self.tally(&keys::following(id), |_| true).await?;
            let wrong = [("posts", user.posts, posts), ("following", user.following, following)];
            let wrong = wrong.into_iter().filter(|(_, stored, right)| stored != right).collect::<Vec<_>>();
            if wrong.is_empty() {
                return Ok(());
            }
            let write = Write::set(keys::profile(id), "posts", number(posts)).and_set("following", number(following));
            let write = write
                .on_condition("posts = :old_posts AND following = :old_following")
                .with_value(":old_posts", number(user.posts))
                .with_value(":old_following", number(user.following))
                .on_condition_failed(Refused::Changed);
            let still = match self.mode {
                Repair::Mend => self.table.write(vec![write]).await,
                Repair::Report => match self.table.user(id, Consistency::Strong).await? {
                    Some(now) if (now.posts, now.following) == (user.posts, user.following) => Ok(()),
                    _ => Err(Refused::Changed),
                },
            };
            match still {
                Ok(()) => {
                    for (what, stored, right) in wrong {
                        self.found(of, what, signed(stored), signed(right));
                    }
                    return Ok(());
                }
                Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        self.progress.unsettled += 1;
        Ok(())
    }

    /// What a user's home feed has for each follow, and what it has that it should not have.
    async fn home_feed(&mut self, id: UserId) -> Result<(), Refused> {
        let of = format!("user {id}");
        let mut after = None::<String>;
        loop {
            let follows = self.walk_up(&keys::following(id), after.as_deref(), PAGE).await?;
            let is_last = follows.len() < PAGE;
            after = follows.last().and_then(sort_key).map(str::to_owned);
            for follow in follows {
                let follow: Follow = read(follow)?;
                let (stored, right) = self.table.entries_for(&follow).await?;
                if stored != right {
                    self.found_copy(&of, format!("home feed of {}", follow.followed), signed(stored), signed(right));
                    self.settle_follow(id, follow.followed).await?;
                }
            }
            if is_last {
                break;
            }
        }
        let mut before = None;
        loop {
            let (entries, next) = self.table.wrong_entries(id, before.as_deref()).await?;
            for WrongEntry { author, post, published_at } in entries {
                self.found_copy(&of, format!("home feed of post {post}"), 1, 0);
                // Posts of an author who has become very popular are written to few feeds, and so deleted from few. If the entry is right by now,
                // what follows brings it back.
                if self.is_mending() {
                    self.table.delete_entry(id, published_at, post).await?;
                }
                self.settle_follow(id, author).await?;
                let mut place = None;
                while self.is_mending() {
                    place = self.table.fan_out_post(author, post, published_at, place.as_ref()).await?;
                    if place.is_none() {
                        break;
                    }
                }
            }
            before = next;
            if before.is_none() {
                return Ok(());
            }
        }
    }

    /// Brings a feed to what it should have of an author, as the plug-in does in steps.
    async fn settle_follow(&self, user: UserId, author: UserId) -> Result<(), Refused> {
        let mut place = None;
        while self.is_mending() {
            let max_followers = self.settings.fan_out_followers;
            match self.table.settle_follow(user, author, place.take(), max_followers).await? {
                Settled::Done => break,
                Settled::More(next) => place = Some(next),
                Settled::BecamePopular => {
                    let mut after = self.table.tell_followers(author, None).await?;
                    while after.is_some() {
                        after = self.table.tell_followers(author, after.as_deref()).await?;
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    async fn tags(&mut self) -> Result<(), Refused> {
        for shard in SHARDS {
            let mut last: Option<Tag> = None;
            let partition = keys::tags_partition(shard);
            for item in self.table.query_prefix(&partition, TAG_NAME_PREFIX, Consistency::Strong).await? {
                let tag = sort_key(&item).and_then(tag_of).filter(|tag| Some(tag) != last.as_ref());
                if let Some(tag) = tag {
                    self.tag(&tag).await?;
                    last = Some(tag);
                }
            }
        }
        Ok(())
    }

    async fn tag(&mut self, tag: &Tag) -> Result<(), Refused> {
        let of = format!("tag {tag}");
        let posts = Counted {
            list: keys::posts_by_tag(tag),
            names: &["posts"],
            counts: |item| Some(("posts", attribute(item, "id")?)),
        };
        let is_right = self.target(&of, Target::Tag(tag), &[posts]).await?.is_some();
        let (ranked, posts) = self.table.rank_of_tag(tag).await?;
        if is_right && ranked != posts {
            self.found_copy(&of, "place by count", signed(ranked.unwrap_or(0)), signed(posts.unwrap_or(0)));
        }
        if self.is_mending() { self.table.rank_tag(tag, self.now).await } else { Ok(()) }
    }

    /// The count of all published posts, where it was begun.
    async fn site(&mut self) -> Result<(), Refused> {
        let first = keys::site_counts(0);
        if self.table.shards(&first.pk, first.sk.trim_end_matches("00")).await?.is_empty() {
            return Ok(());
        }
        let posts =
            Counted { list: keys::latest(), names: &["posts"], counts: |item| Some(("posts", attribute(item, "id")?)) };
        self.target("blog", Target::Site, &[posts]).await?;
        Ok(())
    }

    async fn pinned(&mut self) -> Result<(), Refused> {
        let key = keys::pinned_count();
        let item = self.table.get_item(&key, Consistency::Strong).await?;
        let stored = item.map_or(0, |item| count_of(&item, "posts"));
        let right = signed(self.tally(&keys::pinned(), |_| true).await?);
        if right == stored {
            return Ok(());
        }
        if self.is_mending() {
            let write = Write::count(key, "count", "posts", right - stored)
                .on_condition("attribute_not_exists(posts) OR posts = :old")
                .with_value(":old", number(u64::try_from(stored).unwrap_or(0)))
                .on_condition_failed(Refused::Changed);
            match self.table.write(vec![write]).await {
                Ok(()) => {}
                Err(Refused::Changed) => {
                    self.progress.unsettled += 1;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.found("pinned posts", "posts", stored, right);
        Ok(())
    }

    /// That a post shows its pictures is noted for each.
    async fn shown_media(&mut self, of: &str, post: &Post) -> Result<(), Refused> {
        let uses: HashSet<_> =
            post.media.iter().map(|media| keys::media_use(post.author.id, *media, post.id)).collect();
        if uses.is_empty() {
            return Ok(());
        }
        let there = self.table.batch_get(&uses, Consistency::Strong).await?;
        let there: BTreeSet<_> = there.iter().filter_map(|item| attribute(item, "sk")).collect();
        for key in uses.into_iter().filter(|key| !there.contains(&key.sk)) {
            self.found(of, format!("note of picture {}", key.sk), 0, 1);
            if self.is_mending() {
                self.table.write(vec![Write::put_item(key, "media_use", Item::new())]).await?;
            }
        }
        Ok(())
    }

    /// A user's pictures in their list, and the notes of posts that are gone.
    async fn media(&mut self, id: UserId) -> Result<(), Refused> {
        let of = format!("user {id}");
        let mut listed: Vec<MediaId> = Vec::new();
        let read = |item: &Item| sort_key(item).and_then(|sort_key| sort_key.parse::<MediaId>().ok());
        self.each(&keys::media_of(id), |item| listed.extend(read(item))).await?;
        for media in listed {
            if self.table.get_item(&keys::media(media), Consistency::Strong).await?.is_none() {
                self.found_copy(&of, format!("picture {media} in the list"), 1, 0);
                if self.is_mending() {
                    self.table.delete_item(&keys::media_of_owner(id, media)).await?;
                }
            }
        }
        let mut uses = Vec::new();
        self.each(&keys::media_uses(id), |item| uses.extend(sort_key(item).map(str::to_owned))).await?;
        for sort_key in uses {
            let Some((media, post)) = keys::media_of_use(&sort_key).zip(keys::post_of_use(&sort_key)) else { continue };
            if self.table.slug_of(post).await?.is_none() {
                self.found_copy(&of, format!("note of picture {sort_key}"), 1, 0);
                if self.is_mending() {
                    self.table.delete_item(&keys::media_use(id, media, post)).await?;
                }
            }
        }
        Ok(())
    }

    /// Each entry of the audit log among those of who did it and of what it was done to.
    async fn audit(&mut self) -> Result<(), Refused> {
        let mut after = None::<String>;
        loop {
            let items = self.walk_up(&keys::audit(), after.as_deref(), PAGE).await?;
            let (is_last, last) = (items.len() < PAGE, items.last().and_then(sort_key).map(str::to_owned));
            let entries = items.into_iter().map(read).collect::<Result<Vec<AuditEntry>, _>>()?;
            let copies = |entry| keys::audit_entry(entry).into_iter().skip(1);
            let there = self.table.batch_get(&entries.iter().flat_map(copies).collect(), Consistency::Strong).await?;
            let there: BTreeSet<_> = there.iter().map(|item| (attribute(item, "pk"), attribute(item, "sk"))).collect();
            for entry in &entries {
                for key in copies(entry).filter(|key| !there.contains(&(Some(key.pk.clone()), Some(key.sk.clone())))) {
                    self.found(&format!("audit entry {}", entry.id), format!("copy in {}", key.pk), 0, 1);
                    if self.is_mending() {
                        self.table.write(vec![Write::put(key, entry)?]).await?;
                    }
                }
            }
            if is_last {
                return Ok(());
            }
            after = last;
        }
    }

    /// How many items of a list are `wanted`.
    async fn tally(&self, list: &List, wanted: impl Fn(&Item) -> bool) -> Result<u64, Refused> {
        let mut count = 0;
        self.each(list, |item| count += u64::from(wanted(item))).await?;
        Ok(count)
    }

    /// Reads a list from its beginning to its end.
    async fn each(&self, list: &List, mut with: impl FnMut(&Item)) -> Result<(), Refused> {
        let mut after = None::<String>;
        loop {
            let items = self.walk_up(list, after.as_deref(), PAGE).await?;
            items.iter().for_each(&mut with);
            if items.len() < PAGE {
                return Ok(());
            }
            after = items.last().and_then(sort_key).map(str::to_owned);
        }
    }

    /// Makes each shard of a target count what is listed. A shard is set only if nobody has counted in it since before the
    /// lists were read: its members were the same all that time. Gives how many members are listed, unless what is counted
    /// is not certain or still wrong, and copies of it have nothing to agree with.
    async fn target(&mut self, of: &str, target: Target<'_>, counted: &[Counted]) -> Result<Option<u64>, Refused> {
        let first = target.shard(0);
        let prefix = first.sk.trim_end_matches("00");
        let wrong_before = self.progress.wrong;
        for _ in 0..MAX_TRIES {
            let shards = self.table.shards(&first.pk, prefix).await?;
            let mut tally: BTreeMap<(u8, &str), i64> = BTreeMap::new();
            for Counted { list, counts, .. } in counted {
                self.each(list, |item| {
                    if let Some((name, member)) = counts(item) {
                        *tally.entry((keys::count_shard(&member), name)).or_default() += 1;
                    }
                })
                .await?;
            }
            let names: Vec<_> = counted.iter().flat_map(|counted| counted.names).copied().collect();
            let mut wrong = Vec::new();
            for number in 0..COUNT_SHARDS {
                let shard = shards.iter().find(|shard| shard.number() == number);
                let counts = names.iter().map(|name| {
                    let listed = tally.get(&(number, *name)).copied().unwrap_or_default();
                    (*name, shard.map_or(0, |shard| shard.get(name)), listed)
                });
                let counts = counts.filter(|(_, stored, right)| stored != right).collect::<Vec<_>>();
                if !counts.is_empty() {
                    wrong.push(WrongShard { number, shard, counts });
                }
            }
            if self.correct(of, target, wrong, (&first.pk, prefix)).await? {
                let is_right = self.is_mending() || self.progress.wrong == wrong_before;
                return Ok(u64::try_from(tally.values().sum::<i64>()).ok().filter(|_| is_right));
            }
        }
        self.progress.unsettled += 1;
        Ok(None)
    }

    /// Reports these counts of shards, and corrects them if told to. False if somebody counted in one of them meanwhile.
    async fn correct(
        &mut self,
        of: &str,
        target: Target<'_>,
        wrong: Vec<WrongShard<'_>>,
        (partition, prefix): (&str, &str),
    ) -> Result<bool, Refused> {
        let now = match self.mode {
            Repair::Report if !wrong.is_empty() => self.table.shards(partition, prefix).await?,
            _ => Vec::new(),
        };
        let mut settled = true;
        for WrongShard { number, shard, counts } in wrong {
            let outcome = match (self.mode, shard) {
                (Repair::Report, shard) => {
                    let now = now.iter().find(|now| now.number() == number);
                    if now.map(Shard::writes) == shard.map(Shard::writes) { Ok(()) } else { Err(Refused::Changed) }
                }
                (Repair::Mend, shard) => {
                    let changes = counts.iter().map(|(name, stored, right)| (*name, right - stored));
                    let write = target.count_in(number, changes);
                    let write = match shard {
                        Some(shard) => shard.unchanged(write),
                        None => write.on_condition("attribute_not_exists(pk)").on_condition_failed(Refused::Changed),
                    };
                    self.table.write(vec![write]).await
                }
            };
            match outcome {
                Ok(()) => {
                    for (name, stored, right) in counts {
                        self.found(of, format!("{name} in shard {number}"), stored, right);
                    }
                }
                Err(Refused::Changed) => settled = false,
                Err(error) => return Err(error),
            }
        }
        Ok(settled)
    }
}
