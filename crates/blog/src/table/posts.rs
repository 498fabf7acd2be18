//! Access patterns of posts. How one is written is in [`post_writes`](super::post_writes).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::keys::{self, List};
use super::lists::Place;
use super::post_writes::MOST_PINNED;
use super::{Consistency, Entity, Item, Query, SortKeys, Table, read, sort_key, type_of};
use crate::Error;
use crate::clock::Timestamp;
use crate::domain::{Post, PostAuthor, PostId, PostKind, PostName, PostReference, PostStatus, Slug, UserId};
use crate::edge::{Cursor, Limit, Page};

/// A post's text, as it was typed and as it is shown. At rest each is deflated: text shrinks to about a third,
/// and what a read costs goes by size.
#[derive(Clone, Default)]
pub struct PostText {
    /// As it was typed.
    pub markdown: String,
    /// As it is shown.
    pub html: String,
}

/// What is at a slug.
pub enum Slot<T> {
    /// A post.
    Post(T),
    /// The post that had this slug has another one now.
    Moved(PostId),
}

/// Left behind at every slug that a post had.
#[derive(Serialize, Deserialize)]
pub(super) struct Redirect {
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

impl Table {
    /// A post with its text, or where it moved.
    pub async fn post_with_text(
        &self,
        slug: &Slug,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<MaybePost, Error> {
        let partition = keys::slug_partition(slug);
        let items = self.query_prefix(&partition, keys::POST_PREFIX, consistency).await?;
        if let Ok(post) = read_post_with_text(items, now)? {
            return Ok(post);
        }
        // A query reads its items one by one, so one that runs beside a write may catch the post before it and
        // the text after. The write is complete by now; a consistent read sees all of it.
        let items = self.query_prefix(&partition, keys::POST_PREFIX, Consistency::Strong).await?;
        let torn = |Torn| Error::Unavailable("the post is being written faster than it can be read".into());
        read_post_with_text(items, now)?.map_err(torn)
    }

    /// A post without its text, as it is now, or where it moved.
    pub async fn post(&self, slug: &Slug, now: Timestamp) -> Result<Option<Slot<Post>>, Error> {
        match self.get_item(&keys::post(slug), Consistency::Strong).await? {
            Some(item) => read_slot(item, now),
            None => Ok(None),
        }
    }

    /// The slug that a post has now.
    pub async fn slug_of(&self, id: PostId) -> Result<Option<Slug>, Error> {
        Ok(self.reference(id).await?.map(|reference| reference.slug))
    }

    /// What leads to a post by its id.
    async fn reference(&self, id: PostId) -> Result<Option<PostReference>, Error> {
        self.get(&keys::post_reference(id), Consistency::Strong).await
    }

    /// What others show of these posts. Whatever is not published is left out, as if it were not there.
    pub async fn references(
        &self,
        ids: HashSet<PostId>,
        consistency: Consistency,
    ) -> Result<HashMap<PostId, PostReference>, Error> {
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

    /// The published post that a client names, to quote it or to answer it; of a repost, the post that it shows.
    pub async fn published(&self, name: &PostName, now: Timestamp) -> Result<Option<PostId>, Error> {
        let id = match name {
            PostName::Id(id) => *id,
            PostName::Slug(slug) => match self.post(slug, now).await? {
                Some(Slot::Post(post)) => post.id,
                Some(Slot::Moved(id)) => id,
                None => return Ok(None),
            },
        };
        let published = async |id| {
            let reference = self.reference(id).await?;
            Ok::<_, Error>(reference.filter(|reference| reference.status == PostStatus::Published))
        };
        Ok(match published(id).await? {
            Some(PostReference { repost_of: Some(original), .. }) => published(original).await?.map(|_| original),
            other => other.map(|_| id),
        })
    }

    /// Brings the author in all posts of a user up to what their profile says now. Not an edit: versions stay, so
    /// nobody who is editing a post is disturbed. May be stopped anywhere and begun again.
    pub async fn rewrite_author(&self, id: UserId, now: Timestamp) -> Result<(), Error> {
        let Some(user) = self.user(id, Consistency::Strong).await? else { return Ok(()) };
        let author = PostAuthor::from(&user);
        for (id, slug) in self.slugs_of_user(id, |post| post.author != author).await? {
            let rewrite = |post: &mut Post| {
                post.author = author.clone();
                Ok(())
            };
            match self.amend_post(id, slug, now, rewrite).await {
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Changes something of a post that is no edit, however often others write the post meanwhile. The post keeps its
    /// version; a change that alters nothing writes nothing.
    pub async fn amend_post(
        &self,
        id: PostId,
        mut slug: Slug,
        now: Timestamp,
        change: impl Fn(&mut Post) -> Result<(), Error>,
    ) -> Result<Post, Error> {
        loop {
            match self.post(&slug, now).await? {
                Some(Slot::Post(post)) if post.id == id => {
                    let mut amended = post.clone();
                    change(&mut amended)?;
                    if amended == post {
                        return Ok(post);
                    }
                    match self.update_post(&post, &amended, None, now).await {
                        Err(Error::PreconditionFailed) => {}
                        outcome => return outcome.map(|()| amended),
                    }
                }
                // It moved since the caller saw it.
                Some(Slot::Moved(_)) => slug = self.slug_of(id).await?.ok_or_else(Post::not_found)?,
                Some(Slot::Post(_)) | None => return Err(Post::not_found()),
            }
        }
    }

    /// The slugs of a user's own posts, of every status, that `wanted` picks. No more is kept of them, so that it
    /// does not matter how many there are.
    pub async fn slugs_of_user(
        &self,
        id: UserId,
        wanted: impl Fn(&Post) -> bool,
    ) -> Result<BTreeMap<PostId, Slug>, Error> {
        let mut found = BTreeMap::new();
        // A post that is put into the trash meanwhile, or taken out of it, is not missed: in this order it is met
        // where it was or where it went.
        for list in [keys::trash(id), keys::own_posts(id), keys::trash(id)] {
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

    /// A page of a list of posts, newest first. `cursor` is what the page before this one gave.
    pub async fn posts(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<Post>, Error> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, consistency, now).await?;
        let posts = items.into_iter().map(read).collect::<Result<Vec<Post>, _>>()?;
        Ok(Page { items: posts.into_iter().filter(|post| !post.is_expired(now)).collect(), next_cursor })
    }

    /// The first page of all posts and those after it: what is pinned leads, in the order in which it was pinned, and
    /// the newest come next. The cursor names what has led, so that each post is shown once although posts are pinned
    /// and taken down while somebody reads on.
    pub async fn front_page(
        &self,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<Post>, Error> {
        let (list, limit) = (keys::latest(), limit.get());
        let name = list.name();
        let start = self.verify_cursor(cursor, &name).await?.unwrap_or_default();
        let leads = start.after.is_empty();
        let after = (!leads).then(|| start.clone());
        let pinned = async { if leads { self.pinned(consistency).await } else { Ok(Vec::new()) } };
        // As many more as may have been shown already.
        let latest = self.walk(&list, after, limit + start.led.len(), consistency, now);
        let (pinned, (latest, mut more)) = tokio::try_join!(pinned, latest)?;

        let mut next = start;
        let mut posts = Vec::new();
        for post in pinned {
            let id = post.id.to_string();
            if next.led.contains(&id) {
                continue;
            }
            if posts.len() == limit {
                more = true;
                break;
            }
            next.led.push(id);
            posts.push(post);
        }
        for place in latest {
            let Place { item, .. } = &place;
            let post: Post = read(item.clone())?;
            if posts.len() == limit {
                more = true;
                break;
            }
            next = Cursor { led: next.led, ..place.cursor() };
            if !next.led.contains(&post.id.to_string()) {
                posts.push(post);
            }
        }
        let next_cursor = if more { Some(self.sign_cursor(&next, &name).await?) } else { None };
        Ok(Page { items: posts, next_cursor })
    }

    /// The posts that lead the blog, the one that was pinned first before the others.
    async fn pinned(&self, consistency: Consistency) -> Result<Vec<Post>, Error> {
        let list = keys::pinned();
        let partition = list.partition("");
        let query = Query::of(&partition, SortKeys::Prefix(list.prefix), consistency);
        self.query(Query { limit: Some(MOST_PINNED), ..query }).await?.into_iter().map(read).collect()
    }

    /// Deletes all posts of a user, whatever their status. May be stopped anywhere and begun again.
    pub async fn delete_posts_of(&self, id: UserId) -> Result<(), Error> {
        loop {
            // What is deleted leaves its list, so what comes next is at the beginning again. Until both are empty: an
            // editor may take a post out of the trash meanwhile.
            let mut items = self.items(&keys::own_posts(id), None).await?;
            items.extend(self.items(&keys::trash(id), None).await?);
            if items.is_empty() {
                return Ok(());
            }
            for item in items {
                self.delete_post(read(item)?).await?;
            }
        }
    }

    /// Deletes a post and takes it out of all lists and counts. What else hangs on it follows from the stream
    /// ([`delete_rest_of_post`](Self::delete_rest_of_post)).
    pub async fn delete_post(&self, mut post: Post) -> Result<(), Error> {
        loop {
            // A list may have shown it as it was; what is there now says where it stands.
            match self.get_item(&keys::post(&post.slug), Consistency::Strong).await? {
                Some(item) if type_of(&item) == Some(Redirect::TYPE) => match self.slug_of(post.id).await? {
                    Some(slug) => {
                        post.slug = slug;
                        continue;
                    }
                    None => return Ok(()),
                },
                Some(item) => {
                    let found: Post = read(item)?;
                    if found.id != post.id {
                        return Ok(());
                    }
                    post = found;
                }
                // DynamoDB has removed it by its TTL, and will remove its list item.
                None => return self.delete_item(&keys::trash_item(&post)).await,
            }
            match self.remove_post(&post).await {
                Err(Error::PreconditionFailed) => {}
                outcome => return outcome,
            }
        }
    }
}

/// Post and text are of different versions.
struct Torn;

type MaybePost = Option<Slot<(Post, PostText)>>;

fn read_post_with_text(items: Vec<Item>, now: Timestamp) -> Result<Result<MaybePost, Torn>, Error> {
    let (mut slot, mut markdown, mut html) = (None, None, None);
    for item in items {
        match sort_key(&item) {
            Some("POST#MARKDOWN") => markdown = Some(item),
            Some("POST#HTML") => html = Some(item),
            _ => slot = read_slot(item, now)?,
        }
    }
    let post = match slot {
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

fn read_slot(item: Item, now: Timestamp) -> Result<Option<Slot<Post>>, Error> {
    if type_of(&item) == Some(Redirect::TYPE) {
        return Ok(Some(Slot::Moved(read::<Redirect>(item)?.moved)));
    }
    let post: Post = read(item)?;
    Ok((!post.is_expired(now)).then_some(Slot::Post(post)))
}

pub(super) fn deflated(text: &str) -> Result<AttributeValue, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(Error::internal)?;
    Ok(AttributeValue::B(Blob::new(deflated)))
}

pub(super) fn inflated(item: &Item) -> Result<String, Error> {
    let Some(AttributeValue::B(deflated)) = item.get("deflated") else {
        return Err(Error::internal("the text's item has no text"));
    };
    let mut text = String::new();
    DeflateDecoder::new(deflated.as_ref()).read_to_string(&mut text).map_err(Error::internal)?;
    Ok(text)
}
