//! Posts, and what is said of the blog as a whole: one file an operation.

mod create_post;
mod edit;
mod get_post;
mod health;
mod list_my_posts;
mod list_posts;
mod publish_post;
mod representation;
mod trash_post;
mod unpublish_post;
mod update_post;
mod version;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<create_post::CreatePost>(),
    Entry::of::<get_post::GetPost>(),
    Entry::of::<health::Health>(),
    Entry::of::<list_my_posts::ListMyPosts>(),
    Entry::of::<list_posts::ListPosts>(),
    Entry::of::<publish_post::PublishPost>(),
    Entry::of::<trash_post::TrashPost>(),
    Entry::of::<unpublish_post::UnpublishPost>(),
    Entry::of::<update_post::UpdatePost>(),
    Entry::of::<version::Version>(),
];
