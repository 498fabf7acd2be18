//! How AWS is reached from a function.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::Failure;
use crate::trust::tls_of_aws;

/// The services that are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon Cognito user pools.
    Cognito,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon EventBridge.
    EventBridge,
    /// Amazon S3.
    S3,
}

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How AWS is reached: what the clients of all services share, and where each service answers if not at AWS.
#[derive(Debug, Clone)]
pub struct Sdk {
    config: SdkConfig,
    endpoints: Vec<(Service, String)>,
    /// What calls AWS, and keeps its connections. None where the configuration has a client of its own.
    connector: Option<SharedHttpConnector>,
    /// What calls servers that are not AWS, unless one is made for that.
    web: Option<SharedHttpClient>,
}

impl Sdk {
    /// From the environment of a Lambda function: its region and credentials, and limits that let a stuck call fail while
    /// there is still time to answer.
    ///
    /// By hand and not by `aws-config`, whose chain of credential providers links STS, SSO and their HTTP clients into
    /// every function. Lambda hands credentials over in environment variables, for the life of the process.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
    #[allow(clippy::disallowed_methods, reason = "Lambda sets these variables, so Config does not contain them")]
    ///
    /// Fails if the certificates that `AWS_CA_BUNDLE` names cannot be read.
    pub fn from_env() -> Result<Self, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            variable("AWS_SESSION_TOKEN"),
            None,
            "Lambda",
        );
        let connector = connector(tls_of_aws()?);
        let shared = connector.clone();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            // Of the SDK's own client, each service's client makes a connector more to see whether it can be made.
            .http_client(http_client_fn(move |_, _| shared.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(8))
                    .build(),
            );
        config.set_region(variable("AWS_REGION").map(Region::new));
        config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
        Ok(Self { config: config.build(), endpoints: Vec::new(), connector: Some(connector), web: None })
    }

    /// From a given configuration, for stacks that are not at AWS.
    pub fn new(config: SdkConfig) -> Self {
        let web = config.http_client();
        Self { config, endpoints: Vec::new(), connector: None, web }
    }

    /// The same, with services at these addresses instead of AWS's.
    pub fn with_endpoints(self, endpoints: Vec<(Service, String)>) -> Self {
        Self { endpoints, ..self }
    }

    /// What calls AWS for something that no client of the SDK asks for. Made once and shared with those clients, because to make one,
    /// certificates are read.
    pub fn connector(&self) -> SharedHttpConnector {
        self.connector.clone().unwrap_or_else(|| connector(TlsContext::default()))
    }

    /// What calls servers that are not AWS: it trusts whom the system trusts. Made for each call, because to read the system's certificates is
    /// most of a cold start, and few functions ever make such a call.
    pub(crate) fn web(&self) -> SharedHttpClient {
        let made = || {
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc)).build_https()
        };
        self.web.clone().unwrap_or_else(made)
    }

    /// The configuration of the client of a service.
    pub fn config(&self, service: Service) -> SdkConfig {
        match self.endpoints.iter().find(|(known, _)| *known == service) {
            Some((_, endpoint)) => self.config.to_builder().endpoint_url(endpoint).build(),
            None => self.config.clone(),
        }
    }
}

/// What opens connections to those that `tls` trusts, and keeps them.
fn connector(tls: TlsContext) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder().connector_settings(settings);
    SharedHttpConnector::new(connector.tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build())
}
