//! Access patterns of follows.
//!
//! A follow is three items. One is at a key that is made of the pair alone: it makes the follow happen once, and
//! answers whether somebody follows somebody. The other two stand in the lists of both users by the time of the
//! follow, so that the lists are newest first and never lag. Why not two: docs/adr/0005.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::Refused;
use crate::counts::Target;
use crate::home_feed::hide_from_feed;
use crate::keys::{self, List};
use crate::write::Write;
use crate::{Consistency, Entity, Item, Table, read, sort_key, type_of};
use domain::{Denied, Follow, Limit, Page, Subject, User, UserId};

impl Entity for Follow {
    const TYPE: &'static str = "follow";
}

impl Table {
    /// Makes one user follow another, and counts it for both; 1 RCU and 10 WCU. Doing it twice is the same as
    /// once. [`Denied::UserNotFound`] if the other is no longer there.
    ///
    /// The other's profile is read and not part of the transaction, where all who follow at one moment would wait for
    /// each other. What comes too late for a user who leaves is removed by [`copy_followers`](Self::copy_followers).
    pub async fn follow(&self, follow: &Follow) -> Result<(), Refused> {
        let followed = self.user(follow.followed, Consistency::Strong).await?;
        followed.filter(User::is_public).ok_or(Denied::UserNotFound)?;
        let mut writes = vec![
            Write::put(keys::follow(follow.follower, follow.followed), follow)?
                .on_condition("attribute_not_exists(pk)")
                .on_condition_failed(Refused::Changed),
        ];
        for key in keys::follow_list_items(follow) {
            writes.push(Write::put(key, follow)?);
        }
        // Nobody begins to follow who is about to leave.
        writes.push(
            count_following(follow, 1)
                .on_condition("#status IN (:active, :suspended)")
                .with_name("#status", "status")
                .with_value(":active", AttributeValue::S("active".to_owned()))
                .with_value(":suspended", AttributeValue::S("suspended".to_owned())),
        );
        writes.push(count_follower(follow, 1));
        unless_done(self.write(writes).await)
    }

    /// Makes one user follow another no longer; 1 RCU and 12 WCU. Doing it twice is the same as once.
    pub async fn unfollow(&self, follower: UserId, followed: UserId) -> Result<(), Refused> {
        self.end_follow(follower, followed, None).await
    }

    /// Ends a follow. Of who is `leaving` nothing is counted any more.
    async fn end_follow(&self, follower: UserId, followed: UserId, leaving: Option<UserId>) -> Result<(), Refused> {
        let key = keys::follow(follower, followed);
        let Some(follow) = self.get::<Follow>(&key, Consistency::Strong).await? else { return Ok(()) };
        // If it is another follow by now, somebody else has ended this one. That was all that was asked for.
        let mut writes = vec![
            Write::delete(key)
                .on_condition("followed_at = :followed_at")
                .with_value(":followed_at", AttributeValue::S(follow.followed_at.to_string()))
                .on_condition_failed(Refused::Changed),
        ];
        writes.extend(keys::follow_list_items(&follow).map(Write::delete));
        // Of who leaves there is nothing to hide.
        if leaving.is_none() {
            writes.push(hide_from_feed(&follow)?);
        }
        if leaving != Some(follower) {
            writes.push(count_following(&follow, -1));
        }
        if leaving != Some(followed) {
            writes.push(count_follower(&follow, -1));
        }
        unless_done(self.write(writes).await)
    }

    /// A page of a list of follows, newest first. `cursor` is what the page before this one gave.
    pub async fn follows(
        &self,
        list: &List,
        cursor: Option<&str>,
        limit: Limit,
        consistency: Consistency,
    ) -> Result<Page<Follow>, Refused> {
        let Page { items, next_cursor } = self.page(list, cursor, limit, consistency).await?;
        Ok(Page { items: items.into_iter().map(read).collect::<Result<_, _>>()?, next_cursor })
    }

    /// Follows of a list, newest first, for who goes through all of them: up to a hundred after `position`, or the newest. Each
    /// with its position.
    pub async fn follows_after(&self, list: &List, position: Option<&str>) -> Result<Vec<(String, Follow)>, Refused> {
        let items = self.items(list, position).await?;
        let with_position = |item: Item| Ok((sort_key(&item).unwrap_or_default().to_owned(), read(item)?));
        items.into_iter().map(with_position).collect()
    }

    /// Ends follows of and by a user, at most `max`. Says whether there was none any more.
    pub async fn delete_follows_of(&self, id: UserId, max: usize) -> Result<bool, Refused> {
        let mut items = self.walk(&keys::followers(id), None, max, Consistency::Strong).await?;
        if items.len() < max {
            items.extend(self.walk(&keys::following(id), None, max - items.len(), Consistency::Strong).await?);
        }
        let none = items.is_empty();
        for item in items {
            let Follow { follower, followed, .. } = read(item)?;
            // Before, because nothing leads to the follow after. What somebody is told meanwhile is not shown.
            self.withdraw_from(Subject::Follows(follower), followed).await?;
            self.end_follow(follower, followed, Some(id)).await?;
        }
        Ok(none)
    }

    /// Whether one user follows another; strongly consistent.
    pub async fn is_following(&self, follower: UserId, followed: UserId) -> Result<bool, Refused> {
        Ok(self.get_item(&keys::follow(follower, followed), Consistency::Strong).await?.is_some())
    }

    /// The profile of a user with exact counts, and whether `viewer` follows the user if there is a viewer. None if the
    /// user vanished, leaves, or has not finished registering.
    pub async fn user_seen_by(
        &self,
        viewer: Option<UserId>,
        id: UserId,
        consistency: Consistency,
    ) -> Result<Option<(User, Option<bool>)>, Refused> {
        let following = async {
            let Some(viewer) = viewer else { return Ok(None) };
            Ok(Some(self.get_item(&keys::follow(viewer, id), consistency).await?.is_some()))
        };
        let (user, following) = tokio::try_join!(self.user_with_counts(id, consistency), following)?;
        Ok(user.filter(User::is_public).map(|user| (user, following)))
    }

    /// The profiles of these users in their order, each with whether `viewer` follows the user if there is a
    /// viewer. Users who vanished, leave, or have not finished registering are left out.
    pub async fn users_seen_by(
        &self,
        viewer: Option<UserId>,
        users: &[UserId],
        consistency: Consistency,
    ) -> Result<Vec<(User, Option<bool>)>, Refused> {
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

/// Counts whom the follower follows, in the follower's own profile, which nobody else writes.
fn count_following(follow: &Follow, by: i64) -> Write {
    Write::add(keys::profile(follow.follower), "following", by).on_condition_failed(Denied::AccountNotInUse.into())
}

/// Counts who follows the followed.
fn count_follower(follow: &Follow, by: i64) -> Write {
    Target::User(follow.followed).count(&follow.follower.to_string(), [("followers", by)])
}

/// The pair is as it should be if this write made it so, and also if another one did.
fn unless_done(written: Result<(), Refused>) -> Result<(), Refused> {
    match written {
        Err(Refused::Changed) => Ok(()),
        written => written,
    }
}
