//! What every function shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws::Sdk;
use domain::Timestamp;
use table::Table;
use tokens::Verifier;

use crate::{Clock, Config};

/// What every operation may use, made once at init and kept while the process is warm. A binary whose operations call
/// more than the table has a type of its own that holds this and the clients of what it calls ([`Services`]), so that no
/// other binary links them.
pub struct Blog {
    /// The stack's settings.
    pub config: Config,
    /// Profiles and posts.
    pub table: Table,
    /// Checks access tokens, without a network call once its keys are there.
    pub verifier: Verifier,
    clock: Clock,
    is_warm: AtomicBool,
}

/// What the operations of a binary may use.
pub trait Services: Send + Sync + 'static {
    /// What every operation may use.
    fn blog(&self) -> &Blog;
}

impl Services for Arc<Blog> {
    fn blog(&self) -> &Blog {
        self
    }
}

impl Blog {
    /// Puts the parts together; makes no network call. `sdk` says how AWS is reached, `clock` where time and ids come
    /// from.
    pub fn new(config: Config, sdk: &Sdk, clock: Clock) -> Self {
        Self {
            table: Table::new(sdk, config.table_name.clone(), config.posts_per_day)
                .counting_posts(config.conduit || config.ghost_content),
            verifier: Verifier::new(
                config.issuer(),
                config.user_pool_client_id.clone(),
                config.jwks_url(),
                sdk.connector(),
            ),
            config,
            clock,
            is_warm: AtomicBool::new(false),
        }
    }

    /// The time of this request. Read once a request, at the edge, and handed on as data.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id, unique and sorting by `now`.
    pub fn new_id<T: From<ulid::Ulid>>(&self, now: Timestamp) -> T {
        T::from(self.clock.new_ulid(now))
    }

    /// Whether this is asked for the first time: the start of the process is then part of what somebody waits for.
    pub(crate) fn is_cold(&self) -> bool {
        !self.is_warm.swap(true, Ordering::Relaxed)
    }

    /// Uses the network once during init, so that the first request does not pay for the TLS handshake: Lambda gives
    /// init a full CPU whatever the function's memory. A failure is left to the first request, which answers it properly.
    ///
    /// The keys of tokens are not fetched: that takes a second handshake, of which most requests to a public operation make no use.
    pub async fn warm(&self) {
        if let Err(error) = self.table.warm().await {
            tracing::warn!(causes = crate::Problem::from(error).causes(), "warming up failed");
        }
    }

    /// The same for who checks the token of each request.
    pub async fn warm_with_keys(&self) {
        let keys = async {
            if let Err(error) = self.verifier.prefetch(self.now()).await {
                tracing::warn!(causes = crate::Problem::from(error).causes(), "fetching the keys failed");
            }
        };
        tokio::join!(self.warm(), keys);
    }
}
