//! Posts that wait for their time.

use super::keys::{self, SHARDS};
use super::{Consistency, Query, SortKeys, Table, read};
use crate::Error;
use crate::clock::Timestamp;
use crate::domain::Post;

/// So many due posts of a shard are read at once.
const READ_AT_ONCE: usize = 100;

impl Table {
    /// Publishes every post whose time has come, also if that was long ago. Each is published once, however many do this
    /// at the same time, and one that was changed meanwhile goes by what it says then. Gives how many there were.
    pub async fn publish_due(&self, now: Timestamp) -> Result<usize, Error> {
        let mut published = 0;
        for shard in SHARDS {
            published += self.publish_due_of(shard, now).await?;
        }
        Ok(published)
    }

    async fn publish_due_of(&self, shard: u8, now: Timestamp) -> Result<usize, Error> {
        let partition = keys::scheduled_partition(shard);
        // What sorts before the next millisecond is due.
        let end = Timestamp::from_milliseconds(now.milliseconds() + 1).to_string();
        let mut published = 0;
        loop {
            let query = Query::of(&partition, SortKeys::Before(&end), Consistency::Strong);
            let due = self.query(Query { limit: Some(READ_AT_ONCE), ..query }).await?;
            if due.is_empty() {
                return Ok(published);
            }
            for item in due {
                let post: Post = read(item)?;
                let publish = |post: &mut Post| {
                    if post.is_due(now) {
                        post.publish(post.publish_at, now);
                        post.version += 1;
                        post.updated_at = now;
                    }
                    Ok(())
                };
                match self.amend_post(post.id, post.slug, now, publish).await {
                    Ok(post) => published += usize::from(post.is_published()),
                    // It was deleted, and has left this list with that.
                    Err(Error::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
