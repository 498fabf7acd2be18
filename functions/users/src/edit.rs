//! How every change of an account goes: read it, make the next version, write it if nobody else was faster.

use blog::clock::Timestamp;
use blog::domain::{User, UserId, Viewer};
use blog::edge::IfMatch;
use blog::table::Consistency;
use blog::{Blog, Error};

/// A change that lost a race is made again this often, on what is there then, if that is the version that the client
/// pinned it to.
const TRIES: usize = 10;

/// Makes `change` of the caller's own account. Who is deleted has a token that the authorizer may let pass for a minute
/// more: that account is not in use, rather than not found.
pub async fn edit_own_account(
    blog: &Blog,
    viewer: &Viewer,
    if_match: &IfMatch,
    now: Timestamp,
    change: impl Fn(&mut User) -> Result<(), Error>,
) -> Result<User, Error> {
    match edit_user(blog, viewer.user_id, if_match, now, change).await {
        Err(Error::NotFound(_)) => Err(Error::Unauthenticated("This account is not in use.")),
        outcome => outcome,
    }
}

/// Makes `change` of an account and writes it as its next version; gives it as it is then. A change that alters
/// nothing writes nothing.
pub async fn edit_user(
    blog: &Blog,
    id: UserId,
    if_match: &IfMatch,
    now: Timestamp,
    change: impl Fn(&mut User) -> Result<(), Error>,
) -> Result<User, Error> {
    for _ in 0..TRIES {
        let user = blog.table.user(id, Consistency::Strong).await?;
        let user = user.filter(User::is_public).ok_or_else(User::not_found)?;
        if_match.check(user.version)?;
        let mut next = user.clone();
        change(&mut next)?;
        if next == user {
            return Ok(user);
        }
        next.version += 1;
        next.updated_at = now;
        match blog.table.update_user(&user, &next, now).await {
            Err(Error::PreconditionFailed) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(next),
        }
    }
    Err(Error::Conflict("Too many others change this account at the moment. Try again."))
}
