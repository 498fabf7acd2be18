//! Finding and showing users: what the operations of one user and of lists of users share.

use blog::clock::Timestamp;
use blog::domain::{Follow, User, UserId, Username, Viewer};
use blog::edge::{Page, PageQuery};
use blog::table::Consistency;
use blog::table::keys::List;
use blog::{Blog, Error, fields};

use crate::profile::PublicProfile;

fields! {
    /// The path of one user.
    pub struct UserPath {
        /// The user's name.
        username: Username,
    }
}

/// The id of the user with this username, or who had it until lately. A name that is only reserved is nobody's yet.
pub async fn user_named(blog: &Blog, username: &Username, now: Timestamp) -> Result<UserId, Error> {
    let holder = blog.table.holder_of_username(username, now).await?;
    holder.filter(|holder| !holder.is_reserved()).map(|holder| holder.user_id).ok_or_else(User::not_found)
}

/// The other user of a follow. Nobody follows themselves.
pub async fn other_user(blog: &Blog, viewer: &Viewer, username: &Username, now: Timestamp) -> Result<UserId, Error> {
    let other = user_named(blog, username, now).await?;
    if other == viewer.user_id { Err(Error::field("username", "must be somebody else")) } else { Ok(other) }
}

/// A page of a list of follows, shown as the users at its `other` end.
pub async fn page_of_follows(
    blog: &Blog,
    list: &List,
    query: PageQuery,
    viewer: Option<Viewer>,
    now: Timestamp,
    other: impl Fn(Follow) -> UserId,
) -> Result<Page<PublicProfile>, Error> {
    let consistency = if viewer.is_some() { Consistency::Strong } else { Consistency::Eventual };
    let limit = query.limit.unwrap_or_default();
    let Page { items, next_cursor } =
        blog.table.follows(list, query.cursor.as_deref(), limit, consistency, now).await?.map(other);
    let viewer = viewer.map(|viewer| viewer.user_id);
    let users = blog.table.users_seen_by(viewer, &items, consistency).await?;
    let items = users.into_iter().map(|(user, following)| PublicProfile::new(user, following)).collect();
    Ok(Page { items, next_cursor })
}
