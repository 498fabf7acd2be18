//! The RealWorld ("Conduit") API, as front ends and its specification have it (docs/conduit.md).

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Bytes;
use domain::Role;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::crowd;
use crate::harness::{PASSWORD, TestStack};

/// A front end, signed in or not.
#[derive(Clone)]
struct FrontEnd {
    stack: TestStack,
    authorization: Option<String>,
}

struct Reply {
    what: String,
    status: u16,
    headers: HeaderMap,
    body: Value,
}

const ON: &[(&str, &str)] = &[("Conduit", "true")];

impl FrontEnd {
    fn of(stack: &TestStack) -> Self {
        Self { stack: stack.clone(), authorization: None }
    }

    fn with(&self, authorization: String) -> Self {
        Self { authorization: Some(authorization), ..self.clone() }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let bytes = body.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(format!("/api{path}")).header("host", "localhost");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Bytes::from(bytes)).unwrap();
        let answer = Box::pin(self.stack.stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST))).await;
        let (parts, body) = answer.into_parts();
        let (what, status) = (format!("{method} {path}"), parts.status.as_u16());
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        assert_eq!(parts.headers["access-control-allow-origin"], "*", "{what}");
        if status >= 400 {
            let fields = body["errors"].as_object().unwrap_or_else(|| panic!("{what}: {status} {body}"));
            let are_messages = |field: &Value| field.as_array().is_some_and(|field| field.iter().all(Value::is_string));
            assert!(!fields.is_empty() && fields.values().all(are_messages), "{what}: {body}");
        }
        Reply { what, status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// Registers, and uses the token at once.
    async fn register(&self, name: &str) -> Self {
        let user =
            json!({ "user": { "username": name, "email": format!("{name}@example.com"), "password": PASSWORD } });
        let user = self.post("/users", user).await.ok(201)["user"].clone();
        keys(&user, &["bio", "email", "image", "token", "username"]);
        self.with(format!("Token {}", text(&user["token"])))
    }

    async fn publish(&self, title: &str, tags: Value) -> Value {
        let article = json!({ "title": title, "description": "About it", "body": "The *text*", "tagList": tags });
        self.post("/articles", json!({ "article": article })).await.ok(201)["article"].clone()
    }
}

impl Reply {
    #[track_caller]
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        self.body
    }

    #[track_caller]
    fn fails(self, status: u16, field: &str, message: &str) {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        assert_eq!(self.body, json!({ "errors": { field: [message] } }), "{}", self.what);
    }

    /// Some message of exactly these fields.
    #[track_caller]
    fn refuses(self, status: u16, fields: &[&str]) {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        keys(&self.body["errors"], fields);
    }
}

#[track_caller]
fn keys(object: &Value, names: &[&str]) {
    let found: HashSet<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, names.iter().copied().collect(), "{object}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

const ARTICLE: [&str; 9] =
    ["slug", "title", "description", "tagList", "createdAt", "updatedAt", "favorited", "favoritesCount", "author"];

#[track_caller]
fn is_article(article: &Value) {
    keys(article, &ARTICLE.into_iter().chain(["body"]).collect::<Vec<_>>());
    is_profile(&article["author"]);
    is_time(&article["createdAt"]);
    is_time(&article["updatedAt"]);
}

#[track_caller]
fn is_profile(profile: &Value) {
    keys(profile, &["username", "bio", "image", "following"]);
}

/// ISO 8601 in UTC, with milliseconds.
#[track_caller]
fn is_time(time: &Value) {
    let (time, form) = (text(time), "0000-00-00T00:00:00.000Z");
    let same = |(c, wanted): (char, char)| if wanted == '0' { c.is_ascii_digit() } else { c == wanted };
    assert!(time.len() == form.len() && time.chars().zip(form.chars()).all(same), "{time}");
}

#[track_caller]
fn slugs(list: &Value) -> Vec<String> {
    let articles = list["articles"].as_array().expect("a list");
    for article in articles {
        keys(article, &ARTICLE);
    }
    articles.iter().map(|article| text(&article["slug"]).to_owned()).collect()
}

/// Every rule of the specification, on data that is there already the second time.
#[tokio::test]
async fn the_whole_api_twice_on_the_same_data() {
    let stack = TestStack::start_with_parameters(ON).await;
    for round in ["one", "two"] {
        let visitor = FrontEnd::of(&stack);
        let (ada, bob) = accounts(&stack, &visitor, round).await;
        profiles(&visitor, &ada, round).await;
        articles(&stack, &visitor, &ada, &bob, round).await;
        lists(&stack, &visitor, &ada, &bob, round).await;
        comments(&stack, &visitor, &ada, &bob).await;
        without_token(&visitor).await;
        stack.settle().await;
        stack.pass_seconds(60 * 60);
    }
}

async fn accounts(stack: &TestStack, visitor: &FrontEnd, round: &str) -> (FrontEnd, FrontEnd) {
    let (name, email) = (format!("ada-{round}"), format!("ada-{round}@example.com"));
    let ada = visitor.register(&name).await;
    let me = ada.get("/user").await.ok(200)["user"].clone();
    keys(&me, &["bio", "email", "image", "token", "username"]);
    assert_eq!((&me["username"], &me["email"]), (&json!(name), &json!(email)));
    assert_eq!((&me["bio"], &me["image"]), (&Value::Null, &Value::Null));

    let user = |fields: Value| json!({ "user": fields });
    let taken = user(json!({ "username": name, "email": "other@example.com", "password": PASSWORD }));
    visitor.post("/users", taken).await.fails(409, "username", "has already been taken");
    let taken = user(json!({ "username": "somebody", "email": email, "password": PASSWORD }));
    visitor.post("/users", taken).await.fails(409, "email", "has already been taken");
    for field in ["username", "email", "password"] {
        for blank in [json!(""), json!("  "), Value::Null] {
            let mut fields = json!({ "username": "eve", "email": "eve@example.com", "password": PASSWORD });
            fields[field] = blank;
            visitor.post("/users", user(fields)).await.fails(422, field, "can't be blank");
        }
    }
    visitor.post("/users", json!({})).await.refuses(422, &["username", "email", "password"]);
    for wrong in [json!(5), json!("x"), json!(["x"])] {
        visitor.post("/users", user(wrong.clone())).await.fails(422, "user", "must be an object");
        visitor.post("/users/login", user(wrong.clone())).await.fails(422, "user", "must be an object");
        ada.put("/user", user(wrong)).await.fails(422, "user", "must be an object");
    }
    for nothing in [json!({}), json!({ "user": null }), json!({ "email": "x" })] {
        ada.put("/user", nothing).await.fails(422, "user", "can't be blank");
    }
    let short = user(json!({ "username": "eve", "email": "eve@example.com", "password": "short" }));
    visitor.post("/users", short).await.refuses(422, &["password"]);

    // An old token that is sent along with a log-in does not matter.
    let stale = visitor.with("Token nonsense".to_owned());
    let logged_in = stale.post("/users/login", user(json!({ "email": email, "password": PASSWORD }))).await.ok(200);
    keys(&logged_in["user"], &["bio", "email", "image", "token", "username"]);
    let again = visitor.with(format!("Bearer {}", text(&logged_in["user"]["token"])));
    assert_eq!(again.get("/user").await.ok(200)["user"]["username"], json!(name));
    let wrong = user(json!({ "email": email, "password": "not the password" }));
    visitor.post("/users/login", wrong).await.fails(401, "credentials", "invalid");
    let nobody = user(json!({ "email": "nobody@example.com", "password": PASSWORD }));
    visitor.post("/users/login", nobody).await.fails(401, "credentials", "invalid");
    for field in ["email", "password"] {
        let mut fields = json!({ "email": email, "password": PASSWORD });
        fields[field] = json!("");
        visitor.post("/users/login", user(fields)).await.fails(422, field, "can't be blank");
    }

    // What is absent stays; nothing is null.
    let changed = ada.put("/user", user(json!({ "bio": "Mathematician" }))).await.ok(200);
    assert_eq!((&changed["user"]["bio"], &changed["user"]["email"]), (&json!("Mathematician"), &json!(email)));
    let changed = ada.put("/user", user(json!({ "image": "https://example.com/ada.png" }))).await.ok(200);
    assert_eq!(changed["user"]["bio"], "Mathematician");
    assert_eq!(changed["user"]["image"], "https://example.com/ada.png");
    for (field, nothing) in [("bio", json!("")), ("image", json!("")), ("bio", Value::Null), ("image", Value::Null)] {
        ada.put("/user", user(json!({ field: "https://example.com/x" }))).await.ok(200);
        assert_eq!(ada.put("/user", user(json!({ field: nothing }))).await.ok(200)["user"][field], Value::Null);
    }
    for field in ["username", "email", "password"] {
        for blank in [json!(""), Value::Null] {
            ada.put("/user", user(json!({ field: blank }))).await.fails(422, field, "can't be blank");
        }
    }
    ada.put("/user", user(json!({ "password": "short" }))).await.refuses(422, &["password"]);
    ada.put("/user", user(json!({ "username": "", "image": "no address" }))).await.refuses(422, &["username", "image"]);

    // The token that the answer gives works after a change of everything that it could depend on.
    let bob = visitor.register(&format!("bob-{round}")).await;
    ada.put("/user", user(json!({ "username": format!("bob-{round}") }))).await.fails(
        409,
        "username",
        "has already been taken",
    );
    let others = format!("bob-{round}@example.com");
    ada.put("/user", user(json!({ "email": others, "bio": "lost" }))).await.fails(
        409,
        "email",
        "has already been taken",
    );
    assert_eq!(ada.get("/user").await.ok(200)["user"]["bio"], Value::Null, "nothing of it happened");
    stack.pass_seconds(15 * 60);
    let (new_name, new_email) = (format!("lovelace-{round}"), format!("lovelace-{round}@example.com"));
    let changed = ada.put("/user", user(json!({ "username": new_name, "email": new_email }))).await.ok(200);
    assert_eq!((&changed["user"]["username"], &changed["user"]["email"]), (&json!(new_name), &json!(new_email)));
    let ada = visitor.with(format!("Token {}", text(&changed["user"]["token"])));
    assert_eq!(ada.get("/user").await.ok(200)["user"]["email"], json!(new_email));
    let log_in = async |email: &str, password: &str| {
        visitor.post("/users/login", user(json!({ "email": email, "password": password }))).await
    };
    log_in(&email, PASSWORD).await.fails(401, "credentials", "invalid");
    log_in(&new_email, PASSWORD).await.ok(200);
    // The session that logged in with the old address has ended.
    stack.pass_seconds(1);
    again.get("/user").await.fails(401, "token", "is invalid");

    let changed = ada.put("/user", user(json!({ "password": "another good password" }))).await.ok(200);
    let renewed = visitor.with(format!("Token {}", text(&changed["user"]["token"])));
    assert_eq!(renewed.get("/user").await.ok(200)["user"]["username"], json!(new_name));
    ada.get("/user").await.fails(401, "token", "is invalid");
    log_in(&new_email, PASSWORD).await.fails(401, "credentials", "invalid");
    log_in(&new_email, "another good password").await.ok(200);
    let repeated = user(json!({ "password": new_email }));
    renewed.put("/user", repeated).await.refuses(422, &["password"]);
    (renewed, bob)
}

async fn profiles(visitor: &FrontEnd, ada: &FrontEnd, round: &str) {
    let path = format!("/profiles/bob-{round}");
    for front_end in [visitor, ada] {
        let profile = front_end.get(&path).await.ok(200)["profile"].clone();
        is_profile(&profile);
        assert_eq!((&profile["username"], &profile["following"]), (&json!(format!("bob-{round}")), &json!(false)));
    }
    for name in ["nobody-at-all", "No%20name"] {
        visitor.get(&format!("/profiles/{name}")).await.fails(404, "profile", "not found");
        ada.post(&format!("/profiles/{name}/follow"), json!({})).await.fails(404, "profile", "not found");
        ada.delete(&format!("/profiles/{name}/follow")).await.fails(404, "profile", "not found");
    }
    for _ in 0..2 {
        let followed = ada.call("POST", &format!("{path}/follow"), None).await.ok(200);
        assert_eq!(followed["profile"]["following"], true);
    }
    assert_eq!(ada.get(&path).await.ok(200)["profile"]["following"], true);
    assert_eq!(visitor.get(&path).await.ok(200)["profile"]["following"], false);
    for _ in 0..2 {
        assert_eq!(ada.delete(&format!("{path}/follow")).await.ok(200)["profile"]["following"], false);
    }
    ada.post(&format!("/profiles/lovelace-{round}/follow"), json!({})).await.refuses(422, &["username"]);
}

async fn articles(stack: &TestStack, visitor: &FrontEnd, ada: &FrontEnd, bob: &FrontEnd, round: &str) {
    let tags = json!([format!("zebra-{round}"), "apple", "mango"]);
    let made = ada.publish("How to train your dragon", tags.clone()).await;
    is_article(&made);
    assert_eq!((&made["tagList"], &made["body"]), (&tags, &json!("The *text*")), "in the order typed");
    assert_eq!((&made["favorited"], &made["favoritesCount"]), (&json!(false), &json!(0)));
    let same = ada.publish("How to train your dragon", json!([])).await;
    assert_ne!(made["slug"], same["slug"], "titles may repeat");
    assert_eq!(same["tagList"], json!([]));
    let all = visitor.get("/tags").await.ok(200);
    assert!(all["tags"].as_array().unwrap().contains(&json!(format!("zebra-{round}"))), "at once: {all}");

    tags_as_typed(stack, visitor, ada, round).await;

    let path = format!("/articles/{}", text(&made["slug"]));
    for front_end in [visitor, bob, ada] {
        let got = front_end.get(&path).await.ok(200)["article"].clone();
        is_article(&got);
        assert_eq!(got["author"]["username"], json!(format!("lovelace-{round}")));
    }
    assert_eq!(visitor.call("HEAD", &path, None).await.ok(200), Value::Null);
    assert_eq!(visitor.get(&format!("{path}/")).await.ok(200)["article"]["slug"], made["slug"]);
    visitor.get("/articles/there-is-none").await.fails(404, "article", "not found");
    visitor.get("/articles/NO%20SLUG").await.fails(404, "article", "not found");

    for field in ["title", "description", "body"] {
        for blank in [json!(""), Value::Null] {
            let mut fields = json!({ "title": "T", "description": "D", "body": "B" });
            fields[field] = blank.clone();
            ada.post("/articles", json!({ "article": fields })).await.fails(422, field, "can't be blank");
            ada.put(&path, json!({ "article": { field: blank } })).await.fails(422, field, "can't be blank");
        }
    }
    ada.post("/articles", json!({ "article": {} })).await.refuses(422, &["title", "description", "body"]);
    ada.post("/articles", json!(["no object"])).await.refuses(422, &["body"]);
    ada.call("POST", "/articles", None).await.refuses(422, &["title", "description", "body"]);
    for (method, path) in [("POST", "/articles"), ("PUT", path.as_str())] {
        for wrong in [json!(5), json!("x"), json!([]), json!(true)] {
            ada.call(method, path, Some(json!({ "article": wrong }))).await.fails(422, "article", "must be an object");
        }
    }
    for nothing in [json!({}), json!({ "article": null }), json!({ "title": "T" })] {
        ada.put(&path, nothing).await.fails(422, "article", "can't be blank");
    }
    let lines = json!({ "title": "One\ntitle", "description": " In\r\n two\n\nlines ", "body": "B\nC" });
    let folded = ada.post("/articles", json!({ "article": lines })).await.ok(201)["article"].clone();
    assert_eq!((&folded["title"], &folded["description"]), (&json!("One title"), &json!("In two lines")));
    assert_eq!(folded["body"], "B\nC", "a text has lines");
    let only_lines = json!({ "article": { "description": "\n\r\n" } });
    ada.put(&path, only_lines).await.fails(422, "description", "can't be blank");
    ada.delete(&format!("/articles/{}", text(&folded["slug"]))).await.ok(204);
    let bad = json!({ "article": { "title": "T", "description": "D", "body": "B", "tagList": "no list" } });
    ada.post("/articles", bad).await.refuses(422, &["tagList"]);

    stack.pass_seconds(2);
    let update = async |fields: Value| ada.put(&path, json!({ "article": fields })).await;
    let updated = update(json!({ "body": "Another text", "slug": "ignored" })).await.ok(200)["article"].clone();
    is_article(&updated);
    assert_eq!(updated["body"], "Another text");
    for same in ["slug", "title", "description", "tagList", "createdAt"] {
        assert_eq!(updated[same], made[same], "{same}");
    }
    assert_ne!(updated["updatedAt"], made["updatedAt"]);
    update(json!({ "tagList": null })).await.fails(422, "tagList", "can't be blank");
    assert_eq!(visitor.get(&path).await.ok(200)["article"]["tagList"], tags);
    assert_eq!(update(json!({ "tagList": [] })).await.ok(200)["article"]["tagList"], json!([]));
    let retitled = update(json!({ "title": "New title", "description": "New", "tagList": ["b", "a"] })).await.ok(200);
    assert_eq!(
        (&retitled["article"]["title"], &retitled["article"]["description"]),
        (&json!("New title"), &json!("New"))
    );
    assert_eq!(retitled["article"]["tagList"], json!(["b", "a"]));
    bob.put(&path, json!({ "article": { "body": "" } })).await.fails(403, "article", "forbidden");
    bob.delete(&path).await.fails(403, "article", "forbidden");
    ada.put("/articles/there-is-none", json!({ "article": {} })).await.fails(404, "article", "not found");
    ada.delete("/articles/there-is-none").await.fails(404, "article", "not found");

    // One's own article too, and as often as one likes.
    for (front_end, count) in [(ada, 1), (ada, 1), (bob, 2)] {
        let article = front_end.call("POST", &format!("{path}/favorite"), None).await.ok(200)["article"].clone();
        is_article(&article);
        assert_eq!((&article["favorited"], &article["favoritesCount"]), (&json!(true), &json!(count)));
    }
    let listed = visitor.get(&format!("/articles?author=lovelace-{round}")).await.ok(200);
    let listed = listed["articles"].as_array().unwrap().iter().find(|article| article["slug"] == made["slug"]).unwrap();
    assert_eq!((&listed["favorited"], &listed["favoritesCount"]), (&json!(false), &json!(2)), "at once");
    for _ in 0..2 {
        let article = bob.delete(&format!("{path}/favorite")).await.ok(200)["article"].clone();
        assert_eq!((&article["favorited"], &article["favoritesCount"]), (&json!(false), &json!(1)));
    }
    bob.post("/articles/there-is-none/favorite", json!({})).await.fails(404, "article", "not found");
    bob.delete("/articles/there-is-none/favorite").await.fails(404, "article", "not found");

    for article in [made, same] {
        let path = format!("/articles/{}", text(&article["slug"]));
        let gone = ada.delete(&path).await;
        assert_eq!((gone.status, gone.body), (204, Value::Null));
        for front_end in [visitor, ada] {
            front_end.get(&path).await.fails(404, "article", "not found");
        }
    }
    let all = visitor.get("/tags").await.ok(200);
    assert!(!all["tags"].as_array().unwrap().contains(&json!(format!("zebra-{round}"))), "at once: {all}");
}

/// What is `big-data` natively is `Big Data` here, for who typed it so.
async fn tags_as_typed(stack: &TestStack, visitor: &FrontEnd, ada: &FrontEnd, round: &str) {
    let typed = json!([format!("Foo_Bar {round}"), "rust", "C++", "rust", "#Rust"]);
    let shown = json!([format!("Foo_Bar {round}"), "rust", "C++"]);
    let made = ada.publish("Tagged", typed).await;
    assert_eq!(made["tagList"], shown);
    let path = format!("/articles/{}", text(&made["slug"]));
    let tags = async |path: &str| visitor.get(path).await.ok(200)["article"]["tagList"].clone();
    let all = async || visitor.get("/tags").await.ok(200)["tags"].as_array().unwrap().clone();
    let tag = format!("foo-bar-{round}");
    assert_eq!(tags(&path).await, shown);
    for tag in [&tag, &format!("Foo_Bar%20{round}"), &format!("FOO%20BAR%20{round}")] {
        let listed = visitor.get(&format!("/articles?tag={tag}")).await.ok(200);
        assert_eq!((&listed["articlesCount"], &listed["articles"][0]["tagList"]), (&json!(1), &shown), "{tag}");
        let both = visitor.get(&format!("/articles?author=lovelace-{round}&tag={tag}")).await.ok(200);
        assert_eq!(both["articles"][0]["tagList"], shown, "{tag}");
    }
    let labels = all().await;
    assert!(labels.contains(&json!(format!("Foo_Bar {round}"))) && !labels.contains(&json!(tag)), "{labels:?}");

    // Whoever types it last says what it is called, also in an article that had it before.
    stack.pass_seconds(1);
    let other = ada.publish("Tagged too", json!([format!("FOO BAR {round}")])).await;
    let labels = all().await;
    assert!(labels.contains(&json!(format!("FOO BAR {round}"))) && !labels.contains(&shown[0]), "{labels:?}");
    assert_eq!(tags(&path).await, shown, "each article as it was typed");
    let update = async |fields: Value| ada.put(&path, json!({ "article": fields })).await.ok(200)["article"].clone();
    assert_eq!(update(json!({ "body": "New" })).await["tagList"], shown);
    for again in [format!("foo_bar_{round}"), tag.clone()] {
        stack.pass_seconds(1);
        assert_eq!(update(json!({ "tagList": ["c++", again] })).await["tagList"], json!(["c++", again]));
        let labels = all().await;
        assert!(labels.contains(&json!(again)), "{labels:?}");
    }
    assert_eq!(update(json!({ "tagList": [] })).await["tagList"], json!([]));
    assert_eq!(
        update(json!({ "tagList": ["\u{202e}cpp", "a".repeat(40) + "!"] })).await["tagList"],
        json!(["cpp", "a".repeat(40)])
    );
    let long = json!({ "article": { "tagList": ["a".repeat(41)] } });
    ada.put(&path, long).await.refuses(422, &["tagList"]);
    for article in [made, other] {
        ada.delete(&format!("/articles/{}", text(&article["slug"]))).await.ok(204);
    }
}

async fn lists(stack: &TestStack, visitor: &FrontEnd, ada: &FrontEnd, bob: &FrontEnd, round: &str) {
    let before = visitor.get("/articles").await.ok(200)["articlesCount"].as_u64().unwrap();
    let tag = format!("list-{round}");
    let mut written = Vec::new();
    for number in 0..5 {
        stack.pass_seconds(1);
        let article = bob.publish(&format!("Number {number}"), json!([tag, "common"])).await;
        written.insert(0, text(&article["slug"]).to_owned());
    }
    stack.pass_seconds(1);
    let hers = text(&ada.publish("Hers", json!(["common"])).await["slug"]).to_owned();
    let (bobs, all) = (written.clone(), [std::slice::from_ref(&hers), &written].concat());

    let list = visitor.get("/articles").await.ok(200);
    keys(&list, &["articles", "articlesCount"]);
    assert_eq!(slugs(&list)[..6], all[..], "newest first");
    assert_eq!(list["articlesCount"], json!(before + 6));
    let page = visitor.get("/articles?limit=2&offset=1").await.ok(200);
    assert_eq!((slugs(&page), &page["articlesCount"]), (all[1..3].to_vec(), &json!(before + 6)));
    let past = visitor.get("/articles?offset=1000").await.ok(200);
    assert_eq!((slugs(&past).len(), &past["articlesCount"]), (0, &json!(before + 6)));
    for (query, field) in [("limit=x", "limit"), ("offset=-1", "offset"), ("offset=2001", "offset")] {
        visitor.get(&format!("/articles?{query}")).await.refuses(422, &[field]);
    }
    assert!(slugs(&visitor.get("/articles?limit=0").await.ok(200)).is_empty());
    visitor.get("/articles?limit=100000").await.ok(200);

    for (query, wanted) in [
        (format!("tag={tag}"), &bobs),
        (format!("author=bob-{round}"), &bobs),
        (format!("author=bob-{round}&tag=common"), &bobs),
        (format!("author=lovelace-{round}&tag={tag}"), &Vec::new()),
        ("tag=never-used".to_owned(), &Vec::new()),
        ("tag=%23".to_owned(), &Vec::new()),
        ("author=nobody-at-all".to_owned(), &Vec::new()),
        ("author=no%20name".to_owned(), &Vec::new()),
        ("favorited=nobody-at-all".to_owned(), &Vec::new()),
        (format!("favorited=bob-{round}"), &Vec::new()),
    ] {
        let list = visitor.get(&format!("/articles?{query}")).await.ok(200);
        assert_eq!((&slugs(&list), &list["articlesCount"]), (wanted, &json!(wanted.len())), "{query}");
        let page = visitor.get(&format!("/articles?{query}&limit=2&offset=2")).await.ok(200);
        let end = wanted.len().min(4);
        assert_eq!((&slugs(&page)[..], &page["articlesCount"]), (&wanted[end.min(2)..end], &json!(wanted.len())));
    }
    for slug in [&bobs[3], &bobs[0], &hers] {
        ada.call("POST", &format!("/articles/{slug}/favorite"), None).await.ok(200);
    }
    let favorites = vec![hers.clone(), bobs[0].clone(), bobs[3].clone()];
    let query = format!("/articles?favorited=lovelace-{round}");
    let list = ada.get(&query).await.ok(200);
    assert_eq!((slugs(&list), &list["articlesCount"]), (favorites.clone(), &json!(3)));
    assert!(list["articles"].as_array().unwrap().iter().all(|article| article["favorited"] == true));
    assert_eq!(slugs(&visitor.get(&format!("{query}&limit=1&offset=1")).await.ok(200)), favorites[1..2]);
    let both = visitor.get(&format!("{query}&author=bob-{round}&tag={tag}")).await.ok(200);
    assert_eq!((slugs(&both), &both["articlesCount"]), (favorites[1..].to_vec(), &json!(2)));
    let of_author = visitor.get(&format!("{query}&author=bob-{round}&limit=1")).await.ok(200);
    assert_eq!((slugs(&of_author), &of_author["articlesCount"]), (favorites[1..2].to_vec(), &json!(2)));

    let feed = async |query: &str| ada.get(&format!("/articles/feed{query}")).await.ok(200);
    assert_eq!(feed("").await["articlesCount"], 0);
    ada.call("POST", &format!("/profiles/bob-{round}/follow"), None).await.ok(200);
    let shown = feed("").await;
    assert_eq!((slugs(&shown), &shown["articlesCount"]), (bobs.clone(), &json!(5)), "not one's own");
    assert!(shown["articles"].as_array().unwrap().iter().all(|article| article["author"]["following"] == true));
    let shown = feed("?limit=2&offset=4").await;
    assert_eq!((slugs(&shown), &shown["articlesCount"]), (bobs[4..].to_vec(), &json!(5)));
    stack.pass_seconds(1);
    let newest = bob.publish("The newest", json!([])).await;
    assert_eq!(slugs(&feed("?limit=1").await), [text(&newest["slug"])], "at once");
    bob.delete(&format!("/articles/{}", text(&newest["slug"]))).await.ok(204);
    assert_eq!(feed("").await["articlesCount"], 5);

    // A new name shows at once wherever the old one did, before anything that follows from it is done.
    let renamed = json!({ "user": { "username": format!("robert-{round}") } });
    bob.put("/user", renamed).await.ok(200);
    for name in ["bob", "robert"] {
        let list = visitor.get(&format!("/articles?author={name}-{round}")).await.ok(200);
        assert_eq!((slugs(&list), &list["articlesCount"]), (bobs.clone(), &json!(5)));
        assert_eq!(list["articles"][0]["author"]["username"], json!(format!("robert-{round}")));
    }
    assert_eq!(slugs(&feed("").await), bobs);
    ada.delete(&format!("/profiles/robert-{round}/follow")).await.ok(200);
    assert_eq!(feed("").await["articlesCount"], 0);
}

async fn comments(stack: &TestStack, visitor: &FrontEnd, ada: &FrontEnd, bob: &FrontEnd) {
    let article = ada.publish("Discussed", json!([])).await;
    let path = format!("/articles/{}/comments", text(&article["slug"]));
    assert_eq!(visitor.get(&path).await.ok(200), json!({ "comments": [] }));
    let mut ids = Vec::new();
    for (front_end, body) in [(bob, "First"), (ada, "Second"), (bob, "Third")] {
        stack.pass_seconds(1);
        let made = front_end.post(&path, json!({ "comment": { "body": body } })).await.ok(201)["comment"].clone();
        keys(&made, &["id", "createdAt", "updatedAt", "body", "author"]);
        is_profile(&made["author"]);
        is_time(&made["createdAt"]);
        assert_eq!(made["body"], body);
        ids.push(made["id"].as_u64().expect("an integer"));
    }
    assert!(ids.iter().all(|id| *id < 1 << 53));
    // What an import wrote above a comment is for an export, and for no reader.
    let imported = "[imported-comment]: <import:comment?author=&name=Eve>\n\n**Eve:**\n\nImported";
    let made = bob.post(&path, json!({ "comment": { "body": imported } })).await.ok(201)["comment"].clone();
    assert_eq!(made["body"], "**Eve:**\n\nImported");
    bob.delete(&format!("{path}/{}", made["id"])).await.ok(204);
    let read = async |front_end: &FrontEnd| -> Vec<u64> {
        let list = front_end.get(&path).await.ok(200);
        list["comments"].as_array().unwrap().iter().map(|comment| comment["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(read(visitor).await, ids);
    for blank in [json!(""), Value::Null] {
        bob.post(&path, json!({ "comment": { "body": blank } })).await.fails(422, "body", "can't be blank");
    }
    bob.post("/articles/there-is-none/comments", json!({ "comment": { "body": "" } })).await.fails(
        404,
        "article",
        "not found",
    );
    visitor.get("/articles/there-is-none/comments").await.fails(404, "article", "not found");
    bob.delete(&format!("{path}/{}", ids[1])).await.fails(403, "comment", "forbidden");
    for id in ["0", "9007199254740991", "x", "99999999999999999999999"] {
        bob.delete(&format!("{path}/{id}")).await.fails(404, "comment", "not found");
    }
    bob.delete(&format!("/articles/there-is-none/comments/{}", ids[0])).await.fails(404, "article", "not found");
    let other = ada.publish("Quiet", json!([])).await;
    let elsewhere = format!("/articles/{}/comments/{}", text(&other["slug"]), ids[0]);
    bob.delete(&elsewhere).await.fails(404, "comment", "not found");
    bob.delete(&format!("{path}/{}", ids[0])).await.ok(204);
    bob.delete(&format!("{path}/{}", ids[0])).await.fails(404, "comment", "not found");
    assert_eq!(read(ada).await, ids[1..]);
}

/// 401 goes before any 404.
async fn without_token(visitor: &FrontEnd) {
    for (method, path) in [
        ("GET", "/user"),
        ("PUT", "/user"),
        ("POST", "/profiles/nobody-at-all/follow"),
        ("DELETE", "/profiles/nobody-at-all/follow"),
        ("GET", "/articles/feed"),
        ("POST", "/articles"),
        ("PUT", "/articles/there-is-none"),
        ("DELETE", "/articles/there-is-none"),
        ("POST", "/articles/there-is-none/favorite"),
        ("DELETE", "/articles/there-is-none/favorite"),
        ("POST", "/articles/there-is-none/comments"),
        ("DELETE", "/articles/there-is-none/comments/1"),
    ] {
        visitor.call(method, path, None).await.fails(401, "token", "is missing");
        visitor.with("Token nonsense".to_owned()).call(method, path, None).await.fails(401, "token", "is invalid");
    }
    for path in ["/articles", "/articles/there-is-none", "/profiles/nobody-at-all"] {
        visitor.with("Token nonsense".to_owned()).get(path).await.fails(401, "token", "is invalid");
        visitor.with("Basic eDp5".to_owned()).get(path).await.fails(401, "token", "is invalid");
    }
    visitor.get("/nothing").await.refuses(404, &["body"]);
    let not_allowed = visitor.call("PATCH", "/articles", None).await;
    assert_eq!(not_allowed.headers["allow"], "GET, POST, OPTIONS");
    not_allowed.refuses(405, &["body"]);
    let preflight = visitor.call("OPTIONS", "/articles/there-is-none", None).await;
    assert!(preflight.headers["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    preflight.ok(204);
}

#[tokio::test]
async fn pages_and_totals_are_right_with_many_articles_of_many_authors() {
    let stack = TestStack::start_with_parameters(ON).await;
    let visitor = FrontEnd::of(&stack);
    let reader = visitor.register("reader").await;
    let (authors, rounds) = (7, 15);
    let mut writers = Vec::new();
    for number in 0..authors {
        writers.push(visitor.register(&format!("writer-{number}")).await);
        reader.call("POST", &format!("/profiles/writer-{number}/follow"), None).await.ok(200);
    }
    let stranger = visitor.register("stranger").await;
    let mut expected = Vec::new();
    for round in 0..rounds {
        for (number, writer) in writers.iter().enumerate() {
            // Some write much more than others, and many at the same moment.
            if round % (number + 1) == 0 {
                expected
                    .push(text(&writer.publish(&format!("Part {round}"), json!(["part"])).await["slug"]).to_owned());
            }
        }
        stranger.publish("Elsewhere", json!([])).await;
        stack.pass_seconds(1);
    }
    let total = expected.len();
    for (front_end, path) in [(&reader, "/articles/feed?"), (&visitor, "/articles?tag=part&")] {
        let mut found = Vec::new();
        for offset in (0..total).step_by(10) {
            let page = front_end.get(&format!("{path}limit=10&offset={offset}")).await.ok(200);
            assert_eq!(page["articlesCount"], total, "{path}");
            found.extend(slugs(&page));
        }
        assert_eq!(found.len(), total, "{path}");
        assert_eq!(found.iter().collect::<HashSet<_>>(), expected.iter().collect(), "each once");
    }
    let feed = reader.get("/articles/feed?limit=100").await.ok(200);
    let times: Vec<_> =
        feed["articles"].as_array().unwrap().iter().map(|article| text(&article["createdAt"])).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    let all = visitor.get("/articles?limit=1").await.ok(200);
    assert_eq!(all["articlesCount"], total + rounds);
}

/// What was published elsewhere before has the time of then.
#[tokio::test]
async fn an_article_was_created_when_it_was_published() {
    let stack = TestStack::start_with_parameters(ON).await;
    let (front_end, ada) = (FrontEnd::of(&stack), stack.user("ada").await);
    let slug = ada.draft("From 2019").with("publish_at", "2019-05-01T10:00:00.000Z").publish().await;
    stack.pass_seconds(60);
    let later = ada.publish("From today", &[]).await;
    let list = front_end.get("/articles").await.ok(200);
    assert_eq!(slugs(&list), [later.clone(), slug.clone()], "in the order of createdAt");
    assert_eq!(list["articles"][1]["createdAt"], "2019-05-01T10:00:00.000Z");
    for slug in [slug, later] {
        let article = front_end.get(&format!("/articles/{slug}")).await.ok(200)["article"].clone();
        assert!(text(&article["updatedAt"]) >= text(&article["createdAt"]), "{article}");
    }
}

/// The base itself is nothing, in this API's form.
#[tokio::test]
async fn the_base_is_nothing() {
    let front_end = FrontEnd::of(&TestStack::start_with_parameters(ON).await);
    for path in ["", "/", "//", "/nothing"] {
        front_end.get(path).await.fails(404, "body", "not found");
    }
    front_end.call("PATCH", "/user", Some(json!({}))).await.refuses(405, &["body"]);
}

/// `cargo test -p local --test stories -- --ignored a_thousand_articles`
#[tokio::test]
#[ignore = "takes minutes"]
async fn feed_totals_and_offsets_are_right_with_a_thousand_articles() {
    let stack = TestStack::start_with_parameters(ON).await;
    let visitor = FrontEnd::of(&stack);
    let (reader, ada, bob) =
        (visitor.register("reader").await, visitor.register("ada").await, visitor.register("bob").await);
    reader.call("POST", "/profiles/ada/follow", None).await.ok(200);
    let mut of_ada = Vec::new();
    for number in 0..1_000 {
        let (author, tag) = if number % 3 == 0 { (&bob, "third") } else { (&ada, "other") };
        let slug = text(&author.publish(&format!("Number {number}"), json!([tag])).await["slug"]).to_owned();
        if number % 3 != 0 {
            of_ada.push(slug);
        }
        stack.pass_seconds(1);
    }
    of_ada.reverse();
    let mut found = Vec::new();
    for offset in (0..700).step_by(50) {
        let page = reader.get(&format!("/articles/feed?limit=50&offset={offset}")).await.ok(200);
        assert_eq!(page["articlesCount"], 666);
        found.extend(slugs(&page));
    }
    assert_eq!(found, of_ada);
    for (path, total) in [
        ("/articles?", 1_000),
        ("/articles?tag=third&", 334),
        ("/articles?author=bob&", 334),
        ("/articles?author=ada&tag=other&", 666),
        ("/articles?author=ada&tag=third&", 0),
    ] {
        let mut count = 0;
        for offset in (0..1_000).step_by(100) {
            let page = visitor.get(&format!("{path}limit=100&offset={offset}")).await.ok(200);
            assert_eq!(page["articlesCount"], total, "{path}{offset}");
            count += slugs(&page).len();
        }
        assert_eq!(count, total, "{path}");
    }
}

/// Marks are of bookmarks too, and favourites are looked for among so many marks.
#[tokio::test]
async fn bookmarks_do_not_crowd_out_favourites() {
    let stack = TestStack::start_unwatched(ON).await;
    let visitor = FrontEnd::of(&stack);
    let (ada, reader) = (visitor.register("ada").await, visitor.register("reader").await);
    let slug = text(&ada.publish("The oldest", json!(["aaa"])).await["slug"]).to_owned();
    reader.call("POST", &format!("/articles/{slug}/favorite"), None).await.ok(200);
    let reader_id = stack.visitor().get("/users/reader").await.body["id"].clone();
    let mark = crowd::last_of(&stack, &format!("MARKS#{}", text(&reader_id))).await.unwrap();
    let more_bookmarks = async |numbers: std::ops::Range<usize>| {
        crowd::copy(&stack, &mark, numbers, |mark, number| {
            assert!(mark.remove("reaction").is_some());
            mark.insert("bookmarked_at".to_owned(), crowd::text(crowd::milliseconds_later(number)));
            mark.insert("sk".to_owned(), crowd::text(crowd::another_id(number)));
        })
        .await;
    };
    let favorites = async |filter: &str| {
        let page = visitor.get(&format!("/articles?favorited=reader{filter}")).await.ok(200);
        let found = slugs(&page);
        assert_eq!(page["articlesCount"], found.len());
        found
    };
    more_bookmarks(1..5_000).await;
    for filter in ["", "&author=ada", "&tag=aaa"] {
        assert_eq!(favorites(filter).await, [slug.as_str()], "{filter}");
    }
    more_bookmarks(5_000..5_001).await;
    assert_eq!(favorites("").await, [""; 0]);
}

/// Each bound at its last number and one beyond it.
#[tokio::test]
async fn pages_offsets_and_an_author_with_a_tag_are_bounded() {
    let stack = TestStack::start_unwatched(ON).await;
    let visitor = FrontEnd::of(&stack);
    let ada = visitor.register("ada").await;
    let rare = text(&ada.publish("The oldest", json!(["rare"])).await["slug"]).to_owned();
    stack.pass_milliseconds(1);
    ada.publish("One of many", json!(["many"])).await;
    for list in ["/articles", "/articles/feed"] {
        assert_eq!(slugs(&ada.get(&format!("{list}?offset=2000")).await.ok(200)), [""; 0]);
        ada.get(&format!("{list}?offset=2001")).await.fails(422, "offset", "must be at most 2000");
        for wrong in ["-1", "x", "1.5", "99999999999999999999999"] {
            ada.get(&format!("{list}?offset={wrong}")).await.refuses(422, &["offset"]);
            ada.get(&format!("{list}?limit={wrong}")).await.refuses(422, &["limit"]);
        }
    }

    let card = crowd::last_of(&stack, "LATEST").await.unwrap();
    crowd::copy(&stack, &card, 2..101, crowd::another_post).await;
    for (limit, found) in [("", 20), ("limit=0", 0), ("limit=100", 100), ("limit=101", 100), ("limit=100000", 100)] {
        assert_eq!(slugs(&visitor.get(&format!("/articles?{limit}")).await.ok(200)).len(), found, "{limit}");
    }

    let card = crowd::last_of(&stack, "BYLINE#ada").await.unwrap();
    crowd::copy(&stack, &card, 2..2_000, crowd::another_post).await;
    let both = async || {
        let list = visitor.get("/articles?author=ada&tag=rare").await.ok(200);
        (slugs(&list), list["articlesCount"].clone())
    };
    assert_eq!(both().await, (vec![rare], json!(1)));
    crowd::copy(&stack, &card, 2_000..2_001, crowd::another_post).await;
    assert_eq!(both().await, (Vec::new(), json!(0)));
    assert_eq!(slugs(&visitor.get("/articles?tag=rare").await.ok(200)).len(), 1, "the tag alone has no bound");
}

#[tokio::test]
async fn favourites_the_feed_comments_and_tags_are_bounded() {
    let stack = TestStack::start_unwatched(ON).await;
    let visitor = FrontEnd::of(&stack);
    let (ada, reader) = (visitor.register("ada").await, visitor.register("reader").await);
    let article = ada.publish("The oldest", json!(["aaa"])).await;
    let path = format!("/articles/{}", text(&article["slug"]));
    let id = stack.visitor().get(&format!("/posts/{}", text(&article["slug"]))).await.body["id"].clone();
    let id = text(&id);
    let reader_id = stack.visitor().get("/users/reader").await.body["id"].clone();
    let reader_id = text(&reader_id);

    // 500 favourites: those of the newest posts.
    reader.call("POST", &format!("{path}/favorite"), None).await.ok(200);
    let mark = crowd::last_of(&stack, &format!("MARKS#{reader_id}")).await.unwrap();
    let reference = crowd::item(&stack, &format!("POSTID#{id}"), "REFERENCE").await;
    let more_favorites = async |numbers: std::ops::Range<usize>| {
        crowd::copy(&stack, &mark, numbers.clone(), |mark, number| {
            mark.insert("sk".to_owned(), crowd::text(crowd::another_id(number)));
        })
        .await;
        crowd::copy(&stack, &reference, numbers, |reference, number| {
            reference.insert("pk".to_owned(), crowd::text(format!("POSTID#{}", crowd::another_id(number))));
            reference.insert("published_at".to_owned(), crowd::text(crowd::milliseconds_later(number)));
        })
        .await;
    };
    let last = async || {
        let page = visitor.get("/articles?favorited=reader&limit=1&offset=499").await.ok(200);
        assert_eq!(page["articlesCount"], 500);
        slugs(&page)
    };
    more_favorites(1..500).await;
    assert_eq!(last().await, [text(&article["slug"])]);
    more_favorites(500..501).await;
    assert_eq!(last().await, [""; 0]);

    // The feed is of the 200 who were followed last.
    reader.call("POST", "/profiles/ada/follow", None).await.ok(200);
    let follow = crowd::last_of(&stack, &format!("FOLLOWING#{reader_id}")).await.unwrap();
    let more_follows = async |numbers: std::ops::Range<usize>| {
        crowd::copy(&stack, &follow, numbers, |follow, number| {
            let (at, id) = (crowd::milliseconds_later(number), crowd::another_id(number));
            follow.insert("sk".to_owned(), crowd::text(format!("{at}#{id}")));
            follow.insert("followed".to_owned(), crowd::text(id));
        })
        .await;
    };
    let feed = async || slugs(&reader.get("/articles/feed").await.ok(200)).len();
    more_follows(1..200).await;
    assert_eq!(feed().await, 1);
    more_follows(200..201).await;
    assert_eq!(feed().await, 0);

    // 500 comments, the oldest.
    let comment = reader.post(&format!("{path}/comments"), json!({ "comment": { "body": "The last" } })).await;
    let number = comment.ok(201)["comment"]["id"].clone();
    let stored = crowd::last_of(&stack, &format!("COMMENTS#{id}")).await.unwrap();
    let more_comments = async |numbers: std::ops::Range<usize>| {
        crowd::copy(&stack, &stored, numbers, |comment, number| {
            comment.insert("sk".to_owned(), crowd::text(format!("01AAAAAAAA{number:016}")));
        })
        .await;
    };
    let shown = async || {
        let list = visitor.get(&format!("{path}/comments")).await.ok(200)["comments"].clone();
        let list = list.as_array().unwrap().iter().map(|comment| comment["id"].clone()).collect::<Vec<_>>();
        assert_eq!(list.len(), 500);
        list.contains(&number)
    };
    more_comments(1..500).await;
    assert!(shown().await);
    more_comments(500..501).await;
    assert!(!shown().await);
    reader.delete(&format!("{path}/comments/{number}")).await.fails(404, "comment", "not found");

    // 250 tags of each part.
    let tags = async || visitor.get("/tags").await.ok(200)["tags"].as_array().unwrap().len();
    crowd::more_tags(&stack, 1..250).await;
    assert_eq!(tags().await, 250);
    crowd::more_tags(&stack, 250..251).await;
    assert_eq!(tags().await, 250);
}

/// Who writes natively is read here: notes and reposts, drafts, slugs of before, other reactions, replies to comments.
#[tokio::test]
async fn what_is_written_natively_is_shown_and_native_rules_hold() {
    let stack = TestStack::start_with_parameters(ON).await;
    let (front_end, ada) = (FrontEnd::of(&stack), stack.user("ada").await);
    let token = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let conduit = front_end.with(format!("Token {}", text(&token.body["access_token"])));
    let slug = ada.publish("An article", &["x"]).await;
    let note = ada.post("/posts", json!({ "body": "Only a note", "status": "published" })).await.body;
    let draft = ada.draft("Not yet").save().await;
    let bob = stack.user("bob").await;
    bob.put(&format!("/posts/{slug}/repost"), json!({})).await.expect_status(204);
    bob.put(&format!("/posts/{slug}/reaction"), json!({ "kind": "love" })).await.expect_status(204);

    let list = front_end.get("/articles").await.ok(200);
    assert_eq!((slugs(&list).len(), &list["articlesCount"]), (2, &json!(2)), "reposts and drafts are no articles");
    let reposts = front_end.get("/articles?author=bob").await.ok(200);
    assert_eq!((slugs(&reposts).len(), &reposts["articlesCount"]), (0, &json!(0)));
    let shown = front_end.get(&format!("/articles/{}", text(&note["slug"]))).await.ok(200)["article"].clone();
    assert_eq!((&shown["title"], &shown["body"]), (&json!(""), &json!("Only a note")));
    let draft = format!("/articles/{}", text(&draft["slug"]));
    front_end.get(&draft).await.fails(404, "article", "not found");
    conduit.get(&draft).await.ok(200);
    let favorites = front_end.get("/articles?favorited=bob").await.ok(200);
    assert_eq!((slugs(&favorites), &favorites["articles"][0]["favoritesCount"]), (vec![slug.clone()], &json!(1)));

    // A favourite does not replace another reaction.
    let bobs = stack.visitor().post("/sessions", json!({ "login": "bob", "password": PASSWORD })).await;
    let bobs = front_end.with(format!("Token {}", text(&bobs.body["access_token"])));
    bobs.call("POST", &format!("/articles/{slug}/favorite"), None).await.ok(200);
    assert_eq!(ada.get(&format!("/posts/{slug}/reactions")).await.body["counts"]["love"], 1);

    // Every slug that it had leads to it.
    let post = ada.get(&format!("/posts/{slug}")).await;
    ada.patch(&format!("/posts/{slug}"), &post.etag(), json!({ "slug": "a-better-slug" })).await.expect_status(200);
    assert_eq!(front_end.get(&format!("/articles/{slug}")).await.ok(200)["article"]["slug"], "a-better-slug");

    // An editor deletes what others wrote, and it is in the audit log.
    let editor = stack.user_with_role("eve", Role::Editor).await;
    let comment = bob.post("/posts/a-better-slug/comments", json!({ "body": "Spam" })).await;
    let reply = json!({ "body": "Answer", "parent_id": comment.body["id"] });
    ada.post("/posts/a-better-slug/comments", reply).await.expect_status(201);
    let session = stack.visitor().post("/sessions", json!({ "login": "eve", "password": PASSWORD })).await;
    let eve = front_end.with(format!("Token {}", text(&session.body["access_token"])));
    let thread = eve.get("/articles/a-better-slug/comments").await.ok(200);
    let spam = thread["comments"].as_array().unwrap().iter().find(|comment| comment["body"] == "Spam").unwrap();
    eve.delete(&format!("/articles/a-better-slug/comments/{}", spam["id"])).await.ok(204);
    let left = front_end.get("/articles/a-better-slug/comments").await.ok(200);
    assert_eq!(left["comments"].as_array().unwrap().len(), 1, "no placeholder: {left}");
    let audit = stack.admin().await.get("/admin/audit").await;
    assert!(audit.body["items"].to_string().contains("comment"), "{}", audit.body);
    drop(editor);

    // A key does here what it does there.
    let key = ada.post("/me/keys", json!({ "name": "reader", "scopes": ["read"] })).await;
    let key = front_end.with(format!("Token {}", text(&key.body["key"])));
    key.get("/user").await.ok(200);
    key.post("/articles", json!({ "article": { "title": "T", "description": "D", "body": "B" } }))
        .await
        .refuses(403, &["body"]);
    for change in [json!({ "password": "another good password" }), json!({ "bio": "By a key" })] {
        key.put("/user", json!({ "user": change })).await.refuses(403, &["body"]);
    }
    let blind = ada.post("/me/keys", json!({ "name": "writer", "scopes": ["posts:write"] })).await;
    front_end.with(format!("Token {}", text(&blind.body["key"]))).get("/user").await.refuses(403, &["body"]);
}

/// The native API folds tags, whoever typed them, and leaves labels alone as long as their tags stay.
#[tokio::test]
async fn tags_as_typed_here_are_folded_natively_and_outlast_native_edits() {
    let stack = TestStack::start_with_parameters(ON).await;
    let (visitor, ada) = (FrontEnd::of(&stack), stack.user("ada").await);
    let session = stack.visitor().post("/sessions", json!({ "login": "ada", "password": PASSWORD })).await;
    let conduit = visitor.with(format!("Token {}", text(&session.body["access_token"])));
    let made = conduit.publish("Tagged", json!(["Big Data", "foo_bar", "C++"])).await;
    let (native, path) = (format!("/posts/{}", text(&made["slug"])), format!("/articles/{}", text(&made["slug"])));
    let tags = async || visitor.get(&path).await.ok(200)["article"]["tagList"].clone();

    let post = ada.get(&native).await;
    assert_eq!(post.body["tags"], json!(["big-data", "foo-bar", "cpp"]));
    assert!(!post.body.to_string().contains("foo_bar"), "{}", post.body);
    let cards = ada.get("/posts?tag=foo-bar").await.body["items"].clone();
    assert_eq!(cards[0]["tags"], post.body["tags"]);
    let native_tags = ada.get("/tags?sort=name").await.body["items"].clone();
    assert_eq!(native_tags[0], json!({ "tag": "big-data", "posts": 1 }));

    // What an editor sends back is what it was shown.
    let edit = async |fields: Value| {
        let etag = ada.get(&native).await.etag();
        ada.patch(&native, &etag, fields).await.expect_status(200);
    };
    edit(json!({ "tags": ["cpp", "foo-bar", "big-data", "new"], "body": "Another text" })).await;
    assert_eq!(tags().await, json!(["C++", "foo_bar", "Big Data", "new"]));
    edit(json!({ "tags": ["foo-bar"] })).await;
    assert_eq!(tags().await, json!(["foo_bar"]));
    ada.post(&format!("{native}/unpublish"), json!({})).await.expect_status(200);
    assert_eq!(visitor.get("/tags").await.ok(200)["tags"], json!([]));
    ada.post(&format!("{native}/publish"), json!({})).await.expect_status(200);
    assert_eq!(
        (tags().await, visitor.get("/tags").await.ok(200)),
        (json!(["foo_bar"]), json!({ "tags": ["foo_bar"] }))
    );
    ada.publish("Another", &["Foo Bar", "plain"]).await;
    assert_eq!(visitor.get("/tags").await.ok(200)["tags"], json!(["foo_bar", "plain"]), "natively nothing is typed");

    // What went with its tag does not come back with it.
    edit(json!({ "tags": ["big-data"] })).await;
    let first = ada.post(&format!("{native}/revisions/1/restore"), json!({})).await;
    assert_eq!(first.body["tags"], json!(["big-data", "foo-bar", "cpp"]));
    assert_eq!(tags().await, json!(["big-data", "foo-bar", "cpp"]));
}

#[tokio::test]
async fn what_the_stack_asks_of_accounts_holds_here() {
    // Off, it is not there.
    let stack = TestStack::start().await;
    let request = Request::builder().uri("/api/articles").header("host", "localhost").body(Bytes::new()).unwrap();
    let answer = stack.stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    assert_eq!(answer.status(), 404);

    let user = |name: &str| json!({ "user": { "username": name, "email": format!("{name}@example.com"), "password": PASSWORD } });
    let stack = TestStack::start_with_parameters(&[("Conduit", "true"), ("Registration", "closed")]).await;
    FrontEnd::of(&stack).post("/users", user("ada")).await.refuses(403, &["user"]);

    let stack = TestStack::start_with_parameters(&[("Conduit", "true"), ("DefaultRole", "reader")]).await;
    let reader = FrontEnd::of(&stack).register("ada").await;
    let article = json!({ "article": { "title": "T", "description": "D", "body": "B" } });
    reader.post("/articles", article).await.fails(403, "article", "forbidden");

    let stack = TestStack::start_confirming(ON).await;
    let visitor = FrontEnd::of(&stack);
    visitor.post("/users", user("ada")).await.refuses(403, &["email"]);
    // Whoever named an address first has not shown that it is theirs.
    let mut again = user("ada");
    again["user"]["username"] = json!("augusta");
    visitor.post("/users", again).await.refuses(403, &["email"]);
    stack.confirm("ada@example.com").await;
    let login = json!({ "user": { "email": "ada@example.com", "password": PASSWORD } });
    let ada = visitor.post("/users/login", login.clone()).await.ok(200);
    let ada = visitor.with(format!("Token {}", text(&ada["user"]["token"])));
    ada.put("/user", json!({ "user": { "email": "new@example.com" } })).await.refuses(422, &["email"]);
    ada.put("/user", json!({ "user": { "email": "ada@example.com" } })).await.ok(200);

    // Wrong passwords are limited as they are natively.
    let wrong = json!({ "user": { "email": "ada@example.com", "password": "not the password" } });
    let mut last = 0;
    for _ in 0..12 {
        last = visitor.post("/users/login", wrong.clone()).await.status;
    }
    assert_eq!(last, 429);
}
