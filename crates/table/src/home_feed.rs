//! Access patterns of home feeds (docs/home-feed.md, docs/adr/0026).
//!
//! A feed is a partition of references to posts, by the time of their publication, which a plug-in writes: an entry for each
//! follower of an author. Three kinds of posts are in no feed and merged when one is read, from the lists that have them
//! anyway: the reader's own, those of the tags that the reader follows, and those of very popular authors, of whom the feed
//! has a note.
//!
//! The cards are read at that moment, from where they are kept. So an entry may be wrong, and shows nothing then: entries that
//! come late or twice do no harm.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key, List};
use crate::write::{BatchWrite, Write};
use crate::{Consistency, Cursor, Entity, Item, Query, Refused, SortKeys, Table, read, sort_key, type_of};
use domain::{Follow, Limit, Page, Post, PostId, PostKind, Tag, TagFollow, Timestamp, User, UserId, Username, Viewer};

/// The maximum number of very popular authors whose lists a feed is merged with: a query each. The posts of those whom a user
/// follows beyond that are written to the feed, whatever their authors' popularity.
pub const MAX_POPULAR_FOLLOWS: usize = 10;

/// How many posts of an author a new follower gets at once.
const BACKFILL: usize = 25;

/// How many followers, or entries of a feed, are seen to at once.
const AT_ONCE: usize = 100;

/// How many followers are told at once that an author is very popular. Each is a few calls.
const POPULAR_AT_ONCE: usize = 25;

/// The maximum number of posts that a cursor names as shown by a repost. Each adds 36 bytes to the address of the next page, and
/// API Gateway takes 10 KB of headers.
const MAX_SHOWN: usize = 100;

/// A post that was written to a feed. Its id is in the sort key; a page of entries is less than 4 KB.
#[derive(Serialize, Deserialize)]
struct FeedEntry {
    /// Who wrote it: leads to the card.
    author: UserId,
    /// When the follow had begun that it is there for.
    followed_at: Timestamp,
}

impl Entity for FeedEntry {
    const TYPE: &'static str = "feed_entry";
}

/// A note in a feed: its reader follows a very popular author.
#[derive(Serialize, Deserialize)]
struct PopularFollow {
    author: UserId,
    /// When the follow had begun.
    followed_at: Timestamp,
}

impl Entity for PopularFollow {
    const TYPE: &'static str = "popular_follow";
}

/// A note in a feed: its reader ended a follow whose entries are about to be deleted, and are hidden until then. Those of a
/// later follow of the same author are not.
#[derive(Serialize, Deserialize)]
struct EndedFollow {
    author: UserId,
    /// When the follow had begun.
    followed_at: Timestamp,
}

impl Entity for EndedFollow {
    const TYPE: &'static str = "ended_follow";
}

/// That an author is very popular, for good: to go back would have to write old posts to feeds, or lose them.
#[derive(Serialize, Deserialize)]
struct Popularity {
    /// The follower whose follow it began with, and who is to see it through.
    begun_by: UserId,
    /// Whether each follower has a note of it, so that posts need not be written to feeds any more.
    complete: bool,
}

impl Entity for Popularity {
    const TYPE: &'static str = "popularity";
}

/// A follower of a very popular author who follows too many of them.
#[derive(Serialize, Deserialize)]
struct FanOutFollower {
    follower: UserId,
    followed_at: Timestamp,
}

impl Entity for FanOutFollower {
    const TYPE: &'static str = "fan_out_follower";
}

/// An entry of a feed that should not be there.
pub(crate) struct WrongEntry {
    pub(crate) author: UserId,
    pub(crate) post: PostId,
    pub(crate) published_at: Timestamp,
}

/// How far a post is written to feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOutPlace {
    /// Whether the author is very popular, so that only some followers get it. If that changes, the walk begins again.
    popular: bool,
    /// The sort key of the last follower.
    after: String,
}

/// How far the entries of an author whom a user follows no longer are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowPlace {
    /// The follow that ended, by when it had begun.
    followed_at: Option<Timestamp>,
    /// The sort key of the last entry.
    before: String,
}

/// What is left to do for a feed after a follow began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Nothing.
    Done,
    /// More entries are to be deleted.
    More(FollowPlace),
    /// The author has become very popular: [`Table::tell_followers`].
    BecamePopular,
}

/// What may be on a page of a feed.
enum Candidate {
    /// A post from a list of cards.
    Card(Box<Post>),
    /// A post of an entry of the feed, with its author and the date that it had.
    Entry(PostId, UserId, Timestamp),
    /// What is not shown.
    Hidden,
}

impl Table {
    /// A page of the home feed of `viewer`, newest first: posts and reposts of whom the viewer follows, posts of tags that the
    /// viewer follows, and the viewer's own. `cursor` is the `next_cursor` of the page before this one.
    ///
    /// A post shows once, where it comes first: a repost shows the post that it reposts, so further reposts of it, and the
    /// post itself at its own place, are passed over; the cursor names the posts that this concerns. A page may be shorter
    /// than its limit, or empty, and have a next one: what is not published any more is passed over too.
    pub async fn home_feed(&self, viewer: &Viewer, cursor: Option<&str>, limit: Limit) -> Result<Page<Post>, Refused> {
        let (list, consistency) = (keys::feed(viewer.user_id), Consistency::for_viewer(Some(viewer)));
        let name = list.name();
        let mut next = self.verify_cursor(cursor, &name).await?.unwrap_or_default();
        let start = Some(next.after.clone()).filter(|after| !after.is_empty());
        // One more tells whether there is a next page.
        let wanted = limit.get() + 1;
        let (notes, entries) = tokio::try_join!(
            self.query_prefix(&list.partition, keys::FEED_NOTE_PREFIX, consistency),
            self.posts_between(&list, None, start.as_deref(), wanted, consistency),
        )?;
        let Notes { popular, ended, tags } = Notes::read(notes)?;

        // What is older than the last entry is on another page, so of the other lists only what is newer is read.
        let oldest = entries.get(wanted - 1).and_then(sort_key).map(str::to_owned);
        let mut lists = vec![keys::posts_by_author(&viewer.username)];
        lists.extend(self.usernames(&popular, consistency).await?.iter().map(keys::posts_by_author));
        lists.extend(tags.iter().map(keys::posts_by_tag));
        let between = |list| self.posts_between(list, oldest.as_deref(), start.as_deref(), wanted, consistency);
        let merged = try_join_all(lists.iter().map(between)).await?;

        let mut candidates = BTreeMap::new();
        for entry in entries {
            let sk = sort_key(&entry).unwrap_or_default().to_owned();
            let FeedEntry { author, followed_at } = read(entry)?;
            let (published_at, post) = entry_of(&sk)?;
            let is_hidden = hides(&ended, author, followed_at);
            let candidate = if is_hidden { Candidate::Hidden } else { Candidate::Entry(post, author, published_at) };
            candidates.insert(sk, candidate);
        }
        for card in merged.into_iter().flatten() {
            let sk = sort_key(&card).unwrap_or_default().to_owned();
            candidates.insert(sk, Candidate::Card(Box::new(read(card)?)));
        }
        let has_more = candidates.len() > limit.get();
        let page: Vec<_> = candidates.into_iter().rev().take(limit.get()).collect();
        let last = page.last().map(|(sk, _)| sk.clone());

        let entries = page.iter().filter_map(|(_, candidate)| match candidate {
            Candidate::Entry(post, author, _) => Some((*post, *author)),
            Candidate::Card(_) | Candidate::Hidden => None,
        });
        let cards = self.published_posts(&entries.collect::<Vec<_>>(), consistency).await?;
        let posts = page.into_iter().filter_map(|(_, candidate)| match candidate {
            Candidate::Card(post) => Some(*post),
            // At its former date it is not shown.
            Candidate::Entry(post, _, at) => cards.get(&post).filter(|card| card.published_at == Some(at)).cloned(),
            Candidate::Hidden => None,
        });
        let items = each_once(posts, &mut next.shown);
        let next_cursor = match last.filter(|_| has_more) {
            Some(last) => {
                forget_passed(&mut next.shown, &last);
                Some(self.sign_cursor(&Cursor { after: last, ..next }, &name).await?)
            }
            None => None,
        };
        Ok(Page { items, next_cursor })
    }

    /// The newest posts of a list from the sort key `oldest` to before `before`.
    async fn posts_between(
        &self,
        list: &List,
        oldest: Option<&str>,
        before: Option<&str>,
        max: usize,
        consistency: Consistency,
    ) -> Result<Vec<Item>, Refused> {
        // Times begin with a digit, and what is no post with a tilde.
        let sort_keys = SortKeys::Between(oldest.unwrap_or("0"), before.unwrap_or(keys::FEED_NOTE_PREFIX));
        let query = Query::of(&list.partition, sort_keys, consistency);
        self.query(Query { backwards: true, start: before, limit: Some(max), ..query }).await
    }

    /// The usernames of these users, without those who are gone.
    async fn usernames(&self, users: &[UserId], consistency: Consistency) -> Result<Vec<Username>, Refused> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let users = self.users_seen_by(None, users, consistency).await?;
        Ok(users.into_iter().map(|(user, _)| user.username).collect())
    }

    /// Brings a post into the feeds of its author's followers if it is published now, and out of them if not: for some
    /// followers after `place`, or the first. Gives the place where to go on. 1 WCU and 1 RCU a follower; of a very popular
    /// author, only for those who follow too many of them.
    ///
    /// May be repeated, late or beside another one: what was read before writing is read again after it.
    pub async fn fan_out_post(
        &self,
        author: UserId,
        post: PostId,
        published_at: Timestamp,
        place: Option<&FanOutPlace>,
    ) -> Result<Option<FanOutPlace>, Refused> {
        let popularity: Option<Popularity> = self.get(&keys::popularity(author), Consistency::Strong).await?;
        let popular = popularity.is_some_and(|popularity| popularity.complete);
        let list = if popular { keys::fan_out_followers(author) } else { keys::followers(author) };
        let after = place.filter(|place| place.popular == popular).map(|place| place.after.as_str());
        let items = self.walk(&list, after, AT_ONCE, Consistency::Strong).await?;
        let next = items.last().filter(|_| items.len() == AT_ONCE).and_then(sort_key);
        let next = next.map(|after| FanOutPlace { popular, after: after.to_owned() });
        let followers = items.into_iter().map(read).collect::<Result<Vec<FanOutFollower>, _>>()?;
        if followers.is_empty() {
            return Ok(None);
        }
        loop {
            let is_published = self.is_published(author, post, published_at).await?;
            let write = |follower: &FanOutFollower| {
                let key = keys::feed_entry(follower.follower, published_at, post);
                let entry = FeedEntry { author, followed_at: follower.followed_at };
                if is_published { BatchWrite::put(&key, &entry) } else { Ok(BatchWrite::Delete(key)) }
            };
            self.batch_write(followers.iter().map(write).collect::<Result<_, _>>()?).await?;
            if is_published {
                let followers: Vec<_> = followers.iter().map(|follower| follower.follower).collect();
                let late = self.no_longer_following(&followers, author).await?;
                let delete = |follower| BatchWrite::Delete(keys::feed_entry(follower, published_at, post));
                self.batch_write(late.into_iter().map(delete).collect()).await?;
            }
            if self.is_published(author, post, published_at).await? == is_published {
                return Ok(next);
            }
        }
    }

    /// Whether a post is published, and since then: an event that comes late may tell of an earlier publication, whose entries would be
    /// others than those of today's.
    async fn is_published(&self, author: UserId, post: PostId, since: Timestamp) -> Result<bool, Refused> {
        let found = self.published_posts(&[(post, author)], Consistency::Strong).await?;
        Ok(is_published_since(&found, post, since))
    }

    /// Those of these users who do not follow an author.
    async fn no_longer_following(&self, users: &[UserId], author: UserId) -> Result<Vec<UserId>, Refused> {
        let wanted = users.iter().map(|user| keys::follow(*user, author)).collect();
        let mut following = HashSet::new();
        for item in self.batch_get(&wanted, Consistency::Strong).await? {
            following.insert(read::<Follow>(item)?.follower);
        }
        Ok(users.iter().copied().filter(|user| !following.contains(user)).collect())
    }

    /// Makes a user's feed what it has to be, as the user follows an author now, or does not. A new follower gets the
    /// author's newest posts, or a note if the author has more than `max_followers` and so is very popular. Who does not
    /// follow any more loses the author's entries: some, after `place`.
    ///
    /// May be repeated, late or beside another one: what was read before writing is read again after it.
    pub async fn settle_follow(
        &self,
        user: UserId,
        author: UserId,
        place: Option<FollowPlace>,
        max_followers: u32,
    ) -> Result<Settled, Refused> {
        let key = keys::follow(user, author);
        let mut place = place;
        let mut follow: Option<Follow> = self.get(&key, Consistency::Strong).await?;
        let left = loop {
            let left = match &follow {
                Some(follow) => self.fill_feed(follow, max_followers).await.map(|()| None)?,
                None => self.clear_feed(user, author, place.take()).await?,
            };
            let now = self.get(&key, Consistency::Strong).await?;
            if now == follow {
                break left;
            }
            follow = now;
        };
        if let Some(place) = left {
            return Ok(Settled::More(place));
        }
        // Also if the follow has ended since: it is this user's to see through.
        let popularity: Option<Popularity> = self.get(&keys::popularity(author), Consistency::Strong).await?;
        let begins = popularity.is_some_and(|popularity| !popularity.complete && popularity.begun_by == user);
        Ok(if begins { Settled::BecamePopular } else { Settled::Done })
    }

    /// Brings the posts of an author into the feed of a new follower.
    async fn fill_feed(&self, follow: &Follow, max_followers: u32) -> Result<(), Refused> {
        let Follow { follower: user, followed: author, .. } = *follow;
        let profile = self.user_with_counts(author, Consistency::Strong).await?.filter(User::is_public);
        let Some(profile) = profile else { return Ok(()) };
        let mut is_popular = self.get_item(&keys::popularity(author), Consistency::Strong).await?.is_some();
        if !is_popular && profile.followers > u64::from(max_followers) {
            self.begin_popularity(author, user).await?;
            is_popular = true;
        }
        let is_filled = is_popular && self.note_popular_follow(follow).await?;
        if !is_filled {
            self.backfill(follow, &profile.username).await?;
        }
        if self.get_item(&keys::ended_follow(user, author), Consistency::Strong).await?.is_some() {
            self.delete_item(&keys::ended_follow(user, author)).await?;
        }
        Ok(())
    }

    /// Says that an author is very popular, unless somebody has said so.
    async fn begin_popularity(&self, author: UserId, begun_by: UserId) -> Result<(), Refused> {
        let put = Write::put(keys::popularity(author), &Popularity { begun_by, complete: false })?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::AlreadyDone);
        match self.write(vec![put]).await {
            Err(Refused::AlreadyDone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Notes in a feed that its reader follows a very popular author. If there are too many such notes, the author's posts are
    /// written to the feed from now on. Says whether it is noted.
    async fn note_popular_follow(&self, follow: &Follow) -> Result<bool, Refused> {
        let Follow { follower: user, followed: author, followed_at } = *follow;
        let partition = keys::feed(user).partition;
        let notes = self.query_prefix(&partition, keys::POPULAR_FOLLOW_PREFIX, Consistency::Strong).await?;
        let key = keys::popular_follow(user, author);
        let is_noted = notes.iter().any(|note| sort_key(note) == Some(&key.sk));
        let has_room = is_noted || notes.len() < MAX_POPULAR_FOLLOWS;
        let write = if has_room {
            BatchWrite::put(&key, &PopularFollow { author, followed_at })?
        } else {
            BatchWrite::put(&keys::fan_out_follower(author, user), &FanOutFollower { follower: user, followed_at })?
        };
        self.batch_write(vec![write]).await?;
        Ok(has_room)
    }

    /// Writes the newest posts of an author, who has this name, to the feed of a follower.
    async fn backfill(&self, follow: &Follow, author: &Username) -> Result<(), Refused> {
        let Follow { follower, followed, followed_at } = *follow;
        let list = keys::posts_by_author(author);
        let mut posts = Vec::new();
        for item in self.walk(&list, None, BACKFILL, Consistency::Strong).await? {
            let post: Post = read(item)?;
            posts.extend(post.published_at.map(|published_at| (post.id, published_at)));
        }
        let wanted: Vec<_> = posts.iter().map(|(post, _)| (*post, followed)).collect();
        let mut are_there = vec![true; posts.len()];
        loop {
            let write = |((post, published_at), is_there): (&(PostId, Timestamp), &bool)| {
                let key = keys::feed_entry(follower, *published_at, *post);
                let entry = FeedEntry { author: followed, followed_at };
                if *is_there { BatchWrite::put(&key, &entry) } else { Ok(BatchWrite::Delete(key)) }
            };
            self.batch_write(posts.iter().zip(&are_there).map(write).collect::<Result<_, _>>()?).await?;
            // The event of what was withdrawn or dated anew meanwhile may have come before the entry was there.
            let published = self.published_posts(&wanted, Consistency::Strong).await?;
            let is_there =
                |(post, published_at): &(PostId, Timestamp)| is_published_since(&published, *post, *published_at);
            let now: Vec<bool> = posts.iter().map(is_there).collect();
            if now == are_there {
                return Ok(());
            }
            are_there = now;
        }
    }

    /// Deletes an entry of a feed. For a repair.
    pub(crate) async fn delete_entry(
        &self,
        user: UserId,
        published_at: Timestamp,
        post: PostId,
    ) -> Result<(), Refused> {
        self.batch_write(vec![BatchWrite::Delete(keys::feed_entry(user, published_at, post))]).await
    }

    /// Deletes what a feed has of an author whom its reader does not follow. The note that hides it goes last.
    async fn clear_feed(
        &self,
        user: UserId,
        author: UserId,
        place: Option<FollowPlace>,
    ) -> Result<Option<FollowPlace>, Refused> {
        let ended = keys::ended_follow(user, author);
        let (followed_at, before) = match place {
            Some(FollowPlace { followed_at, before }) => (followed_at, Some(before)),
            None => {
                let noted = [keys::popular_follow(user, author), keys::fan_out_follower(author, user), ended.clone()];
                let mut followed_at = None;
                let mut writes = Vec::new();
                for item in self.batch_get(&noted.into(), Consistency::Strong).await? {
                    match type_of(&item) {
                        Some(EndedFollow::TYPE) => followed_at = Some(read::<EndedFollow>(item)?.followed_at),
                        Some(PopularFollow::TYPE) => writes.push(keys::popular_follow(user, author)),
                        _ => writes.push(keys::fan_out_follower(author, user)),
                    }
                }
                self.batch_write(writes.into_iter().map(BatchWrite::Delete).collect()).await?;
                (followed_at, None)
            }
        };
        let list = keys::feed(user);
        let entries = self.posts_between(&list, None, before.as_deref(), AT_ONCE, Consistency::Strong).await?;
        let last = entries.last().filter(|_| entries.len() == AT_ONCE).and_then(sort_key).map(str::to_owned);
        let author_id = AttributeValue::S(author.to_string());
        let of_author = entries.iter().filter(|entry| entry.get("author") == Some(&author_id));
        let keys = of_author.filter_map(sort_key).map(|sk| Key { pk: list.partition.clone(), sk: sk.to_owned() });
        self.batch_write(keys.map(BatchWrite::Delete).collect()).await?;
        if let Some(before) = last {
            return Ok(Some(FollowPlace { followed_at, before }));
        }
        if let Some(followed_at) = followed_at {
            let delete = Write::delete(ended)
                .on_condition("followed_at = :followed_at")
                .with_value(":followed_at", AttributeValue::S(followed_at.to_string()))
                .on_condition_failed(Refused::Changed);
            match self.write(vec![delete]).await {
                // It is gone, or hides what came of another follow, which is seen to by itself.
                Ok(()) | Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What a feed has for a follow, and what it should have: an entry for each of the author's newest posts, or a note if the
    /// author is very popular. For a repair.
    pub(crate) async fn entries_for(&self, follow: &Follow) -> Result<(usize, usize), Refused> {
        let Follow { follower: user, followed: author, .. } = *follow;
        let author_now = self.user(author, Consistency::Strong).await?.filter(User::is_public);
        let Some(profile) = author_now else { return Ok((0, 0)) };
        let popularity: Option<Popularity> = self.get(&keys::popularity(author), Consistency::Strong).await?;
        if popularity.as_ref().is_some_and(|popularity| popularity.complete) {
            let noted = [keys::popular_follow(user, author), keys::fan_out_follower(author, user)];
            let notes = self.batch_get(&noted.into(), Consistency::Strong).await?;
            if notes.iter().all(|note| type_of(note) == Some(PopularFollow::TYPE)) {
                return Ok((notes.len(), 1));
            }
        }
        let mut wanted = HashSet::new();
        for item in self.walk(&keys::posts_by_author(&profile.username), None, BACKFILL, Consistency::Strong).await? {
            let post: Post = read(item)?;
            wanted.extend(post.published_at.map(|published_at| keys::feed_entry(user, published_at, post.id)));
        }
        Ok((self.batch_get(&wanted, Consistency::Strong).await?.len(), wanted.len()))
    }

    /// The entries of a feed after a sort key that are wrong, because their author is not followed or their post is not published,
    /// or has another date by now; and where to go on. For a repair.
    pub(crate) async fn wrong_entries(
        &self,
        user: UserId,
        before: Option<&str>,
    ) -> Result<(Vec<WrongEntry>, Option<String>), Refused> {
        let entries = self.posts_between(&keys::feed(user), None, before, AT_ONCE, Consistency::Strong).await?;
        let last = entries.last().filter(|_| entries.len() == AT_ONCE).and_then(sort_key).map(str::to_owned);
        let mut found = Vec::new();
        for entry in entries {
            let (published_at, post) = entry_of(sort_key(&entry).unwrap_or_default())?;
            found.push(WrongEntry { author: read::<FeedEntry>(entry)?.author, post, published_at });
        }
        let follows = found.iter().map(|entry| keys::follow(user, entry.author)).collect();
        let mut followed = HashSet::new();
        for item in self.batch_get(&follows, Consistency::Strong).await? {
            followed.insert(read::<Follow>(item)?.followed);
        }
        let posts = found.iter().map(|entry| (entry.post, entry.author)).collect::<Vec<_>>();
        let published = self.published_posts(&posts, Consistency::Strong).await?;
        found.retain(|entry| {
            !followed.contains(&entry.author) || !is_published_since(&published, entry.post, entry.published_at)
        });
        Ok((found, last))
    }

    /// Notes in the feeds of followers that an author is very popular: of some after `after`, or the first. Gives the place where
    /// to go on. Who follows meanwhile has it noted by their own follow. When all have it noted, posts of the author are not
    /// written to feeds any more.
    pub async fn tell_followers(&self, author: UserId, after: Option<&str>) -> Result<Option<String>, Refused> {
        let list = keys::followers(author);
        let items = self.walk(&list, after, POPULAR_AT_ONCE, Consistency::Strong).await?;
        let last = items.last().filter(|_| items.len() == POPULAR_AT_ONCE).and_then(sort_key).map(str::to_owned);
        let follows = items.into_iter().map(read).collect::<Result<Vec<Follow>, _>>()?;
        for follow in &follows {
            self.note_popular_follow(follow).await?;
        }
        if !follows.is_empty() {
            let followers: Vec<_> = follows.iter().map(|follow| follow.follower).collect();
            for late in self.no_longer_following(&followers, author).await? {
                let mut place = None;
                loop {
                    place = self.clear_feed(late, author, place).await?;
                    if place.is_none() {
                        break;
                    }
                }
            }
        }
        if last.is_some() {
            return Ok(last);
        }
        let complete = Write::set(keys::popularity(author), "complete", AttributeValue::Bool(true));
        match self.write(vec![complete.on_condition_failed(Refused::Absent)]).await {
            // The author has left.
            Ok(()) | Err(Refused::Absent) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the feed of a user who leaves, the tags that they follow, and what is kept of their popularity: at most `max` items of each. Says whether
    /// there was none any more. Their entries in other feeds go with their follows.
    pub async fn delete_feed_of(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let mut keys = Vec::new();
        for list in [keys::feed(user), keys::fan_out_followers(user)] {
            let items = self.walk(&list, None, max, Consistency::Strong).await?;
            let found = items.iter().filter_map(sort_key);
            keys.extend(found.map(|sk| Key { pk: list.partition.clone(), sk: sk.to_owned() }));
        }
        let popularity = keys::popularity(user);
        if self.get_item(&popularity, Consistency::Strong).await?.is_some() {
            keys.push(popularity);
        }
        let none = keys.is_empty();
        self.batch_write(keys.into_iter().map(BatchWrite::Delete).collect()).await?;
        Ok(none)
    }
}

/// Hides the posts of an author from the feed of who follows them no longer, until they are deleted from it.
pub(crate) fn hide_from_feed(follow: &Follow) -> Result<Write, Refused> {
    let Follow { follower, followed, followed_at } = *follow;
    Write::put(keys::ended_follow(follower, followed), &EndedFollow { author: followed, followed_at })
}

/// The notes of a feed.
#[derive(Default)]
struct Notes {
    /// The very popular authors whose posts are merged.
    popular: Vec<UserId>,
    /// The authors whose entries are hidden, if they are there for a follow that began then or before.
    ended: HashMap<UserId, Timestamp>,
    /// The tags that the user follows.
    tags: Vec<Tag>,
}

impl Notes {
    fn read(items: Vec<Item>) -> Result<Self, Refused> {
        let mut notes = Self::default();
        let mut popular = Vec::new();
        for item in items {
            match type_of(&item) {
                Some(PopularFollow::TYPE) => popular.push(read::<PopularFollow>(item)?),
                Some(TagFollow::TYPE) => notes.tags.push(read::<TagFollow>(item)?.tag),
                _ => {
                    let EndedFollow { author, followed_at } = read(item)?;
                    notes.ended.insert(author, followed_at);
                }
            }
        }
        popular.retain(|follow| !hides(&notes.ended, follow.author, follow.followed_at));
        notes.popular = popular.into_iter().map(|follow| follow.author).collect();
        Ok(notes)
    }
}

/// Whether what is there for a follow of this author is hidden, because the follow has ended.
fn hides(ended: &HashMap<UserId, Timestamp>, author: UserId, followed_at: Timestamp) -> bool {
    ended.get(&author).is_some_and(|ended| followed_at <= *ended)
}

/// The date and the post that the sort key of an entry has.
fn entry_of(sort_key: &str) -> Result<(Timestamp, PostId), Refused> {
    let (published_at, post) = sort_key.split_once('#').unwrap_or_default();
    let published_at = Timestamp::try_from(published_at.to_owned()).map_err(Refused::internal)?;
    Ok((published_at, post.parse().map_err(Refused::internal)?))
}

/// Whether a post is among those that are published, and has this date.
fn is_published_since(published: &HashMap<PostId, Post>, post: PostId, since: Timestamp) -> bool {
    published.get(&post).is_some_and(|post| post.published_at == Some(since))
}

/// The posts that show something that was not shown before. What reposts show is added to `shown`: it comes again at its own
/// place, which is older.
fn each_once(posts: impl Iterator<Item = Post>, shown: &mut Vec<String>) -> Vec<Post> {
    let mut items = Vec::new();
    for post in posts {
        let reposted = post.quote_of.filter(|_| post.kind == PostKind::Repost);
        let subject = reposted.unwrap_or(post.id).to_string();
        if shown.contains(&subject) {
            continue;
        }
        if reposted.is_some() {
            shown.push(subject);
        }
        items.push(post);
    }
    items
}

/// Forgets those of the posts that cannot come again: of which the place, and with it that of every repost, is before this sort
/// key. That leaves few; of more than [`MAX_SHOWN`] the earliest are forgotten.
fn forget_passed(shown: &mut Vec<String>, sort_key: &str) {
    let time = sort_key.split('#').next().unwrap_or_default().to_owned();
    if let Ok(time) = Timestamp::try_from(time) {
        // Clocks may differ a little.
        let time = time.plus_seconds(60);
        shown.retain(|id| id.parse::<PostId>().is_ok_and(|id| id.made_at() <= time));
    }
    let excess = shown.len().saturating_sub(MAX_SHOWN);
    shown.drain(..excess);
}
