//! What holds for every request, whatever the operation.

use http::header;
use serde_json::json;

use crate::harness::{PASSWORD, TestStack};

#[tokio::test]
async fn an_unknown_route_is_not_found_in_the_form_of_every_error() {
    let stack = TestStack::start().await;
    let answer = stack.visitor().get("/nothing/here").await;
    answer.expect_problem(404, "not-found");
    assert_eq!(answer.body["instance"], "/v1/nothing/here");
    let odd = stack.visitor().get("/users/caf%C3%A9%20%22x%22").await;
    odd.expect_problem(404, "not-found");
    assert!(odd.body["instance"].as_str().unwrap().is_ascii(), "a URI reference: {}", odd.body["instance"]);
    for path in ["/", "/posts/", "/posts//publish", "/users/ada/follow/"] {
        stack.visitor().get(path).await.expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_protected_route_asks_for_a_token() {
    let stack = TestStack::start().await;
    let answer = stack.visitor().get("/me").await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.body["instance"], "/v1/me");
}

#[tokio::test]
async fn bad_bodies_get_the_answer_that_fits() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let json_type = ("content-type", "application/json");
    let send = async |headers: &[(&str, &str)], body: Vec<u8>| ada.send("POST", "/posts", headers, body).await;

    for malformed in [
        &b"{"[..],
        b"{\"title\": }",
        b"{} {}",
        b"{\"title\": \"\xff\xfe\"}",
        b"{\"title\": \"\\ud800\"}",
        b"{\"title\": 1e999}",
        b"\xef\xbb\xbf{}",
    ] {
        send(&[json_type], malformed.to_vec()).await.expect_problem(400, "malformed-request");
    }
    let deep = [b"{\"title\":".to_vec(), b"[".repeat(100_000), b"]".repeat(100_000), b"}".to_vec()].concat();
    send(&[json_type], deep).await.expect_problem(400, "malformed-request");
    for not_an_object in ["null", "1", "\"x\"", "[]", "true"] {
        send(&[json_type], not_an_object.into()).await.expect_invalid(&[""]);
    }
    let huge = format!("{{\"title\": {}, \"body\": 18446744073709551616}}", "9".repeat(400));
    send(&[json_type], huge.into()).await.expect_problem(400, "malformed-request");
    let large = json!({ "title": "T", "body": "x".repeat(300 * 1024) }).to_string();
    send(&[json_type], large.into()).await.expect_problem(413, "payload-too-large");
    let body = json!({ "title": "T", "body": "B" }).to_string().into_bytes();
    for wrong in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; charset=latin1"]
    {
        send(&[("content-type", wrong)], body.clone()).await.expect_problem(415, "unsupported-media-type");
    }
    send(&[], body.clone()).await.expect_problem(415, "unsupported-media-type");
    for right in ["application/json; charset=UTF-8", "Application/JSON", "application/merge-patch+json"] {
        send(&[("content-type", right)], body.clone()).await.expect_status(201);
    }
    send(&[json_type], Vec::new()).await.expect_invalid(&["/body"]);
    let odd = json!({ "title": "\u{202e}\u{200d}🏳️‍🌈\u{0301}", "body": "\u{0}\u{feff}\u{10ffff}" }).to_string();
    send(&[json_type], odd.into()).await.expect_status(201);
}

#[tokio::test]
async fn a_pointer_leads_to_the_field_whatever_its_name() {
    let stack = TestStack::start().await;
    let body = json!({ "login": "ada", "password": PASSWORD, "a/b~c": 1, "": 2 });
    stack.visitor().post("/sessions", body).await.expect_invalid(&["/", "/a~1b~0c"]);
}

#[tokio::test]
async fn requests_can_be_told_apart_and_followed() {
    let stack = TestStack::start().await;
    let visitor = stack.visitor();
    let one = visitor.get("/health").await;
    let two = visitor.get("/health").await;
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    let followed = visitor.get_with("/health", &[("x-correlation-id", "my-request-7")]).await;
    assert_eq!(followed.header("x-correlation-id"), "my-request-7");
    for bad in ["with space", &"x".repeat(65)] {
        let answer = visitor.get_with("/health", &[("x-correlation-id", bad)]).await;
        answer.expect_status(200);
        assert_eq!(answer.header("x-correlation-id"), "", "{bad}");
    }
    assert_eq!(one.body, json!({ "status": "ok" }));
    assert_eq!(one.headers[header::CACHE_CONTROL], "no-store");
}
