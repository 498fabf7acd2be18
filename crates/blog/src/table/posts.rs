//! Access patterns of posts.

use std::io::{Read, Write as _};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::keys::{self, List};
use super::write::Write;
use super::{Consistency, Entity, Item, Table, read, sort_key, type_of};
use crate::Error;
use crate::clock::Timestamp;
use crate::domain::{Post, PostAuthor, PostId, PostStatus, Slug, User, UserId};
use crate::edge::{Limit, Page};

/// A post's text, as it was typed and as it is shown. At rest each is deflated: text shrinks to about a third,
/// and what a read costs goes by size.
#[derive(Clone)]
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
struct Redirect {
    moved: PostId,
}

/// Leads from a post to its slug.
#[derive(Serialize, Deserialize)]
struct CurrentSlug {
    slug: Slug,
}

impl Entity for Post {
    const TYPE: &'static str = "post";
}

impl Entity for Redirect {
    const TYPE: &'static str = "redirect";
}

impl Entity for CurrentSlug {
    const TYPE: &'static str = "slug";
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
        let current: Option<CurrentSlug> = self.get(&keys::post_slug(id), Consistency::Strong).await?;
        Ok(current.map(|current| current.slug))
    }

    /// Writes a new post and all that goes with it. [`Error::SlugTaken`] if another post has the slug,
    /// [`Error::PreconditionFailed`] if `author` is no longer what their profile says, which the post copies.
    pub async fn create_post(&self, post: &Post, text: &PostText, author: &User, now: Timestamp) -> Result<(), Error> {
        self.prepare_lists(post, now).await?;
        let mut writes = vec![
            Write::put(keys::post(&post.slug), post)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Error::SlugTaken),
            Write::put(keys::post_slug(post.id), &CurrentSlug { slug: post.slug.clone() })?,
        ];
        writes.extend(put_text(post, text)?);
        for key in keys::list_items(post) {
            writes.push(Write::put(key, post)?);
        }
        let profile = match count_published(None, post) {
            Some(count) => count,
            None => Write::check(keys::profile(author.id)),
        };
        writes.push(profile.at_version(author.version).on_condition_failed(Error::PreconditionFailed));
        self.write(writes).await
    }

    /// Writes the next version of a post, and everywhere it is listed. `text` is what changed of the text, or
    /// what must move with the slug. [`Error::PreconditionFailed`] if `old` is no longer what is there.
    pub async fn update_post(
        &self,
        old: &Post,
        new: &Post,
        text: Option<&PostText>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let new = &Post { writes: old.writes + 1, ..new.clone() };
        self.prepare_lists(new, now).await?;
        let unchanged = |write: Write| {
            write
                .on_condition("writes = :writes")
                .with_value(":writes", AttributeValue::N(old.writes.to_string()))
                .on_condition_failed(Error::PreconditionFailed)
        };
        let mut writes = Vec::new();
        if old.slug == new.slug {
            writes.push(unchanged(Write::update(keys::post(&old.slug), old, new)?));
        } else {
            writes.push(unchanged(Write::put(keys::post(&old.slug), &Redirect { moved: old.id })?));
            writes.extend([Write::delete(keys::markdown(&old.slug)), Write::delete(keys::html(&old.slug))]);
            // A slug that the post had before leads to itself; it may have it back.
            writes.push(
                Write::put(keys::post(&new.slug), new)?
                    .on_condition("attribute_not_exists(pk) OR moved = :own_id")
                    .with_value(":own_id", AttributeValue::S(new.id.to_string()))
                    .on_condition_failed(Error::SlugTaken),
            );
            writes.push(Write::put(keys::post_slug(new.id), &CurrentSlug { slug: new.slug.clone() })?);
            writes.push(Write::put_item(keys::former_slug(old.id, &old.slug), "former_slug", Item::new()));
        }
        if let Some(text) = text {
            writes.extend(put_text(new, text)?);
        }
        if let (None, Some(expires_at)) = (old.expires_at, new.expires_at) {
            // DynamoDB's TTL then removes all of the post, at no cost.
            let expire = |key| Write::set(key, "expires_at", AttributeValue::N(expires_at.to_string()));
            writes.extend([keys::markdown(&new.slug), keys::html(&new.slug), keys::post_slug(new.id)].map(expire));
        }

        let (listed, list) = (keys::list_items(old), keys::list_items(new));
        writes.extend(listed.iter().filter(|key| !list.contains(key)).cloned().map(Write::delete));
        for key in list {
            writes.push(if listed.contains(&key) { Write::update(key, old, new)? } else { Write::put(key, new)? });
        }
        writes.extend(count_published(Some(old), new));
        self.write(writes).await
    }

    /// Brings the author in all posts of a user up to what their profile says now. Not an edit: versions stay, so
    /// nobody who is editing a post is disturbed. May be stopped anywhere and begun again.
    pub async fn rewrite_author(&self, id: UserId, now: Timestamp) -> Result<(), Error> {
        let Some(user) = self.user(id, Consistency::Strong).await? else { return Ok(()) };
        let author = PostAuthor::from(&user);
        for list in [keys::own_posts(id), keys::trash(id)] {
            let mut cursor = None;
            loop {
                let page = self.posts(&list, cursor.as_deref(), Limit::MOST, Consistency::Strong, now).await?;
                for post in page.items.into_iter().filter(|post| post.author != author) {
                    self.rewrite_author_of(post.slug, &author, now).await?;
                }
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn rewrite_author_of(&self, mut slug: Slug, author: &PostAuthor, now: Timestamp) -> Result<(), Error> {
        loop {
            match self.post(&slug, now).await? {
                Some(Slot::Post(post)) if post.author != *author => {
                    let rewritten = Post { author: author.clone(), ..post.clone() };
                    match self.update_post(&post, &rewritten, None, now).await {
                        Err(Error::PreconditionFailed) => {}
                        outcome => return outcome,
                    }
                }
                // It moved since the page was read.
                Some(Slot::Moved(id)) => match self.slug_of(id).await? {
                    Some(current) => slug = current,
                    None => return Ok(()),
                },
                Some(Slot::Post(_)) | None => return Ok(()),
            }
        }
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

    /// Deletes all posts of a user, whatever their status. May be stopped anywhere and begun again.
    pub async fn delete_posts_of(&self, id: UserId, now: Timestamp) -> Result<(), Error> {
        for list in [keys::own_posts(id), keys::trash(id)] {
            loop {
                // What is deleted leaves the list, so the next page is the first one again.
                let page = self.page(&list, None, Limit::MOST, Consistency::Strong, now).await?;
                if page.items.is_empty() {
                    break;
                }
                for item in page.items {
                    self.delete_post(read(item)?).await?;
                }
            }
        }
        Ok(())
    }

    /// Deletes a post with all that belongs to it, the slugs that it had first, because its id leads to them.
    async fn delete_post(&self, mut post: Post) -> Result<(), Error> {
        let former =
            self.query_prefix(&keys::post_partition(post.id), keys::FORMER_PREFIX, Consistency::Strong).await?;
        for former in former {
            let slug = sort_key(&former).and_then(|sk| sk.strip_prefix(keys::FORMER_PREFIX)).unwrap_or_default();
            let slug = Slug::try_from(slug.to_owned()).map_err(Error::internal)?;
            let redirect = Write::delete(keys::post(&slug))
                .on_condition("attribute_not_exists(pk) OR moved = :id OR id = :id")
                .with_value(":id", AttributeValue::S(post.id.to_string()))
                .on_condition_failed(Error::PreconditionFailed);
            // A slug that the post has again is deleted with the post itself.
            if slug != post.slug {
                self.write(vec![redirect, Write::delete(keys::former_slug(post.id, &slug))]).await?;
            }
        }
        loop {
            // The list may have shown it as it was; what is there now says where it stands.
            if let Some(item) = self.get_item(&keys::post(&post.slug), Consistency::Strong).await? {
                match type_of(&item) == Some(Redirect::TYPE) {
                    false => post = read(item)?,
                    true => match self.slug_of(post.id).await? {
                        Some(slug) => {
                            post.slug = slug;
                            continue;
                        }
                        None => return Ok(()),
                    },
                }
            }
            let mut writes = vec![
                Write::delete(keys::post(&post.slug))
                    .on_condition("attribute_not_exists(pk) OR writes = :writes")
                    .with_value(":writes", AttributeValue::N(post.writes.to_string()))
                    .on_condition_failed(Error::PreconditionFailed),
            ];
            let beside = [keys::markdown(&post.slug), keys::html(&post.slug), keys::post_slug(post.id)];
            writes.extend(beside.into_iter().chain(keys::list_items(&post)).map(Write::delete));
            writes.push(Write::delete(keys::former_slug(post.id, &post.slug)));
            match self.write(writes).await {
                Err(Error::PreconditionFailed) => {}
                outcome => return outcome,
            }
        }
    }

    async fn prepare_lists(&self, post: &Post, now: Timestamp) -> Result<(), Error> {
        match (post.status, post.published_at) {
            (PostStatus::Published, Some(at)) => self.prepare_list(&keys::latest(), at, now).await,
            _ => Ok(()),
        }
    }
}

/// Keeps the author's count of published posts, in the transaction that changes it.
fn count_published(old: Option<&Post>, new: &Post) -> Option<Write> {
    let is_published = |post: &Post| i64::from(post.status == PostStatus::Published);
    let by = is_published(new) - old.map_or(0, is_published);
    (by != 0).then(|| Write::add(keys::profile(new.author.id), "posts", by))
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

fn put_text(post: &Post, text: &PostText) -> Result<[Write; 2], Error> {
    let item = |text: &str| {
        Ok::<_, Error>(Item::from([
            ("version".to_owned(), AttributeValue::N(post.text_version.to_string())),
            ("deflated".to_owned(), AttributeValue::B(Blob::new(deflated(text)?))),
        ]))
    };
    Ok([
        Write::put_item(keys::markdown(&post.slug), "markdown", item(&text.markdown)?),
        Write::put_item(keys::html(&post.slug), "html", item(&text.html)?),
    ])
}

fn deflated(text: &str) -> Result<Vec<u8>, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(Error::internal)
}

fn inflated(item: &Item) -> Result<String, Error> {
    let Some(AttributeValue::B(deflated)) = item.get("deflated") else {
        return Err(Error::internal("the text's item has no text"));
    };
    let mut text = String::new();
    DeflateDecoder::new(deflated.as_ref()).read_to_string(&mut text).map_err(Error::internal)?;
    Ok(text)
}
