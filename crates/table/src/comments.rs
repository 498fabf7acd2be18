//! Access patterns of comments.
//!
//! A comment that everybody sees stands in the partition of its post, at its path, so that a page of a thread is one query
//! in reading order. One that waits for an editor stands in a partition of its own: a public page never reads what it does
//! not show. A published comment that has to wait again leaves a placeholder, since its replies stay; so does one that is
//! deleted while it has replies. What else there is of a comment (what leads from its id to it, the list of its author's
//! comments, the moderation queue) comes and goes in the same transaction. Why so: docs/adr/0025.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::audit::record;
use crate::counts::Target;
use crate::keys::{self, Key};
use crate::notifications::tell;
use crate::post_writes::number;
use crate::posts::{deflated, inflated};
use crate::write::Write;
use crate::{Consistency, Cursor, Entity, Item, Query, Refused, SortKeys, Table, attributes, read, sort_key};
use domain::{
    AuditEntry, Comment, CommentId, CommentPath, CommentStatus, Denied, Limit, Notification, Page, PostAuthor, PostId,
    PostText, Subject, Timestamp, User, UserId,
};

/// The maximum size of the texts of a page, in bytes: a page of larger ones has fewer comments than were asked for. A byte
/// may be six in JSON, and Lambda's answers have at most 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_PAGE_BYTES: usize = 900_000;

/// A comment as it is stored, apart from its text and from what its key says.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredComment {
    status: CommentStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<PostAuthor>,
    replies: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    writes: u64,
}

/// Which post a comment is on, and where in its thread.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    pub post: PostId,
    pub path: String,
    /// Whether only a placeholder is there any more. Said where the comment's id leads to it, and nowhere else: from there the
    /// stream tells that a comment is deleted, and tells it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl Entity for StoredComment {
    const TYPE: &'static str = "comment";
}

impl StoredComment {
    fn into_comment(self, post: PostId, path: CommentPath, text: PostText) -> Comment {
        let Self { status, author, replies, created_at, updated_at, version, writes } = self;
        Comment { post, path, status, author, text, replies, has_place: true, created_at, updated_at, version, writes }
    }
}

impl Entity for Place {
    const TYPE: &'static str = "comment_place";
}

impl Place {
    pub fn of(comment: &Comment) -> Self {
        Self { post: comment.post, path: comment.path.to_string(), deleted: false }
    }

    pub fn path(&self) -> Result<CommentPath, Refused> {
        self.path.parse().map_err(Refused::internal)
    }

    /// The keys of the comment where everybody sees it and where it waits for an editor.
    pub fn keys(&self) -> Result<[Key; 2], Refused> {
        let path = self.path()?;
        Ok([keys::comment(self.post, &path), keys::held_comment(self.post, &path)])
    }
}

/// Which held comments a page of a thread shows besides the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldComments {
    /// None.
    None,
    /// Those of this user.
    By(UserId),
    /// All.
    All,
}

/// What else is written when an editor decides on a comment; nothing when its author changes it.
#[derive(Clone, Copy, Default)]
pub struct Decided<'a> {
    /// By which the comment's author is told.
    pub told: Option<&'a Notification>,
    /// What the audit log says of it.
    pub audit: Option<&'a AuditEntry>,
}

/// How far somebody has come who goes through all comments of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommenterPlace {
    after: String,
    /// Whether it is the second time: a comment that is held meanwhile goes to where the first has been already.
    again: bool,
}

impl Table {
    /// The comment with this id, published, held or deleted.
    pub async fn comment(&self, id: CommentId, consistency: Consistency) -> Result<Option<Comment>, Refused> {
        let place: Option<Place> = self.get(&keys::comment_place(id), consistency).await?;
        let Some(place) = place else { return Ok(None) };
        Ok(self.comments_at(&[place], consistency).await?.pop())
    }

    /// The comments at these places, in their order. What is not there is left out.
    pub(crate) async fn comments_at(
        &self,
        places: &[Place],
        consistency: Consistency,
    ) -> Result<Vec<Comment>, Refused> {
        let mut wanted = HashSet::new();
        for place in places {
            wanted.extend(place.keys()?);
        }
        let mut found: HashMap<Key, Item> = HashMap::new();
        for item in self.batch_get(&wanted, consistency).await? {
            let key = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
            found.insert(Key { pk: key("pk"), sk: key("sk") }, item);
        }
        let mut comments = Vec::new();
        for place in places {
            let [public, held] = place.keys()?;
            comments.extend(comment_of(place.post, found.remove(&public), found.remove(&held))?);
        }
        Ok(comments)
    }

    /// A page of a post's comments in reading order: oldest first, each followed by its replies.
    pub async fn comments(
        &self,
        post: PostId,
        held: HeldComments,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Comment>, Refused> {
        let name = keys::comments(post).name();
        let start = self.verify_cursor(cursor, &name).await?.map(|cursor| cursor.after);
        let (items, last) = self.comments_after(post, held, start.as_deref(), limit.get(), consistency).await?;
        let next_cursor = match last {
            Some(last) => Some(self.sign_cursor(&Cursor::after(&last), &name).await?),
            None => None,
        };
        Ok(Page { items, next_cursor })
    }

    /// The beginning of a post's thread, in the same order: up to `max` comments, and as much text as a page may have; strongly
    /// consistent.
    pub async fn thread(&self, post: PostId, held: HeldComments, max: usize) -> Result<Vec<Comment>, Refused> {
        Ok(self.comments_after(post, held, None, max, Consistency::Strong).await?.0)
    }

    /// Up to `limit` comments after the path `start`, and the path of the last of them if there are more.
    async fn comments_after(
        &self,
        post: PostId,
        held: HeldComments,
        start: Option<&str>,
        limit: usize,
        consistency: Consistency,
    ) -> Result<(Vec<Comment>, Option<String>), Refused> {
        // One more than the page holds tells whether there is a next page.
        let max = limit + 1;
        let public = async {
            let partition = keys::comments(post).partition;
            let query = Query::of(&partition, SortKeys::Any, consistency);
            self.query(Query { start, limit: Some(max), ..query }).await
        };
        let held = self.held_comments(post, held, start, max);
        let (public, held) = tokio::try_join!(public, held)?;

        // Each is complete up to the place where it ends, and the page ends before both.
        let mut at: BTreeMap<String, (Option<Item>, Option<Item>)> = BTreeMap::new();
        for item in public {
            let path = sort_key(&item).unwrap_or_default().to_owned();
            at.entry(path).or_default().0 = Some(item);
        }
        for item in held {
            let path = sort_key(&item).unwrap_or_default().to_owned();
            at.entry(path).or_default().1 = Some(item);
        }
        let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
        let total = at.len();
        for (path, (public, held)) in at {
            let Some(comment) = comment_of(post, public, held)? else { continue };
            bytes += comment.text.markdown.len() + comment.text.html.len();
            if items.len() == limit || (bytes > MAX_PAGE_BYTES && !items.is_empty()) {
                break;
            }
            items.push(comment);
            last = Some(path);
        }
        let last = last.filter(|_| items.len() < total);
        Ok((items, last))
    }

    async fn held_comments(
        &self,
        post: PostId,
        held: HeldComments,
        start: Option<&str>,
        max: usize,
    ) -> Result<Vec<Item>, Refused> {
        let user = match held {
            HeldComments::None => return Ok(Vec::new()),
            HeldComments::All => {
                let partition = keys::held_comments(post).partition;
                let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
                return self.query(Query { start, limit: Some(max), ..query }).await;
            }
            HeldComments::By(user) => user,
        };
        let (partition, prefix) = (keys::commenter_partition(user), keys::held_comment_prefix(post));
        let start = start.map(|start| format!("{prefix}{start}"));
        let query = Query::of(&partition, SortKeys::Prefix(&prefix), Consistency::Strong);
        let own = self.query(Query { start: start.as_deref(), limit: Some(max), ..query }).await?;
        let mut wanted = HashSet::new();
        for item in own {
            let [_, held] = read::<Place>(item)?.keys()?;
            wanted.insert(held);
        }
        if wanted.is_empty() { Ok(Vec::new()) } else { self.batch_get(&wanted, Consistency::Strong).await }
    }

    /// Whether a user has a published comment.
    pub async fn has_published_comment(&self, user: UserId) -> Result<bool, Refused> {
        let partition = keys::commenter_partition(user);
        let prefix = SortKeys::Prefix(keys::PUBLISHED_COMMENT_PREFIX);
        let query = Query::of(&partition, prefix, Consistency::Strong);
        Ok(!self.query(Query { limit: Some(1), ..query }).await?.is_empty())
    }

    /// Writes a new comment. [`Refused::AlreadyDone`] if an earlier try of the same request did, [`Refused::Changed`] if the
    /// profile of `author`, which the comment copies, is no longer this one, [`Denied::ParentNotFound`] if the comment that
    /// it answers is no longer published.
    pub async fn create_comment(&self, comment: &Comment, author: &User) -> Result<(), Refused> {
        self.write_comment(None, Some(comment), Some(author), Decided::default()).await
    }

    /// Changes a comment. [`Refused::Changed`] if `old` is no longer what is stored, [`Denied::ParentDeleted`] if it is to be
    /// published and the comment that it answers is gone.
    pub async fn update_comment(&self, old: &Comment, new: &Comment) -> Result<(), Refused> {
        self.write_comment(Some(old), Some(new), None, Decided::default()).await
    }

    /// The same as an editor's decision.
    pub async fn approve_comment(&self, old: &Comment, new: &Comment, decided: Decided<'_>) -> Result<(), Refused> {
        self.write_comment(Some(old), Some(new), None, decided).await
    }

    /// Deletes a comment: leaves the placeholder `left`, or nothing, and then no placeholder above it either that has no
    /// other reply. [`Refused::Changed`] if it is no longer what is stored.
    pub async fn delete_comment(
        &self,
        old: &Comment,
        left: Option<&Comment>,
        decided: Decided<'_>,
    ) -> Result<(), Refused> {
        self.write_comment(Some(old), left, None, decided).await
    }

    /// Writes a comment with everything that follows from it. As for posts, each write is made from the comment before and
    /// the comment after, either of which may be missing.
    async fn write_comment(
        &self,
        old: Option<&Comment>,
        new: Option<&Comment>,
        author: Option<&User>,
        Decided { told, audit }: Decided<'_>,
    ) -> Result<(), Refused> {
        let Some(any) = new.or(old) else { return Ok(()) };
        // The first condition that fails is what is answered.
        let mut writes: Vec<_> = place(old, new)?.into_iter().collect();
        writes.extend(own_items(old, new)?);
        writes.extend(self.count_in_parent(old, new).await?);
        writes.extend(list_item_of_author(old, new)?);
        writes.extend(queue_entries(old, new)?);
        if let Some(author) = author {
            let unchanged = Write::check(keys::profile(author.id)).at_version(author.version);
            writes.push(unchanged.on_condition_failed(Refused::Changed));
        }
        if let (Some(told), Some(author)) = (told, old.and_then(|old| old.author.as_ref())) {
            writes.extend(tell(author.id, told)?);
        }
        let is_counted = |comment: Option<&Comment>| i64::from(comment.is_some_and(Comment::is_published));
        let by = is_counted(new) - is_counted(old);
        // Of a post that is gone nobody counts anything. One that is removed or renamed at this moment is seen to by
        // `copy_counts`.
        if by != 0
            && let Some(slug) = self.slug_of(any.post).await?
        {
            writes.push(Target::Post(any.post, &slug).count(&any.id().to_string(), [("comments", by)]));
        }
        writes.extend(record(audit)?);
        self.write(writes).await
    }

    /// Keeps the number of replies of the comment that this one answers. One that takes its place asks, in the same breath,
    /// whether that comment is still there; one that gives it up takes along the placeholders above it that had no other.
    async fn count_in_parent(&self, old: Option<&Comment>, new: Option<&Comment>) -> Result<Vec<Write>, Refused> {
        let Some(any) = new.or(old) else { return Ok(Vec::new()) };
        let Some(parent) = any.path.parent() else { return Ok(Vec::new()) };
        let has_place = |comment: Option<&Comment>| comment.is_some_and(|comment| comment.has_place);
        let parent = keys::comment(any.post, &parent);
        Ok(match (has_place(old), has_place(new)) {
            (false, true) if old.is_some() => {
                vec![Write::add(parent, "replies", 1).on_condition_failed(Denied::ParentDeleted.into())]
            }
            (false, true) => vec![published(Write::add(parent, "replies", 1))],
            (false, false) if old.is_none() => vec![published(Write::check(parent))],
            (true, false) => self.count_in_ancestors(any).await?,
            _ => Vec::new(),
        })
    }

    async fn count_in_ancestors(&self, gone: &Comment) -> Result<Vec<Write>, Refused> {
        let mut writes = Vec::new();
        for path in gone.path.ancestors() {
            let key = keys::comment(gone.post, &path);
            // It cannot be gone while a comment below it has its place; if it is, so is that one.
            let item = self.get_item(&key, Consistency::Strong).await?.ok_or(Refused::Changed)?;
            let ancestor = read_comment(gone.post, item)?;
            let is_deleted = ancestor.status == CommentStatus::Deleted;
            if !is_deleted || ancestor.replies != 1 {
                // One that is deleted at this moment must not become a placeholder for nothing.
                let condition = if is_deleted { "replies > :one" } else { "replies >= :one" };
                let count = with_status(Write::add(key, "replies", -1), &ancestor, condition);
                writes.push(count.with_value(":one", number(1)));
                break;
            }
            writes.push(with_status(Write::delete(key), &ancestor, "replies = :one").with_value(":one", number(1)));
            writes.push(Write::delete(keys::comment_place(path.id())));
        }
        Ok(writes)
    }

    /// Deletes comments of a post that is gone, at most `max`. Says whether there was none any more.
    pub async fn delete_comments_of_post(&self, post: PostId, max: usize) -> Result<bool, Refused> {
        for list in [keys::comments(post), keys::held_comments(post)] {
            let query = Query::of(&list.partition, SortKeys::Any, Consistency::Strong);
            let items = self.query(Query { limit: Some(max), ..query }).await?;
            if items.is_empty() {
                continue;
            }
            for item in items {
                let comment = read_comment(post, item)?;
                let mut keys = vec![
                    keys::comment(post, &comment.path),
                    keys::held_comment(post, &comment.path),
                    keys::comment_place(comment.id()),
                    keys::held_entry(comment.id()),
                    keys::reported_entry(comment.id()),
                ];
                keys.extend(keys::comment_of_author(&comment));
                self.write(keys.into_iter().map(Write::delete).collect()).await?;
            }
            return Ok(false);
        }
        Ok(true)
    }

    /// Comments of a user that have an author still, at most `max`, after `place`; and the place where to go on, if these were
    /// not all.
    pub async fn comments_of_user(
        &self,
        user: UserId,
        place: Option<CommenterPlace>,
        max: usize,
    ) -> Result<(Vec<Comment>, Option<CommenterPlace>), Refused> {
        let partition = keys::commenter_partition(user);
        let start = place.as_ref().map(|place| place.after.as_str()).filter(|after| !after.is_empty());
        let again = place.as_ref().is_some_and(|place| place.again);
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { start, limit: Some(max), ..query }).await?;
        let next = match items.last().and_then(sort_key) {
            Some(last) if items.len() == max => Some(CommenterPlace { after: last.to_owned(), again }),
            _ if again => None,
            _ => Some(CommenterPlace { after: String::new(), again: true }),
        };
        let places = items.into_iter().map(read).collect::<Result<Vec<Place>, _>>()?;
        Ok((self.comments_at(&places, Consistency::Strong).await?, next))
    }

    /// Brings the author in comments of a user up to what their profile says now; otherwise as
    /// [`comments_of_user`](Self::comments_of_user). Not an edit: versions stay. A place may be gone back to.
    pub async fn rewrite_commenter(
        &self,
        user: UserId,
        place: Option<CommenterPlace>,
        max: usize,
    ) -> Result<Option<CommenterPlace>, Refused> {
        let Some(profile) = self.user(user, Consistency::Strong).await? else { return Ok(None) };
        let author = Some(PostAuthor::from(&profile));
        let (comments, next) = self.comments_of_user(user, place, max).await?;
        for comment in comments {
            self.attribute(comment, user, author.as_ref()).await?;
        }
        Ok(next)
    }

    /// Takes the author out of comments of a user who leaves, at most `max`. Says whether there was none any more.
    pub async fn anonymise_comments_of(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let partition = keys::commenter_partition(user);
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { limit: Some(max), ..query }).await?;
        let none = items.is_empty();
        for item in items {
            let listed = Key { pk: partition.clone(), sk: sort_key(&item).unwrap_or_default().to_owned() };
            let comment = self.comments_at(&[read(item)?], Consistency::Strong).await?.pop();
            match comment.filter(|comment| comment.is_by(user)) {
                Some(comment) => {
                    // Before, because the list no longer leads to the comment after. What somebody is told meanwhile is not shown.
                    self.withdraw_all(Subject::Comment(comment.id())).await?;
                    // What is listed goes in the transaction that takes the author out.
                    self.attribute(comment, user, None).await?;
                }
                None => self.delete_item(&listed).await?,
            }
        }
        Ok(none)
    }

    /// Gives a comment of this user this author, however often others write it meanwhile.
    async fn attribute(&self, mut comment: Comment, user: UserId, author: Option<&PostAuthor>) -> Result<(), Refused> {
        while comment.is_by(user) && comment.author.as_ref() != author {
            let next = comment.attributed(author.cloned());
            match self.update_comment(&comment, &next).await {
                Err(Refused::Changed) => {}
                outcome => return outcome,
            }
            match self.comments_at(&[Place::of(&comment)], Consistency::Strong).await?.pop() {
                Some(current) => comment = current,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// What leads from a comment's id to the comment.
fn place(old: Option<&Comment>, new: Option<&Comment>) -> Result<Option<Write>, Refused> {
    Ok(match (old, new) {
        (None, Some(new)) => Some(
            Write::put(keys::comment_place(new.id()), &Place::of(new))?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::AlreadyDone),
        ),
        (Some(old), None) => Some(Write::delete(keys::comment_place(old.id()))),
        (Some(old), Some(new)) if new.status == CommentStatus::Deleted && old.status != new.status => Some(
            Write::set(keys::comment_place(new.id()), "deleted", AttributeValue::Bool(true))
                .on_condition_failed(Refused::Changed),
        ),
        _ => None,
    })
}

/// The comment where everybody sees it and where it waits for an editor.
fn own_items(old: Option<&Comment>, new: Option<&Comment>) -> Result<Vec<Write>, Refused> {
    let mut writes = Vec::new();
    let public = |comment: Option<&Comment>| comment.filter(|comment| comment.has_place).map(public_item).transpose();
    let held = |comment: Option<&Comment>| comment.filter(|comment| comment.is_held()).map(whole_item).transpose();
    let Some(any) = new.or(old) else { return Ok(writes) };
    let (old_held, new_held) = (held(old)?, held(new)?);
    let key = keys::held_comment(any.post, &any.path);
    writes.extend(match (old_held, new_held) {
        (None, None) => None,
        (None, Some(item)) => Some(Write::put_item(key, StoredComment::TYPE, item)),
        (Some(old_item), Some(item)) => old.map(|old| unchanged(Write::update_item(key, old_item, item), old)),
        (Some(_), None) => old.map(|old| unchanged(Write::delete(key), old)),
    });
    let key = keys::comment(any.post, &any.path);
    writes.extend(match (public(old)?, public(new)?, old) {
        (None, Some(item), _) => Some(Write::put_item(key, StoredComment::TYPE, item)),
        // The placeholder of a held comment stays as it is until the comment leaves that state.
        (Some(_), Some(_), Some(old)) if old.is_held() && new.is_some_and(Comment::is_held) => None,
        // That of a comment which was held says what it said then, so all of it is written.
        (Some(_), Some(item), Some(old)) if old.is_held() => {
            let put = Write::put_item(key, StoredComment::TYPE, item);
            Some(with_status(put, old, "replies = :replies").with_value(":replies", number(old.replies)))
        }
        (Some(old_item), Some(item), Some(old)) => {
            let update = unchanged(Write::update_item(key, old_item, item), old);
            // A placeholder is for replies.
            let is_deleted = new.is_some_and(|new| new.status == CommentStatus::Deleted);
            Some(if is_deleted {
                update.on_condition("writes = :writes AND replies > :zero").with_value(":zero", number(0))
            } else {
                update
            })
        }
        (Some(_), None, Some(old)) if old.is_held() => {
            Some(with_status(Write::delete(key), old, "replies = :zero").with_value(":zero", number(0)))
        }
        (Some(_), None, Some(old)) => {
            let delete = unchanged(Write::delete(key), old);
            Some(delete.on_condition("writes = :writes AND replies = :zero").with_value(":zero", number(0)))
        }
        _ => None,
    });
    Ok(writes)
}

/// The comment in the list of its author's.
fn list_item_of_author(old: Option<&Comment>, new: Option<&Comment>) -> Result<Vec<Write>, Refused> {
    let (before, after) = (old.and_then(keys::comment_of_author), new.and_then(keys::comment_of_author));
    if before == after {
        return Ok(Vec::new());
    }
    let mut writes: Vec<_> = before.map(Write::delete).into_iter().collect();
    if let (Some(key), Some(new)) = (after, new) {
        writes.push(Write::put(key, &Place::of(new))?);
    }
    Ok(writes)
}

/// The comment among those that editors should look at.
fn queue_entries(old: Option<&Comment>, new: Option<&Comment>) -> Result<Vec<Write>, Refused> {
    let is_held = |comment: Option<&Comment>| comment.is_some_and(Comment::is_held);
    let is_readable =
        |comment: Option<&Comment>| comment.is_some_and(|comment| comment.status != CommentStatus::Deleted);
    let mut writes = Vec::new();
    match (is_held(old), is_held(new)) {
        (false, true) => {
            if let Some(new) = new {
                writes.push(Write::put(keys::held_entry(new.id()), &Place::of(new))?);
            }
        }
        (true, false) => writes.extend(old.map(|old| Write::delete(keys::held_entry(old.id())))),
        _ => {}
    }
    let is_decided = is_held(old) && !is_held(new);
    if let Some(old) = old.filter(|_| is_decided || (is_readable(old) && !is_readable(new))) {
        writes.push(Write::delete(keys::reported_entry(old.id())));
    }
    Ok(writes)
}

/// Only if nobody has written the comment since it was read. Replies do not matter.
fn unchanged(write: Write, old: &Comment) -> Write {
    write
        .on_condition("writes = :writes")
        .with_value(":writes", number(old.writes))
        .on_condition_failed(Refused::Changed)
}

/// Only if the placeholder is still there, and `condition` holds.
fn with_status(write: Write, old: &Comment, condition: &str) -> Write {
    write
        .on_condition(format!("#status = :status AND {condition}"))
        .with_name("#status", "status")
        .with_value(":status", AttributeValue::S(old.status.as_str().to_owned()))
        .on_condition_failed(Refused::Changed)
}

/// Only if the comment, which a new one answers, is published.
fn published(write: Write) -> Write {
    write
        .on_condition("#status = :published")
        .with_name("#status", "status")
        .with_value(":published", AttributeValue::S(CommentStatus::Published.as_str().to_owned()))
        .on_condition_failed(Denied::ParentNotFound.into())
}

/// What everybody may read of a comment.
fn public_item(comment: &Comment) -> Result<Item, Refused> {
    if comment.is_published() { whole_item(comment) } else { whole_item(&comment.placeholder()) }
}

/// The attributes of a comment. Its text and what it is rendered as are deflated as one, because they are nearly the same:
/// so the HTML costs a list next to nothing.
fn whole_item(comment: &Comment) -> Result<Item, Refused> {
    let Comment { status, replies, created_at, updated_at, version, writes, .. } = *comment;
    let author = comment.author.clone();
    let mut item = attributes(&StoredComment { status, author, replies, created_at, updated_at, version, writes })?;
    let PostText { markdown, html } = &comment.text;
    if !markdown.is_empty() {
        item.insert("deflated".to_owned(), deflated(&format!("{}\n{markdown}{html}", markdown.len()))?);
    }
    Ok(item)
}

/// What is stored of a comment where everybody sees it and where it waits for an editor.
fn comment_of(post: PostId, public: Option<Item>, held: Option<Item>) -> Result<Option<Comment>, Refused> {
    let public = public.map(|item| read_comment(post, item)).transpose()?;
    let held = held.map(|item| read_comment(post, item)).transpose()?;
    Ok(match (public, held) {
        (Some(public), Some(held)) => Some(Comment { replies: public.replies, has_place: true, ..held }),
        (None, Some(held)) => Some(Comment { has_place: false, ..held }),
        (public, None) => public,
    })
}

/// A comment as the stream tells of it, without its text.
pub(crate) fn comment_without_text(post: PostId, path: &str, item: serde_dynamo::Item) -> Result<Comment, Refused> {
    let stored: StoredComment = serde_dynamo::from_item(item).map_err(Refused::internal)?;
    Ok(stored.into_comment(post, path.parse().map_err(Refused::internal)?, PostText::default()))
}

pub(crate) fn read_comment(post: PostId, item: Item) -> Result<Comment, Refused> {
    let path = sort_key(&item).unwrap_or_default().parse().map_err(Refused::internal)?;
    let text = if item.contains_key("deflated") {
        let text = inflated(&item)?;
        let (length, rest) =
            text.split_once('\n').ok_or_else(|| Refused::internal("a comment's text has no length"))?;
        let length = length.parse().map_err(Refused::internal)?;
        let (markdown, html) =
            rest.split_at_checked(length).ok_or_else(|| Refused::internal("a comment's text is too short"))?;
        PostText { markdown: markdown.to_owned(), html: html.to_owned() }
    } else {
        PostText::default()
    };
    Ok(read::<StoredComment>(item)?.into_comment(post, path, text))
}

/// The comment that an item of a thread counts, if it is published.
pub(crate) fn counted_comment(item: &Item) -> Option<String> {
    let status = AttributeValue::S(CommentStatus::Published.as_str().to_owned());
    let path = sort_key(item).filter(|_| item.get("status") == Some(&status))?;
    path.rsplit('/').next().map(str::to_owned)
}
