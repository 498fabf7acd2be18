//! Posts, and what is said of the blog as a whole: one file an operation.

mod create_post;
mod create_preview;
mod edit;
mod get_post;
mod get_revision;
mod health;
mod list_my_posts;
mod list_posts;
mod list_quotes;
mod list_replies;
mod list_revisions;
mod list_tags;
mod others;
mod pin_post;
mod preview;
mod publish_post;
mod ready;
mod repost_post;
mod representation;
mod restore_post;
mod restore_revision;
mod revision;
mod revoke_previews;
mod trash_post;
mod unpin_post;
mod unpublish_post;
mod unrepost_post;
mod update_post;
mod version;

use blog::edge::Entry;

/// Every operation of this crate.
pub static OPERATIONS: &[Entry] = &[
    Entry::of::<create_post::CreatePost>(),
    Entry::of::<create_preview::CreatePreview>(),
    Entry::of::<get_post::GetPost>(),
    Entry::of::<get_revision::GetRevision>(),
    Entry::of::<health::Health>(),
    Entry::of::<list_my_posts::ListMyPosts>(),
    Entry::of::<list_posts::ListPosts>(),
    Entry::of::<list_quotes::ListQuotes>(),
    Entry::of::<list_replies::ListReplies>(),
    Entry::of::<list_revisions::ListRevisions>(),
    Entry::of::<list_tags::ListTags>(),
    Entry::of::<pin_post::PinPost>(),
    Entry::of::<publish_post::PublishPost>(),
    Entry::of::<ready::Ready>(),
    Entry::of::<repost_post::RepostPost>(),
    Entry::of::<restore_post::RestorePost>(),
    Entry::of::<restore_revision::RestoreRevision>(),
    Entry::of::<revoke_previews::RevokePreviews>(),
    Entry::of::<trash_post::TrashPost>(),
    Entry::of::<unpin_post::UnpinPost>(),
    Entry::of::<unpublish_post::UnpublishPost>(),
    Entry::of::<unrepost_post::UnrepostPost>(),
    Entry::of::<update_post::UpdatePost>(),
    Entry::of::<version::Version>(),
];
