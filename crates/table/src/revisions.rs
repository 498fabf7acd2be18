//! The versions of posts, and what is left of a post that is gone.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::Refused;
use crate::keys::{self, Key};
use crate::posts::inflated;
use crate::write::Write;
use crate::{Consistency, Entity, Query, SortKeys, Table, read, sort_key};
use domain::Timestamp;
use domain::{Limit, Page, PostId, Revision, Slug};

impl Entity for Revision {
    const TYPE: &'static str = "revision";
}

impl Table {
    /// A page of a post's versions, newest first.
    pub async fn revisions(&self, id: PostId, cursor: Option<&str>, limit: Limit) -> Result<Page<Revision>, Refused> {
        let page = self.page(&keys::revisions(id), cursor, limit, Consistency::Strong).await?;
        let items = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }

    /// Versions of a post, newest first, for who goes through all of them: up to a hundred before `before`, or the newest.
    pub async fn revisions_before(&self, id: PostId, before: Option<u64>) -> Result<Vec<Revision>, Refused> {
        let before = before.map(|version| keys::revision(id, version).sk);
        self.items(&keys::revisions(id), before.as_deref()).await?.into_iter().map(read).collect()
    }

    /// A version of a post, with the Markdown that it had.
    pub async fn revision(&self, id: PostId, version: u64) -> Result<Option<(Revision, String)>, Refused> {
        let revision: Option<Revision> = self.get(&keys::revision(id, version), Consistency::Strong).await?;
        let Some(revision) = revision else { return Ok(None) };
        let text = self.get_item(&keys::revision_text(id, revision.text_version), Consistency::Strong).await?;
        let text = text.ok_or_else(|| Refused::internal("a version's text is not there"))?;
        Ok(Some((revision, inflated(&text)?)))
    }

    /// Deletes what belongs to a deleted post: its text, its versions, the slugs that it had, its aliases, its reposts; of reposts and
    /// versions at most `max`. Says whether there was none any more. What leads to the rest goes last.
    pub async fn delete_rest_of_post(
        &self,
        id: PostId,
        slug: &Slug,
        max: usize,
        now: Timestamp,
    ) -> Result<bool, Refused> {
        for text in [keys::markdown(slug), keys::html(slug)] {
            self.delete_if(text, "post = :id", id).await?;
        }
        let reposts = self.walk(&keys::reposts(id), None, max, Consistency::Strong).await?;
        if !reposts.is_empty() {
            for repost in reposts {
                self.delete_post(&read(repost)?, now).await?;
            }
            return Ok(false);
        }
        let partition = keys::post_partition(id);
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { limit: Some(max), ..query }).await?;
        for sk in items.iter().filter_map(sort_key) {
            if let Some(former) = sk.strip_prefix(keys::FORMER_PREFIX) {
                let former = Slug::try_from(former.to_owned()).map_err(Refused::internal)?;
                self.delete_if(keys::post(&former), "moved = :id", id).await?;
            }
            if sk == keys::ALIASES {
                for alias in self.leading_slugs(id).await?.aliases.iter() {
                    self.delete_if(keys::post(alias), "moved = :id", id).await?;
                }
            }
            self.delete_item(&Key { pk: partition.clone(), sk: sk.to_owned() }).await?;
        }
        if items.is_empty() {
            // Nobody finds the post any more to count in it.
            self.take_counts_of_post(id, slug, None).await?;
        }
        Ok(items.is_empty())
    }

    /// Deletes the reposts of a deleted post.
    pub(crate) async fn delete_reposts(&self, id: PostId, now: Timestamp) -> Result<(), Refused> {
        loop {
            let reposts = self.items(&keys::reposts(id), None).await?;
            if reposts.is_empty() {
                return Ok(());
            }
            for repost in reposts {
                self.delete_post(&read(repost)?, now).await?;
            }
        }
    }

    /// Deletes an item that is this post's. One that is another's stays: the slug has gone to somebody else.
    async fn delete_if(&self, key: Key, condition: &str, id: PostId) -> Result<(), Refused> {
        let delete = Write::delete(key)
            .on_condition(condition)
            .with_value(":id", AttributeValue::S(id.to_string()))
            .on_condition_failed(Refused::Changed);
        match self.write(vec![delete]).await {
            Err(Refused::Changed) => Ok(()),
            outcome => outcome,
        }
    }
}
