//! Finding users, and listing them.

use domain::{Denied, Email, Follow, Login, Page, Timestamp, User, UserId, Username, Viewer, fields};
use edge::{Blog, PageQuery, Problem};
use table::keys::List;
use table::{Consistency, Guarded};
use views::PublicProfile;

fields! {
    /// The path of one user.
    pub struct UserPath {
        /// The user's name.
        username: Username,
    }
}

/// The id of the user with this username, or who had it until lately. A name that is only reserved is nobody's yet.
pub async fn user_named(blog: &Blog, username: &Username, now: Timestamp) -> Result<UserId, Problem> {
    let holder = blog.table.holder_of_username(username, now).await?.filter(|holder| !holder.is_reserved());
    Ok(holder.map(|holder| holder.user_id).ok_or(Denied::UserNotFound)?)
}

/// The user whom a login names: a username or an e-mail address.
pub async fn holder_of_login(blog: &Blog, login: &Login, now: Timestamp) -> Result<Option<Guarded>, Problem> {
    let login = login.as_str().to_owned();
    Ok(if login.contains('@') {
        match Email::try_from(login) {
            Ok(email) => blog.table.holder_of_email(&email, now).await?,
            Err(_) => None,
        }
    } else {
        match Username::try_from(login) {
            Ok(username) => blog.table.holder_of_username(&username, now).await?,
            Err(_) => None,
        }
    })
}

/// The other user of a follow. Nobody follows themselves.
pub async fn other_user(blog: &Blog, viewer: &Viewer, username: &Username, now: Timestamp) -> Result<UserId, Problem> {
    let other = user_named(blog, username, now).await?;
    if other == viewer.user_id { Err(Problem::field("username", "must be another user")) } else { Ok(other) }
}

/// The profile of the caller, with exact counts.
pub async fn own_profile(blog: &Blog, viewer: &Viewer) -> Result<User, Problem> {
    let user = blog.table.user_with_counts(viewer.user_id, Consistency::Strong).await?;
    user.ok_or_else(Problem::account_not_in_use)
}

/// Makes sure that the caller is still an administrator. The authorizer's word may be a minute old, and who is an administrator no
/// longer must not use that minute to become one again.
pub async fn still_admin(blog: &Blog, viewer: &Viewer) -> Result<(), Problem> {
    let user = blog.table.user(viewer.user_id, Consistency::Strong).await?;
    if user.is_some_and(|user| user.is_active_admin()) { Ok(()) } else { Err(Denied::NotAdmin.into()) }
}

/// A page of a list of follows, shown as the users at its `other` end.
pub async fn page_of_follows(
    blog: &Blog,
    list: &List,
    query: &PageQuery,
    viewer: Option<&Viewer>,
    other: impl Fn(Follow) -> UserId,
) -> Result<Page<PublicProfile>, Problem> {
    let consistency = Consistency::for_viewer(viewer);
    let (cursor, limit) = (query.cursor.as_deref(), query.limit.unwrap_or_default());
    let Page { items, next_cursor } = blog.table.follows(list, cursor, limit, consistency).await?.map(other);
    let viewer = viewer.map(|viewer| viewer.user_id);
    let users = blog.table.users_seen_by(viewer, &items, consistency).await?;
    let items = users.into_iter().map(|(user, following)| PublicProfile::new(user, following)).collect();
    Ok(Page { items, next_cursor })
}
