//! What users did with posts: a mark for each user and post, with all that the user did.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::write::Write;
use crate::{Consistency, Entity, Query, SortKeys, Table, keys, read, sort_key};
use domain::{PostId, ReactionKind, Timestamp, UserId, Viewer};

/// What a user did with a post. There is no mark of who did nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The repost that the user made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reposted_as: Option<PostId>,
    /// The user's reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<ReactionKind>,
    /// When the user bookmarked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmarked_at: Option<Timestamp>,
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

    /// What the viewer did with these posts.
    ///
    /// The posts of a page were mostly written about the same time, so their ids lie close together and the user's
    /// marks between the first and the last are few: one read of a unit, where asking for each would be a unit each.
    /// Only if there are many marks between them is each asked for.
    pub async fn marks(&self, viewer: &Viewer, posts: &[PostId]) -> Result<HashMap<PostId, Mark>, Refused> {
        let (user, consistency) = (viewer.user_id, Consistency::for_viewer(Some(viewer)));
        let (Some(first), Some(last)) = (posts.iter().min(), posts.iter().max()) else { return Ok(HashMap::new()) };
        let (from, to) = (keys::mark(user, *first), keys::mark(user, *last));
        let query = Query::of(&from.pk, SortKeys::Between(&from.sk, &to.sk), consistency);
        let mut items = self.query(Query { limit: Some(MAX_LOOKED_THROUGH), ..query }).await?;
        if items.len() == MAX_LOOKED_THROUGH {
            let each = posts.iter().map(|post| keys::mark(user, *post)).collect();
            items = self.batch_get(&each, consistency).await?;
        }
        let mut marks = HashMap::new();
        for item in items {
            let post = sort_key(&item).and_then(|id| id.parse().ok());
            let mark = read(item)?;
            marks.extend(post.map(|post| (post, mark)));
        }
        Ok(marks)
    }

    /// What a user did with posts, at most `max` of those after `after`.
    pub async fn marks_of(
        &self,
        user: UserId,
        after: Option<PostId>,
        max: usize,
    ) -> Result<Vec<(PostId, Mark)>, Refused> {
        let (partition, start) = (keys::marks_partition(user), after.map(|after| after.to_string()));
        let query = Query::of(&partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { start: start.as_deref(), limit: Some(max), ..query }).await?;
        let mark = |item| {
            let post = sort_key(&item).unwrap_or_default().parse().map_err(Refused::internal)?;
            Ok((post, read(item)?))
        };
        items.into_iter().map(mark).collect()
    }

    /// Undoes what a user did with posts, at most `max` of them. Says whether there was none any more. Their reposts are
    /// deleted with their posts, before.
    pub async fn delete_marks_of(&self, user: UserId, max: usize) -> Result<bool, Refused> {
        let marks = self.marks_of(user, None, max).await?;
        for (post, mark) in &marks {
            if mark.reaction.is_some() {
                self.react(user, *post, None).await?;
            }
            if mark.bookmarked_at.is_some() {
                self.remove_bookmark(user, *post).await?;
            }
            self.delete_item(&keys::mark(user, *post)).await?;
        }
        Ok(marks.is_empty())
    }
}

/// Changes what a user did with a post. [`Refused::Changed`] if `old` is no longer what is stored.
pub(crate) fn change_mark(user: UserId, post: PostId, old: &Mark, new: &Mark) -> Result<Write, Refused> {
    let key = keys::mark(user, post);
    let write = if *new == Mark::default() {
        Write::delete(key)
    } else {
        Write::update(key, old, new)?.and_set("type", AttributeValue::S(Mark::TYPE.to_owned()))
    };
    let attributes = [
        ("reposted_as", old.reposted_as.map(|id| id.to_string())),
        ("reaction", old.reaction.map(|kind| kind.as_str().to_owned())),
        ("bookmarked_at", old.bookmarked_at.map(|at| at.to_string())),
    ];
    let mut terms = Vec::new();
    let mut write = write;
    for (name, value) in attributes {
        match value {
            Some(value) => {
                terms.push(format!("{name} = :old_{name}"));
                write = write.with_value(&format!(":old_{name}"), AttributeValue::S(value));
            }
            None => terms.push(format!("attribute_not_exists({name})")),
        }
    }
    Ok(write.on_condition(terms.join(" AND ")).on_condition_failed(Refused::Changed))
}
