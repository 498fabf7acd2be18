//! What holds for every request, whatever the operation.

use std::io::Write;

use http::{HeaderMap, header};
use lambda_http::request::LambdaRequest;
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
    for path in ["/", "//", "//posts", "//posts/", "/posts//", "/posts//publish", "/nothing/"] {
        stack.visitor().get(path).await.expect_problem(404, "not-found");
    }
}

/// Filled with what is not there too: an answer is an answer.
#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &["greetings"]).await;
    for route in stack.stack.gateway.template().routes.iter().filter(|route| route.method == "GET") {
        let path = route.path.replace("{slug}", "hello").replace("{username}", "ada").replace("{version}", "1");
        for (client, headers) in [(&ada, &[][..]), (&stack.visitor(), &[]), (&ada, &[("if-none-match", "*")])] {
            let got = client.get_with(&path, headers).await;
            let head = client.call("HEAD", &path, headers, None).await;
            assert_eq!(head.status, got.status, "{path}");
            assert!(head.bytes.is_empty(), "{path}");
            let comparable = |headers: &HeaderMap| {
                let mut headers = headers.clone();
                for counted in ["x-request-id", "ratelimit"] {
                    headers.remove(counted);
                }
                headers
            };
            assert_eq!(comparable(&head.headers), comparable(&got.headers), "{path}");
        }
    }
    // Like a GET, it is not counted for whom a cache answers.
    assert_eq!(stack.visitor().call("HEAD", "/posts", &[], None).await.header("ratelimit"), "");
}

/// Reports disagree whom a REST API hands a path with a slash at its end, so whoever gets it answers alike.
#[tokio::test]
async fn a_path_with_a_slash_at_its_end_is_sent_to_the_one_without() {
    let stack = TestStack::start().await;
    let routes = stack.stack.gateway.template().routes.clone();
    let expected = |path: &str| format!("/v1{}?limit=2&x=%22%0A", path.replace(['{', '}'], ""));
    for route in &routes {
        let path = route.path.replace(['{', '}'], "");
        let asked = format!("{path}/?limit=2&x=%22%0A");
        let answer = stack.visitor().call(&route.method, &asked, &[], None).await;
        answer.expect_status(308);
        assert_eq!(answer.header("location"), expected(&route.path), "{} {path}", route.method);
    }
    for route in routes {
        // Past the authorizer, where there is one.
        let path = format!("{}/", route.path.replace(['{', '}'], ""));
        let parameters = route.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        let parameters: serde_json::Map<_, _> =
            parameters.map(|name| (name.to_owned(), json!(format!("{name}/")))).collect();
        let event = json!({
            "resource": route.path, "path": path, "httpMethod": route.method,
            "headers": {}, "multiValueHeaders": {},
            "queryStringParameters": { "limit": "2" },
            "multiValueQueryStringParameters": { "limit": ["2"], "x": ["\"\n"] },
            "pathParameters": parameters, "stageVariables": null, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "0", "apiId": "local", "httpMethod": route.method, "identity": { "sourceIp": "203.0.113.7" },
                "path": format!("/v1{path}"), "requestId": "request", "requestTimeEpoch": 0,
                "resourcePath": route.path, "stage": "v1",
            },
        });
        let request = serde_json::from_value::<LambdaRequest>(event).unwrap().into();
        let answer = stack.stack.gateway.function(&route.handler).unwrap().call(request).await;
        assert_eq!(answer.status(), 308, "{} {path}", route.method);
        let location = answer.headers()["location"].to_str().unwrap();
        assert_eq!(location, expected(&route.path), "{} {path}", route.method);
    }
    // A browser follows no redirect of a preflight.
    stack.visitor().call("OPTIONS", "/posts/", &[], None).await.expect_status(204);
}

#[tokio::test]
async fn what_trackers_add_to_a_link_is_ignored() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("One", &[]).await;
    ada.publish("Two", &[]).await;
    let trackers = "utm_source=x&utm_id=1&fbclid=a&gclid=b&msclkid=c&mc_cid=d&mc_eid=e&_=17";
    for path in ["/posts", "/posts/one", "/users/ada", "/tags", "/me", "/health"] {
        let plain = ada.get(path).await;
        let tracked = ada.get(&format!("{path}?{trackers}")).await;
        tracked.expect_status(200);
        assert_eq!((&tracked.body, tracked.header("etag")), (&plain.body, plain.header("etag")), "{path}");
    }
    let page = ada.get(&format!("/posts?limit=1&{trackers}")).await;
    let next = page.header("link").to_owned();
    assert!(next.contains("limit=1&cursor=") && !next.contains("utm_"), "{next}");
    let cursor = page.body["next_cursor"].as_str().unwrap();
    ada.get(&format!("/posts?limit=1&cursor={cursor}&fbclid=other")).await.expect_status(200);
    for misspelt in ["authr=ada", "utm=1", "fbclid2=1", "__=1"] {
        let name = misspelt.split('=').next().unwrap();
        ada.get(&format!("/posts?{misspelt}")).await.expect_invalid(&[&format!("/{name}")]);
    }
}

#[tokio::test]
async fn an_operation_without_fields_drops_none_in_silence() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    ada.publish("Hello", &[]).await;
    let json = [("content-type", "application/json")];
    for (method, path) in [("PUT", "/users/ada/follow"), ("DELETE", "/me/bookmarks/hello"), ("DELETE", "/sessions")] {
        bob.call(method, path, &json, Some(json!({ "note": "x" }))).await.expect_invalid(&["/note"]);
        bob.call(method, path, &json, Some(json!([]))).await.expect_invalid(&[""]);
        bob.send(method, path, &json, b"{".to_vec()).await.expect_problem(400, "malformed-request");
        bob.send(method, path, &json, vec![b' '; 2_000_000]).await.expect_problem(413, "payload-too-large");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        bob.send(method, path, &form, b"a=1".to_vec()).await.expect_problem(415, "unsupported-media-type");
        bob.send(method, path, &form, Vec::new()).await.expect_status(204);
    }
    assert_eq!(stack.visitor().get("/users/ada").await.body["counts"]["followers"], 1);
    // What comes with a GET means nothing.
    stack.visitor().send("GET", "/posts/hello", &[], b"a=1".to_vec()).await.expect_status(200);
}

#[tokio::test]
async fn a_number_is_written_in_one_way() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &[]).await;
    for odd in ["%2B5", "05", "5.0", "%205", "-5", "0", "101", ""] {
        ada.get(&format!("/posts?limit={odd}")).await.expect_invalid(&["/limit"]);
    }
    ada.get("/posts/hello/revisions/1").await.expect_status(200);
    for odd in ["+1", "%2B1", "01", "1.0", "-1", "0"] {
        ada.get(&format!("/posts/hello/revisions/{odd}")).await.expect_problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_a_client_sends_never_breaks_a_header() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("Hello", &[]).await;
    ada.patch("/posts/hello", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    for odd in ["%0A", "%0D%0ALocation:%20x", "%22%3E", "%C3%BC", "%00", "%E2%80%A8"] {
        for path in [format!("/posts/hello?preview={odd}"), format!("/posts/renamed?preview={odd}")] {
            let answer = ada.get(&path).await;
            assert!(matches!(answer.status.as_u16(), 200 | 301), "{path}: {}", answer.status);
        }
        for path in [format!("/posts/{odd}"), format!("/posts/{odd}/"), format!("/users/{odd}/followers/?x={odd}")] {
            let answer = ada.get(&path).await;
            assert!(matches!(answer.status.as_u16(), 308 | 404), "{path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_body_counts_as_what_is_stored_of_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let json_type = ("content-type", "application/json");
    let escaped = |text: &str| -> String {
        let mut units = [0; 2];
        text.chars()
            .flat_map(|c| c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>())
            .collect()
    };
    let body = |text: &str| format!("{{\"title\": \"T\", \"body\": \"{text}\"}}").into_bytes();
    let text = "\u{431}".repeat(50 * 1024);
    ada.send("POST", "/posts", &[json_type], body(&escaped(&text))).await.expect_status(201);
    // Lines and quotes cannot be sent but as two characters each.
    let lines = "{\"a\": \"b\"},\n".repeat(200 * 1024 / 12).escape_default().to_string();
    assert!(lines.len() > 256 * 1024);
    ada.send("POST", "/posts", &[json_type], body(&lines)).await.expect_status(201);
    for too_large in [escaped(&"\u{431}".repeat(140 * 1024)), " ".repeat(2 * 1024 * 1024)] {
        ada.send("POST", "/posts", &[json_type], body(&too_large)).await.expect_problem(413, "payload-too-large");
    }
    // Whatever it is.
    let size = 300 * 1024;
    for large in
        [b"x".repeat(size), b" ".repeat(size), b"\xff".repeat(size), [b"[", &*b"1,".repeat(size / 2), b"1]"].concat()]
    {
        ada.send("POST", "/posts", &[json_type], large).await.expect_problem(413, "payload-too-large");
    }
}

#[tokio::test]
async fn a_body_in_a_coding_that_is_not_read_is_refused_as_such() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(br#"{"body": "B"}"#).unwrap();
    let coded = coder.finish().unwrap();
    let headers = |coding: &'static str| [("content-type", "application/json"), ("content-encoding", coding)];
    for coding in ["gzip", "br"] {
        let answer = ada.send("POST", "/posts", &headers(coding), coded.clone()).await;
        answer.expect_problem(415, "unsupported-media-type");
    }
    // What API Gateway has decoded.
    ada.send("POST", "/posts", &headers("gzip"), br#"{"body": "B"}"#.to_vec()).await.expect_status(201);
    ada.send("POST", "/posts", &headers("identity"), b"{".to_vec()).await.expect_problem(400, "malformed-request");
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
    for right in [
        "application/json; charset=utf8",
        "application/json;charset=\"UTF-8\"",
        "application/json; charset=UTF-8",
        "Application/JSON",
        "application/merge-patch+json",
    ] {
        send(&[("content-type", right)], body.clone()).await.expect_status(201);
    }
    send(&[json_type], Vec::new()).await.expect_invalid(&["/body"]);
    let odd = json!({ "title": "\u{200d}🏳️‍🌈\u{0301}", "body": "\u{202e}\u{0}\u{feff}\u{10ffff}" }).to_string();
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
