//! What the gateway answers instead of an operation, and what browsers ask before they let a page call one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Bytes;
use http::{Request, header};
use local::backing::refs;
use local::gateway::MAX_PAYLOAD_BYTES;
use local::wire::Fault;
use serde_json::{Value, json};
use template::{self, Template};

use crate::harness::{Answer, Client, TestStack};

fn template() -> Template {
    Template::read(template::SOURCE, &refs()).unwrap()
}

/// A path of each route of the template, with the methods of that route, and with all that are taken: `/users/confirm`
/// is a user's path too.
fn paths() -> BTreeMap<String, [BTreeSet<String>; 2]> {
    let routes = template().routes;
    let takes = |route: &str, path: &str| {
        let pairs = route.split('/').zip(path.split('/'));
        route.split('/').count() == path.split('/').count()
            && pairs.into_iter().all(|(wanted, given)| wanted == given || wanted.starts_with('{'))
    };
    let methods = |taking: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let taking = routes.iter().filter(|route| taking(&route.path));
        let mut methods: BTreeSet<_> = taking.map(|route| route.method.clone()).collect();
        methods.extend(methods.contains("GET").then(|| "HEAD".to_owned()));
        methods.insert("OPTIONS".to_owned());
        methods
    };
    let of = |route: &str| {
        let path = route.replace(['{', '}'], "");
        let methods = [methods(&|other| other == route), methods(&|other| takes(other, &path))];
        (path, methods)
    };
    let paths: BTreeMap<_, _> = routes.iter().map(|route| of(&route.path)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    paths
}

fn listed(answer: &Answer, name: &str) -> BTreeSet<String> {
    answer.header(name).split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_and_says_which_it_takes() {
    let stack = TestStack::start().await;
    let mut refused = 0;
    for (path, [methods, taken]) in paths() {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"] {
            if taken.contains(method) {
                continue;
            }
            // Not even a bad token or an unknown parameter gets in the way.
            for client in [stack.visitor(), stack.bearer("forged")] {
                let answer = client.call(method, &format!("{path}?x=1"), &[], Some(json!({}))).await;
                answer.expect_status(405);
                assert!(method == "HEAD" || answer.body["type"] == "urn:broadsheet:problem:method-not-allowed");
                assert_eq!(listed(&answer, "allow"), methods, "{method} {path}");
            }
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_allows_what_the_path_takes() {
    let stack = TestStack::start().await;
    for (path, [methods, _]) in paths() {
        for method in &methods {
            let asked = [
                ("origin", "https://blog.example.com"),
                ("access-control-request-method", method),
                ("access-control-request-headers", "authorization,content-type,if-match"),
            ];
            let answer = stack.visitor().call("OPTIONS", &path, &asked, None).await;
            answer.expect_status(204);
            assert!(answer.bytes.is_empty());
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(answer.header("access-control-max-age"), "7200");
            assert!(listed(&answer, "access-control-allow-methods").contains(method), "{method} {path}");
            let headers = listed(&answer, "access-control-allow-headers");
            for name in ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"] {
                assert!(headers.contains(name), "{name}");
            }
            // What libraries for tracing and old ones for requests send by themselves.
            for name in ["Traceparent", "Tracestate", "Baggage", "X-Requested-With"] {
                assert!(headers.contains(name), "{name}");
            }
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        }
        assert_eq!(listed(&stack.visitor().call("OPTIONS", &path, &[], None).await, "allow"), methods);
    }
    stack.visitor().call("OPTIONS", "/nothing/here", &[], None).await.expect_problem(404, "not-found");
}

#[tokio::test]
async fn pages_of_the_origins_that_the_stack_names_may_read_answers_and_no_others() {
    let origins = "https://blog.example.com,http://localhost:5173";
    let stack = TestStack::start_with_parameters(&[("CorsOrigins", origins)]).await;
    let ask = async |client: &Client, method: &str, path: &str, origin: &str| {
        let answer = client.call(method, path, &[("origin", origin)], None).await;
        let vary: Vec<_> = answer.headers.get_all(header::VARY).iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.contains(&"Origin"), "{method} {path}: a cache must keep origins apart, {vary:?}");
        answer
    };
    let visitor = stack.visitor();
    let calls = template().routes.into_iter().filter(|route| !route.authorized).map(|route| (route.method, route.path));
    let calls = calls.chain([("OPTIONS".to_owned(), "/posts".to_owned()), ("PUT".to_owned(), "/posts".to_owned())]);
    for (method, path) in calls {
        let path = path.replace(['{', '}'], "");
        for allowed in origins.split(',') {
            let answer = ask(&visitor, &method, &path, allowed).await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{method} {path}");
            for name in ["ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"] {
                assert!(listed(&answer, "access-control-expose-headers").contains(name), "{name}");
            }
        }
        for other in ["https://blog.example.com.evil.test", "http://blog.example.com", "null", ""] {
            let answer = ask(&visitor, &method, &path, other).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{method} {path} {other}");
        }
    }
    // What API Gateway answers itself is for all: it knows one origin at most, and says nothing of anybody.
    let answer = visitor.get_with("/me", &[("origin", "https://blog.example.com")]).await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

/// Of the other APIs too, which are each one function.
#[tokio::test]
async fn a_host_that_is_none_is_refused_whatever_is_asked_for() {
    let stack = TestStack::start_with_parameters(&[("Conduit", "true"), ("GhostContent", "true")]).await;
    for path in ["/v1/posts", "/v1/no/route", "/api/tags", "/ghost/api/content/posts/", "/elsewhere"] {
        let request = Request::builder().uri(path).header("host", "T /v1/x").body(Bytes::new()).unwrap();
        let answer = stack.stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
        assert_eq!(answer.status(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_request_that_no_function_gets_to_see_is_answered_in_the_form_of_every_error() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let large = vec![b'x'; MAX_PAYLOAD_BYTES + 1];
    ada.send("POST", "/posts", &[], large).await.expect_problem(413, "payload-too-large");
    stack.visitor().get("/").await.expect_problem(404, "not-found");
    for host in ["a b", "<script>", "xn--a", "a\"b"] {
        stack.visitor().get_with("/posts", &[("host", host)]).await.expect_problem(400, "malformed-request");
    }
    // The authorizer cannot tell who it is: that is no fault of the client's, and passes.
    stack.pass_seconds(61);
    for fault in [Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        stack.stack.wire.break_calls("GetItem", 0, 3, fault);
        let answer = ada.get("/me").await;
        answer.expect_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    ada.get("/me").await.expect_status(200);
}

/// All types that API Gateway has, with the status that a client should see; none is what DEFAULT_4XX or DEFAULT_5XX
/// has. <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>
const TYPES: [(&str, Option<(u16, &str)>); 21] = [
    ("DEFAULT_4XX", Some((400, "malformed-request"))),
    ("DEFAULT_5XX", Some((500, "internal"))),
    ("ACCESS_DENIED", Some((403, "forbidden"))),
    ("API_CONFIGURATION_ERROR", None),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some((503, "unavailable"))),
    ("AUTHORIZER_FAILURE", Some((503, "unavailable"))),
    ("BAD_REQUEST_BODY", None),
    ("BAD_REQUEST_PARAMETERS", None),
    ("EXPIRED_TOKEN", None),
    ("INTEGRATION_FAILURE", Some((503, "unavailable"))),
    ("INTEGRATION_TIMEOUT", Some((503, "unavailable"))),
    ("INVALID_API_KEY", None),
    ("INVALID_SIGNATURE", None),
    ("MISSING_AUTHENTICATION_TOKEN", Some((404, "not-found"))),
    ("QUOTA_EXCEEDED", Some((429, "too-many-requests"))),
    ("REQUEST_TOO_LARGE", Some((413, "payload-too-large"))),
    ("RESOURCE_NOT_FOUND", Some((404, "not-found"))),
    ("THROTTLED", Some((429, "too-many-requests"))),
    ("UNAUTHORIZED", Some((401, "unauthenticated"))),
    ("UNSUPPORTED_MEDIA_TYPE", Some((415, "unsupported-media-type"))),
    ("WAF_FILTERED", Some((403, "forbidden"))),
];

#[test]
fn whatever_the_gateway_answers_itself_is_a_problem_that_pages_may_read() {
    let mut responses = template().gateway_responses;
    for (kind, expected) in TYPES {
        let Some((status, name)) = expected else {
            assert!(!responses.contains_key(kind), "{kind} is not in this list as it is in the template");
            continue;
        };
        let response = responses.remove(kind).unwrap_or_else(|| panic!("{kind} is missing"));
        assert_eq!(response.status, status, "{kind}");
        let body = response.body.replace("$context.path", "/v1/x").replace("$context.requestId", "1");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["type"], format!("urn:broadsheet:problem:{name}"), "{kind}");
        assert_eq!(problem["status"], status, "{kind}");
        for member in ["title", "detail", "instance", "request_id"] {
            assert!(problem[member].is_string(), "{kind} {member}");
        }
        let mut headers = BTreeMap::from([
            ("Content-Type", "'application/problem+json'"),
            ("Cache-Control", "'no-store'"),
            ("X-Request-Id", "context.requestId"),
            ("Access-Control-Allow-Origin", "'*'"),
            ("Access-Control-Expose-Headers", "'Retry-After, WWW-Authenticate, X-Request-Id'"),
        ]);
        match status {
            401 => drop(headers.insert("WWW-Authenticate", "'Bearer'")),
            429 | 503 => drop(headers.insert("Retry-After", "'2'")),
            _ => {}
        }
        let there: BTreeMap<_, _> =
            response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(there, headers, "{kind}");
    }
    assert!(responses.is_empty(), "{:?} is no type of API Gateway's", responses.keys());
}
