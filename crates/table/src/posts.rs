//! Access patterns of posts. How one is written is in [`post_writes`](super::post_writes).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::ops::ControlFlow;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AuditEntry, Denied, Slug, Timestamp, UserId};
use domain::{
    Limit, Page, Post, PostAuthor, PostId, PostKind, PostName, PostReference, PostStatus, PostText, ReactionKind,
};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::counts::Sums;
use crate::keys::{self, List};
use crate::post_writes::MAX_PINNED;
use crate::{Consistency, Cursor, Entity, Item, PostWrite, Query, Refused, SortKeys, Table, read, sort_key, type_of};

/// What is at a slug.
pub enum Slot<T> {
    /// A post.
    Post(T),
    /// The slug is an alias of this post, or this post had it.
    Moved(PostId),
}

/// At every slug that a post had, and at every alias of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Redirect {
    pub moved: PostId,
}

impl Entity for Post {
    const TYPE: &'static str = "post";
}

impl Entity for PostReference {
    const TYPE: &'static str = "reference";
}

impl Entity for Redirect {
    const TYPE: &'static str = "redirect";
}

/// How often a redirect is followed: a post may be renamed while it is looked for.
const MAX_REDIRECTS: usize = 5;

const RENAMED: &str = "the post is being renamed faster than it can be found";

impl Table {
    /// The post at a slug, or at the slug that it has now, with its text.
    pub async fn post_with_text(
        &self,
        slug: &Slug,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Option<(Post, PostText)>, Refused> {
        let mut slug = slug.clone();
        for _ in 0..MAX_REDIRECTS {
            match self.follow_redirect(self.slot_with_text(&slug, consistency, now).await?).await? {
                ControlFlow::Break(found) => return Ok(found),
                ControlFlow::Continue(current) => slug = current,
            }
        }
        Err(Refused::unavailable(RENAMED))
    }

    /// The post at a slug, or at the slug that it has now, without its text; strongly consistent.
    pub async fn post(&self, slug: &Slug, now: Timestamp) -> Result<Option<Post>, Refused> {
        let mut slug = slug.clone();
        for _ in 0..MAX_REDIRECTS {
            match self.follow_redirect(self.slot_with_counts(&slug, now).await?).await? {
                ControlFlow::Break(found) => return Ok(found),
                ControlFlow::Continue(current) => slug = current,
            }
        }
        Err(Refused::unavailable(RENAMED))
    }

    /// The post with this id, which had this slug a moment ago. None if it is gone, whoever has the slug now.
    pub async fn post_with_id(&self, id: PostId, slug: &Slug, now: Timestamp) -> Result<Option<Post>, Refused> {
        Ok(self.post(slug, now).await?.filter(|post| post.id == id))
    }

    /// What is at a slug: a post with its text, or a redirect.
    pub async fn slot_with_text(
        &self,
        slug: &Slug,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Option<Slot<(Post, PostText)>>, Refused> {
        let partition = keys::slug_partition(slug);
        let items = self.query_prefix(&partition, keys::POST_PREFIX, consistency).await?;
        if let Ok(slot) = read_slot_with_text(items, now)? {
            return Ok(slot);
        }
        // A query reads its items one by one, so one that runs beside a write may catch the post before it and
        // the text after. The write is complete by now; a consistent read sees all of it.
        let items = self.query_prefix(&partition, keys::POST_PREFIX, Consistency::Strong).await?;
        let torn = |Torn| Refused::unavailable("the post is being written faster than it can be read");
        read_slot_with_text(items, now)?.map_err(torn)
    }

    /// What is at a slug: a post without its text, or a redirect; strongly consistent.
    async fn slot_with_counts(&self, slug: &Slug, now: Timestamp) -> Result<Option<Slot<Post>>, Refused> {
        let partition = keys::slug_partition(slug);
        let sort_keys = SortKeys::Between(keys::POST_PREFIX, keys::POST_COUNTS_END);
        let items = self.query(Query::of(&partition, sort_keys, Consistency::Strong)).await?;
        let (own, counts) = items.into_iter().partition::<Vec<_>, _>(|item| sort_key(item) == Some(keys::POST_PREFIX));
        let slot = own.into_iter().next().map(|item| read_slot(item, now)).transpose()?.flatten();
        Ok(slot.map(|slot| with_counts(slot, &counts)))
    }

    /// What is at a slug, a post whose counts do not matter, or a redirect.
    async fn slot(&self, slug: &Slug, now: Timestamp) -> Result<Option<Slot<Post>>, Refused> {
        match self.get_item(&keys::post(slug), Consistency::Strong).await? {
            Some(item) => read_slot(item, now),
            None => Ok(None),
        }
    }

    /// What is found at a slug, or the slug to look at next.
    async fn follow_redirect<T>(&self, slot: Option<Slot<T>>) -> Result<ControlFlow<Option<T>, Slug>, Refused> {
        Ok(match slot {
            Some(Slot::Post(post)) => ControlFlow::Break(Some(post)),
            Some(Slot::Moved(id)) => self.slug_of(id).await?.map_or(ControlFlow::Break(None), ControlFlow::Continue),
            None => ControlFlow::Break(None),
        })
    }

    /// The slug that a post has now.
    pub async fn slug_of(&self, id: PostId) -> Result<Option<Slug>, Refused> {
        Ok(self.reference(id).await?.map(|reference| reference.slug))
    }

    /// What leads to a post by its id.
    async fn reference(&self, id: PostId) -> Result<Option<PostReference>, Refused> {
        self.get(&keys::post_reference(id), Consistency::Strong).await
    }

    /// What others show of these posts. Whatever is not published is left out, as if it were not there.
    pub async fn references(
        &self,
        ids: HashSet<PostId>,
        consistency: Consistency,
    ) -> Result<HashMap<PostId, PostReference>, Refused> {
        let ids: HashMap<_, _> = ids.into_iter().map(|id| (keys::post_partition(id), id)).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let wanted: HashSet<_> = ids.values().map(|id| keys::post_reference(*id)).collect();
        let mut found = HashMap::new();
        for item in self.batch_get(&wanted, consistency).await? {
            let partition = item.get("pk").and_then(|pk| pk.as_s().ok());
            let id = partition.and_then(|pk| ids.get(pk)).copied();
            let reference: PostReference = read(item)?;
            found.extend(id.filter(|_| reference.status == PostStatus::Published).map(|id| (id, reference)));
        }
        Ok(found)
    }

    /// The published post that a client names, to quote it or to answer it; of a repost, the original post.
    pub async fn published(&self, name: &PostName, now: Timestamp) -> Result<Option<PostId>, Refused> {
        let id = match name {
            PostName::Id(id) => *id,
            PostName::Slug(slug) => match self.slot(slug, now).await? {
                Some(Slot::Post(post)) => post.id,
                Some(Slot::Moved(id)) => id,
                None => return Ok(None),
            },
        };
        let published = async |id| {
            let reference = self.reference(id).await?;
            Ok::<_, Refused>(reference.filter(|reference| reference.status == PostStatus::Published))
        };
        Ok(match published(id).await? {
            Some(PostReference { repost_of: Some(original), .. }) => published(original).await?.map(|_| original),
            other => other.map(|_| id),
        })
    }

    /// Brings the author in posts of a user up to what their profile says now: in those that come after `place`, or the first. Gives
    /// the place where to go on, if these were not all. Not an edit: versions stay, so nobody who is editing a post is
    /// disturbed. A place may be gone back to.
    pub async fn rewrite_author(
        &self,
        id: UserId,
        place: AuthorsPlace,
        max: usize,
        now: Timestamp,
    ) -> Result<Option<AuthorsPlace>, Refused> {
        let Some(user) = self.user(id, Consistency::Strong).await? else { return Ok(None) };
        let author = PostAuthor::from(&user);
        let AuthorsPlace { list: first, mut before } = place;
        for (number, list) in lists_of_author(id).iter().enumerate().skip(first) {
            let items = self.walk(list, before.as_deref(), max, Consistency::Strong).await?;
            before = items.last().and_then(sort_key).map(str::to_owned);
            let is_full = items.len() == max;
            let posts = items.into_iter().map(read).collect::<Result<Vec<Post>, _>>()?;
            for post in posts.into_iter().filter(|post| post.author != author) {
                let rewrite = |post: &mut Post| {
                    post.author = author.clone();
                    Ok(())
                };
                match self.amend_post(post.id, &post.slug, None, now, rewrite).await {
                    Ok(_) | Err(Refused::Absent) => {}
                    Err(error) => return Err(error),
                }
            }
            if is_full {
                return Ok(Some(AuthorsPlace { list: number, before }));
            }
            before = None;
        }
        Ok(None)
    }

    /// Changes something of a post that is no edit, however often others write the post meanwhile
    /// ([`Post::amend`]). [`Refused::Absent`] if the post is gone. `audit` is written if the change is.
    pub async fn amend_post(
        &self,
        id: PostId,
        slug: &Slug,
        audit: Option<&AuditEntry>,
        now: Timestamp,
        change: impl Fn(&mut Post) -> Result<(), Denied>,
    ) -> Result<Post, Refused> {
        self.rewrite_post(id, slug, audit, now, |post| post.amend(&change)).await
    }

    /// Writes what `next` makes of a post, however often others write the post meanwhile. If that is none, the post stays
    /// as it is. [`Refused::Absent`] if the post is gone.
    pub(crate) async fn rewrite_post(
        &self,
        id: PostId,
        slug: &Slug,
        audit: Option<&AuditEntry>,
        now: Timestamp,
        next: impl Fn(&Post) -> Result<Option<Post>, Denied>,
    ) -> Result<Post, Refused> {
        loop {
            let post = self.post_with_id(id, slug, now).await?.ok_or(Refused::Absent)?;
            let Some(next) = next(&post)? else { return Ok(post) };
            match self.write_post(PostWrite::Update { old: &post, new: &next, text: None, audit }, now).await {
                Err(Refused::Changed) => {}
                outcome => return outcome.map(|()| next),
            }
        }
    }

    /// The slugs of a user's own posts, of every status, that `wanted` picks. No more is kept of them, so that it
    /// does not matter how many there are.
    pub async fn slugs_of_user(
        &self,
        id: UserId,
        wanted: impl Fn(&Post) -> bool,
    ) -> Result<BTreeMap<PostId, Slug>, Refused> {
        let mut found = BTreeMap::new();
        for list in lists_of_author(id) {
            let mut before = None;
            loop {
                let items = self.items(&list, before.as_deref()).await?;
                let Some(last) = items.last() else { break };
                before = sort_key(last).map(str::to_owned);
                let posts = items.into_iter().map(read).collect::<Result<Vec<Post>, _>>()?;
                found.extend(posts.into_iter().filter(&wanted).map(|post| (post.id, post.slug)));
            }
        }
        Ok(found)
    }

    /// A page of a list of posts, newest first. `cursor` is the `next_cursor` of the page before this one.
    pub async fn posts(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<Post>, Refused> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, consistency).await?;
        let posts = items.into_iter().map(read).collect::<Result<Vec<Post>, _>>()?;
        Ok(Page { items: posts.into_iter().filter(|post| !post.is_expired(now)).collect(), next_cursor })
    }

    /// A page of all posts: the pinned ones lead, in the order in which they were pinned, and the others follow, newest
    /// first. The cursor names the pinned posts that were shown, so that each post is shown once although posts are pinned
    /// and unpinned while somebody reads on.
    pub async fn front_page(
        &self,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Post>, Refused> {
        let (list, limit) = (keys::latest(), limit.get());
        let name = list.name();
        let mut next = self.verify_cursor(cursor, &name).await?.unwrap_or_default();
        let start = Some(next.after.clone()).filter(|after| !after.is_empty());
        let pinned = async { if start.is_none() { self.pinned(consistency).await } else { Ok(Vec::new()) } };
        // One more tells whether there is a next page, and those that were shown may be among them.
        let max = limit + next.shown.len() + 1;
        let latest = self.walk(&list, start.as_deref(), max, consistency);
        let (pinned, latest) = tokio::try_join!(pinned, latest)?;

        let mut has_more = latest.len() == max;
        let mut posts = Vec::new();
        for post in pinned {
            let id = post.id.to_string();
            if next.shown.contains(&id) {
                continue;
            }
            if posts.len() == limit {
                has_more = true;
                break;
            }
            next.shown.push(id);
            posts.push(post);
        }
        for item in latest.into_iter().take(max - 1) {
            if posts.len() == limit {
                has_more = true;
                break;
            }
            next = Cursor { after: sort_key(&item).unwrap_or_default().to_owned(), ..next };
            let post: Post = read(item)?;
            if !next.shown.contains(&post.id.to_string()) {
                posts.push(post);
            }
        }
        let next_cursor = if has_more { Some(self.sign_cursor(&next, &name).await?) } else { None };
        Ok(Page { items: posts, next_cursor })
    }

    /// The pinned posts, in the order in which they were pinned.
    pub async fn pinned(&self, consistency: Consistency) -> Result<Vec<Post>, Refused> {
        let list = keys::pinned();
        let query = Query::of(&list.partition, SortKeys::Prefix(list.prefix), consistency);
        self.query(Query { limit: Some(MAX_PINNED), ..query }).await?.into_iter().map(read).collect()
    }

    /// Deletes posts of a user, whatever their status, at most `max`. Says whether there was none any more.
    pub async fn delete_posts_of(&self, id: UserId, max: usize, now: Timestamp) -> Result<bool, Refused> {
        // What is deleted leaves its list, so what comes next is at the beginning again. Until both are empty: an
        // editor may take a post out of the trash meanwhile.
        let mut items = self.walk(&keys::own_posts(id), None, max, Consistency::Strong).await?;
        if items.len() < max {
            items.extend(self.walk(&keys::trash(id), None, max - items.len(), Consistency::Strong).await?);
        }
        let none = items.is_empty();
        for item in items {
            self.delete_post(&read(item)?, now).await?;
        }
        Ok(none)
    }

    /// Deletes a post and takes it out of all lists and counts. What else belongs to it is deleted by a plug-in
    /// ([`delete_rest_of_post`](Self::delete_rest_of_post)).
    pub async fn delete_post(&self, listed: &Post, now: Timestamp) -> Result<(), Refused> {
        loop {
            // A list may have shown the post as it was; what is there now says where it is.
            let Some(post) = self.stored_post(listed).await? else {
                // DynamoDB removed it by its TTL. Its list item is removed likewise, but maybe days later.
                return self.delete_item(&keys::trash_item(listed)).await;
            };
            match self.write_post(PostWrite::Delete { post: &post }, now).await {
                Err(Refused::Changed) => {}
                outcome => return outcome,
            }
        }
    }

    /// A post as it is stored now, also one that has expired.
    async fn stored_post(&self, listed: &Post) -> Result<Option<Post>, Refused> {
        // Nothing has expired at the beginning of time.
        self.post_with_id(listed.id, &listed.slug, Timestamp::from_milliseconds(0)).await
    }
}

/// How far somebody has come who goes through all posts of an author.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorsPlace {
    /// Which of the author's lists it is in.
    list: usize,
    /// The sort key of the last post of it that was met.
    before: Option<String>,
}

/// The lists to go through to meet every post of an author. One that is put into the trash meanwhile, or taken out of it,
/// is not missed: in this order it is met where it was or where it went.
fn lists_of_author(id: UserId) -> [List; 3] {
    [keys::trash(id), keys::own_posts(id), keys::trash(id)]
}

/// Post and text are of different versions.
struct Torn;

type TextSlot = Option<Slot<(Post, PostText)>>;

/// The post with what others count in it.
fn with_counts(slot: Slot<Post>, counts: &[Item]) -> Slot<Post> {
    let Slot::Post(mut post) = slot else { return slot };
    let prefix = keys::post_counts_prefix(post.id);
    // The slug may have been another post's, of which not all is deleted yet.
    let own = counts.iter().filter(|item| sort_key(item).is_some_and(|sk| sk.starts_with(&prefix)));
    let sums = Sums::of(own);
    post.comments = sums.get("comments");
    post.reactions = ReactionKind::ALL.iter().map(|kind| sums.get(kind.as_str())).sum();
    post.reposts = sums.get("reposts");
    post.replies = sums.get("replies");
    Slot::Post(post)
}

fn read_slot_with_text(items: Vec<Item>, now: Timestamp) -> Result<Result<TextSlot, Torn>, Refused> {
    let (mut slot, mut markdown, mut html, mut counts) = (None, None, None, Vec::new());
    for item in items {
        match sort_key(&item) {
            Some("POST#MARKDOWN") => markdown = Some(item),
            Some("POST#HTML") => html = Some(item),
            Some(keys::POST_PREFIX) => slot = read_slot(item, now)?,
            _ => counts.push(item),
        }
    }
    let post = match slot.map(|slot| with_counts(slot, &counts)) {
        Some(Slot::Post(post)) => post,
        Some(Slot::Moved(id)) => return Ok(Ok(Some(Slot::Moved(id)))),
        None => return Ok(Ok(None)),
    };
    if post.kind == PostKind::Repost {
        return Ok(Ok(Some(Slot::Post((post, PostText::default())))));
    }
    let version = AttributeValue::N(post.text_version.to_string());
    match (markdown, html) {
        (Some(markdown), Some(html))
            if markdown.get("version") == Some(&version) && html.get("version") == Some(&version) =>
        {
            let text = PostText { markdown: inflated(&markdown)?, html: inflated(&html)? };
            Ok(Ok(Some(Slot::Post((post, text)))))
        }
        _ => Ok(Err(Torn)),
    }
}

fn read_slot(item: Item, now: Timestamp) -> Result<Option<Slot<Post>>, Refused> {
    if type_of(&item) == Some(Redirect::TYPE) {
        return Ok(Some(Slot::Moved(read::<Redirect>(item)?.moved)));
    }
    let post: Post = read(item)?;
    Ok((!post.is_expired(now)).then_some(Slot::Post(post)))
}

pub(crate) fn deflated(text: &str) -> Result<AttributeValue, Refused> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(Refused::internal)?;
    Ok(AttributeValue::B(Blob::new(deflated)))
}

pub(crate) fn inflated(item: &Item) -> Result<String, Refused> {
    let Some(AttributeValue::B(deflated)) = item.get("deflated") else {
        return Err(Refused::internal("the text's item has no text"));
    };
    // Into one piece of memory: flate2's reader copies all of it twice, which takes longer than to inflate it.
    let text = miniz_oxide::inflate::decompress_to_vec(deflated.as_ref());
    let text = text.map_err(|error| Refused::internal(error.to_string()))?;
    String::from_utf8(text).map_err(Refused::internal)
}
