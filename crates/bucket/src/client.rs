//! Calls of S3: what is said to it, and what its answers mean.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

use std::time::SystemTime;

use aws::{Failure, Refusal, Sdk, Service};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::region::Region;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The name of the service in signatures.
pub(crate) const SERVICE: &str = "s3";

/// What is escaped in a query: all but the unreserved characters.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is escaped in a path.
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// A value for a query.
pub(crate) fn escape(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, ESCAPED)
}

/// The call whose success is not known by its status: S3 sends 200 before it has put the parts together, and what goes wrong
/// then is in the body.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
pub(crate) const COMPLETE: &str = "CompleteMultipartUpload";

/// What every call needs.
pub(crate) struct Client {
    aws: aws::Client,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// As AWS calls it, for logs.
    pub(crate) action: &'static str,
    pub(crate) method: &'static str,
    /// The name of the file; empty for the bucket itself.
    pub(crate) key: &'a str,
    /// Escaped; empty if there is none.
    pub(crate) query: String,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: Vec<u8>,
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    /// With its quotes.
    pub(crate) e_tag: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(sdk: &Sdk, bucket: &str) -> Self {
        let aws = aws::Client::new(sdk, Service::S3, SERVICE, |usage| usage.s3_calls += 1);
        Self { aws: aws.signing_paths_as_they_are().in_bucket(bucket) }
    }

    /// The bucket's own address.
    pub(crate) fn bucket_url(&self) -> &str {
        self.aws.endpoint_url()
    }

    /// The address of a file.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("{}/{}", self.bucket_url(), utf8_percent_encode(key, ESCAPED_IN_PATH))
    }

    pub(crate) fn region(&self) -> &Region {
        self.aws.region()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.aws.now()
    }

    pub(crate) async fn credentials(&self) -> Result<Credentials, Failure> {
        self.aws.credentials().await
    }

    /// Makes a call, again if that may help.
    pub(crate) async fn call(&self, request: Request<'_>) -> Result<Answer, SdkError<Refusal, HttpResponse>> {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let path = format!("/{}{query}", utf8_percent_encode(request.key, ESCAPED_IN_PATH));
        let length = request.body.len().to_string();
        let mut sent = HttpRequest::new(SdkBody::from(request.body));
        sent.set_method(request.method).and_then(|()| sent.set_uri(path)).map_err(SdkError::construction_failure)?;
        for (name, value) in request.headers {
            sent.headers_mut().insert(*name, (*value).to_owned());
        }
        // Of an empty body hyper says none, and S3 wants to know (`MissingContentLength`).
        if ["PUT", "POST"].contains(&request.method) {
            sent.headers_mut().insert("content-length", length);
        }
        let may_fail_late = request.action == COMPLETE;
        self.aws.call(request.action, sent, move |response| read(response, may_fail_late)).await
    }
}

fn read(response: &HttpResponse, may_fail_late: bool) -> Result<Answer, ErrorMetadata> {
    let body = response.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    if !response.status().is_success() || (may_fail_late && text.contains("<Error>")) {
        // To HEAD it answers nothing but a status.
        let code = element(&text, "Code").map_or_else(|| response.status().as_u16().to_string(), str::to_owned);
        let mut meta = ErrorMetadata::builder().code(code);
        if let Some(message) = element(&text, "Message") {
            meta = meta.message(message);
        }
        return Err(meta.build());
    }
    Ok(Answer { e_tag: response.headers().get("etag").map(str::to_owned), body: body.to_vec() })
}

/// The text of the first element of this name. S3's answers nest nothing in those that are read here, and what they hold are
/// codes and ids, in which XML has nothing to escape.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str, may_fail_late: bool) -> Result<Answer, Option<String>> {
        let status = status.try_into().unwrap();
        let response = HttpResponse::new(status, SdkBody::from(body));
        read(&response, may_fail_late).map_err(|error| error.code().map(str::to_owned))
    }

    #[test]
    fn an_error_is_known_by_its_code_wherever_s3_says_it() {
        let error = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>m</Message></Error>";
        assert_eq!(answer(503, error, false).unwrap_err().as_deref(), Some("SlowDown"));
        // S3 keeps the connection open with spaces until it knows.
        assert_eq!(answer(200, &format!("   {error}"), true).unwrap_err().as_deref(), Some("SlowDown"));
        assert_eq!(answer(404, "", false).unwrap_err().as_deref(), Some("404"));
        // A file may have in it what it likes.
        assert_eq!(answer(200, error, false).unwrap().body, error.as_bytes());
    }
}
