//! How readers and search engines find what is new: feeds, and the sitemap. One file an operation in `operations`, and what they
//! share in `shared`.

mod shared;

edge::operations! {
    std::sync::Arc<edge::Blog>;
    Read {
        get_atom_feed,
        get_json_feed,
        get_robots,
        get_rss_feed,
        get_sitemap,
        get_sitemap_file,
        get_tag_atom_feed,
        get_tag_json_feed,
        get_tag_rss_feed,
        get_user_atom_feed,
        get_user_json_feed,
        get_user_rss_feed,
    }
}

pub use shared::html::absolute as absolute_html;
