//! What others may do with a file for a while: fetch it by a link, or send it in a form.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use aws::Failure;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http::Method;
use serde_json::json;

use crate::Bucket;
use crate::client::SERVICE;

/// A form that whoever has it may send, once or more often, until it expires: a file of one name, type and size.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// Where to send it, as `multipart/form-data`.
    pub url: String,
    /// The fields, in this order before the field `file`.
    pub fields: Vec<(&'static str, String)>,
}

/// Signs a link to a file that can be fetched by this method from `signed_at` on, for `validity`.
pub(crate) async fn link(
    bucket: &Bucket,
    method: &Method,
    key: &str,
    signed_at: SystemTime,
    validity: Duration,
) -> Result<String, Failure> {
    let client = &bucket.client;
    let url = client.url(key);
    let identity = client.credentials().await?.into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(validity);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(client.region().as_ref())
        .name(SERVICE)
        .time(signed_at)
        .settings(settings)
        .build()
        .map_err(Failure::internal)?
        .into();
    let body = SignableBody::UnsignedPayload;
    let request = SignableRequest::new(method.as_str(), &url, std::iter::empty(), body).map_err(Failure::internal)?;
    let (signature, _) = sign(request, &params).map_err(Failure::internal)?.into_parts();
    let mut request = http::Request::get(&url).body(()).map_err(Failure::internal)?;
    signature.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// Signs a form for a file of this name and type, and of a number of bytes within `bytes`.
pub(crate) async fn post_form(
    bucket: &Bucket,
    key: &str,
    content_type: &str,
    bytes: RangeInclusive<u64>,
    validity: Duration,
) -> Result<PostForm, Failure> {
    let client = &bucket.client;
    let (now, region) = (client.now(), client.region().as_ref());
    let credentials = client.credentials().await?;
    let stamp = DateTime::from(now).fmt(Format::DateTime).map_err(Failure::internal)?;
    // Without fractions: `20261121T083000Z`.
    let stamp: String = stamp.split('.').next().unwrap_or_default().trim_end_matches('Z').replace(['-', ':'], "") + "Z";
    let day = stamp.split('T').next().unwrap_or_default();
    let expires = DateTime::from(now + validity).fmt(Format::DateTime).map_err(Failure::internal)?;
    let mut fields = vec![
        ("key", key.to_owned()),
        ("Content-Type", content_type.to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", format!("{}/{day}/{region}/{SERVICE}/aws4_request", credentials.access_key_id())),
        ("x-amz-date", stamp),
    ];
    fields.extend(credentials.session_token().map(|token| ("x-amz-security-token", token.to_owned())));
    let mut conditions =
        vec![json!({ "bucket": bucket.name }), json!(["content-length-range", bytes.start(), bytes.end()])];
    conditions.extend(fields.iter().map(|(name, value)| json!(["eq", format!("${name}"), value])));
    let policy = json!({ "expiration": expires, "conditions": conditions }).to_string();
    let policy = aws_smithy_types::base64::encode(policy);
    let key = v4::generate_signing_key(credentials.secret_access_key(), now, region, SERVICE);
    let signature = v4::calculate_signature(key, policy.as_bytes());
    fields.extend([("policy", policy), ("x-amz-signature", signature)]);
    Ok(PostForm { url: client.bucket_url().to_owned(), fields })
}
