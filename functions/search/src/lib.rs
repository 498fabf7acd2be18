//! Search: its operation, and the plug-ins that write the index. How words become an index and a query finds posts is in
//! `crates/search_index`; here is where the index is kept.
//!
//! Segments are files in the bucket, each written once. The manifest, an item of the table, lists them, and is replaced only by who
//! has read it. Beside it are the posts that changed since: `publish_events` puts them there, every search reads them too, and
//! `index_posts` takes them into a new segment. So a search is one query, the segments that are not in memory yet, and one batch of
//! cards, which says once more who may be seen (docs/search.md, docs/adr/0030).

mod index_posts;
mod merge_segments;
mod posts;
mod reading;
mod rebuild_index;
mod segments;

use std::sync::{Arc, Mutex};

use aws::Sdk;
use bucket::Bucket;
use bus::Bus;
use edge::{Blog, Plugin};

use crate::reading::Current;
use crate::segments::Segments;

pub use reading::find;
pub use rebuild_index::begin as begin_to_rebuild;
pub use segments::Sizes;

/// What these functions use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    segments: Segments,
    bus: Bus,
    /// The index as it was searched last.
    current: Mutex<Option<Current>>,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        Self::with_sizes(blog, sdk, Sizes::default())
    }

    /// The same with other limits, as tests need that have few posts.
    pub fn with_sizes(blog: Arc<Blog>, sdk: &Sdk, sizes: Sizes) -> Self {
        let config = &blog.config;
        Self {
            segments: Segments::new(Bucket::new(sdk, config.bucket_name.clone()), sizes),
            bus: Bus::new(sdk, config.stack_name.clone()),
            current: Mutex::default(),
            blog,
        }
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
        search,
    }
}

pub use operations::search::{Highlights, Search, SearchHit, search};

/// Every plug-in of this crate.
pub static PLUGINS: &[Plugin<Services>] = &[
    Plugin { name: index_posts::NAME, handle: |services, _| Box::pin(index_posts::index_posts(services)) },
    Plugin {
        name: merge_segments::NAME,
        handle: |services, event| Box::pin(merge_segments::merge_segments(services, event)),
    },
    Plugin {
        name: rebuild_index::NAME,
        handle: |services, event| Box::pin(rebuild_index::rebuild_index(services, event)),
    },
];
