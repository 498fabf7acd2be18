//! What the operations on other people's accounts share.

use blog::clock::Timestamp;
use blog::domain::{User, UserStatus, Username};
use blog::table::Consistency;
use blog::{Blog, Error, fields};

fields! {
    /// The path of one user.
    pub struct UserPath {
        /// Their username.
        username: Username,
    }
}

/// A change that lost a race is made again this often.
const TRIES: usize = 10;

/// Makes `change` of the account with this username and writes it as its next version; gives it as it is then. A
/// change that alters nothing writes nothing.
pub async fn change_user(
    blog: &Blog,
    username: &Username,
    now: Timestamp,
    change: impl Fn(&mut User) -> Result<(), Error>,
) -> Result<User, Error> {
    for _ in 0..TRIES {
        let user = user_named(blog, username, now).await?;
        let mut next = user.clone();
        change(&mut next)?;
        if next == user {
            return Ok(user);
        }
        next.version += 1;
        next.updated_at = now;
        match blog.table.update_user(&user, &next, Error::field("role", "is the last administrator's; it stays")).await
        {
            Err(Error::PreconditionFailed) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(next),
        }
    }
    Err(Error::Conflict("Too many others change this account at the moment. Try again."))
}

/// The user with this username, as they are now; 404 for one who never confirmed.
async fn user_named(blog: &Blog, username: &Username, now: Timestamp) -> Result<User, Error> {
    let not_found = || Error::NotFound("There is no such user.");
    let holder = blog.table.holder_of_username(username, now).await?.ok_or_else(not_found)?;
    let user = blog.table.user(holder.user_id, Consistency::Strong).await?;
    user.filter(|user| user.status != UserStatus::Unconfirmed).ok_or_else(not_found)
}
