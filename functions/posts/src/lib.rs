//! Posts: one file an operation in `operations`, and what they share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    create_post,
    create_preview,
    get_post,
    get_revision,
    list_my_posts,
    list_posts,
    list_quotes,
    list_replies,
    list_revisions,
    list_tags,
    pin_post,
    publish_post,
    repost_post,
    restore_post,
    restore_revision,
    revoke_previews,
    trash_post,
    unpin_post,
    unpublish_post,
    unrepost_post,
    update_post,
}
