//! What feeds are made of: the newest posts of a list with their texts, and what the ids of feeds begin with.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::{Post, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::{self, List};
use crate::posts::inflated;
use crate::{Consistency, Entity, Item, Refused, Table, read, stored};

/// What the ids of feeds and of their entries begin with (RFC 4151). It is kept from the first time that somebody asks for a feed, so
/// that ids stay what they are when the blog gets another domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedIdentity {
    /// The host that the blog had then.
    pub authority: String,
    /// When that was.
    pub since: Timestamp,
}

impl Entity for FeedIdentity {
    const TYPE: &'static str = "feed_identity";
}

impl Table {
    /// What the ids of feeds begin with; `host` is what they begin with from now on if there is nothing yet.
    pub async fn feed_identity(&self, host: &str, now: Timestamp) -> Result<&FeedIdentity, Refused> {
        self.feed_identity.get_or_try_init(|| self.get_or_create_feed_identity(host, now)).await
    }

    async fn get_or_create_feed_identity(&self, host: &str, now: Timestamp) -> Result<FeedIdentity, Refused> {
        let key = keys::feed_identity();
        if let Some(identity) = self.get(&key, Consistency::Eventual).await? {
            return Ok(identity);
        }
        let identity = FeedIdentity { authority: host.to_owned(), since: now };
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(stored(&key, &identity)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(_) => return Ok(identity),
            // Another process, or this very put whose answer was lost: what is there now counts.
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => {}
            Err(error) => return Err(Refused::of(error)),
        }
        self.get(&key, Consistency::Strong).await?.ok_or_else(|| Refused::internal("the identity of feeds vanished"))
    }

    /// The newest posts of a list, without a cursor to go on.
    pub async fn newest(&self, list: &List, max: usize, consistency: Consistency) -> Result<Vec<Post>, Refused> {
        self.walk(list, None, max, consistency).await?.into_iter().map(read).collect()
    }

    /// These posts, which a list has just shown, each with its HTML. What has been withdrawn meanwhile is left out, and what has been
    /// changed is what it is now.
    pub async fn with_html(
        &self,
        posts: Vec<Post>,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Vec<(Post, String)>, Refused> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: HashSet<_> = posts.iter().map(|post| keys::html(&post.slug)).collect();
        let found = self.batch_get(&wanted, consistency).await?;
        let id_of = |item: &Item| Some(item.get("post")?.as_s().ok()?.clone());
        let mut found: HashMap<_, _> = found.into_iter().filter_map(|item| Some((id_of(&item)?, item))).collect();
        let mut complete = Vec::new();
        for post in posts {
            let version = AttributeValue::N(post.text_version.to_string());
            match found.remove(&post.id.to_string()).filter(|item| item.get("version") == Some(&version)) {
                Some(item) => complete.push((post, inflated(&item)?)),
                // The list and the text are of different versions: the post is being written.
                None => {
                    let current = self.post_with_text(&post.slug, Consistency::Strong, now).await?;
                    let is_same = |current: &Post| current.id == post.id && current.is_published();
                    complete.extend(current.filter(|(post, _)| is_same(post)).map(|(post, text)| (post, text.html)));
                }
            }
        }
        Ok(complete)
    }
}
