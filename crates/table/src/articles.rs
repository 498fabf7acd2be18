//! Lists of posts by offset, with totals, for APIs that know no cursors: how many posts are before a place is not known to DynamoDB,
//! so what is skipped is read. Whoever asks bounds how far. Strongly consistent, and without reposts.

use std::collections::HashSet;

use domain::{Post, PostId, PostKind, PostReference, Timestamp, User, UserId};

use crate::counts::Sums;
use crate::keys::{self, Key, List};
use crate::{Consistency, Query, Refused, SortKeys, Table, read, sort_key};

/// The items of a list that are read at a time.
const STEP: usize = 100;

impl Table {
    /// How many posts are published, reposts apart.
    pub async fn published_count(&self) -> Result<u64, Refused> {
        let Key { pk, sk } = keys::site_counts(0);
        let shards = self.query_prefix(&pk, sk.trim_end_matches("00"), Consistency::Strong).await?;
        Ok(Sums::of(&shards).get("posts"))
    }

    /// The newest `max` posts of a list that are no reposts, at most; looks at no more than twice as many and a hundred.
    pub async fn newest_originals(&self, list: &List, max: usize) -> Result<Vec<Post>, Refused> {
        let mut found = Vec::new();
        let (mut start, mut looked_at) = (None::<String>, 0);
        while found.len() < max && looked_at < 2 * max + STEP {
            // One who reposts nothing is read in one query.
            let wanted = (max - found.len()).max(1);
            let items = self.walk(list, start.as_deref(), wanted, Consistency::Strong).await?;
            let is_last = items.len() < wanted;
            looked_at += items.len();
            start = items.last().and_then(sort_key).map(str::to_owned);
            for item in items {
                let post: Post = read(item)?;
                if post.kind != PostKind::Repost {
                    found.push(post);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// The newest `max` of all posts that were published at this time or later, which may be the beginning of a second.
    pub async fn newest_since(&self, since: Timestamp, max: usize) -> Result<Vec<Post>, Refused> {
        let (list, since) = (keys::latest(), since.to_string());
        // No time sorts after this.
        let sort_keys = SortKeys::Between(&since, ":");
        let query = Query::of(&list.partition, sort_keys, Consistency::Strong);
        let items = self.query(Query { backwards: true, limit: Some(max), ..query }).await?;
        items.into_iter().map(read).collect()
    }

    /// The newest `max` published posts of a user that are no reposts.
    ///
    /// The list that readers see goes by the username, and follows a new one within moments. Until then it is shorter than the
    /// profile says, which counts exactly: then the list is made of all posts of the user, which go by the id, up to `max` of them.
    pub async fn newest_originals_of(&self, user: &User, max: usize) -> Result<Vec<Post>, Refused> {
        let expected = usize::try_from(user.posts).unwrap_or(usize::MAX).min(max);
        if expected == 0 {
            return Ok(Vec::new());
        }
        let mut posts = self.newest_originals(&keys::posts_by_author(&user.username), max).await?;
        if posts.len() < expected {
            let own = self.walk(&keys::own_posts(user.id), None, 2 * max + STEP, Consistency::Strong).await?;
            let own = own.into_iter().map(read).collect::<Result<Vec<Post>, _>>()?;
            let is_shown = |post: &Post| post.is_published() && post.kind != PostKind::Repost;
            posts = own.into_iter().filter(is_shown).collect();
            posts.sort_by_key(|post| std::cmp::Reverse((post.published_at, post.id)));
            posts.truncate(max);
        }
        Ok(posts)
    }

    /// What a user has reacted to and everybody may read, newest first, by the time when each post was published: of the reactions to the
    /// newest posts, up to `max`. They are looked for among the user's marks of the `max_marks` newest posts, because marks are of
    /// bookmarks and reposts too.
    pub async fn reacted_to(
        &self,
        user: UserId,
        max: usize,
        max_marks: usize,
    ) -> Result<Vec<(PostId, PostReference)>, Refused> {
        let partition = keys::marks_partition(user);
        let mut ids = HashSet::new();
        let (mut start, mut left) = (None::<String>, max_marks);
        while left > 0 && ids.len() < max {
            let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
            let limit = left.min(max);
            let query = Query { backwards: true, start: start.as_deref(), limit: Some(limit), ..query };
            let marks = self.query(query).await?;
            left = if marks.len() < limit { 0 } else { left - limit };
            start = marks.last().and_then(sort_key).map(str::to_owned);
            let reacted = marks.iter().filter(|mark| mark.contains_key("reaction"));
            let reacted = reacted.filter_map(|mark| sort_key(mark)?.parse::<PostId>().ok());
            ids.extend(reacted.take(max - ids.len()));
        }
        let mut found: Vec<_> = self.references(ids, Consistency::Strong).await?.into_iter().collect();
        found.sort_by_key(|(id, reference)| std::cmp::Reverse((reference.published_at, *id)));
        Ok(found)
    }
}
