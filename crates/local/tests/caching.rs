//! What may be kept, and for how long: every `GET` is asked.

use std::collections::BTreeSet;

use domain::Role;
use expect_test::expect_file;
use serde_json::json;
use serde_yaml_ng::Value as Yaml;
use template::Route;

use crate::harness::{Answer, Client, TestStack};

const PUBLIC: &str = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";
const OURS: &str = "private, no-store";

/// A blog with something at every path, an administrator of it, and what the paths' parameters stand for there.
async fn blog() -> (TestStack, Client, impl Fn(&str) -> String) {
    blog_with(&[]).await
}

async fn blog_with(parameters: &[(&str, &str)]) -> (TestStack, Client, impl Fn(&str) -> String) {
    let stack = TestStack::start_with_parameters(parameters).await;
    let ada = stack.user_with_role("ada", Role::Admin).await;
    ada.publish("Hello", &["greetings"]).await;
    ada.publish("Again", &["greetings"]).await;
    stack.user("bob").await.call("PUT", "/users/ada/follow", &[], None).await.expect_status(204);
    let export = ada.post("/me/export", json!({})).await.body["export_id"].as_str().unwrap().to_owned();
    let comment =
        ada.post("/posts/hello/comments", json!({ "body": "First" })).await.body["id"].as_str().unwrap().to_owned();
    let picture = crate::media::ready(&stack, &ada, 20).await;
    let hook = ada.post("/webhooks", json!({ "url": "https://8.8.8.8/", "events": ["comment.held"] })).await.body;
    let hook = format!("/webhooks/{}", hook["id"].as_str().unwrap());
    // The sitemap follows from the stream.
    stack.settle().await;
    let fill = move |path: &str| {
        let known = [
            ("/media/{id}", &*picture),
            ("{slug}", "hello"),
            ("/webhooks/{id}", &hook),
            ("{username}", "ada"),
            ("{tag}", "greetings"),
            ("{file}", "1.xml"),
            ("{export_id}", &export),
            ("{version}", "1"),
            ("{id}", &comment),
            ("/search", "/search?q=hello"),
        ];
        let filled = known.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
        assert!(!filled.contains('{'), "say here what {path} leads to");
        filled
    };
    (stack, ada, fill)
}

fn reads(stack: &TestStack) -> Vec<Route> {
    let mut routes = stack.stack.gateway.template().routes.clone();
    // What only leads to a file is not kept as a file is (media.rs), and what is nowhere not at all.
    routes.retain(|route| route.method == "GET" && !["get_media_file", "show_missing"].contains(&&*route.handler));
    routes.sort_by(|one, other| one.path.cmp(&other.path));
    routes
}

/// All values of a header.
fn all(answer: &Answer, name: &str) -> String {
    let values: Vec<_> = answer.headers.get_all(name).iter().map(|value| value.to_str().expect("text")).collect();
    values.join(", ")
}

/// Asks again with what it answered; gives what it says of caching.
async fn checked(client: &Client, path: &str) -> [String; 2] {
    let answer = client.get(path).await;
    answer.expect_status(200);
    let told = |answer: &Answer| ["cache-control", "vary", "etag"].map(|name| all(answer, name));
    let [cache_control, _, etag] = told(&answer);
    if etag.is_empty() {
        assert!(["no-store", "private, no-store"].contains(&&*cache_control), "{path} has no ETag: {cache_control}");
    } else {
        for candidates in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let unchanged = client.get_with(path, &[("if-none-match", &candidates)]).await;
            unchanged.expect_status(304);
            assert!(unchanged.bytes.is_empty(), "{path}");
            assert_eq!(told(&unchanged), told(&answer), "{path}");
        }
        let changed = client.get_with(path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!((changed.status, changed.bytes), (answer.status, answer.bytes), "{path}");
    }
    [cache_control, if etag.is_empty() { "no".to_owned() } else { "yes".to_owned() }]
}

#[tokio::test]
async fn an_operator_says_how_long_a_cdn_keeps() {
    let stack = TestStack::start_with_parameters(&[("CdnSeconds", "3600")]).await;
    let answer = stack.visitor().get("/posts").await;
    assert_eq!(answer.header("cache-control"), PUBLIC.replace("s-maxage=60", "s-maxage=3600"));
    assert_eq!(stack.visitor().get("/health").await.header("cache-control"), "no-store");
    assert_eq!(stack.user("ada").await.get("/posts").await.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn every_get_is_cached_as_the_docs_say() {
    let (stack, ada, fill) = blog().await;
    let visitor = stack.visitor();
    let mut table = "| `GET` | without a token | with one | ETag |\n|---|---|---|---|\n".to_owned();
    for route in reads(&stack) {
        let path = fill(&route.path);
        let [signed_in, etag] = checked(&ada, &path).await;
        let anonymous = if route.authorized { "401".to_owned() } else { checked(&visitor, &path).await[0].clone() };
        // What anybody may read depends on who asks, and says so.
        let vary = all(&visitor.get(&path).await, "vary");
        assert_eq!(vary.contains("Authorization"), !route.authorized, "{path}");
        let vary = all(&ada.get(&path).await, "vary");
        assert_eq!(vary.contains("Authorization"), !route.authorized, "{path}");
        assert!(signed_in == OURS || signed_in == "no-store", "{path}: {signed_in}");
        table += &format!("| `{}` | {anonymous} | {signed_in} | {etag} |\n", route.path);
    }
    let docs = include_str!("../../../docs/caching.md");
    let (before, rest) = docs.split_once("<!-- begin -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let written = format!("{before}<!-- begin -->\n{table}<!-- end -->{after}");
    expect_file!["../../../docs/caching.md"].assert_eq(&written);
}

#[tokio::test]
async fn a_validator_changes_with_what_it_validates() {
    let (stack, ada, _) = blog().await;
    let visitor = stack.visitor();
    for path in ["/posts", "/posts?limit=1", "/posts?tag=greetings", "/posts/again", "/me/posts"] {
        let client = if path.starts_with("/me") { &ada } else { &visitor };
        let etag = client.get(path).await.etag();
        assert_eq!(client.get(path).await.etag(), etag, "{path}");
        let title = format!("Seen at {path}");
        ada.patch("/posts/again", "*", json!({ "title": title })).await.expect_status(200);
        client.get_with(path, &[("if-none-match", &etag)]).await.expect_status(200);
        assert_ne!(client.get(path).await.etag(), etag, "{path}");
    }
    // Each viewer has a validator of their own where they see something else, and each page has.
    assert_ne!(visitor.get("/posts").await.etag(), ada.get("/posts").await.etag());
    assert_ne!(visitor.get("/posts?limit=1").await.etag(), visitor.get("/posts").await.etag());
}

#[tokio::test]
async fn redirects_are_kept_and_errors_are_not() {
    let (stack, ada, _) = blog().await;
    ada.patch("/posts/hello", "*", json!({ "slug": "moved" })).await.expect_status(200);
    let visitor = stack.visitor();
    let moved = visitor.get("/posts/hello").await;
    moved.expect_status(301);
    assert_eq!((moved.header("cache-control"), moved.header("etag")), (PUBLIC, ""));
    for (path, status) in [("/posts/nothing", 404), ("/me", 401), ("/posts?limit=0", 422)] {
        let refused = visitor.get_with(path, &[("if-none-match", "*")]).await;
        refused.expect_status(status);
        assert_eq!((refused.header("cache-control"), refused.header("etag")), ("no-store", ""), "{path}");
    }
    let written = ada.post("/posts", json!({ "title": "T", "body": "B" })).await;
    assert_eq!(written.header("cache-control"), "no-store");
}

/// The headers in the CDN's cache key if `CorsOrigins` is `*`, and if it names origins.
fn cache_keys() -> [BTreeSet<String>; 2] {
    let cdn: Yaml = serde_yaml_ng::from_str(include_str!("../../../infrastructure/cdn.yaml")).unwrap();
    let key =
        &cdn["Resources"]["ApiCache"]["Properties"]["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"];
    let Yaml::Tagged(choice) = &key["HeadersConfig"]["Headers"] else { panic!("{key:?}") };
    assert_eq!((choice.tag.to_string().as_str(), &choice.value[0]), ("!If", &Yaml::from("AnyOrigin")));
    [1, 2].map(|side| {
        let names = choice.value[side].as_sequence().unwrap().iter();
        names.map(|name| name.as_str().unwrap().to_lowercase()).collect()
    })
}

#[tokio::test]
async fn the_cdn_keeps_apart_what_varies_and_nothing_else() {
    for (origins, key) in ["*", "https://blog.example.com"].into_iter().zip(cache_keys()) {
        let parameters = [("CorsOrigins", origins)];
        let (stack, _, fill) = blog_with(&parameters).await;
        let mut varies = BTreeSet::new();
        for route in reads(&stack) {
            let answer = stack.visitor().get(&fill(&route.path)).await;
            if answer.header("cache-control").contains("s-maxage=") {
                varies.extend(all(&answer, "vary").split(',').map(|name| name.trim().to_lowercase()));
            }
        }
        assert_eq!(varies, key, "CorsOrigins={origins}");
    }
}
