//! How AWS is reached from a function.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

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

/// How AWS is reached: what the clients of all services share, and where each service answers if not at AWS.
#[derive(Debug, Clone)]
pub struct Sdk {
    config: SdkConfig,
    endpoints: Vec<(Service, String)>,
}

impl Sdk {
    /// From the environment of a Lambda function: its region and credentials, and limits that let a stuck call fail while
    /// there is still time to answer.
    ///
    /// By hand and not by `aws-config`, whose chain of credential providers links STS, SSO and their HTTP clients into
    /// every function. Lambda hands credentials over in environment variables, for the life of the process.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
    #[allow(clippy::disallowed_methods, reason = "Lambda sets these variables, so Config does not contain them")]
    pub fn from_env() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            variable("AWS_SESSION_TOKEN"),
            None,
            "Lambda",
        );
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc))
                    .build_https(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(2))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(8))
                    .build(),
            );
        config.set_region(variable("AWS_REGION").map(Region::new));
        config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
        Self::new(config.build())
    }

    /// From a given configuration, for stacks that are not at AWS.
    pub fn new(config: SdkConfig) -> Self {
        Self { config, endpoints: Vec::new() }
    }

    /// The same, with services at these addresses instead of AWS's.
    pub fn with_endpoints(self, endpoints: Vec<(Service, String)>) -> Self {
        Self { endpoints, ..self }
    }

    /// The configuration of the client of a service.
    pub fn config(&self, service: Service) -> SdkConfig {
        match self.endpoints.iter().find(|(known, _)| *known == service) {
            Some((_, endpoint)) => self.config.to_builder().endpoint_url(endpoint).build(),
            None => self.config.clone(),
        }
    }
}
