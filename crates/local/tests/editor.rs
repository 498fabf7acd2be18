//! What the editor of the site needs: a session in a cookie, Markdown as a post would show it, and its own files.

use std::collections::BTreeSet;
use std::path::Path;

use domain::Role;
use local::editor::{FILES, answer, policy};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, TestStack};

/// A page of the site, as the browser says of it. Stories ask at `localhost`, by plain HTTP.
const OWN: (&str, &str) = ("origin", "http://localhost");

async fn log_in(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "login": "ada", "password": PASSWORD, "cookie": true });
    client.call("POST", "/sessions", headers, Some(body)).await
}

async fn refresh(client: &Client, headers: &[(&str, &str)]) -> Answer {
    client.call("POST", "/sessions/refresh", headers, Some(json!({ "cookie": true }))).await
}

/// What the browser sends back, and the attributes that it keeps to itself.
fn cookie(answer: &Answer) -> (String, String) {
    let (pair, attributes) = answer.header("set-cookie").split_once("; ").expect("a cookie");
    (pair.to_owned(), attributes.to_owned())
}

#[tokio::test]
async fn a_page_of_the_site_keeps_its_session_in_a_cookie_that_no_script_can_read() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let visitor = stack.visitor();
    let session = log_in(&visitor, &[OWN]).await;
    session.expect_status(201);
    assert_eq!(session.body["refresh_token"], Value::Null, "it is in the cookie only");
    assert_eq!(session.header("cache-control"), "no-store");
    let (pair, attributes) = cookie(&session);
    assert_eq!(attributes, "Path=/v1/sessions; Max-Age=2592000; HttpOnly; SameSite=Strict");
    stack.bearer(session.body["access_token"].as_str().unwrap()).get("/me").await.expect_status(200);

    let refreshed = refresh(&visitor, &[OWN, ("cookie", &pair)]).await;
    refreshed.expect_status(200);
    assert_eq!(refreshed.header("set-cookie"), "");
    let ada = stack.bearer(refreshed.body["access_token"].as_str().unwrap());
    ada.get("/me").await.expect_status(200);

    // Logging out takes it back, and it is good for nothing any more.
    let out = ada.call("DELETE", "/sessions", &[("cookie", &pair)], None).await;
    out.expect_status(204);
    assert_eq!(
        out.header("set-cookie"),
        "broadsheet_session=; Path=/v1/sessions; Max-Age=0; HttpOnly; SameSite=Strict"
    );
    refresh(&visitor, &[OWN, ("cookie", &pair)]).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn only_a_page_of_the_site_itself_may_have_or_use_the_cookie() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let visitor = stack.visitor();
    let (pair, _) = cookie(&log_in(&visitor, &[OWN]).await);
    let evil = [
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "https://localhost")],
        vec![("origin", "http://localhost:8080")],
        vec![("origin", "null")],
        vec![OWN, ("origin", "https://evil.example")],
    ];
    for headers in evil {
        let answer = log_in(&visitor, &headers).await;
        answer.expect_problem(403, "forbidden");
        assert_eq!(answer.header("set-cookie"), "");
        let with_cookie: Vec<_> = headers.into_iter().chain([("cookie", pair.as_str())]).collect();
        refresh(&visitor, &with_cookie).await.expect_problem(403, "forbidden");
    }
    // A form of another site can send no JSON.
    let form = [OWN, ("cookie", pair.as_str()), ("content-type", "text/plain")];
    let body = json!({ "cookie": true }).to_string().into_bytes();
    visitor.send("POST", "/sessions/refresh", &form, body).await.expect_problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn the_cookie_proves_nothing_anywhere_else() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let (pair, _) = cookie(&log_in(&stack.visitor(), &[OWN]).await);
    let headers = [OWN, ("cookie", pair.as_str())];
    stack.visitor().get_with("/me", &headers).await.expect_problem(401, "unauthenticated");
    let visitor = stack.visitor();
    visitor.call("DELETE", "/sessions", &headers, None).await.expect_problem(401, "unauthenticated");
    // Nor is it looked at where it is not asked for.
    let answer = visitor.call("POST", "/sessions/refresh", &headers, Some(json!({}))).await;
    answer.expect_invalid(&["/refresh_token"]);
    let both = json!({ "cookie": true, "refresh_token": "x" });
    visitor.call("POST", "/sessions/refresh", &headers, Some(both)).await.expect_invalid(&["/cookie"]);
}

#[tokio::test]
async fn a_cookie_that_is_missing_or_wrong_is_no_session() {
    let stack = TestStack::start().await;
    for wrong in ["", "broadsheet_session=", "broadsheet_session=%FF", "broadsheet_session=x~y", "other=x", "=", ";;"] {
        refresh(&stack.visitor(), &[OWN, ("cookie", wrong)]).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn without_the_cookie_sessions_are_as_they_were() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    for more in [json!({}), json!({ "cookie": false }), json!({ "cookie": null })] {
        let mut body = json!({ "login": "ada", "password": PASSWORD });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let session = stack.visitor().post("/sessions", body).await;
        session.expect_status(201);
        assert_eq!(session.header("set-cookie"), "");
        let token = &session.body["refresh_token"];
        assert!(token.is_string());
        stack.visitor().post("/sessions/refresh", json!({ "refresh_token": token })).await.expect_status(200);
    }
}

#[tokio::test]
async fn markdown_is_rendered_as_the_post_will_be_and_nothing_is_stored() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = "Some *Markdown*.<script>alert(1)</script>\n\n```rust\nfn main() {}\n```\n\n[^1]\n\n[^1]: A note.";
    stack.stack.wire.take_calls();
    let shown = ada.post("/markdown", json!({ "body": body })).await;
    shown.expect_status(200);
    let writes = stack.stack.wire.take_calls().into_iter().filter(|call| call.action.contains("Write"));
    assert_eq!(writes.filter(|call| !call.counts_request()).count(), 0);
    let post = ada.post("/posts", json!({ "title": "Post", "body": body })).await;
    post.expect_status(201);
    assert_eq!(shown.body["html"], post.body["html"]);
    assert_eq!(shown.body["word_count"], post.body["word_count"]);

    // A picture that is not ready is shown by its address.
    let picture = ada.post("/media", json!({ "filename": "a.png", "content_type": "image/png", "size": 10 })).await;
    let address = format!("/media/{}", picture.body["id"].as_str().unwrap());
    let shown = ada.post("/markdown", json!({ "body": format!("![Two cats]({address})") })).await;
    assert_eq!(shown.body["html"], format!("<p><img src=\"{address}\" alt=\"Two cats\" loading=\"lazy\"></p>\n"));

    ada.post("/markdown", json!({ "body": " " })).await.expect_invalid(&["/body"]);
    ada.post("/markdown", json!({})).await.expect_invalid(&["/body"]);
    let reader = stack.user_with_role("rita", Role::Reader).await;
    reader.post("/markdown", json!({ "body": body })).await.expect_problem(403, "forbidden");
    stack.visitor().post("/markdown", json!({ "body": body })).await.expect_problem(401, "unauthenticated");
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/write"))
}

#[tokio::test]
async fn every_address_of_the_editor_is_its_page_and_every_file_is_there() {
    let stack = TestStack::start().await;
    let served: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(served, there.collect(), "crates/local/src/editor.rs lists the files of web/write");

    let files = stack.stack.wire.s3_url();
    for (name, text) in FILES {
        assert_eq!(*text, std::fs::read_to_string(folder().join(name)).unwrap());
        let answer = answer(&format!("/write/{name}"), &stack.stack.wire);
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(answer.headers()["content-security-policy"], policy(&files));
    }
    for page in ["/write", "/write/", "/write/log-in", "/write/posts/a-post/revisions"] {
        let answer = answer(page, &stack.stack.wire);
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
    }
    for none in ["/write/none.js", "/write/../Cargo.toml", "/write/a/main.js"] {
        assert_eq!(answer(none, &stack.stack.wire).status(), 403, "{none}");
    }
}

/// What a module imports is a file of the editor, and so is what the page names: there is no build that would say so.
#[test]
fn what_the_editor_names_is_there_and_nothing_is_inline() {
    let names: BTreeSet<_> = FILES.iter().map(|(name, _)| *name).collect();
    let text = |name: &str| FILES.iter().find(|(known, _)| *known == name).unwrap().1;
    for (name, text) in FILES.iter().filter(|(name, _)| name.ends_with(".js")) {
        for import in text.split("from './").skip(1).filter_map(|rest| rest.split('\'').next()) {
            assert!(names.contains(import), "{name} imports {import}");
        }
        assert!(!text.contains("from 'http") && !text.contains("import('http"), "{name}");
    }
    let page = text("index.html");
    for named in page.split("=\"/write/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(names.contains(named), "{named}");
    }
    for inline in ["<style", " style=", " onclick", "<script>", "http://", "https://"] {
        assert!(!page.contains(inline), "{inline}");
    }
}

/// The CDN sends the policy that is tried here, with the bucket for the local S3.
#[test]
fn the_cdn_has_the_same_policy() {
    let template = std::fs::read_to_string(folder().join("../../infrastructure/cdn.yaml")).unwrap();
    let expected = policy("https://${MediaBucket}");
    assert!(template.contains(&format!("ContentSecurityPolicy: !Sub \"{expected}\"")), "{expected}");
}
