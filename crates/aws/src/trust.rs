//! Whom a function takes for AWS.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};

use crate::Failure;

/// The certificates of the authorities that certify AWS's endpoints (PEM).
/// <https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html#ATS>
pub const AMAZON_ROOTS: &str = include_str!(concat!(env!("OUT_DIR"), "/amazon-roots.pem"));

/// What calls of AWS trust: Amazon's own authorities. To read the 140 of the system took three quarters of a cold start
/// (docs/adr/0046). AWS in China has certificates of others, so that there the system's are read.
///
/// `AWS_CA_BUNDLE`, the path of a file (PEM), replaces them, as in AWS's own tools: for endpoints behind a proxy, and for
/// measurements.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html>
#[allow(
    clippy::disallowed_methods,
    reason = "as for AWS_REGION, Config does not contain what Lambda and AWS's tools set"
)]
pub(crate) fn tls_of_aws() -> Result<TlsContext, Failure> {
    let region = std::env::var("AWS_REGION").unwrap_or_default();
    let given = std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty());
    let given = given.map(|path| std::fs::read_to_string(path).map_err(Failure::internal)).transpose()?;
    let roots = match &given {
        Some(given) => trusting(given),
        None if region.starts_with("cn-") => TrustStore::default(),
        None => trusting(AMAZON_ROOTS),
    };
    TlsContext::builder().with_trust_store(roots).build().map_err(Failure::internal)
}

/// A store of these certificates and no others.
fn trusting(certificates: &str) -> TrustStore {
    TrustStore::empty().with_pem_certificate(certificates)
}
