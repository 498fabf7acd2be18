//! The blog as a whole: whether it responds, which version it is, and the API's document.

use std::sync::Arc;

use aws::Sdk;
use bucket::Bucket;
use edge::Blog;

/// What these operations use.
pub struct Services {
    /// What every operation may use.
    pub blog: Arc<Blog>,
    /// Whether it responds is part of readiness.
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
        docs,
        health,
        openapi,
        ready,
        version,
    }
}
