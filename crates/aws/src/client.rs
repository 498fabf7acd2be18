//! Calls of a service, by the same machinery that the SDK's clients are made of: its retries, timeouts, signatures and connections. Only
//! what is said to the service is ours. For services of which few calls are made, because a whole client takes long to compile and is
//! linked into every binary that makes one of them (ADR 31).

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::{AwsErrorCodeClassifier, TRANSIENT_ERRORS};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::region::{Region, SigningRegion};
use aws_types::{SdkConfig, SigningName};

use crate::{Failure, Meter, Sdk, Service, Usage, no_units};

/// A service said no.
#[derive(Debug, thiserror::Error)]
#[error("the service refuses: {0}")]
pub struct Refusal(ErrorMetadata);

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// How a service is called.
pub struct Client {
    config: SdkConfig,
    name: &'static str,
    endpoint_url: String,
    region: Region,
    signing: SigningOptions,
    count: fn(&mut Usage),
}

impl Client {
    /// A client of a service, whose name in host names and signatures is `name`. `count` counts a round trip. Makes no network call.
    pub fn new(sdk: &Sdk, service: Service, name: &'static str, count: fn(&mut Usage)) -> Self {
        let config = sdk.config(service);
        // Lambda always says its region; without one every call fails.
        let region = config.region().cloned().unwrap_or_else(|| Region::from_static(""));
        let suffix = if region.as_ref().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint_url = match config.endpoint_url() {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("https://{name}.{region}.{suffix}"),
        };
        Self { config, name, endpoint_url, region, signing: SigningOptions::default(), count }
    }

    /// The same, where paths are escaped once and left as they are, and the hash of the body is in a header, by which the service checks
    /// what arrives: S3.
    pub fn signing_paths_as_they_are(mut self) -> Self {
        self.signing.double_uri_encode = false;
        self.signing.normalize_uri_path = false;
        self.signing.content_sha256_header = true;
        self
    }

    /// The same, for this bucket of S3: every path is in it. AWS has it in the host's name, and may give up the other style, with the bucket in the
    /// path; its name has no dot, or no certificate would fit. At an endpoint of its own it is in the path: an emulator may have any host.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    pub fn in_bucket(mut self, bucket: &str) -> Self {
        self.endpoint_url = match self.config.endpoint_url() {
            Some(_) => format!("{}/{bucket}", self.endpoint_url),
            None => self.endpoint_url.replacen("://", &format!("://{bucket}."), 1),
        };
        self
    }

    /// Where the service answers, without a slash at the end.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The region that calls go to.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What the SDK takes for the present time.
    pub fn now(&self) -> SystemTime {
        self.config.time_source().unwrap_or_default().now()
    }

    /// What calls are signed with.
    pub async fn credentials(&self) -> Result<Credentials, Failure> {
        let provider =
            self.config.credentials_provider().ok_or_else(|| Failure::internal("there are no credentials"))?;
        provider.provide_credentials().await.map_err(Failure::internal)
    }

    /// Waits before a call is made again for a reason that the SDK does not know.
    pub async fn pause(&self, time: Duration) {
        crate::pause(self.config.sleep_impl(), time).await;
    }

    /// Makes a call, again if that may help. `request` names a path, `action` is what AWS calls it, for logs, and `read` says what an
    /// answer means.
    pub async fn call<T>(
        &self,
        action: &'static str,
        request: HttpRequest,
        read: impl Fn(&HttpResponse) -> Result<T, ErrorMetadata> + Send + Sync + 'static,
    ) -> Result<T, SdkError<Refusal, HttpResponse>>
    where
        T: std::fmt::Debug + Send + Sync + 'static,
    {
        let Some(http_client) = self.config.http_client() else {
            return Err(SdkError::construction_failure("there is no HTTP client"));
        };
        let builder = Operation::builder()
            .service_name(self.name)
            .operation_name(action)
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client)
            .endpoint_url(&self.endpoint_url)
            .standard_retry(&self.config.retry_config().cloned().unwrap_or_else(RetryConfig::standard))
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(error_codes())
            .interceptor(Meter { count: self.count, units: no_units })
            .runtime_plugin(self.signing())
            .serializer(|request: HttpRequest| Ok::<_, BoxError>(request))
            .deserializer(move |response: &HttpResponse| {
                read(response).map_err(|meta| OrchestratorError::operation(Refusal(meta)))
            });
        let builder = match self.config.timeout_config() {
            Some(timeouts) => builder.timeout_config(timeouts.clone()),
            None => builder,
        };
        let builder = match self.config.sleep_impl() {
            Some(sleep) => builder.sleep_impl(sleep),
            None => builder,
        };
        builder.time_source(self.config.time_source().unwrap_or_default()).build().invoke(request).await
    }

    fn signing(&self) -> StaticRuntimePlugin {
        let mut config = Layer::new(self.name);
        config.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(self.region.clone())),
            region_set: None,
            name: Some(SigningName::from_static(self.name)),
            signing_options: self.signing.clone(),
        });
        config.store_put(AuthSchemeOptionResolverParams::new(()));
        // As the SDK's clients do: the budget of retries is shared by region.
        config.store_put(RetryPartition::new(format!("{}-{}", self.name, self.region)));
        let mut components = RuntimeComponentsBuilder::new(self.name)
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_auth_scheme(SigV4AuthScheme::new())
            // What is in the environment need not be kept.
            .with_identity_cache(Some(IdentityCache::no_cache()));
        if let Some(credentials) = self.config.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
        }
        StaticRuntimePlugin::new().with_config(config.freeze()).with_runtime_components(components)
    }
}

/// By which codes a service asks to be called again, besides those that every service of AWS has. `InternalError` is S3's, even with the
/// status 200, and `InternalException` that of EventBridge.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html#API_PutEvents_Errors>
fn error_codes() -> AwsErrorCodeClassifier<Refusal> {
    let transient = TRANSIENT_ERRORS.iter().copied().chain(["InternalError", "InternalException"]).collect::<Vec<_>>();
    AwsErrorCodeClassifier::builder().transient_errors(transient).build()
}
