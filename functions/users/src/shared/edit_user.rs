//! How every change of an account goes: read it, make the next version, write it if nobody else was faster.

use domain::{AuditEntry, Denied, Timestamp, User, UserId};
use edge::{Blog, IfMatch, Problem};
use table::{Consistency, Refused};

/// The maximum number of tries of a change that loses races; each is made on what is stored then, if that is the version
/// that the client pinned it to.
const MAX_TRIES: usize = 10;

/// Why an edit comes to nothing.
pub enum NotEdited {
    /// There is no such account, or no longer.
    Absent,
    /// The last administrator stays.
    LastAdmin,
    /// For any other reason, which the client is told.
    Problem(Problem),
}

impl From<Problem> for NotEdited {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<NotEdited> for Problem {
    fn from(not_edited: NotEdited) -> Self {
        match not_edited {
            NotEdited::Absent => Denied::UserNotFound.into(),
            NotEdited::LastAdmin => Refused::LastAdmin.into(),
            NotEdited::Problem(problem) => problem,
        }
    }
}

impl NotEdited {
    /// What the user is told of an edit of their own account. Who is deleted has a token that the authorizer may let pass
    /// for a minute more: that account is not in use, rather than not found.
    pub fn of_own_account(self) -> Problem {
        match self {
            Self::Absent => Problem::account_not_in_use(),
            other => other.into(),
        }
    }
}

/// Makes `change` of an account and writes it as its next version, with `audit` if it is an administrator's doing; returns it
/// as it is then. A change that alters nothing writes nothing.
pub async fn edit_user(
    blog: &Blog,
    id: UserId,
    if_match: &IfMatch,
    audit: Option<&AuditEntry>,
    now: Timestamp,
    change: impl Fn(&mut User) -> Result<(), Denied>,
) -> Result<User, NotEdited> {
    for _ in 0..MAX_TRIES {
        let user = blog.table.user_with_counts(id, Consistency::Strong).await.map_err(Problem::from)?;
        let user = user.filter(User::is_public).ok_or(NotEdited::Absent)?;
        if_match.check(user.version)?;
        let mut next = user.clone();
        change(&mut next).map_err(Problem::from)?;
        if next == user {
            return Ok(user);
        }
        next.version += 1;
        next.updated_at = now;
        match blog.table.update_user(&user, &next, audit, now).await {
            Ok(()) => return Ok(next),
            Err(Refused::Changed) => {}
            Err(Refused::LastAdmin) => return Err(NotEdited::LastAdmin),
            Err(refused) => return Err(Problem::from(refused).into()),
        }
    }
    Err(Problem::conflict("Too many others change this account at the moment. Try again.").into())
}
