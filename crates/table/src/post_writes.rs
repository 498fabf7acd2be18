//! How a post is written: in one transaction with everything that follows from it, namely the lists that it is in,
//! the counts that it is part of, its versions, and what leads to it.
//!
//! Each write is made from the post before and the post after, either of which may be missing, so creating, changing
//! and deleting are one thing.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AuditEntry, DAY_SECONDS, MediaId, Post, PostId, PostKind, PostReference, PostStatus, PostText, Revision, Tag,
    Timestamp, User,
};

use crate::audit::record;
use crate::counts::Target;
use crate::keys::{self, Key};
use crate::marks::{Mark, change_mark};
use crate::posts::{Redirect, deflated};
use crate::tags::label_tag;
use crate::write::Write;
use crate::{Entity, Item, Refused, Table};

/// The maximum number of pinned posts.
pub const MAX_PINNED: usize = 10;

/// A write of a post.
#[derive(Clone, Copy)]
pub enum PostWrite<'a> {
    /// Creates a post. [`Refused::AlreadyDone`] if an earlier try of the same request created it, [`Refused::SlugTaken`]
    /// if another post has the slug, [`Refused::Changed`] if the profile of `author`, which the post copies, is no longer
    /// this one, [`Refused::AlreadyReposted`] for a second repost.
    Create {
        /// The post.
        post: &'a Post,
        /// Its text.
        text: &'a PostText,
        /// Its author.
        author: &'a User,
    },
    /// Changes a post. [`Refused::Changed`] if `old` is no longer what is stored.
    Update {
        /// The post as it was read.
        old: &'a Post,
        /// The post as it is to be, made by [`Post::edit`] or its kin.
        new: &'a Post,
        /// The text, if `new.text_version` differs from `old`'s.
        text: Option<&'a PostText>,
        /// What the audit log says of it, if it is an editor's doing.
        audit: Option<&'a AuditEntry>,
    },
    /// Deletes a post. [`Refused::Changed`] if it is no longer what is stored.
    Delete {
        /// The post as it was read.
        post: &'a Post,
    },
}

impl Table {
    /// Writes a post and all that goes with it.
    pub async fn write_post(&self, write: PostWrite<'_>, now: Timestamp) -> Result<(), Refused> {
        let (old, new, text, author, audit) = match write {
            PostWrite::Create { post, text, author } => (None, Some(post), Some(text), Some(author), None),
            PostWrite::Update { old, new, text, audit } => (Some(old), Some(new), text, None, audit),
            PostWrite::Delete { post } => (Some(post), None, None, None, None),
        };
        // The first condition that fails is what is answered, and a new post does not give way to itself.
        let mut writes: Vec<_> = reference(old, new)?.into_iter().collect();
        writes.extend(own_items(old, new)?);
        writes.extend(list_items(old, new)?);
        writes.extend(count_for_author(old, new, author));
        writes.extend(count_for_site(old, new).filter(|_| self.counts_posts));
        writes.extend(count_tags(old, new, now));
        writes.extend(count_pinned(old, new));
        writes.extend(self.count_for_others(old, new).await?);
        writes.extend(self.move_own_counts(old, new).await?);
        writes.extend(count_for_day(old, new, self.posts_per_day, now));
        writes.extend(self.mark_reposted(old, new).await?);
        writes.extend(media_uses(old, new));
        if let Some(post) = new {
            writes.extend(versions(old, post, text)?);
        }
        writes.extend(record(audit)?);
        self.write(writes).await
    }

    /// Keeps the mark that makes a repost happen once for each user.
    async fn mark_reposted(&self, old: Option<&Post>, new: Option<&Post>) -> Result<Option<Write>, Refused> {
        let of = |post: &Post| post.quote_of.filter(|_| post.kind == PostKind::Repost).map(|id| (post.author.id, id));
        Ok(match (old.and_then(of), new.and_then(of), new) {
            (None, Some((user, original)), Some(repost)) => {
                let id = AttributeValue::S(repost.id.to_string());
                let mark = Write::set(keys::mark(user, original), "reposted_as", id);
                Some(
                    mark.and_set("type", AttributeValue::S(Mark::TYPE.to_owned()))
                        .on_condition("attribute_not_exists(reposted_as)")
                        .on_condition_failed(Refused::AlreadyReposted),
                )
            }
            (Some((user, original)), None, _) => {
                let mark = self.mark(user, original).await?;
                Some(change_mark(user, original, &mark, &Mark { reposted_as: None, ..mark.clone() })?)
            }
            _ => None,
        })
    }

    /// Keeps the counts of replies and reposts of other posts.
    async fn count_for_others(&self, old: Option<&Post>, new: Option<&Post>) -> Result<Vec<Write>, Refused> {
        let mut changes: BTreeMap<PostId, BTreeMap<&str, i64>> = BTreeMap::new();
        for (post, by) in [(old, -1), (new, 1)] {
            let Some(post) = post.filter(|post| post.is_published()) else { continue };
            let repost = post.quote_of.filter(|_| post.kind == PostKind::Repost).map(|id| (id, "reposts"));
            for (id, name) in repost.into_iter().chain(post.reply_to.map(|id| (id, "replies"))) {
                *changes.entry(id).or_default().entry(name).or_default() += by;
            }
        }
        let mut writes = Vec::new();
        let Some(member) = new.or(old).map(|post| post.id.to_string()) else { return Ok(writes) };
        for (id, changes) in changes {
            if changes.values().all(|by| *by == 0) {
                continue;
            }
            // Of a post that is gone nobody counts anything. One that is deleted or renamed at this moment is seen to by
            // `copy_counts`: to ask for it in the transaction would let all who reply wait for each other.
            if let Some(slug) = self.slug_of(id).await? {
                writes.push(Target::Post(id, &slug).count(&member, changes));
            }
        }
        Ok(writes)
    }

    /// Takes along what others count in a post whose slug changes. Drafts have nothing of that: only what was published
    /// once is answered.
    async fn move_own_counts(&self, old: Option<&Post>, new: Option<&Post>) -> Result<Vec<Write>, Refused> {
        match (old, new) {
            (Some(old), Some(new)) if old.slug != new.slug && old.published_at.is_some() => {
                let shards = self.counts_of_post(old.id, &old.slug).await?;
                Ok(shards.iter().flat_map(|shard| shard.moved(Target::Post(new.id, &new.slug))).collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// The post's own item and, when its slug changes, what it leaves behind.
fn own_items(old: Option<&Post>, new: Option<&Post>) -> Result<Vec<Write>, Refused> {
    Ok(match (old, new) {
        (None, None) => Vec::new(),
        (None, Some(new)) => vec![
            Write::put(keys::post(&new.slug), new)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::SlugTaken),
        ],
        (Some(old), None) => vec![unchanged(Write::delete(keys::post(&old.slug)), old)],
        (Some(old), Some(new)) if old.slug == new.slug => {
            vec![unchanged(Write::update(keys::post(&old.slug), old, new)?, old)]
        }
        (Some(old), Some(new)) => vec![
            unchanged(Write::put(keys::post(&old.slug), &Redirect { moved: old.id })?, old),
            Write::delete(keys::markdown(&old.slug)),
            Write::delete(keys::html(&old.slug)),
            // A slug that the post had before leads to itself; it may have it back.
            Write::put(keys::post(&new.slug), new)?
                .on_condition("attribute_not_exists(pk) OR moved = :own_id")
                .with_value(":own_id", AttributeValue::S(new.id.to_string()))
                .on_condition_failed(Refused::SlugTaken),
            Write::put_item(keys::former_slug(old.id, &old.slug), "former_slug", Item::new()),
        ],
    })
}

/// Only if nobody has written the post since it was read. What others count in it does not matter.
pub(crate) fn unchanged(write: Write, old: &Post) -> Write {
    write
        .on_condition("writes = :writes")
        .with_value(":writes", number(old.writes))
        .on_condition_failed(Refused::Changed)
}

/// What leads to the post by its id.
fn reference(old: Option<&Post>, new: Option<&Post>) -> Result<Option<Write>, Refused> {
    Ok(match (old.map(|old| (old.id, PostReference::from(old))), new.map(|new| (new.id, PostReference::from(new)))) {
        (Some((_, old)), Some((_, new))) if old == new => None,
        (Some((id, old)), Some((_, new))) => {
            let update = Write::update(keys::post_reference(id), &old, &new)?;
            Some(update.on_condition_failed(Refused::Changed))
        }
        (None, Some((id, new))) => Some(
            Write::put(keys::post_reference(id), &new)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::AlreadyDone),
        ),
        (Some((id, _)), None) => Some(Write::delete(keys::post_reference(id))),
        (None, None) => None,
    })
}

fn list_items(old: Option<&Post>, new: Option<&Post>) -> Result<Vec<Write>, Refused> {
    let listed = old.map(keys::list_items).unwrap_or_default();
    let list = new.map(keys::list_items).unwrap_or_default();
    let mut writes: Vec<_> = listed.iter().filter(|key| !list.contains(key)).cloned().map(Write::delete).collect();
    for key in list {
        writes.push(match (old, new) {
            (Some(old), Some(new)) if listed.contains(&key) => Write::update(key, old, new)?,
            (_, Some(new)) => Write::put(key, new)?,
            (_, None) => continue,
        });
    }
    Ok(writes)
}

/// Keeps the author's count of published posts. A new post asks, in the same breath, that the author is still what the
/// post says of them.
fn count_for_author(old: Option<&Post>, new: Option<&Post>, author: Option<&User>) -> Option<Write> {
    let by = published_by(old, new);
    let profile = keys::profile(new.or(old)?.author.id);
    match (by, author) {
        (0, None) => None,
        (0, Some(author)) => {
            Some(Write::check(profile).at_version(author.version).on_condition_failed(Refused::Changed))
        }
        (by, Some(author)) => {
            let count = Write::add(profile, "posts", by);
            Some(count.at_version(author.version).on_condition_failed(Refused::Changed))
        }
        (by, None) => Some(Write::add(profile, "posts", by)),
    }
}

/// Keeps the blog's count of published posts.
fn count_for_site(old: Option<&Post>, new: Option<&Post>) -> Option<Write> {
    let (by, member) = (published_by(old, new), new.or(old)?.id.to_string());
    (by != 0).then(|| Target::Site.count(&member, [("posts", by)]))
}

/// By how many published posts there are more, reposts apart.
fn published_by(old: Option<&Post>, new: Option<&Post>) -> i64 {
    let is_counted = |post: &Post| i64::from(post.is_published() && post.kind != PostKind::Repost);
    new.map_or(0, is_counted) - old.map_or(0, is_counted)
}

/// Keeps each tag's count of published posts, and how the tag was typed last, if that is kept.
fn count_tags(old: Option<&Post>, new: Option<&Post>, now: Timestamp) -> Vec<Write> {
    let tags = |post: Option<&Post>| -> Vec<_> {
        let post = post.filter(|post| post.is_published());
        post.into_iter().flat_map(|post| post.details.tags.iter().cloned()).collect()
    };
    let (before, after) = (tags(old), tags(new));
    let gone = before.iter().filter(|tag| !after.contains(tag)).map(|tag| (tag, -1));
    let come = after.iter().filter(|tag| !before.contains(tag)).map(|tag| (tag, 1));
    let label = |post: Option<&Post>, tag: &Tag| Some(post?.tag_labels.as_ref()?.show(tag).to_owned());
    let is_relabelled = |tag: &&Tag| before.contains(tag) && label(old, tag) != label(new, tag);
    let relabelled = after.iter().filter(is_relabelled).map(|tag| (tag, 0));
    let Some(member) = new.or(old).map(|post| post.id.to_string()) else { return Vec::new() };
    let count = |(tag, by): (&Tag, i64)| {
        let count = Target::Tag(tag).count(&member, [("posts", by)]);
        match label(new, tag).filter(|_| by >= 0) {
            Some(label) => label_tag(count, label, now),
            None => count,
        }
    };
    gone.chain(come).chain(relabelled).map(count).collect()
}

/// Keeps the count of pinned posts, and its limit.
fn count_pinned(old: Option<&Post>, new: Option<&Post>) -> Option<Write> {
    let is_pinned = |post: Option<&Post>| i64::from(post.is_some_and(|post| post.pinned_at.is_some()));
    let by = is_pinned(new) - is_pinned(old);
    let count = (by != 0).then(|| Write::count(keys::pinned_count(), "count", "posts", by))?;
    Some(if by < 0 {
        count
    } else {
        count
            .on_condition("attribute_not_exists(posts) OR posts < :max")
            .with_value(":max", number(MAX_PINNED as u64))
            .on_condition_failed(Refused::TooManyPinned)
    })
}

/// The day that a post takes a place of among those that its author may publish, if it can still give it back.
fn scheduled_day(post: Option<&Post>) -> Option<Timestamp> {
    let post = post.filter(|post| post.status == PostStatus::Scheduled && post.published_at.is_none())?;
    post.publish_at.map(Timestamp::day)
}

/// Keeps the count of what an author publishes on a day (UTC), if the stack limits it. A post counts once, when it is
/// published for the first time: on the day when that happens or, if it is scheduled, from then on for the day that it
/// is scheduled for.
fn count_for_day(old: Option<&Post>, new: Option<&Post>, max: u32, now: Timestamp) -> Vec<Write> {
    let Some(author) = new.or(old).filter(|post| max > 0 && post.kind != PostKind::Repost) else { return Vec::new() };
    let author = author.author.id;
    let before = scheduled_day(old);
    let was_published = old.is_some_and(|old| old.published_at.is_some());
    let after = match new {
        Some(new) if new.is_published() && !was_published => {
            // One whose time has come has had its place since it was scheduled.
            let due = old.is_some_and(|old| old.is_due(now));
            Some(before.filter(|_| due).unwrap_or(now.day()))
        }
        new => scheduled_day(new),
    };
    if before == after {
        return Vec::new();
    }
    let count = |day: Timestamp, by| {
        let forgotten = AttributeValue::N(day.plus_seconds(2 * DAY_SECONDS).seconds().to_string());
        let count = Write::count(keys::published_on(author, day), "published_on", "posts", by);
        count.and_set("expires_at", forgotten)
    };
    let mut writes: Vec<_> = before.into_iter().map(|day| count(day, -1)).collect();
    if let Some(wanted) = after {
        let refusal = Refused::DailyLimit { day: wanted, max };
        writes.push(
            count(wanted, 1)
                .on_condition("attribute_not_exists(posts) OR posts < :max")
                .with_value(":max", number(u64::from(max)))
                .on_condition_failed(refusal),
        );
    }
    writes
}

/// Which pictures the post shows.
fn media_uses(old: Option<&Post>, new: Option<&Post>) -> Vec<Write> {
    let of = |post: Option<&Post>| -> BTreeMap<MediaId, Key> {
        let media = post.into_iter().flat_map(|post| post.media.iter().map(move |media| (post, *media)));
        media.map(|(post, media)| (media, keys::media_use(post.author.id, media, post.id))).collect()
    };
    let (before, after) = (of(old), of(new));
    let gone = before.iter().filter(|(media, _)| !after.contains_key(media)).map(|(_, key)| Write::delete(key.clone()));
    let come = after.iter().filter(|(media, _)| !before.contains_key(media));
    gone.chain(come.map(|(_, key)| Write::put_item(key.clone(), "media_use", Item::new()))).collect()
}

/// The text where it is read, and what is kept of each version.
fn versions(old: Option<&Post>, new: &Post, text: Option<&PostText>) -> Result<Vec<Write>, Refused> {
    let mut writes = Vec::new();
    if new.kind == PostKind::Repost {
        return Ok(writes);
    }
    let is_new = |count: fn(&Post) -> u64| old.is_none_or(|old| count(old) != count(new));
    if is_new(|post| post.version) {
        writes.push(Write::put(keys::revision(new.id, new.version), &Revision::from(new))?);
    }
    if let Some(text) = text {
        let item = |key: Key, kind, text: &str| {
            let item = Item::from([
                // Whose it is: a slug may have gone to another post by the time that this is deleted.
                ("post".to_owned(), AttributeValue::S(new.id.to_string())),
                ("version".to_owned(), number(new.text_version)),
                ("deflated".to_owned(), deflated(text)?),
            ]);
            Ok::<_, Refused>(Write::put_item(key, kind, item))
        };
        writes.push(item(keys::markdown(&new.slug), "markdown", &text.markdown)?);
        writes.push(item(keys::html(&new.slug), "html", &text.html)?);
        if is_new(|post| post.text_version) {
            writes.push(item(keys::revision_text(new.id, new.text_version), "text", &text.markdown)?);
        }
    }
    Ok(writes)
}

pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}
