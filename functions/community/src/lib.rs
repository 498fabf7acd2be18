//! What readers do with posts: one file an operation in `operations`, and what they share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    Read {
        get_comment,
        get_reactions,
        list_bookmarks,
        list_comments,
        list_feed,
        list_followed_tags,
        list_notifications,
    }
    CommentsWrite {
        bookmark_post,
        create_comment,
        delete_comment,
        follow_tag,
        react_to_post,
        read_notifications,
        remove_bookmark,
        remove_reaction,
        report_comment,
        unfollow_tag,
        update_comment,
    }
    Moderate {
        list_queued_comments,
        moderate_comment,
    }
}

pub use shared::comment_view::CommentView;
pub use shared::thread::comments_of;
