//! How posts and users are shown: the JSON of the API, and the reads that it takes. Shared, so that an operation of any crate
//! can answer with one. `functions/*/template.yaml` names the permissions: `dynamodb:BatchGetItem` and `dynamodb:Query`
//! for posts.

mod media;
mod post;
mod user;

pub use media::{MediaView, media_address};
pub use post::{
    Author, BookmarkView, Counts, OtherPost, PostCard, PostView, bookmarks, original, original_slug, post_cards,
    post_view,
};
pub use user::{PrivateProfile, PublicProfile, UserCounts, user_named};
