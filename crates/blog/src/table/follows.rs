//! Access patterns of follows.
//!
//! A follow is three items. One is at a key that is made of the pair alone: it makes the follow happen once, and
//! answers whether somebody follows somebody. The other two stand in the lists of both users by the time of the
//! follow, so that the lists are newest first and never lag. Why not two: docs/adr/0005.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;

use super::keys::{self, List};
use super::write::Write;
use super::{Consistency, Entity, Table, read, type_of};
use crate::Error;
use crate::clock::Timestamp;
use crate::domain::{Follow, User, UserId};
use crate::edge::{Limit, Page};

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

    /// A page of a list of follows, newest first. `cursor` is what the page before this one gave.
    pub async fn follows(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
        now: Timestamp,
    ) -> Result<Page<Follow>, Error> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, consistency, now).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Ends all follows of and by a user. May be stopped anywhere and begun again.
    pub async fn delete_follows_of(&self, id: UserId, now: Timestamp) -> Result<(), Error> {
        for list in [keys::followers(id), keys::following(id)] {
            loop {
                // What is ended leaves the list, so the next page is the first one again.
                let page = self.follows(&list, None, Limit::MOST, Consistency::Strong, now).await?;
                if page.items.is_empty() {
                    break;
                }
                for follow in page.items {
                    self.unfollow(follow.follower, follow.followed).await?;
                }
            }
        }
        Ok(())
    }

    /// The profiles of these users in their order, each with whether `viewer` follows the user if there is a
    /// viewer. Users who vanished, leave, or have not finished registering are left out.
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
            .filter(User::is_public)
            .map(|user| {
                let following = viewer.map(|_| followed.contains(&user.id));
                (user, following)
            })
            .collect())
    }
}

/// Keeps the counts of both, in the transaction that changes them. Nobody begins to follow, or is followed, who is not
/// there for others, or about to leave; ending a follow only needs the profiles.
fn count(follow: &Follow, by: i64) -> [Write; 2] {
    let of = |id: UserId, name: &str, refusal: Error| {
        let write = Write::add(keys::profile(id), name, by).on_condition_failed(refusal);
        if by < 0 {
            return write;
        }
        write
            .on_condition("#status IN (:active, :suspended)")
            .with_name("#status", "status")
            .with_value(":active", AttributeValue::S("active".to_owned()))
            .with_value(":suspended", AttributeValue::S("suspended".to_owned()))
    };
    [
        of(follow.follower, "following", Error::Unauthenticated("This account is not in use.")),
        of(follow.followed, "followers", User::not_found()),
    ]
}

/// The pair is as it should be if this write made it so, and also if another one did.
fn unless_done(written: Result<(), Error>) -> Result<(), Error> {
    match written {
        Err(Error::PreconditionFailed) => Ok(()),
        written => written,
    }
}
