//! Posts and comments show their author as copied when they were written. When a user changes their name or picture, the copies
//! are brought up to date here.

use domain::UserId;
use edge::Problem;
use serde::{Deserialize, Serialize};
use table::{AuthorsPlace, CommenterPlace, Consistency};

use crate::Services;
use crate::steps::STEP;

/// What the template calls it.
pub const NAME: &str = "rewrite_bylines";

/// The author, and how far what they wrote is rewritten.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    user_id: UserId,
    place: Place,
}

/// Posts go first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Posts(AuthorsPlace),
    Comments(Option<CommenterPlace>),
}

impl Work {
    /// All that this author wrote.
    pub fn of(user_id: UserId) -> Self {
        Self { user_id, place: Place::Posts(AuthorsPlace::default()) }
    }
}

/// Rewrites the author in some of a user's posts or comments, as the user is now: this may be an old change that comes again.
/// What is right already is passed over.
pub async fn rewrite_bylines(services: &Services, work: Work) -> Result<Option<Work>, Problem> {
    let Work { user_id, place } = work;
    let blog = &services.blog;
    let rest = match place {
        Place::Posts(place) => match blog.table.rewrite_author(user_id, place, STEP, blog.now()).await? {
            Some(place) => Some(Place::Posts(place)),
            // Whoever is gone has no name any more that a comment could show.
            None => blog.table.user(user_id, Consistency::Strong).await?.map(|_| Place::Comments(None)),
        },
        Place::Comments(place) => {
            blog.table.rewrite_commenter(user_id, place, STEP).await?.map(|place| Place::Comments(Some(place)))
        }
    };
    Ok(rest.map(|place| Work { user_id, place }))
}
