//! Finding and showing users: what the operations of one user and of lists of users share.

use blog::clock::Timestamp;
use blog::domain::{User, UserId, Username, Viewer};
use blog::edge::{Page, PageQuery};
use blog::table::Consistency;
use blog::table::keys::FollowList;
use blog::{Blog, Error, fields};

use crate::profile::PublicProfile;

fields! {
    /// The path of one user.
    pub struct UserPath {
        /// The user's name.
        username: Username,
    }
}

/// Who has this name. A name that is only reserved is nobody's yet.
pub async fn user_named(blog: &Blog, username: &Username, now: Timestamp) -> Result<UserId, Error> {
    let holder = blog.table.holder_of_username(username, now).await?;
    holder.filter(|guard| guard.expires_at.is_none()).map(|guard| guard.user_id).ok_or_else(User::not_found)
}

/// The other user of a follow. Nobody follows themselves.
pub async fn other_user(blog: &Blog, viewer: &Viewer, username: &Username, now: Timestamp) -> Result<UserId, Error> {
    let other = user_named(blog, username, now).await?;
    if other == viewer.user_id { Err(Error::field("username", "must be somebody else")) } else { Ok(other) }
}

/// A page of a list of users, as the viewer sees them.
pub async fn page(
    blog: &Blog,
    list: FollowList,
    query: PageQuery,
    viewer: Option<Viewer>,
) -> Result<Page<PublicProfile>, Error> {
    let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
    let limit = query.limit.unwrap_or_default();
    let ids = blog.table.follows(list, query.cursor.as_deref(), limit, consistency).await?;
    let viewer = viewer.map(|viewer| viewer.user_id);
    let users = blog.table.users_seen_by(viewer, &ids.items, consistency).await?;
    let items = users.into_iter().map(|(user, following)| PublicProfile::new(user, following)).collect();
    Ok(Page { items, next_cursor: ids.next_cursor })
}
