//! Posts: one file an operation in `operations`, and what they share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    Read {
        get_aliases,
        get_post,
        get_revision,
        list_my_posts,
        list_posts,
        list_quotes,
        list_replies,
        list_revisions,
        list_tags,
        render_markdown,
    }
    PostsWrite {
        create_post,
        create_preview,
        publish_post,
        repost_post,
        restore_post,
        restore_revision,
        revoke_previews,
        set_aliases,
        trash_post,
        unpublish_post,
        unrepost_post,
        update_post,
    }
    Moderate {
        pin_post,
        unpin_post,
    }
}

pub use operations::create_post::create_labelled_post;
pub use operations::get_post::Preview;
pub use operations::list_posts::{Filters, list_posts};
pub use operations::list_tags::{CountedTag, Order, list_tags};
pub use operations::update_post::update_labelled_post;
pub use shared::lookup::PostPath;
pub use shared::reading::{ReadPost, read_post};
