//! What others count in a post: comments, reactions, reposts, replies.
//!
//! They are counted in the post's own item, in the transaction of what is counted, so they are exact and cost the same
//! however many lists contain the post. A consumer of the stream brings the copies in those lists up to date.

use std::collections::HashSet;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::Refused;
use crate::keys::{self, Key};
use crate::write::outlast_transactions;
use crate::{Consistency, Item, Table, key_attributes};
use domain::Timestamp;
use domain::{Post, Slug};

const COUNTS: [&str; 4] = ["comments", "reactions", "reposts", "replies"];

impl Table {
    /// Copies the counts of the post at `slug` into every list that contains it. May be repeated at any time: it reads the
    /// current state, also if the post has moved since it was counted.
    pub async fn copy_counts(&self, slug: &Slug, now: Timestamp) -> Result<(), Refused> {
        let Some(post) = self.post(slug, now).await? else { return Ok(()) };
        let counts = [post.comments, post.reactions, post.reposts, post.replies];
        let counts = counts.map(|count| AttributeValue::N(count.to_string()));
        let listed: HashSet<Key> = keys::list_items(&post).into_iter().collect();
        // Reading them all costs a fifth of writing them all, and mostly none has to be written.
        for item in self.batch_get(&listed, Consistency::Strong).await? {
            let differs = COUNTS.iter().zip(&counts).any(|(name, count)| item.get(*name) != Some(count));
            if differs {
                self.set_counts(&post, item, &counts).await?;
            }
        }
        Ok(())
    }

    async fn set_counts(&self, post: &Post, item: Item, counts: &[AttributeValue; 4]) -> Result<(), Refused> {
        let key = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let key = Key { pk: key("pk"), sk: key("sk") };
        let mut update = self.client.update_item().table_name(&self.name).set_key(Some(key_attributes(&key)));
        for (name, count) in COUNTS.iter().zip(counts) {
            update = update
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), count.clone());
        }
        let terms = COUNTS.map(|name| format!("#{name} = :{name}")).join(", ");
        let update = update
            .update_expression(format!("SET {terms}"))
            // It may have left the list by now; it must not come back as a torso.
            .condition_expression("id = :id")
            .expression_attribute_values(":id", AttributeValue::S(post.id.to_string()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // The post may be edited at this moment, which writes its list items in a transaction.
        match outlast_transactions(|| update.clone().send()).await {
            Err(error) if error.code() != Some("ConditionalCheckFailedException") => Err(Refused::of(error)),
            _ => Ok(()),
        }
    }
}
