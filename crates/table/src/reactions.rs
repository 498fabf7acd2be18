//! Access patterns of reactions.
//!
//! A user's mark of a post says what the reaction is and makes it one. An item at the post says the same, so that a post
//! that is removed takes its reactions along. How many there are of each kind is counted in the post ([`crate::counts`]).

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::counts::{Sums, Target};
use crate::keys;
use crate::marks::{Mark, change_mark};
use crate::write::{MAX_TRIES, Write};
use crate::{Consistency, Entity, Item, Query, Refused, SortKeys, Table, read};
use domain::{Post, PostId, ReactionKind, Timestamp, UserId};

/// A reaction, at the post.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reaction {
    pub user: UserId,
    pub kind: ReactionKind,
    /// When the user first reacted, whatever the reaction was then.
    #[serde(default = "long_ago")]
    pub reacted_at: Timestamp,
}

/// What is said of a reaction that was stored before its time was.
fn long_ago() -> Timestamp {
    Timestamp::from_milliseconds(0)
}

impl Entity for Reaction {
    const TYPE: &'static str = "reaction";
}

impl Table {
    /// Makes this a user's reaction to a post at a time, whatever it was before; without one, takes it back. Doing it twice is the same
    /// as once. 2 RCU and 6 WCU. Says whether there was a reaction before.
    pub async fn react(
        &self,
        user: UserId,
        post: PostId,
        reaction: Option<(ReactionKind, Timestamp)>,
    ) -> Result<bool, Refused> {
        let (reaction, reacted_at) = reaction.unzip();
        for _ in 0..MAX_TRIES {
            let mark = self.mark(user, post).await?;
            let before = mark.reaction;
            if before == reaction {
                return Ok(before.is_some());
            }
            let mut writes = vec![change_mark(user, post, &mark, &Mark { reaction, ..mark.clone() })?];
            let key = keys::reaction(post, user);
            writes.push(match reaction.zip(reacted_at) {
                Some((kind, _)) if before.is_some() => {
                    Write::set(key, "kind", AttributeValue::S(kind.as_str().to_owned()))
                }
                Some((kind, reacted_at)) => Write::put(key, &Reaction { user, kind, reacted_at })?,
                None => Write::delete(key),
            });
            // Of a post that is gone nobody counts anything. One that is removed or renamed at this moment is seen to by
            // `copy_counts`.
            if let Some(slug) = self.slug_of(post).await? {
                let changes = before.map(|kind| (kind.as_str(), -1)).into_iter();
                let changes = changes.chain(reaction.map(|kind| (kind.as_str(), 1)));
                writes.push(Target::Post(post, &slug).count(&user.to_string(), changes));
            }
            match self.write(writes).await {
                // The user does something else with the post at this moment.
                Err(Refused::Changed) => {}
                outcome => return outcome.map(|()| before.is_some()),
            }
        }
        Err(Refused::Contended)
    }

    /// How many reactions of each kind a post has, in the order of [`ReactionKind::ALL`].
    pub async fn reactions(&self, post: &Post, consistency: Consistency) -> Result<[u64; 4], Refused> {
        let (partition, prefix) = (keys::slug_partition(&post.slug), keys::post_counts_prefix(post.id));
        let sums = Sums::of(&self.query_prefix(&partition, &prefix, consistency).await?);
        Ok(ReactionKind::ALL.map(|kind| sums.get(kind.as_str())))
    }

    /// Deletes reactions to a post that is gone, at most `max`. Says whether there was none any more.
    pub async fn delete_reactions_of_post(&self, post: PostId, max: usize) -> Result<bool, Refused> {
        let list = keys::reactions(post);
        let query = Query::of(&list.partition, SortKeys::Any, Consistency::Strong);
        let items = self.query(Query { limit: Some(max), ..query }).await?;
        let none = items.is_empty();
        for item in items {
            let Reaction { user, .. } = read(item)?;
            let mark = self.mark(user, post).await?;
            let writes = vec![
                change_mark(user, post, &mark, &Mark { reaction: None, ..mark.clone() })?,
                Write::delete(keys::reaction(post, user)),
            ];
            match self.write(writes).await {
                // The user does something with the post at this moment; it is met again.
                Ok(()) | Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(none)
    }
}

/// What the item of a reaction counts: a kind, and who reacted.
pub(crate) fn counted_reaction(item: &Item) -> Option<(&'static str, String)> {
    let kind = item.get("kind")?.as_s().ok()?;
    let kind = ReactionKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    Some((kind.as_str(), item.get("user")?.as_s().ok()?.clone()))
}
