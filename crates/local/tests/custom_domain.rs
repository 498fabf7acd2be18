//! What clients are told when the API has a domain of its own. API Gateway then leaves the domain's base path in the
//! event's path, where the stage never is; the local gateway has no such domains, so these events are made by hand.

use http::StatusCode;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::harness::TestStack;

/// The event of a request to `https://blog.example.com/v1...`, whose base path `v1` leads to the stage.
fn event(method: &str, resource: &str, path: &str, parameters: &Value, query: &Value) -> Request {
    let event = json!({
        "resource": resource,
        "path": format!("/v1{path}"),
        "httpMethod": method,
        "headers": { "Host": "blog.example.com", "X-Forwarded-Proto": "https" },
        "multiValueHeaders": { "Host": ["blog.example.com"], "X-Forwarded-Proto": ["https"] },
        "queryStringParameters": query,
        "multiValueQueryStringParameters": null,
        "pathParameters": parameters,
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "blog.example.com",
            "httpMethod": method,
            "identity": { "sourceIp": "203.0.113.7" },
            "path": format!("/v1{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "request",
            "requestTimeEpoch": 0,
            "resourcePath": resource,
            "stage": "v1",
        },
        "body": null,
        "isBase64Encoded": false,
    });
    serde_json::from_value::<LambdaRequest>(event).unwrap().into()
}

async fn answer(stack: &TestStack, operation: &str, request: Request) -> Response<Body> {
    stack.stack.gateway.function(operation).unwrap().call(request).await
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn links_keep_the_base_path() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("One", &[]).await;
    ada.publish("Two", &[]).await;
    ada.patch("/posts/one", "*", json!({ "slug": "renamed" })).await.expect_status(200);

    let list =
        answer(&stack, "list_posts", event("GET", "/posts", "/posts", &Value::Null, &json!({ "limit": "1" }))).await;
    assert_eq!(list.status(), StatusCode::OK);
    assert!(header(&list, "link").starts_with("</v1/posts?limit=1&cursor="), "{list:?}");

    let slug = json!({ "slug": "one" });
    let moved = answer(&stack, "get_post", event("GET", "/posts/{slug}", "/posts/one", &slug, &Value::Null)).await;
    assert_eq!(moved.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(header(&moved, "location"), "/v1/posts/renamed");

    let slug = json!({ "slug": "none" });
    let none = answer(&stack, "get_post", event("GET", "/posts/{slug}", "/posts/none", &slug, &Value::Null)).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let problem: Value = serde_json::from_slice(none.body()).unwrap();
    assert_eq!(problem["instance"], "/v1/posts/none");
}

#[tokio::test]
async fn a_path_without_a_route_is_found_below_the_base_path() {
    let stack = TestStack::start().await;
    let rest = async |method: &str, path: &str| {
        let proxy = json!({ "proxy": path.trim_start_matches('/') });
        catch_all::answer(&stack.stack.blog, &event(method, "/{proxy+}", path, &proxy, &Value::Null)).await
    };
    let preflight = rest("OPTIONS", "/posts/one").await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&preflight, "allow"), "DELETE, GET, HEAD, OPTIONS, PATCH");
    assert_eq!(rest("PUT", "/posts").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let none = rest("GET", "/v1/posts").await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let problem: Value = serde_json::from_slice(none.body()).unwrap();
    assert_eq!(problem["instance"], "/v1/v1/posts");
}
