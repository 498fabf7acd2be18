//! What readers do with posts: one file an operation in `operations`, and what they share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    create_comment,
    delete_comment,
    get_comment,
    list_comments,
    list_queued_comments,
    moderate_comment,
    report_comment,
    update_comment,
}
