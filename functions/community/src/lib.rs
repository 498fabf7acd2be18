//! What readers do with posts: one file an operation in `operations`, and what they share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    bookmark_post,
    create_comment,
    delete_comment,
    follow_tag,
    get_comment,
    get_reactions,
    list_bookmarks,
    list_comments,
    list_feed,
    list_followed_tags,
    list_notifications,
    list_queued_comments,
    moderate_comment,
    react_to_post,
    read_notifications,
    remove_bookmark,
    remove_reaction,
    report_comment,
    unfollow_tag,
    update_comment,
}
