//! Media: the operations on pictures, and the plug-in that reads what was uploaded (docs/media.md, docs/adr/0032).

pub mod picture;
mod process_media;
mod shared;

use std::sync::Arc;

use aws::Sdk;
use bucket::Bucket;
use edge::{Blog, Plugin};

/// What these functions use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    /// Where pictures are uploaded to, and where their files are.
    pub bucket: Bucket,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>, sdk: &Sdk) -> Self {
        Self { bucket: Bucket::new(sdk, blog.config.bucket_name.clone()), blog }
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
        get_media,
        get_media_file,
        list_my_media,
    }
    MediaWrite {
        create_media,
        delete_media,
        update_media,
    }
}

/// Every plug-in of this crate.
pub static PLUGINS: &[Plugin<Services>] = &[Plugin {
    name: process_media::NAME,
    handle: |services, event| Box::pin(process_media::process_media(services, event)),
}];
