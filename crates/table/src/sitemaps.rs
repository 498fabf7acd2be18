//! Which posts are in which sitemap (docs/adr/0029). A sitemap has at most so many posts; the last is filled, and the next is begun
//! when it is full. A post stays in its sitemap until it is withdrawn. So reading one costs the same whatever the size of the blog.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Post, PostId, PostKind, Slug, Timestamp};
use serde::{Deserialize, Serialize};

use crate::post_writes::number;
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Query, Refused, SortKeys, Table, keys, read};

/// A sitemap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitemap {
    /// Its number, from 1.
    pub number: u32,
    /// How many posts are in it.
    pub posts: u32,
    /// When a post of it last came, changed, or was withdrawn.
    pub changed_at: Timestamp,
}

/// A post in a sitemap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitemapEntry {
    /// Its name in addresses.
    pub slug: Slug,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which sitemap a post is in.
#[derive(Serialize, Deserialize)]
struct Place {
    number: u32,
}

impl Entity for Sitemap {
    const TYPE: &'static str = "sitemap";
}

impl Entity for SitemapEntry {
    const TYPE: &'static str = "sitemap_entry";
}

impl Entity for Place {
    const TYPE: &'static str = "sitemap_place";
}

impl From<&Post> for SitemapEntry {
    fn from(post: &Post) -> Self {
        Self { slug: post.slug.clone(), updated_at: post.updated_at }
    }
}

/// Whether a post belongs into a sitemap.
fn is_listed(post: &Post) -> bool {
    post.is_published() && post.kind != PostKind::Repost
}

impl Table {
    /// The sitemaps, in the order of their numbers.
    pub async fn sitemaps(&self, consistency: Consistency) -> Result<Vec<Sitemap>, Refused> {
        self.query_prefix(&keys::sitemaps().partition, "", consistency).await?.into_iter().map(read).collect()
    }

    /// A sitemap, if there is one with this number.
    pub async fn sitemap(&self, number: u32, consistency: Consistency) -> Result<Option<Sitemap>, Refused> {
        self.get(&keys::sitemap(number), consistency).await
    }

    /// The posts of a sitemap, the oldest first.
    pub async fn sitemap_entries(&self, number: u32, consistency: Consistency) -> Result<Vec<SitemapEntry>, Refused> {
        let list = keys::sitemap_entries(number);
        self.query_prefix(&list.partition, list.prefix, consistency).await?.into_iter().map(read).collect()
    }

    /// Puts a post that everybody can read into a sitemap, brings its entry up to date, or takes out of it a post that nobody can read
    /// any more. `slug` is one that the post has or had, and `max` the maximum number of posts in a sitemap.
    ///
    /// May be called late, again, and for one post by several at the same time: what is written depends on the post as it is now, and
    /// is refused if the post is written meanwhile.
    pub async fn map_post(&self, id: PostId, slug: &Slug, max: u32, now: Timestamp) -> Result<(), Refused> {
        for _ in 0..MAX_TRIES {
            match self.try_to_map_post(id, slug, max, now).await {
                Err(Refused::Changed) => {}
                outcome => return outcome,
            }
        }
        Err(Refused::unavailable("the post or the sitemap is being written faster than it can be read"))
    }

    /// Whether a post is in a sitemap as it is, or in none if it does not belong into one.
    pub(crate) async fn is_mapped(&self, post: &Post) -> Result<bool, Refused> {
        let place: Option<Place> = self.get(&keys::sitemap_place(post.id), Consistency::Strong).await?;
        let (Some(Place { number }), true) = (&place, is_listed(post)) else {
            return Ok(place.is_some() == is_listed(post));
        };
        let entry: Option<SitemapEntry> = self.get(&keys::sitemap_entry(*number, post.id), Consistency::Strong).await?;
        Ok(entry == Some(SitemapEntry::from(post)))
    }

    async fn try_to_map_post(&self, id: PostId, slug: &Slug, max: u32, now: Timestamp) -> Result<(), Refused> {
        let post = self.post_with_id(id, slug, now).await?;
        let key = keys::sitemap_place(id);
        let place: Option<Place> = self.get(&key, Consistency::Strong).await?;
        let changed_at = AttributeValue::S(now.to_string());
        let mut writes = match (post.as_ref().filter(|post| is_listed(post)), place) {
            (None, None) => return Ok(()),
            (Some(post), None) => {
                let entry = SitemapEntry::from(post);
                let last = self.last_sitemap().await?;
                let (number, sitemap) = match last {
                    Some(Sitemap { number: last, posts, .. }) if posts < max => {
                        let sitemap = Write::add(keys::sitemap(last), "posts", 1).and_set("changed_at", changed_at);
                        (last, sitemap.on_condition("posts < :max").with_value(":max", number(u64::from(max))))
                    }
                    last => {
                        let next = last.map_or(1, |last| last.number + 1);
                        let sitemap = Sitemap { number: next, posts: 1, changed_at: now };
                        let sitemap = Write::put(keys::sitemap(next), &sitemap)?;
                        (next, sitemap.on_condition("attribute_not_exists(pk)"))
                    }
                };
                let place = Write::put(key, &Place { number })?.on_condition("attribute_not_exists(pk)");
                vec![place, sitemap, Write::put(keys::sitemap_entry(number, id), &entry)?]
            }
            (Some(post), Some(Place { number })) => {
                let entry = SitemapEntry::from(post);
                let at = keys::sitemap_entry(number, id);
                if self.get(&at, Consistency::Strong).await?.as_ref() == Some(&entry) {
                    return Ok(());
                }
                let place = Write::check(key).on_condition("attribute_exists(pk)");
                vec![place, Write::put(at, &entry)?, Write::set(keys::sitemap(number), "changed_at", changed_at)]
            }
            (None, Some(Place { number })) => {
                let sitemap = Write::add(keys::sitemap(number), "posts", -1).and_set("changed_at", changed_at);
                let place = Write::delete(key).on_condition("attribute_exists(pk)");
                vec![place, sitemap, Write::delete(keys::sitemap_entry(number, id))]
            }
        };
        // A post that is gone does not come back.
        if let Some(post) = post {
            let unchanged = Write::check(keys::post(&post.slug)).on_condition("writes = :writes");
            writes.push(unchanged.with_value(":writes", number(post.writes)));
        }
        self.write(writes.into_iter().map(|write| write.on_condition_failed(Refused::Changed)).collect()).await
    }

    /// The sitemap that is being filled.
    async fn last_sitemap(&self) -> Result<Option<Sitemap>, Refused> {
        let partition = keys::sitemaps().partition;
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let last = self.query(Query { backwards: true, limit: Some(1), ..query }).await?;
        last.into_iter().next().map(read).transpose()
    }
}
