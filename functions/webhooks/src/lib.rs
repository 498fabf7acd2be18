//! Webhooks: the operations by which administrators manage them, and the plug-ins that send the messages.
//!
//! `queue_deliveries` is called with each event, and writes a delivery for each webhook that wants it. Writing it is a change of the
//! table's stream, by which `publish_events` has `deliver_webhook` called: once for each attempt, so a slow or dead receiver makes no
//! other wait. What fails is called again by `publish_due`, when its pause is over (docs/webhooks.md, docs/adr/0035).

mod deliver_webhook;
mod queue_deliveries;
mod shared;

use std::sync::Arc;

use edge::{Blog, Plugin};

use crate::shared::outside::Outside;

/// What these functions use.
pub struct Services {
    /// What every function may use.
    pub blog: Arc<Blog>,
    /// The servers of others.
    outside: Outside,
}

impl Services {
    /// Puts the parts together; makes no network call.
    pub fn new(blog: Arc<Blog>) -> Self {
        Self { outside: Outside::new(blog.config.webhook_loopback), blog }
    }
}

impl edge::Services for Services {
    fn blog(&self) -> &Blog {
        &self.blog
    }
}

edge::operations! {
    Services;
    Admin {
        create_webhook,
        delete_webhook,
        get_webhook,
        list_deliveries,
        list_webhooks,
        resend_delivery,
        rotate_webhook_secret,
        test_webhook,
        update_webhook,
    }
}

/// Every plug-in of this crate.
pub static PLUGINS: &[Plugin<Services>] = &[
    Plugin {
        name: deliver_webhook::NAME,
        handle: |services, event| Box::pin(deliver_webhook::deliver_webhook(services, event)),
    },
    Plugin {
        name: queue_deliveries::NAME,
        handle: |services, event| Box::pin(queue_deliveries::queue_deliveries(services, event)),
    },
];
