//! What users did with posts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::{Consistency, Entity, Query, SortKeys, Table, keys, read, sort_key};
use domain::{PostId, UserId};

/// What a user did with a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The repost that the user made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reposted_as: Option<PostId>,
}

impl Entity for Mark {
    const TYPE: &'static str = "mark";
}

/// So many marks are looked through for those of a page.
const MAX_LOOKED_THROUGH: usize = 200;

impl Table {
    /// What a user did with a post.
    pub async fn mark(&self, user: UserId, post: PostId) -> Result<Mark, Refused> {
        Ok(self.get(&keys::mark(user, post), Consistency::Strong).await?.unwrap_or_default())
    }

    /// What a user did with these posts.
    ///
    /// The posts of a page were mostly written about the same time, so their ids lie close together and the user's
    /// marks between the first and the last are few: one read of a unit, where asking for each would be a unit each.
    /// Only if there are many marks between them is each asked for.
    pub async fn marks(&self, user: UserId, posts: &[PostId]) -> Result<HashMap<PostId, Mark>, Refused> {
        let (Some(first), Some(last)) = (posts.iter().min(), posts.iter().max()) else { return Ok(HashMap::new()) };
        let (from, to) = (keys::mark(user, *first), keys::mark(user, *last));
        let query = Query::of(&from.pk, SortKeys::Between(&from.sk, &to.sk), Consistency::Strong);
        let mut items = self.query(Query { limit: Some(MAX_LOOKED_THROUGH), ..query }).await?;
        if items.len() == MAX_LOOKED_THROUGH {
            let each = posts.iter().map(|post| keys::mark(user, *post)).collect();
            items = self.batch_get(&each, Consistency::Strong).await?;
        }
        let mut marks = HashMap::new();
        for item in items {
            let post = sort_key(&item).and_then(|id| id.parse().ok());
            let mark = read(item)?;
            marks.extend(post.map(|post| (post, mark)));
        }
        Ok(marks)
    }
}
