//! Posts: one file an operation.

mod create_post;
mod create_preview;
mod edit;
mod get_post;
mod get_revision;
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

blog::operations! {
    create_post::CreatePost,
    create_preview::CreatePreview,
    get_post::GetPost,
    get_revision::GetRevision,
    list_my_posts::ListMyPosts,
    list_posts::ListPosts,
    list_quotes::ListQuotes,
    list_replies::ListReplies,
    list_revisions::ListRevisions,
    list_tags::ListTags,
    pin_post::PinPost,
    publish_post::PublishPost,
    repost_post::RepostPost,
    restore_post::RestorePost,
    restore_revision::RestoreRevision,
    revoke_previews::RevokePreviews,
    trash_post::TrashPost,
    unpin_post::UnpinPost,
    unpublish_post::UnpublishPost,
    unrepost_post::UnrepostPost,
    update_post::UpdatePost,
}
