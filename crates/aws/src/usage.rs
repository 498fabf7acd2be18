//! What a request uses: its calls of AWS, and what DynamoDB counts for them.

use std::sync::{Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, Output,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What is used on behalf of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Round trips to DynamoDB, retries included.
    pub dynamodb_calls: u64,
    /// Round trips to Cognito.
    pub cognito_calls: u64,
    /// Round trips to S3.
    pub s3_calls: u64,
    /// Round trips to EventBridge.
    pub eventbridge_calls: u64,
    /// Read capacity units that DynamoDB counted.
    pub read_units: f64,
    /// Write capacity units that DynamoDB counted.
    pub write_units: f64,
}

tokio::task_local! {
    static USAGE: Mutex<Usage>;
}

/// Notes something of the request that is being answered, if one is.
fn note(change: impl FnOnce(&mut Usage)) {
    let _ = USAGE.try_with(|usage| change(&mut usage.lock().unwrap_or_else(PoisonError::into_inner)));
}

/// Runs a future, and tells what it used.
pub async fn measure<T>(future: impl Future<Output = T>) -> (T, Usage) {
    let future = async {
        let output = future.await;
        (output, USAGE.with(|usage| usage.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    };
    USAGE.scope(Mutex::default(), future).await
}

/// An interceptor that counts the calls of an AWS client for the request that they are made for, and what they cost.
pub struct Meter {
    /// Counts a round trip.
    pub count: fn(&mut Usage),
    /// The capacity units that an answer says it took: for reading and for writing.
    pub units: fn(&Output) -> (f64, f64),
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter")
    }
}

/// For services that say nothing of capacity.
pub fn no_units(_: &Output) -> (f64, f64) {
    (0.0, 0.0)
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(self.count);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (read_units, write_units) = context.output_or_error().map_or((0.0, 0.0), self.units);
        note(|usage| {
            usage.read_units += read_units;
            usage.write_units += write_units;
        });
        // Neither the request nor the answer: both hold what people wrote, and passwords.
        if let Some(called) = cfg.load::<Metadata>() {
            let ok = context.output_or_error().is_ok();
            tracing::debug!(service = called.service(), action = called.name(), ok, read_units, write_units, "called");
        }
        Ok(())
    }
}
