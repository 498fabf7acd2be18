//! Access patterns of follows.
//!
//! A follow is three items. One is at a key that is made of the pair alone: it makes the follow happen once, and
//! answers whether somebody follows somebody. The other two stand in the lists of both users by the time of the
//! follow, so that the lists are newest first and never lag. Why not two: docs/adr/0005.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;

use super::keys::{self, FollowList};
use super::write::Write;
use super::{Consistency, Entity, Table, read, sort_key, type_of};
use crate::Error;
use crate::domain::{Follow, User, UserId, UserStatus};
use crate::edge::{Cursor, Limit, Page};

impl Entity for Follow {
    const TYPE: &'static str = "follow";
}

impl Table {
    /// Makes one user follow another, and counts it in both profiles; 10 WCU. Doing it twice is the same as
    /// once. [`Error::NotFound`] if the other is no longer there.
    pub async fn follow(&self, follow: &Follow) -> Result<(), Error> {
        let mut writes = vec![
            Write::put(keys::follow(follow.follower, follow.followed), follow)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Error::PreconditionFailed),
        ];
        for key in keys::follow_list_items(follow) {
            writes.push(Write::put(key, follow)?);
        }
        writes.extend(count(follow, 1));
        unless_done(self.write(writes).await)
    }

    /// Makes one user follow another no longer; 1 RCU and 10 WCU. Doing it twice is the same as once.
    pub async fn unfollow(&self, follower: UserId, followed: UserId) -> Result<(), Error> {
        let key = keys::follow(follower, followed);
        let Some(follow) = self.get::<Follow>(&key, Consistency::Strong).await? else { return Ok(()) };
        // If it is another follow by now, somebody else has ended this one. That was all that was asked for.
        let mut writes = vec![
            Write::delete(key)
                .on_condition("followed_at = :followed_at")
                .with_value(":followed_at", AttributeValue::S(follow.followed_at.to_string()))
                .on_condition_failed(Error::PreconditionFailed),
        ];
        writes.extend(keys::follow_list_items(&follow).map(Write::delete));
        writes.extend(count(&follow, -1));
        unless_done(self.write(writes).await)
    }

    /// A page of a user's followers, or of whom a user follows, newest first. `cursor` is what the page before
    /// this one gave.
    pub async fn follows(
        &self,
        list: FollowList,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<UserId>, Error> {
        let partition = list.partition();
        let start = match cursor {
            Some(cursor) => Some(Cursor::verify(cursor, &partition, self.signing_key().await?)?),
            None => None,
        };
        let before = start.as_ref().map(|cursor| cursor.after.as_str());

        // One more than the page holds tells whether there is a next page.
        let limit = limit.get();
        let mut items = self.query_backwards(&partition, "", before, limit + 1, consistency).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last() {
            Some(item) if more => {
                let after = sort_key(item).unwrap_or_default().to_owned();
                Some(Cursor { bucket: String::new(), after }.sign(&partition, self.signing_key().await?))
            }
            _ => None,
        };
        let follows = items.into_iter().map(read).collect::<Result<Vec<Follow>, _>>()?;
        let other = |follow: Follow| match list {
            FollowList::Followers(_) => follow.follower,
            FollowList::Following(_) => follow.followed,
        };
        Ok(Page { items: follows.into_iter().map(other).collect(), next_cursor })
    }

    /// The profiles of these users in their order, each with whether `viewer` follows the user if there is a
    /// viewer. Users who vanished or have not finished registering are left out.
    pub async fn users_seen_by(
        &self,
        viewer: Option<UserId>,
        users: &[UserId],
        consistency: Consistency,
    ) -> Result<Vec<(User, Option<bool>)>, Error> {
        let mut wanted: HashSet<_> = users.iter().map(|user| keys::profile(*user)).collect();
        if let Some(viewer) = viewer {
            wanted.extend(users.iter().map(|user| keys::follow(viewer, *user)));
        }
        let (mut profile_of, mut followed) = (HashMap::new(), HashSet::new());
        for item in self.batch_get(&wanted, consistency).await? {
            if type_of(&item) == Some(Follow::TYPE) {
                followed.insert(read::<Follow>(item)?.followed);
            } else {
                let user: User = read(item)?;
                profile_of.insert(user.id, user);
            }
        }
        Ok(users
            .iter()
            .filter_map(|id| profile_of.remove(id))
            .filter(|user| user.status != UserStatus::Unconfirmed)
            .map(|user| {
                let following = viewer.map(|_| followed.contains(&user.id));
                (user, following)
            })
            .collect())
    }
}

/// Keeps the counts of both, in the transaction that changes them.
fn count(follow: &Follow, by: i64) -> [Write; 2] {
    [
        Write::add(keys::profile(follow.follower), "following", by)
            .on_condition_failed(Error::Unauthenticated("This account is not in use.")),
        Write::add(keys::profile(follow.followed), "followers", by).on_condition_failed(User::not_found()),
    ]
}

/// The pair is as it should be if this write made it so, and also if another one did.
fn unless_done(written: Result<(), Error>) -> Result<(), Error> {
    match written {
        Err(Error::PreconditionFailed) => Ok(()),
        written => written,
    }
}
