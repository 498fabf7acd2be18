//! The whole stack in one process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws::Sdk;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::SdkConfig;
use edge::Blog;
use edge::Clock;
use edge::{Config, SignUpConfirmation};

use crate::backing::{Backing, Emulators, Storage, refs};
use crate::bus::{EventBus, plugins};
use crate::gateway::{Gateway, functions};
use crate::roles::Roles;
use crate::s3;
use crate::schedule::Schedule;
use crate::streams::Streams;
use crate::triggers::PoolFunctions;
use crate::wire::Wire;
use template::Template;

/// How a local stack differs from the template's defaults.
pub struct Options {
    /// Where data is kept.
    pub storage: Storage,
    /// Whoever registers this address is an administrator.
    pub admin_email: Option<String>,
    /// Whether new accounts wait for a code.
    pub sign_up_confirmation: SignUpConfirmation,
    /// Where time and ids come from.
    pub clock: Clock,
    /// Where DynamoDB, Cognito and S3 answer.
    pub emulators: Emulators,
    /// Whether the user pool calls its triggers.
    pub triggers: bool,
    /// Parameters of the template that do not have their default.
    pub parameters: Vec<(String, String)>,
}

/// A running stack.
pub struct Stack {
    /// The front: answers requests.
    pub gateway: Gateway,
    /// The table, the user pool and the bucket.
    pub backing: Backing,
    /// The wire between the two.
    pub wire: Wire,
    /// The table's stream, for whoever pumps it.
    pub streams: Streams,
    /// The bus, for whoever looks at what is on it.
    pub bus: Arc<EventBus>,
    /// The schedule of jobs, for whoever keeps it.
    pub schedule: Schedule,
    /// What all functions share.
    pub blog: Arc<Blog>,
    /// What the operations on accounts use.
    pub users: Arc<users::Services>,
    /// What the readers, plug-ins, jobs and triggers use.
    pub events: Arc<events::Services>,
    /// What the operations on pictures and the reader of uploads use.
    pub media: Arc<media::Services>,
    /// What search and the writers of its index use.
    pub search: Arc<search::Services>,
    /// What the operations and plug-ins of webhooks use.
    pub webhooks: Arc<webhooks::Services>,
}

impl Stack {
    /// Starts a stack. Nothing listens to the outside yet; [`server`](crate::server) does.
    pub async fn start(options: Options) -> io::Result<Self> {
        let mut refs = refs();
        let confirmation = match options.sign_up_confirmation {
            SignUpConfirmation::Auto => "auto",
            SignUpConfirmation::Email => "email",
        };
        refs.insert("SignUpConfirmation".to_owned(), confirmation.to_owned());
        let admin_email = options.admin_email.map(|email| ("AdminEmail".to_owned(), email));
        for (name, value) in admin_email.into_iter().chain(options.parameters) {
            template::check_parameter(&name, &value).map_err(io::Error::other)?;
            refs.insert(name, value);
        }
        let is_on = |name: &str| refs.get(name).is_some_and(|on| on == "true");
        let (has_conduit, has_ghost) = (is_on("Conduit"), is_on("GhostContent"));
        let template = Template::read(template::SOURCE, &refs).map_err(io::Error::other)?;
        let Options { storage, clock, emulators, triggers, .. } = options;
        let backing = Backing::start(&template, &storage, &clock, emulators).await?;

        // The environment is the template's; only the address of the keys is known no sooner than now.
        let mut environment = template.environment.clone();
        environment.insert("ENDPOINTS".to_owned(), format!("jwks={}", backing.jwks_url()));
        let config = Config::read(|name| environment.get(name).cloned()).map_err(io::Error::other)?;
        let bus = Arc::new(EventBus::new(&template));
        if template.bucket_tells {
            // What the process before had no time for is in the bucket only. Files that were read are ignored once more.
            for created in backing.bucket.created().map_err(io::Error::other)? {
                bus.send(&s3::event(&created));
            }
            let bus = Arc::clone(&bus);
            backing.bucket.on_created(move |created| bus.send(&s3::event(&created)));
        }
        let wire = Wire::new(&backing, Arc::new(Roles::new(&template)), Arc::clone(&bus));
        let sdk = Sdk::new(sdk_config(wire.clone()));
        let blog = Arc::new(Blog::new(config, &sdk, clock));
        let users = Arc::new(users::Services::new(Arc::clone(&blog), &sdk));
        let (posts, community) = (Arc::new(Arc::clone(&blog)), Arc::new(Arc::clone(&blog)));
        let site = Arc::new(site::Services::new(Arc::clone(&blog), &sdk));
        let events = Arc::new(events::Services::new(Arc::clone(&blog), &sdk));
        let media = Arc::new(media::Services::new(Arc::clone(&blog), &sdk));
        let search = Arc::new(search::Services::new(Arc::clone(&blog), &sdk));
        let pages = Arc::new(pages::Services::new(Arc::clone(&blog), &sdk));
        let webhooks = Arc::new(webhooks::Services::new(Arc::clone(&blog)));
        if triggers {
            backing.cognito.set_triggers(PoolFunctions::new(&events, &template)?);
        }
        let of_webhooks = plugins(&webhooks, webhooks::PLUGINS);
        let plugins = plugins(&events, events::PLUGINS)
            .chain(plugins(&media, media::PLUGINS))
            .chain(plugins(&search, search::PLUGINS))
            .chain(of_webhooks)
            .collect();
        let streams = Streams::new(Arc::clone(&events), &template.event_sources, Arc::clone(&bus), plugins);
        let schedule = Schedule::new(Arc::clone(&events), &template.jobs);
        let functions = functions(&users, users::OPERATIONS)
            .chain(functions(&posts, posts::OPERATIONS))
            .chain(functions(&community, community::OPERATIONS))
            .chain(functions(&community, discovery::OPERATIONS))
            .chain(functions(&media, media::OPERATIONS))
            .chain(functions(&search, search::OPERATIONS))
            .chain(functions(&webhooks, webhooks::OPERATIONS))
            .chain(functions(&pages, pages::OPERATIONS))
            .chain(functions(&site, site::OPERATIONS));
        let conduit = has_conduit.then(|| Arc::clone(&users));
        let gateway = Gateway::new(template, Arc::clone(&blog), functions, conduit, has_ghost);
        Ok(Self { gateway, backing, wire, streams, bus, schedule, blog, users, events, media, search, webhooks })
    }

    /// All that goes on in the background, for ever.
    pub async fn background(&self) {
        tokio::join!(self.backing.remove_expired(), self.streams.pump(&self.backing), self.schedule.keep());
    }
}

/// The SDK as in a function, but over the local wire and with short pauses between retries.
pub fn sdk_config(wire: Wire) -> SdkConfig {
    // The wire sends each call to its emulator, whatever this address is. Links to files begin with it.
    let (address, secret, pauses) = (wire.s3_url(), wire.s3_secret(), wire.pauses());
    let config = sdk_config_with(address, &secret, SharedHttpClient::new(wire)).into_builder().sleep_impl(pauses);
    // It looks at the machine's clock, and nothing stalls within a process.
    config.stalled_stream_protection(StalledStreamProtectionConfig::disabled()).build()
}

/// The same, with an emulator at this address and nothing between.
pub fn sdk_config_at(address: SocketAddr) -> SdkConfig {
    sdk_config_with(format!("http://{address}"), s3::SECRET, aws_smithy_http_client::Builder::new().build_http())
}

/// How many were made.
static REGIONS: AtomicU64 = AtomicU64::new(0);

fn sdk_config_with(endpoint: String, secret: &str, client: SharedHttpClient) -> SdkConfig {
    let credentials = Credentials::new(s3::KEY_ID, secret, None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        // The SDK keeps its budget of retries by region, for the whole process; stacks in one process, such as those of
        // the tests, must not use up each other's.
        .region(Region::new(format!("local-{}", REGIONS.fetch_add(1, Ordering::Relaxed))))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(
            RetryConfig::standard().with_max_attempts(3).with_initial_backoff(std::time::Duration::from_millis(1)),
        )
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .http_client(client)
        .build()
}
