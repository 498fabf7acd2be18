//! Posts show their author as copied when they were written. When a user changes their name or picture, the copies
//! are brought up to date here.

use domain::UserId;
use edge::Problem;
use serde::{Deserialize, Serialize};
use table::AuthorsPlace;

use crate::Services;
use crate::steps::STEP;

/// What the template calls it.
pub const NAME: &str = "rewrite_bylines";

/// The author, and how far their posts are rewritten.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    user_id: UserId,
    place: AuthorsPlace,
}

impl Work {
    /// All posts of this author.
    pub fn of(user_id: UserId) -> Self {
        Self { user_id, place: AuthorsPlace::default() }
    }
}

/// Rewrites the author in some of a user's posts, as the user is now: this may be an old change that comes again. Posts
/// that are right already are passed over.
pub async fn rewrite_bylines(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let Work { user_id, place } = work;
    let blog = &services.blog;
    let rest = blog.table.rewrite_author(user_id, place, STEP, blog.now()).await?;
    Ok(rest.map(|place| Work { user_id, place }))
}
