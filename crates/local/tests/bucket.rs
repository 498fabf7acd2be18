//! What the functions do with the bucket, as S3 answers it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::Sdk;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use axum::body::Bytes;
use bucket::{Bucket, Finished, PostForm};
use http::{Request, Response, Uri};
use local::s3::BUCKET_NAME;
use local::wire::Fault;
use local_s3::LocalS3;
use serde_yaml_ng::Value as Yaml;

use crate::harness::TestStack;

fn bucket(stack: &TestStack) -> Bucket {
    Bucket::new(&Sdk::new(local::stack::sdk_config(stack.stack.wire.clone())), BUCKET_NAME.to_owned())
}

const FORM: &str = "multipart/form-data; boundary=boundary";

/// What browsers send of a form with this file.
fn form_body(form: &PostForm, file: &str) -> String {
    let part = |name: &str, value: &str| {
        format!("--boundary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = form.fields.iter().map(|(name, value)| part(name, value)).collect();
    format!("{fields}{}--boundary--\r\n", part("file", file))
}

/// Sends a form as browsers do, with this file; gives the status and the body of the answer.
async fn send(form: &PostForm, file: &str) -> (u16, String) {
    let request = reqwest::Client::new().post(&form.url).body(form_body(form, file)).header("content-type", FORM);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What our client does with a bucket, whoever answers. To complete an upload again is `repeated`: S3 may answer as the first time.
async fn check_files(bucket: &Bucket, names: &[&str], repeated: Finished) {
    bucket.ping().await.unwrap();
    for key in names {
        assert_eq!(bucket.get(key).await.unwrap(), None, "{key}");
        bucket.put(key, b"first".to_vec()).await.unwrap();
        bucket.put(key, b"second".to_vec()).await.unwrap();
        assert_eq!(bucket.get(key).await.unwrap().as_deref(), Some(&b"second"[..]), "{key}");
        let fetched = reqwest::get(bucket.link(key).await.unwrap()).await.unwrap();
        assert_eq!((fetched.status().as_u16(), fetched.text().await.unwrap().as_str()), (200, "second"), "{key}");
        bucket.delete(key).await.unwrap();
        bucket.delete(key).await.unwrap();
        assert_eq!(bucket.get(key).await.unwrap(), None, "{key}");
    }
    bucket.put("empty", Vec::new()).await.unwrap();
    assert_eq!(bucket.get("empty").await.unwrap(), Some(Vec::new()));

    // In parts, and by another process after the first.
    let text = "0123456789".repeat(600 * 1024);
    let mut upload = bucket.begin("parts.json".to_owned());
    upload.write(&text).await.unwrap();
    assert!(upload.is_sent());
    let sent = serde_json::to_string(&upload.into_sent_parts().unwrap()).unwrap();
    let resume = || bucket.resume("parts.json".to_owned(), serde_json::from_str(&sent).unwrap());
    let mut upload = resume();
    upload.write("end").await.unwrap();
    assert_eq!(bucket.get("parts.json").await.unwrap(), None, "not before it is whole");
    assert_eq!(upload.finish().await.unwrap(), Finished::Whole);
    assert_eq!(bucket.get("parts.json").await.unwrap().unwrap(), (text + "end").into_bytes());
    assert_eq!(resume().finish().await.unwrap(), repeated);

    let form = bucket.post_form("form", "image/png", 1..=10).await.unwrap();
    assert_eq!(send(&form, "picture").await.0, 204);
    let fetched = reqwest::get(bucket.link("form").await.unwrap()).await.unwrap();
    assert_eq!(fetched.headers()["content-type"], "image/png");
    assert_eq!(fetched.text().await.unwrap(), "picture");
    bucket.delete("form").await.unwrap();
}

#[tokio::test]
async fn files_are_written_read_linked_and_deleted_whatever_their_names() {
    let stack = TestStack::start().await;
    check_files(&bucket(&stack), &["a", "folder/file.json", "a b+c&d=e%/ü?#", "a//b.c"], Finished::Unknown).await;
}

/// The same with an S3 that others wrote: `contract/s3.py` starts one.
#[tokio::test]
#[ignore = "needs an S3 at S3_ENDPOINT"]
async fn another_s3_takes_what_our_client_sends() {
    #[allow(clippy::disallowed_methods, reason = "where the other S3 is, not a setting of the stack")]
    let endpoint = std::env::var("S3_ENDPOINT").expect("where the other S3 answers");
    let stack = TestStack::start().await;
    let sdk = local::stack::sdk_config_at(stack.stack.backing.s3).to_builder();
    let sdk = sdk.endpoint_url(endpoint).region(aws_types::region::Region::new("us-east-1"));
    let bucket = Bucket::new(&Sdk::new(sdk.build()), BUCKET_NAME.to_owned());
    check_files(&bucket, &["a", "folder/file.json", "a b+c&d=e/ü"], Finished::Whole).await;
}

#[tokio::test]
async fn a_part_of_a_file_is_fetched_by_its_range() {
    let stack = TestStack::start().await;
    let bucket = bucket(&stack);
    bucket.put("digits", b"0123456789".to_vec()).await.unwrap();
    let link = bucket.link("digits").await.unwrap();
    let fetch = async |range: &str| {
        let answer = reqwest::Client::new().get(&link).header("range", range).send().await.unwrap();
        let range = answer.headers().get("content-range").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), range, answer.text().await.unwrap())
    };
    assert_eq!(fetch("bytes=2-4").await, (206, Some("bytes 2-4/10".to_owned()), "234".to_owned()));
    assert_eq!(fetch("bytes=99-").await.0, 416);
}

#[tokio::test]
async fn a_call_of_s3_is_made_again_if_that_may_help() {
    let stack = TestStack::start().await;
    let bucket = bucket(&stack);
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut, Fault::AnswerLost] {
        stack.stack.wire.break_calls("PutObject", 0, 2, fault);
        bucket.put("file", b"text".to_vec()).await.unwrap();
        stack.stack.wire.break_calls("PutObject", 0, 3, fault);
        let failed = bucket.put("file", b"text".to_vec()).await.unwrap_err();
        match fault {
            Fault::Throttled => assert!(matches!(failed, aws::Failure::Overloaded(_)), "{failed:?}"),
            _ => assert!(matches!(failed, aws::Failure::Unavailable(_)), "{failed:?}"),
        }
        stack.stack.wire.mend();
    }
    let wrong = Bucket::new(&Sdk::new(local::stack::sdk_config(stack.stack.wire.clone())), "another".to_owned());
    let failed = wrong.put("file", b"text".to_vec()).await.unwrap_err();
    assert!(matches!(failed, aws::Failure::Internal(_)), "{failed:?}");
}

#[tokio::test]
async fn a_form_takes_the_file_that_it_is_for_and_no_other() {
    let stack = TestStack::start().await;
    let bucket = bucket(&stack);
    let form = bucket.post_form("uploads/1", "image/png", 4..=4).await.unwrap();
    assert_eq!(send(&form, "four").await.0, 204);
    assert_eq!(bucket.get("uploads/1").await.unwrap().as_deref(), Some(&b"four"[..]));
    let fetched = reqwest::get(bucket.link("uploads/1").await.unwrap()).await.unwrap();
    assert_eq!(fetched.headers()["content-type"], "image/png");

    let refused = async |form: &PostForm, file: &str| {
        let (status, body) = send(form, file).await;
        let code = body.split("Code>").nth(1).unwrap_or_default().trim_end_matches("</").to_owned();
        (status, code)
    };
    let denied = (403, "AccessDenied".to_owned());
    assert_eq!(refused(&form, "large").await, (400, "EntityTooLarge".to_owned()));
    assert_eq!(refused(&form, "tiny".trim_end_matches('y')).await, (400, "EntityTooSmall".to_owned()));
    for (name, value) in [("key", "uploads/2"), ("Content-Type", "text/html")] {
        let mut other = form.clone();
        other.fields.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value.to_owned();
        assert_eq!(refused(&other, "four").await, denied, "{name}");
    }
    let mut other = form.clone();
    other.fields.insert(0, ("acl", "public-read".to_owned()));
    assert_eq!(refused(&other, "four").await, denied);
    let mut other = form.clone();
    other.fields.last_mut().unwrap().1 = "0".repeat(64);
    assert_eq!(refused(&other, "four").await, (403, "SignatureDoesNotMatch".to_owned()));

    // S3 goes by the machine's time, so the form is made in the past.
    let now = edge::Clock::system().now().seconds();
    for (minutes, status) in [(14, 204), (16, 403)] {
        let made = std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(now - minutes * 60).unwrap());
        let sdk =
            local::stack::sdk_config(stack.stack.wire.clone()).to_builder().time_source(StaticTimeSource::new(made));
        let bucket = Bucket::new(&Sdk::new(sdk.build()), BUCKET_NAME.to_owned());
        let old = bucket.post_form("uploads/1", "image/png", 4..=4).await.unwrap();
        assert_eq!(send(&old, "four").await.0, status, "{minutes} minutes old");
    }
}

/// The local S3 under the names that S3 has at AWS, in the place of the network.
#[derive(Clone)]
struct AtAws {
    s3: Arc<LocalS3>,
    /// The hosts that were called.
    hosts: Arc<Mutex<BTreeSet<String>>>,
}

impl AtAws {
    /// Answers a request to an address, with the header that clients make of it.
    fn answer(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Response<Bytes> {
        let host = request.uri_ref().and_then(Uri::host).expect("a whole address").to_owned();
        let answer = self.s3.answer(&request.header("host", &host).body(body.into()).unwrap());
        self.hosts.lock().unwrap().insert(host);
        answer
    }
}

impl fmt::Debug for AtAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtAws")
    }
}

impl HttpConnector for AtAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = request
            .headers()
            .iter()
            .fold(Request::builder().method(request.method()).uri(request.uri()), |sent, (name, value)| {
                sent.header(name, value)
            });
        let answer = self.answer(sent, request.body().bytes().unwrap_or_default().to_vec());
        HttpConnectorFuture::ready(Ok(answer.map(SdkBody::from).try_into().unwrap()))
    }
}

/// The policy of the editor lets a browser send a form, and show a picture, at the host that CloudFormation has for the bucket.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>
#[tokio::test]
async fn at_aws_all_calls_forms_and_links_go_to_the_host_that_the_policy_of_the_editor_names() {
    let root: Yaml = serde_yaml_ng::from_str(template::SOURCE).unwrap();
    let named = &root["Resources"]["Distribution"]["Properties"]["Parameters"]["MediaBucket"];
    assert_eq!(serde_yaml_ng::to_string(named).unwrap().trim(), "!GetAtt BlogBucket.RegionalDomainName");
    let unnamed = &root["Resources"]["BlogBucket"]["Properties"]["BucketName"];
    assert_eq!(unnamed, &Yaml::Null, "CloudFormation's names have no dot, which no certificate of S3 would fit");
    let cdn: Yaml = serde_yaml_ng::from_str(include_str!("../../../infrastructure/cdn.yaml")).unwrap();
    let headers = &cdn["Resources"]["EditorHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    let policy = &headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"];
    let policy = serde_yaml_ng::to_string(policy).unwrap();

    for (region, suffix) in [
        ("us-east-1", "amazonaws.com"),
        ("eu-central-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
    ] {
        let domain_name = format!("{BUCKET_NAME}.s3.{region}.{suffix}");
        let policy = policy.replace("${MediaBucket}", &domain_name);
        let allows = |directive: &str, url: &str| {
            let origin = url::Url::parse(url).unwrap().origin().ascii_serialization();
            let sources = policy.split(';').find_map(|part| part.trim().strip_prefix(directive)).unwrap();
            assert!(sources.split(' ').any(|source| source == origin), "{directive}{sources}, but {url}");
        };
        let aws = AtAws { s3: Arc::new(local::s3::open(None, local::s3::SECRET).unwrap()), hosts: Arc::default() };
        let connector = SharedHttpConnector::new(aws.clone());
        let sdk = local::stack::sdk_config_at(([127, 0, 0, 1], 0).into()).into_builder();
        let mut sdk = sdk.region(Region::new(region)).http_client(http_client_fn(move |_, _| connector.clone()));
        sdk.set_endpoint_url(None);
        let bucket = Bucket::new(&Sdk::new(sdk.build()), BUCKET_NAME.to_owned());

        // The local S3 checks what is signed, of which the host and the path are parts.
        bucket.ping().await.unwrap();
        for key in ["a", "folder/a b+c&d=e%/ü?#"] {
            bucket.put(key, b"text".to_vec()).await.unwrap();
            assert_eq!(bucket.get(key).await.unwrap().as_deref(), Some(&b"text"[..]), "{key}");
            let link = bucket.link(key).await.unwrap();
            allows("img-src", &link);
            let fetched = aws.answer(Request::get(&link), "");
            assert_eq!((fetched.status().as_u16(), fetched.body().as_ref()), (200, &b"text"[..]), "{link}");
            bucket.delete(key).await.unwrap();
        }
        let mut upload = bucket.begin("parts.json".to_owned());
        upload.write(&"0123456789".repeat(600 * 1024)).await.unwrap();
        upload.write("end").await.unwrap();
        assert_eq!(upload.finish().await.unwrap(), Finished::Whole);
        let form = bucket.post_form("uploads/1", "image/png", 1..=10).await.unwrap();
        allows("connect-src", &form.url);
        let sent = aws.answer(Request::post(&form.url).header("content-type", FORM), form_body(&form, "picture"));
        assert_eq!(sent.status(), 204, "{:?}", sent.body());
        assert_eq!(bucket.get("uploads/1").await.unwrap().as_deref(), Some(&b"picture"[..]));
        assert_eq!(*aws.hosts.lock().unwrap(), BTreeSet::from([domain_name]));
    }
}

/// A list of texts.
fn texts(list: &Yaml) -> Vec<&str> {
    list.as_sequence().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The site is another origin than its bucket, whatever `CorsOrigins` says. The local S3 answers as the template has it.
#[tokio::test]
async fn a_page_of_any_origin_may_send_a_form_and_fetch_by_a_link() {
    let root: Yaml = serde_yaml_ng::from_str(template::SOURCE).unwrap();
    let rules = &root["Resources"]["BlogBucket"]["Properties"]["CorsConfiguration"]["CorsRules"];
    let [rule] = rules.as_sequence().unwrap().as_slice() else { panic!("one rule: {rules:?}") };
    assert_eq!(texts(&rule["AllowedOrigins"]), ["*"]);

    for origins in ["*", "", "https://another.example"] {
        let stack = TestStack::start_with_parameters(&[("CorsOrigins", origins)]).await;
        let bucket = bucket(&stack);
        let form = bucket.post_form("uploads/1", "image/png", 1..=10).await.unwrap();
        let client = reqwest::Client::new();
        let asked = client.request(reqwest::Method::OPTIONS, &form.url).header("origin", "https://blog.example.com");
        let preflight = asked.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(preflight.headers()["access-control-allow-origin"], "*", "{origins:?}");
        assert_eq!(preflight.headers()["access-control-allow-methods"], *texts(&rule["AllowedMethods"]).join(", "));
        assert_eq!(preflight.headers()["access-control-allow-headers"], *texts(&rule["AllowedHeaders"]).join(", "));
        let sent = client.post(&form.url).body(form_body(&form, "picture")).header("content-type", FORM);
        let sent = sent.header("origin", "https://blog.example.com").send().await.unwrap();
        assert_eq!(
            (sent.status().as_u16(), &sent.headers()["access-control-allow-origin"]),
            (204, &"*".parse().unwrap())
        );
        let fetched = client.get(bucket.link("uploads/1").await.unwrap()).header("origin", "https://blog.example.com");
        assert_eq!(fetched.send().await.unwrap().headers()["access-control-allow-origin"], "*", "{origins:?}");
    }
}
