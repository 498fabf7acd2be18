//! Calls of what is not AWS, with the SDK's HTTP client: that of another crate would be a second TLS in every binary that has it.

use std::time::Duration;

use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::{Failure, Sdk};

/// What was answered is no success.
#[derive(Debug, thiserror::Error)]
#[error("the answer is {0}")]
struct NotTaken(u16);

impl Sdk {
    /// Posts a form to `path` of a server, and waits at most ten seconds. What is not answered with 2xx is a failure; redirects are not
    /// followed. Whoever calls tries again.
    pub async fn post_form(&self, server: &str, path: &str, form: String) -> Result<(), Failure> {
        let seconds = Duration::from_secs;
        let timeouts = TimeoutConfig::builder().connect_timeout(seconds(3)).operation_attempt_timeout(seconds(10));
        let uri = path.to_owned();
        let serialize = move |form: String| {
            let mut request = HttpRequest::new(SdkBody::from(form));
            request.set_method("POST")?;
            request.set_uri(uri.clone())?;
            request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
            Ok(request)
        };
        let deserialize = |response: &HttpResponse| match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(OrchestratorError::operation(NotTaken(status.as_u16()))),
        };
        let operation = Operation::builder()
            .service_name("web")
            .operation_name("PostForm")
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.web())
            .endpoint_url(server)
            .no_auth()
            .no_retry()
            .timeout_config(timeouts.build())
            .serializer(serialize)
            .deserializer(deserialize)
            .build();
        operation.invoke(form).await.map_err(Failure::unavailable)
    }
}
