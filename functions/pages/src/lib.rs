//! The pages of the site, for readers: one file a page in `operations`, its template in `templates`, and what they share in `shared`.
//!
//! A page shows what operations of the API answer to anybody, so it calls them, or what they call: it reads what they read, and every
//! rule of who may see what is theirs. Nobody is signed in on a page, whatever a request says (docs/pages.md).

mod shared;

use std::sync::Arc;

use aws::Sdk;
use edge::Blog;

/// What the pages use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    /// The search.
    pub search: search::Services,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        Self { search: search::Services::new(Arc::clone(&blog), sdk), blog }
    }
}

impl edge::Services for Services {
    fn blog(&self) -> &Blog {
        &self.blog
    }
}

edge::operations! {
    Services;
    Read {
        get_stylesheet,
        show_home,
        show_missing,
        show_post,
        show_search,
        show_tag,
        show_tags,
        show_user,
    }
}

pub use shared::reply::problem_page;
