//! What load balancers and operators ask.

use std::sync::Arc;

use aws::Sdk;
use edge::Blog;
use edge::Clock;
use edge::Config;
use lambda_http::Request;
use local::stack::sdk_config;
use local::wire::Fault;
use serde_json::{Value, json};

use crate::harness::TestStack;

#[tokio::test]
async fn a_blog_is_alive_whatever_stands_behind_it() {
    let stack = TestStack::start().await;
    stack.stack.wire.record();
    assert_eq!(stack.visitor().get("/health").await.body, json!({ "status": "ok" }));
    assert!(stack.stack.wire.take_calls().is_empty(), "nothing is asked");
}

#[tokio::test]
async fn a_blog_is_ready_when_all_that_stands_behind_it_answers() {
    let stack = TestStack::start().await;
    let ready = async || stack.visitor().get("/ready").await;
    assert_eq!(ready().await.body, json!({ "status": "ready" }));
    for action in ["GetItem", "HeadBucket"] {
        for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
            stack.stack.wire.break_calls(action, 0, 3, fault);
            let answer = ready().await;
            answer.expect_problem(503, "unavailable");
            assert_eq!(answer.header("retry-after"), "2");
            let said = answer.body.to_string().to_lowercase();
            assert!(!["table", "bucket", "dynamo", "s3"].iter().any(|name| said.contains(name)), "{said}");
            ready().await.expect_status(200);
        }
    }
    // One that does not answer at all is not waited for.
    let _held = stack.stack.wire.hold_call("HeadBucket");
    let begun = tokio::time::Instant::now();
    ready().await.expect_problem(503, "unavailable");
    assert!(begun.elapsed().as_secs() < 6, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_blog_is_not_ready_without_its_user_pool() {
    let stack = TestStack::start().await;
    let mut environment = stack.stack.gateway.template().environment.clone();
    environment.insert("ENDPOINTS".to_owned(), "jwks=http://127.0.0.1:1/jwks.json".to_owned());
    let config = Config::read(|name| environment.get(name).cloned()).unwrap();
    let sdk = Sdk::new(sdk_config(stack.stack.wire.clone()));
    let blog = Arc::new(Blog::new(config, &sdk, Clock::system()));
    let services = site::Services::new(blog, &sdk);
    let ready = site::OPERATIONS.iter().find(|entry| entry.operation.name == "ready").unwrap();
    let answer = (ready.handle)(&services, &Request::default()).await;
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_blog_says_which_version_it_is() {
    let stack = TestStack::start().await;
    let answer = stack.visitor().get("/version").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let Value::Object(release) = answer.body else { panic!("no object") };
    assert_eq!(release["version"], env!("CARGO_PKG_VERSION"));
    // From a tarball there is neither.
    if let Some(commit) = release["commit"].as_str() {
        assert!(commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{commit}");
        assert!(domain::Timestamp::try_from(release["built_at"].as_str().unwrap().to_owned()).is_ok());
    }
}
