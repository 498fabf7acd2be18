//! Access patterns of notifications.
//!
//! A notification is two items. One is at what it is about and for whom: it makes a user be told of it once, and leads to
//! the other, which stands in the user's list by the time when it was last new. Both refer to what they are about and copy nothing of it.
//! So a page is one query and one batch of what its notifications refer to, names are as they are now, and what was withdrawn is left out
//! the moment that it is. That nothing is left of it for long is the work of a plug-in (`functions/events/src/notify.rs`). Why so:
//! docs/adr/0027.
//!
//! The reactions to a post are one notification: the last person, and as many people as the post counts reactions. An item for each
//! person makes each of them news once.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::comments::read_comment;
use crate::keys::{self, Key};
use crate::post_writes::number;
use crate::reactions::Reaction;
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Item, Query, Refused, SortKeys, Table, read};
use aws::Failure;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    About, Comment, Follow, Limit, Notification, NotificationId, Page, Post, PostAuthor, PostId, PostReference,
    PostStatus, Subject, Timestamp, User, UserId,
};

/// From how many on unread notifications are not counted any more.
pub const MAX_UNREAD: usize = 100;

/// Among how many of those who react somebody is looked for who takes the place of the last one who did.
const MAX_LOOKED_THROUGH: usize = 100;

/// That a user is told of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who is told.
    pub recipient: UserId,
    /// Counts the writes of a notification that changes, of reactions, from 1.
    writes: u64,
    /// What they are told.
    #[serde(flatten)]
    pub notification: Notification,
}

/// That the author of a post is told of a user's reaction.
#[derive(Serialize, Deserialize)]
struct ToldReaction {
    /// The author of the post.
    recipient: UserId,
    /// Who reacted.
    user: UserId,
    reacted_at: Timestamp,
    /// DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

/// Up to which notification a user has read.
#[derive(Serialize, Deserialize)]
struct ReadMark {
    up_to: NotificationId,
    /// When every notification up to there is forgotten: DynamoDB's TTL, in seconds since 1970.
    expires_at: i64,
}

impl Entity for Notification {
    const TYPE: &'static str = "notification";
}

impl Entity for Told {
    const TYPE: &'static str = "told";
}

impl Entity for ToldReaction {
    const TYPE: &'static str = "told_reaction";
}

impl Entity for ReadMark {
    const TYPE: &'static str = "read_mark";
}

/// A page of a user's notifications.
pub struct NotificationPage {
    /// The notifications, newest first, with what they are about. What was withdrawn is left out.
    pub page: Page<SeenNotification>,
    /// How many of all of the user's notifications are not read; [`MAX_UNREAD`] means that many or more.
    pub unread: usize,
}

/// A notification with what it is about, as it is now.
pub struct SeenNotification {
    /// The notification.
    pub notification: Notification,
    /// Whether the user has marked it as read.
    pub read: bool,
    /// Who did it. None of what editors decide, and for a moment if the last one who reacted takes the reaction back.
    pub actor: Option<PostAuthor>,
    /// How many people did it.
    pub people: u64,
    /// The post that something happened to.
    pub post: Option<PostReference>,
    /// The post that answers or quotes it.
    pub by_post: Option<PostReference>,
}

impl Table {
    /// A page of a user's notifications.
    pub async fn notifications(
        &self,
        user: UserId,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<NotificationPage, Refused> {
        let list = keys::notifications(user);
        let read_mark = keys::read_mark(user);
        let page = self.page(&list, cursor, limit, consistency);
        let mark = self.get::<ReadMark>(&read_mark, consistency);
        let (Page { items, next_cursor }, mark) = tokio::try_join!(page, mark)?;
        let page = notifications_of(items, now)?;
        let mark = mark.map(|mark| mark.up_to);
        let is_unread = |notification: &Notification| mark.is_none_or(|mark| notification.id > mark);

        // The newest of all are unread. If the page begins with them and has one that is read, or the last one, it has them all.
        let is_whole = cursor.is_none() && (next_cursor.is_none() || page.iter().any(|one| !is_unread(one)));
        let unread = if is_whole {
            page.iter().filter(|one| is_unread(one)).cloned().collect()
        } else {
            self.unread_notifications(user, mark, consistency, now).await?
        };
        // So many need not be looked at one by one.
        let is_countless = unread.len() > MAX_UNREAD;
        let mut all: HashMap<_, _> = page.iter().map(|one| (one.id, one.clone())).collect();
        if !is_countless {
            all.extend(unread.iter().map(|one| (one.id, one.clone())));
        }
        let found = Found::of(self, user, all.values().collect(), consistency).await?;
        let unread =
            if is_countless { MAX_UNREAD } else { unread.iter().filter(|one| found.see(user, one).is_some()).count() };
        let items = page.into_iter().filter_map(|notification| {
            let read = !is_unread(&notification);
            let Sight { actor, people, post, by_post } = found.see(user, &notification)?;
            Some(SeenNotification { notification, read, actor, people, post, by_post })
        });
        Ok(NotificationPage { page: Page { items: items.collect(), next_cursor }, unread })
    }

    /// The unread notifications of a user, newest first: up to one more than are counted.
    async fn unread_notifications(
        &self,
        user: UserId,
        mark: Option<NotificationId>,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Vec<Notification>, Refused> {
        let list = keys::notifications(user);
        // Between the last that is read, which may be met, and the last that there can be.
        let first = mark.map_or(list.prefix.to_owned(), |mark| keys::notification(user, mark).sk);
        let end = format!("{}~", list.prefix);
        let query = Query::of(&list.partition, SortKeys::Between(&first, &end), consistency);
        let items = self.query(Query { backwards: true, limit: Some(MAX_UNREAD + 2), ..query }).await?;
        let mut unread = notifications_of(items, now)?;
        unread.retain(|one| mark.is_none_or(|mark| one.id > mark));
        unread.truncate(MAX_UNREAD + 1);
        Ok(unread)
    }

    /// Marks a user's notifications as read up to this one, which need not be there any more. What comes later stays unread,
    /// whatever is named, and what is read stays read.
    pub async fn read_notifications(&self, user: UserId, up_to: NotificationId, now: Timestamp) -> Result<(), Refused> {
        let newest = self.walk(&keys::notifications(user), None, 1, Consistency::Strong).await?;
        let Some(newest) = newest.into_iter().next().map(read::<Notification>).transpose()? else { return Ok(()) };
        let up_to = up_to.min(newest.id);
        let expires_at = now.plus_seconds(domain::NOTIFICATION_SECONDS).seconds();
        let mark = Write::put(keys::read_mark(user), &ReadMark { up_to, expires_at })?
            .on_condition("attribute_not_exists(pk) OR up_to < :up_to")
            .with_value(":up_to", AttributeValue::S(up_to.to_string()))
            .on_condition_failed(Refused::AlreadyDone);
        match self.write(vec![mark]).await {
            Err(Refused::AlreadyDone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Who is told of a subject.
    pub async fn told(&self, subject: Subject) -> Result<Vec<Told>, Refused> {
        let partition = keys::told_partition(subject);
        let query = Query::of(&partition, SortKeys::Before(keys::TOLD_REACTION_PREFIX), Consistency::Strong);
        self.query(query).await?.into_iter().map(read).collect()
    }

    /// What a user is told of a subject.
    pub async fn told_to(&self, subject: Subject, recipient: UserId) -> Result<Option<Told>, Refused> {
        self.get(&keys::told(subject, recipient), Consistency::Strong).await
    }

    /// Tells a user of something, unless they were told of the same subject.
    pub async fn notify(&self, recipient: UserId, notification: &Notification) -> Result<(), Refused> {
        let [told, listed] = tell(recipient, notification)?;
        let told = told.on_condition("attribute_not_exists(pk)").on_condition_failed(Refused::AlreadyDone);
        match self.write(vec![told, listed]).await {
            Err(Refused::AlreadyDone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Takes a notification back, unless another one has taken its place.
    pub async fn withdraw(&self, told: &Told) -> Result<(), Refused> {
        let (subject, id) = (told.notification.about.subject(), told.notification.id);
        let delete = Write::delete(keys::told(subject, told.recipient))
            .on_condition("id = :id")
            .with_value(":id", AttributeValue::S(id.to_string()))
            .on_condition_failed(Refused::Changed);
        match self.write(vec![delete, Write::delete(keys::notification(told.recipient, id))]).await {
            Err(Refused::Changed) => Ok(()),
            outcome => outcome,
        }
    }

    /// Takes back all that is told of a subject.
    pub(crate) async fn withdraw_all(&self, subject: Subject) -> Result<(), Refused> {
        for told in self.told(subject).await? {
            self.withdraw(&told).await?;
        }
        Ok(())
    }

    /// Takes back what this user is told of a subject.
    pub(crate) async fn withdraw_from(&self, subject: Subject, recipient: UserId) -> Result<(), Refused> {
        match self.told_to(subject, recipient).await? {
            Some(told) => self.withdraw(&told).await,
            None => Ok(()),
        }
    }

    /// Brings what the author of a post is told of a user's reaction to what the reaction is now. If it `is_new`, and not another
    /// kind than before, the notification is new again. Done again, or late, it comes to the same end.
    pub async fn notify_of_reaction(
        &self,
        post: PostId,
        user: UserId,
        is_new: bool,
        new_id: impl Fn() -> NotificationId,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let (own, own_told) = (keys::reaction(post, user), keys::told_reaction(post, user));
        let mut lost = false;
        for _ in 0..MAX_TRIES {
            let (reaction, author, told) = tokio::try_join!(
                self.get::<Reaction>(&own, Consistency::Strong),
                self.author_of(post),
                self.get::<ToldReaction>(&own_told, Consistency::Strong),
            )?;
            // Whoever looks at their notifications has an account; so has who is told.
            let recipient = match author.filter(|author| *author != user) {
                Some(author) => self.user(author, Consistency::Strong).await?.filter(User::is_public),
                None => None,
            };
            let written = match (reaction.zip(recipient), told) {
                (Some(_), Some(_)) | (None, None) => return Ok(()),
                (Some((reaction, recipient)), None) => {
                    if !is_new {
                        return Ok(());
                    }
                    let id = new_id();
                    self.add_reaction(post, recipient.id, &reaction, id, lost, now).await
                }
                (None, Some(told)) => self.drop_reaction(post, &told).await,
            };
            match written {
                // Once more: the reaction, or one of the two users, may have gone meanwhile.
                Ok(()) => {}
                // Others react to the post at this moment.
                Err(Refused::Changed | Refused::Failed(Failure::Overloaded(_))) => lost = true,
                Err(refused) => return Err(refused),
            }
        }
        Err(Refused::Contended)
    }

    /// Makes somebody's reaction news. If others were faster, and one of them did not react earlier, they have made it news, and
    /// need not be waited for.
    async fn add_reaction(
        &self,
        post: PostId,
        recipient: UserId,
        reaction: &Reaction,
        id: NotificationId,
        lost: bool,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Reaction { user, reacted_at, .. } = *reaction;
        let before = self.told_to(Subject::Reactions(post), recipient).await?;
        let last = before.as_ref().and_then(|told| match told.notification.about {
            About::Reaction { reacted_at, .. } => Some((reacted_at, told.notification.actor)),
            _ => None,
        });
        let later = last.filter(|(last, _)| *last > reacted_at);
        let (reacted_at, actor) = later.unwrap_or((reacted_at, Some(user)));
        let notification = Notification::new(id, About::Reaction { post, reacted_at }, actor, now);
        let own =
            ToldReaction { recipient, user, reacted_at: reaction.reacted_at, expires_at: notification.expires_at };
        let own = Write::put(keys::told_reaction(post, user), &own)?
            .on_condition("attribute_not_exists(pk)")
            .on_condition_failed(Refused::Changed);
        let mut writes = vec![own];
        if !lost || last.is_none_or(|(last, _)| last < reaction.reacted_at) {
            writes.extend(replace(recipient, before.as_ref(), Some(notification))?);
        }
        self.write(writes).await
    }

    /// Makes somebody's reaction no news any more. If they were the last one, another one is.
    async fn drop_reaction(&self, post: PostId, gone: &ToldReaction) -> Result<(), Refused> {
        let subject = Subject::Reactions(post);
        let mut writes = vec![
            Write::delete(keys::told_reaction(post, gone.user))
                .on_condition("attribute_exists(pk)")
                .on_condition_failed(Refused::Changed),
        ];
        let before = self.told_to(subject, gone.recipient).await?;
        if let Some(before) = before.filter(|before| before.notification.actor == Some(gone.user)) {
            let partition = keys::told_partition(subject);
            let query = Query::of(&partition, SortKeys::Prefix(keys::TOLD_REACTION_PREFIX), Consistency::Strong);
            let others = self.query(Query { limit: Some(MAX_LOOKED_THROUGH), ..query }).await?;
            let others = others.into_iter().map(read).collect::<Result<Vec<ToldReaction>, _>>()?;
            let others = others.into_iter().filter(|other| other.user != gone.user);
            let last = others.max_by_key(|other| other.reacted_at);
            // Only if that one is still there in this moment.
            writes.extend(last.as_ref().map(|last| {
                Write::check(keys::told_reaction(post, last.user))
                    .on_condition("attribute_exists(pk)")
                    .on_condition_failed(Refused::Changed)
            }));
            let next = last.map(|ToldReaction { user, reacted_at, .. }| {
                // It is no news, so it keeps its place.
                let about = About::Reaction { post, reacted_at };
                Notification { about, actor: Some(user), ..before.notification.clone() }
            });
            writes.extend(replace(gone.recipient, Some(&before), next)?);
        }
        self.write(writes).await
    }

    /// Who wrote a post, published or not. None if it is gone.
    pub async fn author_of(&self, post: PostId) -> Result<Option<UserId>, Refused> {
        let reference: Option<PostReference> = self.get(&keys::post_reference(post), Consistency::Strong).await?;
        Ok(reference.map(|reference| reference.author.id))
    }

    /// A post of an author's that is not in the trash, by its id; strongly consistent.
    pub async fn own_post(&self, author: UserId, post: PostId) -> Result<Option<Post>, Refused> {
        self.get(&keys::own_post(author, post), Consistency::Strong).await
    }

    /// The notifications of a user as they are stored, newest first: at most `max` after `after`. Each with whether it is read.
    pub async fn notifications_of(
        &self,
        user: UserId,
        after: Option<NotificationId>,
        max: usize,
    ) -> Result<Vec<(Notification, bool)>, Refused> {
        let mark: Option<ReadMark> = self.get(&keys::read_mark(user), Consistency::Strong).await?;
        let start = after.map(|after| keys::notification(user, after).sk);
        let items = self.walk(&keys::notifications(user), start.as_deref(), max, Consistency::Strong).await?;
        let with_mark = |item| {
            let notification: Notification = read(item)?;
            let is_read = mark.as_ref().is_some_and(|mark| notification.id <= mark.up_to);
            Ok((notification, is_read))
        };
        items.into_iter().map(with_mark).collect()
    }

    /// Deletes what a user who leaves was told, at most `max`. Says whether there was nothing any more.
    pub async fn delete_notifications_of(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let notifications = self.notifications_of(user, None, max).await?;
        for (notification, _) in &notifications {
            self.write(vec![
                Write::delete(keys::told(notification.about.subject(), user)),
                Write::delete(keys::notification(user, notification.id)),
            ])
            .await?;
        }
        if notifications.is_empty() {
            self.delete_item(&keys::read_mark(user)).await?;
        }
        Ok(notifications.is_empty())
    }
}

/// The writes that tell a user of something.
pub(crate) fn tell(recipient: UserId, notification: &Notification) -> Result<[Write; 2], Refused> {
    let told = Told { recipient, writes: 1, notification: notification.clone() };
    Ok([
        Write::put(keys::told(notification.about.subject(), recipient), &told)?,
        Write::put(keys::notification(recipient, notification.id), notification)?,
    ])
}

/// The writes that put one notification into the place of another, either of which may be missing. [`Refused::Changed`] if `old` is
/// no longer what is there.
fn replace(recipient: UserId, old: Option<&Told>, new: Option<Notification>) -> Result<Vec<Write>, Refused> {
    let Some(any) = new.as_ref().or(old.map(|old| &old.notification)) else { return Ok(Vec::new()) };
    let key = keys::told(any.about.subject(), recipient);
    let writes = old.map_or(0, |old| old.writes) + 1;
    let told = match &new {
        Some(new) => Write::put(key, &Told { recipient, writes, notification: new.clone() })?,
        None => Write::delete(key),
    };
    let told = match old {
        Some(old) => told.on_condition("writes = :writes").with_value(":writes", number(old.writes)),
        None => told.on_condition("attribute_not_exists(pk)"),
    };
    let mut replaced = vec![told.on_condition_failed(Refused::Changed)];
    let old_id = old.map(|old| old.notification.id).filter(|old| new.as_ref().is_none_or(|new| new.id != *old));
    replaced.extend(old_id.map(|id| Write::delete(keys::notification(recipient, id))));
    if let Some(new) = new {
        replaced.push(Write::put(keys::notification(recipient, new.id), &new)?);
    }
    Ok(replaced)
}

fn notifications_of(items: Vec<Item>, now: Timestamp) -> Result<Vec<Notification>, Refused> {
    let mut notifications = items.into_iter().map(read).collect::<Result<Vec<Notification>, _>>()?;
    notifications.retain(|notification| !notification.is_expired(now));
    Ok(notifications)
}

/// What notifications are about, read in one batch.
struct Found {
    items: HashMap<Key, Item>,
    /// The number of reactions to posts whose cards may be behind.
    reactions: HashMap<PostId, u64>,
}

/// What is seen of a notification.
struct Sight {
    actor: Option<PostAuthor>,
    people: u64,
    post: Option<PostReference>,
    by_post: Option<PostReference>,
}

impl Found {
    async fn of(
        table: &Table,
        user: UserId,
        notifications: Vec<&Notification>,
        consistency: Consistency,
    ) -> Result<Self, Refused> {
        let wanted: HashSet<Key> = notifications.iter().flat_map(|notification| keys_of(user, notification)).collect();
        let key = |item: &Item, name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let items = table.batch_get(&wanted, consistency).await?;
        let items = items.into_iter().map(|item| (Key { pk: key(&item, "pk"), sk: key(&item, "sk") }, item)).collect();
        let mut found = Self { items, reactions: HashMap::new() };
        found.count_reactions(table, user, &notifications, consistency).await?;
        Ok(found)
    }

    /// Asks the posts themselves whose last reaction was just taken back: their cards may still count it.
    async fn count_reactions(
        &mut self,
        table: &Table,
        user: UserId,
        notifications: &[&Notification],
        consistency: Consistency,
    ) -> Result<(), Refused> {
        for notification in notifications {
            let (About::Reaction { post, .. }, Some(last)) = (&notification.about, notification.actor) else {
                continue;
            };
            let card: Option<Post> = self.get(&keys::own_post(user, *post));
            if let Some(card) = card.filter(|_| !self.items.contains_key(&keys::reaction(*post, last))) {
                let reactions = table.reactions(&card, consistency).await?;
                self.reactions.insert(*post, reactions.iter().sum());
            }
        }
        Ok(())
    }

    fn get<T: Entity>(&self, key: &Key) -> Option<T> {
        read(self.items.get(key)?.clone()).ok()
    }

    fn published(&self, post: PostId) -> Option<PostReference> {
        let reference: PostReference = self.get(&keys::post_reference(post))?;
        (reference.status == PostStatus::Published).then_some(reference)
    }

    fn public_user(&self, user: UserId) -> Option<User> {
        self.get(&keys::profile(user)).filter(User::is_public)
    }

    fn comment(&self, about: &About) -> Option<Comment> {
        let (post, path) = (about.post()?, about.comment()?);
        let item = self.items.get(&keys::comment(post, path))?;
        read_comment(post, item.clone()).ok().filter(Comment::is_published)
    }

    /// What a user sees of a notification. None if what it is about was withdrawn, or is out of sight.
    fn see(&self, user: UserId, notification: &Notification) -> Option<Sight> {
        let Notification { about, actor, .. } = notification;
        if let About::Reaction { post, .. } = about {
            return self.see_reactions(user, *post, *actor);
        }
        let post = match about.post() {
            Some(post) => Some(self.published(post)?),
            None => None,
        };
        let mut by_post = None;
        let mut people = 1;
        match about {
            About::Comment { .. } | About::CommentReply { .. } => {
                let comment = self.comment(about)?;
                actor.filter(|actor| comment.is_by(*actor))?;
            }
            About::CommentApproved { .. } => {
                self.comment(about).filter(|comment| comment.is_by(user))?;
            }
            About::CommentRejected { .. } | About::Reaction { .. } => {}
            About::Reply { by, .. } | About::Quote { by, .. } | About::Repost { by, .. } => {
                let by: Post = self.get(&keys::own_post((*actor)?, *by))?;
                if !about.is_true_of(&by) {
                    return None;
                }
                by_post = (!matches!(about, About::Repost { .. })).then(|| PostReference::from(&by));
            }
            About::Follow { follower } => {
                self.get::<Follow>(&keys::follow(*follower, user))?;
            }
        }
        let is_decision = matches!(about, About::CommentApproved { .. } | About::CommentRejected { .. });
        let actor = actor.and_then(|actor| self.public_user(actor));
        if is_decision {
            people = 0;
        } else {
            actor.as_ref()?;
        }
        Some(Sight { actor: actor.as_ref().map(PostAuthor::from), people, post, by_post })
    }

    /// As many people reacted as the card counts, without the user and without who is about to leave.
    fn see_reactions(&self, user: UserId, post: PostId, last: Option<UserId>) -> Option<Sight> {
        let card: Post = self.get(&keys::own_post(user, post))?;
        let reacts = |user: UserId| self.items.contains_key(&keys::reaction(post, user));
        let last = last.filter(|last| reacts(*last));
        let actor = last.and_then(|last| self.public_user(last));
        let is_leaving = last.is_some() && actor.is_none();
        let reactions = self.reactions.get(&post).copied().unwrap_or(card.reactions);
        let people = reactions.saturating_sub(u64::from(reacts(user)) + u64::from(is_leaving));
        // The card may not count the last one yet.
        let people = people.max(u64::from(actor.is_some()));
        (card.is_published() && people > 0).then(|| Sight {
            actor: actor.as_ref().map(PostAuthor::from),
            people,
            post: Some(PostReference::from(&card)),
            by_post: None,
        })
    }
}

/// The keys of all that a notification of a user's refers to.
fn keys_of(user: UserId, notification: &Notification) -> Vec<Key> {
    let Notification { about, actor, .. } = notification;
    let mut keys: Vec<_> = actor.map(keys::profile).into_iter().collect();
    if let About::Reaction { post, .. } = about {
        keys.push(keys::own_post(user, *post));
        keys.push(keys::reaction(*post, user));
        keys.extend(actor.map(|actor| keys::reaction(*post, actor)));
        return keys;
    }
    keys.extend(about.post().map(keys::post_reference));
    if let (Some(post), Some(path)) = (about.post(), about.comment())
        && !matches!(about, About::CommentRejected { .. })
    {
        keys.push(keys::comment(post, path));
    }
    if let (Some(actor), Some(by)) = (actor, about.by_post()) {
        keys.push(keys::own_post(*actor, by));
    }
    if let About::Follow { follower } = about {
        keys.push(keys::follow(*follower, user));
    }
    keys
}
