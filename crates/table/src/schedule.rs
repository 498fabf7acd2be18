//! Posts that wait for their time.

use crate::Refused;
use crate::keys::{self, SHARDS};
use crate::{Consistency, Item, Query, SortKeys, Table, read, sort_key};
use domain::Post;
use domain::Timestamp;

/// So many due posts of a shard are read at once.
const READ_AT_ONCE: usize = 25;

impl Table {
    /// Publishes every post whose time has come, also if that was long ago. A post becomes a draft instead if its author may not
    /// publish by then, because they are suspended or a reader. Each is published once, however many do this at the same time, and
    /// one that was changed meanwhile goes by what it says then. Gives how many there were. One that cannot be published keeps no
    /// other back; the last such error is given when all have been tried.
    pub async fn publish_due(&self, now: Timestamp) -> Result<usize, Refused> {
        let (mut published, mut failure) = (0, None);
        for shard in SHARDS {
            let partition = keys::scheduled_partition(shard);
            let mut after: Option<String> = None;
            loop {
                let due = self.due(&partition, after.as_deref(), now).await?;
                let Some(last) = due.last() else { break };
                after = sort_key(last).map(str::to_owned);
                for item in due {
                    match self.publish_if_due(item, now).await {
                        Ok(post) => published += usize::from(post.is_published()),
                        // It was deleted, and has left this list with that.
                        Err(Refused::Absent) => {}
                        Err(error) => failure = Some(error),
                    }
                }
            }
        }
        failure.map_or(Ok(published), Err)
    }

    /// Some of the posts of a shard that are due, those that come after `after`.
    async fn due(&self, partition: &str, after: Option<&str>, now: Timestamp) -> Result<Vec<Item>, Refused> {
        // What sorts before the next millisecond is due.
        let end = Timestamp::from_milliseconds(now.milliseconds() + 1).to_string();
        let query = Query::of(partition, SortKeys::Before(&end), Consistency::Strong);
        self.query(Query { start: after, limit: Some(READ_AT_ONCE), ..query }).await
    }

    async fn publish_if_due(&self, item: Item, now: Timestamp) -> Result<Post, Refused> {
        let post: Post = read(item)?;
        let author = self.user(post.author.id, Consistency::Strong).await?;
        let can_publish = author.is_some_and(|author| author.can_publish());
        self.rewrite_post(post.id, &post.slug, None, now, |post| Ok(post.come_due(can_publish, now))).await
    }
}
