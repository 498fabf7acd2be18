//! Ghost's Content API, as front ends and its libraries ask it (docs/ghost.md). `contract/ghost.mjs` runs those libraries.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Bytes;
use domain::Role;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::crowd;
use crate::harness::{Client, TestStack, walk};

/// A front end with a key.
struct FrontEnd {
    stack: TestStack,
    key: String,
}

struct Reply {
    what: String,
    status: u16,
    headers: HeaderMap,
    body: Value,
}

const ON: &[(&str, &str)] = &[
    ("GhostContent", "true"),
    ("SiteUrl", "https://blog.example.com"),
    ("SiteTitle", "The Sheet"),
    // Longer than a key that was taken back may open anything.
    ("CdnSeconds", "3600"),
];

async fn start() -> (TestStack, FrontEnd, Client) {
    with_key(TestStack::start_with_parameters(ON).await).await
}

async fn with_key(stack: TestStack) -> (TestStack, FrontEnd, Client) {
    let admin = stack.admin().await;
    let created = admin.post("/admin/content-keys", json!({ "name": "The site" })).await;
    created.expect_status(201);
    let front_end = FrontEnd { stack: stack.clone(), key: created.body["key"].as_str().unwrap().to_owned() };
    (stack, front_end, admin)
}

impl FrontEnd {
    /// A request without the key.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request =
            Request::builder().method(method).uri(format!("/ghost/api{path}")).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::new()).unwrap();
        let answer = Box::pin(self.stack.stack.gateway.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST))).await;
        let (parts, body) = answer.into_parts();
        let (what, status) = (format!("{method} {path}"), parts.status.as_u16());
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        assert!(status < 500, "{what}: {body}");
        assert_eq!(parts.headers["access-control-allow-origin"], "*", "{what}");
        assert_eq!(parts.headers["content-version"], "v6.0", "{what}");
        if status >= 400 && method != "HEAD" {
            let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{what}: {status} {body}"));
            assert_eq!(errors.len(), 1, "{what}");
            let names: BTreeSet<&str> = errors[0].as_object().unwrap().keys().map(String::as_str).collect();
            let expected =
                ["message", "context", "type", "details", "property", "help", "code", "id", "ghostErrorCode"];
            assert_eq!(names, expected.into_iter().collect(), "{what}");
            assert!(errors[0]["message"].is_string() && errors[0]["type"].is_string(), "{what}: {body}");
            assert_eq!(parts.headers["cache-control"], "no-store", "{what}");
        }
        Reply { what, status, headers: parts.headers, body }
    }

    /// A request with the key: `posts`, `posts/slug/a`, `posts?filter=…`.
    async fn get(&self, path: &str) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        self.send("GET", &format!("/content/{path}/?key={}&{query}", self.key), &[]).await
    }

    async fn filtered(&self, filter: &str) -> Reply {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.get(&format!("posts?limit=100&filter={filter}")).await
    }
}

impl Reply {
    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.what, self.body);
        self.body
    }

    /// The slugs of a page.
    #[track_caller]
    fn slugs(self, name: &str) -> Vec<String> {
        let body = self.ok();
        let list = body[name].as_array().unwrap_or_else(|| panic!("{body}"));
        list.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn fails(self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body);
        let error = self.body["errors"][0].clone();
        assert_eq!(error["type"], kind, "{}: {error}", self.what);
        error
    }
}

#[tokio::test]
async fn a_key_is_made_by_an_administrator_and_can_be_taken_back() {
    let (stack, front_end, admin) = start().await;
    assert!(
        front_end.key.len() == 26 && front_end.key.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    );
    front_end.get("posts").await.ok();

    let error = front_end.send("GET", "/content/posts/", &[]).await.fails(403, "NoPermissionError");
    assert_eq!(error["message"], "Authorization failed");
    front_end.send("GET", "/content/posts/?key=", &[]).await.fails(403, "NoPermissionError");
    for wrong in ["x", "22444f78447824223cefc48062", &front_end.key[1..], &front_end.key.to_uppercase(), "%00", "%F0"] {
        let reply = front_end.send("GET", &format!("/content/posts/?key={wrong}"), &[]).await;
        let error = reply.fails(401, "UnauthorizedError");
        assert_eq!(
            (&error["message"], &error["code"]),
            (&json!("Unknown Content API Key"), &json!("UNKNOWN_CONTENT_API_KEY"))
        );
    }
    let twice = format!("/content/posts/?key={}&key={}", front_end.key, front_end.key);
    front_end.send("GET", &twice, &[]).await.fails(400, "BadRequestError");
    // A token of ours opens nothing here.
    front_end.send("GET", "/content/posts/", &[("authorization", "Bearer x")]).await.fails(403, "NoPermissionError");

    for (name, role) in [("rita", Role::Reader), ("ada", Role::Author), ("eve", Role::Editor)] {
        let user = stack.user_with_role(name, role).await;
        user.post("/admin/content-keys", json!({ "name": "x" })).await.expect_problem(403, "forbidden");
        user.get("/admin/content-keys").await.expect_problem(403, "forbidden");
    }
    stack.visitor().get("/admin/content-keys").await.expect_problem(401, "unauthenticated");
    admin.post("/admin/content-keys", json!({ "name": "" })).await.expect_invalid(&["/name"]);
    admin.post("/admin/content-keys", json!({})).await.expect_invalid(&["/name"]);

    // The same request makes one key, which anybody who may can look up.
    let once = [("idempotency-key", "one")];
    let body = json!({ "name": "Another" });
    let other = admin.call("POST", "/admin/content-keys", &once, Some(body.clone())).await;
    other.expect_status(201);
    assert_eq!(admin.call("POST", "/admin/content-keys", &once, Some(body)).await.body, other.body);
    let listed = admin.get("/admin/content-keys").await;
    assert_eq!(listed.each("name"), ["Another", "The site"]);
    assert_eq!(listed.body["items"][1]["key"], json!(front_end.key));
    assert_eq!(walk(&admin, "/admin/content-keys", 1).await, *listed.body["items"].as_array().unwrap());

    let id = listed.body["items"][1]["id"].as_str().unwrap();
    stack.user("grace").await.delete(&format!("/admin/content-keys/{id}")).await.expect_problem(403, "forbidden");
    admin.delete(&format!("/admin/content-keys/{id}")).await.expect_status(204);
    admin.delete(&format!("/admin/content-keys/{id}")).await.expect_problem(404, "not-found");
    front_end.get("posts").await.fails(401, "UnauthorizedError");
    let other = FrontEnd { stack: stack.clone(), key: other.body["key"].as_str().unwrap().to_owned() };
    other.get("posts").await.ok();
    let log = admin.get("/admin/audit").await.each("action");
    assert_eq!(log.iter().filter(|action| action.starts_with("content_key.")).count(), 3, "{log:?}");

    // It is there where it is switched on, and nowhere else.
    let off = TestStack::start().await;
    let request = Request::builder().uri(format!("/ghost/api/content/posts/?key={}", front_end.key)).body(Bytes::new());
    let answer = off.stack.gateway.answer(request.unwrap(), IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    assert_eq!(answer.status(), 404);
}

/// Everything that a visitor may not read is not there: not in lists, totals and counts, not by id or slug, not by any filter.
#[tokio::test]
async fn nothing_is_shown_that_is_not_public() {
    let (stack, front_end, _) = start().await;
    let ada = stack.user("ada").await;
    let shown = ada.draft("Shown").tags(&["news"]).publish().await;
    let secret = ada.draft("Secret").tags(&["secret", "news"]).save().await;
    let later =
        ada.draft("Later").tags(&["news"]).with("status", "scheduled").with("publish_at", "2099-01-01T00:00:00Z");
    let later = later.save().await;
    let trashed = ada.publish("Trashed", &["news"]).await;
    let id_of = async |slug: &str| ada.get(&format!("/posts/{slug}")).await.body["id"].as_str().unwrap().to_owned();
    let trashed_id = id_of(&trashed).await;
    ada.call("DELETE", &format!("/posts/{trashed}"), &[("if-match", "*")], None).await.expect_status(204);
    let withdrawn = ada.publish("Withdrawn", &["news"]).await;
    let withdrawn_id = id_of(&withdrawn).await;
    ada.post(&format!("/posts/{withdrawn}/unpublish"), json!({})).await.expect_status(200);
    let bob = stack.user("bob").await;
    bob.put(&format!("/posts/{shown}/repost"), json!({})).await.expect_status(204);
    bob.draft("Bob's draft").save().await;
    let note = ada.post("/posts", json!({ "body": "Only a note", "status": "published" })).await.body;
    let note = note["slug"].as_str().unwrap().to_owned();
    stack.settle().await;

    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let hidden = [
        (text(&secret["slug"]), text(&secret["id"])),
        (text(&later["slug"]), text(&later["id"])),
        (trashed, trashed_id),
        (withdrawn, withdrawn_id),
    ];
    let all = front_end.get("posts?include=authors,tags").await;
    let page = all.body.clone();
    assert_eq!(all.slugs("posts"), [note.clone(), shown.clone()]);
    assert_eq!(page["meta"]["pagination"]["total"], 2);
    // A note has no title, and gets none made up.
    assert_eq!(
        (&page["posts"][0]["title"], &page["posts"][0]["excerpt"]),
        (&json!("(Untitled)"), &json!("Only a note"))
    );
    assert_eq!(page["posts"][0]["custom_excerpt"], Value::Null);
    for (slug, id) in &hidden {
        let error = front_end.get(&format!("posts/slug/{slug}")).await.fails(404, "NotFoundError");
        assert_eq!(error["message"], "Resource not found error, cannot read post.");
        assert_eq!(error["context"], "Post not found.");
        front_end.get(&format!("posts/{id}")).await.fails(404, "NotFoundError");
        for filter in [format!("slug:{slug}"), format!("id:{id}"), format!("slug:[{slug}]+status:published")] {
            assert!(front_end.filtered(&filter).await.slugs("posts").is_empty(), "{filter}");
        }
    }
    for filter in [
        "status:draft",
        "status:[draft,scheduled]",
        "status:-published",
        "visibility:members",
        "tag:secret",
        "type:page",
        "author:bob",
    ] {
        assert!(front_end.filtered(filter).await.slugs("posts").is_empty(), "{filter}");
    }
    for filter in [
        "status:published",
        "status:[draft,published]",
        "visibility:public",
        "published_at:>'2000-01-01'",
        "title:-null",
    ] {
        assert_eq!(front_end.filtered(filter).await.slugs("posts").len(), 2, "{filter}");
    }
    assert_eq!(front_end.filtered("tag:news").await.slugs("posts"), std::slice::from_ref(&shown));
    // Bob has published nothing, a repost apart; and a tag of drafts alone is none.
    assert_eq!(front_end.get("authors?include=count.posts").await.ok()["authors"][0]["count"]["posts"], 2);
    assert_eq!(front_end.get("authors").await.slugs("authors"), ["ada"]);
    front_end.get("authors/slug/bob").await.fails(404, "NotFoundError");
    front_end.get("authors/slug/chief").await.fails(404, "NotFoundError");
    let tags = front_end.get("tags?include=count.posts").await.ok();
    assert_eq!((&tags["tags"][0]["slug"], &tags["tags"][0]["count"]["posts"]), (&json!("news"), &json!(1)));
    assert_eq!(tags["meta"]["pagination"]["total"], 1);
    front_end.get("tags/slug/secret").await.fails(404, "NotFoundError");
    // No address, role or anything else that is an account's.
    let author = front_end.get("authors/slug/ada").await.ok()["authors"][0].clone();
    for private in ["email", "role", "status", "roles", "last_seen"] {
        assert!(author.get(private).is_none(), "{author}");
    }
    // Who leaves takes their posts along.
    let gone = ada.call("DELETE", "/me", &[], Some(json!({ "password": crate::harness::PASSWORD }))).await;
    gone.expect_status(204);
    for _ in 0..3 {
        stack.settle().await;
        stack.minute().await;
    }
    assert!(front_end.get("posts").await.slugs("posts").is_empty());
    assert!(front_end.get("authors").await.slugs("authors").is_empty());
}

#[tokio::test]
async fn posts_have_the_fields_of_ghost() {
    let (stack, front_end, admin) = start().await;
    let ada = stack.user("ada").await;
    let slug = ada
        .draft("On engines")
        .tags(&["math", "history"])
        .with("body", "A *text* with a [link](other) & more.\n\nSecond paragraph.")
        .with("summary", "A summary")
        .with("cover_image_url", "https://example.com/cover.png")
        .with("meta_title", "Meta")
        .with("comments_open", false)
        .publish()
        .await;
    let old = ada.draft("From 2019").with("publish_at", "2019-05-01T10:00:00.000Z").publish().await;
    admin.put(&format!("/posts/{slug}/pin"), json!({})).await.expect_status(204);

    let post = front_end.get(&format!("posts/slug/{slug}?include=tags,authors&formats=html,plaintext")).await.ok();
    assert!(post.get("meta").is_none());
    let post = post["posts"][0].clone();
    let id = post["id"].as_str().unwrap();
    // With a slash at the end, or the starter of Eleventy would name its files `dist/posts/on-engines`, without `.html`.
    assert_eq!(post["url"], format!("https://blog.example.com/posts/{slug}/"));
    assert_eq!(post["html"], "<p>A <em>text</em> with a <a href=\"https://blog.example.com/posts/other\" rel=\"nofollow ugc\">link</a> &amp; more.</p>\n<p>Second paragraph.</p>\n".replace(" rel=\"nofollow ugc\"", rel(&post["html"])));
    let plaintext = post["plaintext"].as_str().unwrap();
    assert!(
        plaintext.starts_with("A text with a link & more.") && plaintext.ends_with("Second paragraph."),
        "{plaintext:?}"
    );
    for (field, expected) in [
        ("title", json!("On engines")),
        ("featured", json!(true)),
        ("comments", json!(false)),
        ("access", json!(true)),
        ("visibility", json!("public")),
        ("feature_image", json!("https://example.com/cover.png")),
        ("custom_excerpt", json!("A summary")),
        ("excerpt", json!("A summary")),
        ("meta_title", json!("Meta")),
        ("meta_description", Value::Null),
        ("og_image", Value::Null),
        ("codeinjection_head", Value::Null),
        ("comment_id", json!(id)),
        ("reading_time", json!(1)),
    ] {
        assert_eq!(post[field], expected, "{field}");
    }
    assert_eq!(post["uuid"].as_str().unwrap().split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(post["published_at"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!((&post["primary_tag"]["slug"], &post["tags"][1]["slug"]), (&json!("math"), &json!("history")));
    assert_eq!(post["tags"][0]["url"], "https://blog.example.com/tags/math/");
    assert_eq!(post["primary_author"]["url"], "https://blog.example.com/users/ada/");
    assert_eq!(post["primary_author"], post["authors"][0]);
    assert_eq!((&post["authors"][0]["slug"], &post["authors"][0]["cover_image"]), (&json!("ada"), &Value::Null));

    // By id it is the same; without a slash at the end and by the paths of older versions too.
    let path = format!("posts/{id}");
    let by_id = front_end.get(&path).await.ok()["posts"][0].clone();
    assert_eq!(by_id["slug"], json!(slug));
    assert!(by_id["html"].is_string() && by_id.get("plaintext").is_none() && by_id.get("tags").is_none());
    for path in
        [format!("/content/posts/{id}"), format!("/v3/content/posts/{id}/"), format!("/canary/content/posts/{id}/")]
    {
        let reply =
            front_end.send("GET", &format!("{path}?key={}", front_end.key), &[("accept-version", "v5.0")]).await;
        assert_eq!(reply.ok()["posts"][0], by_id);
    }
    let old = front_end.get(&format!("posts/slug/{old}")).await.ok()["posts"][0].clone();
    assert_eq!(old["published_at"], "2019-05-01T10:00:00.000+00:00");
    assert!(old["created_at"].as_str() <= old["published_at"].as_str(), "{old}");
    assert!(old["updated_at"].as_str() >= old["published_at"].as_str(), "{old}");

    // Only what is asked for.
    let names = |post: &Value| post.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let asked = async |query: &str| names(&front_end.get(&format!("posts?limit=1&{query}")).await.ok()["posts"][0]);
    assert_eq!(asked("fields=title,url,nothing,mobiledoc").await, ["title", "url"]);
    assert_eq!(asked("fields=title&include=tags").await, ["primary_tag", "tags", "title"]);
    assert_eq!(asked("fields=title&formats=plaintext").await, ["plaintext", "title"]);
    assert_eq!(asked("fields=title,html").await, ["html", "title"]);
    let formats = asked("formats=plaintext").await;
    assert!(formats.contains(&"plaintext".to_owned()) && !formats.contains(&"html".to_owned()));
    assert!(asked("formats=mobiledoc,lexical").await.contains(&"html".to_owned()), "the default");
    assert!(!asked("include=password,tiers").await.contains(&"tiers".to_owned()));
    front_end.get("posts?formats=html,pdf").await.fails(422, "ValidationError");

    let settings = front_end.get("settings").await.ok()["settings"].clone();
    assert_eq!((&settings["title"], &settings["url"]), (&json!("The Sheet"), &json!("https://blog.example.com/")));
    assert_eq!(
        (&settings["lang"], &settings["timezone"], &settings["icon"]),
        (&json!("en"), &json!("Etc/UTC"), &Value::Null)
    );
    assert_eq!(settings["navigation"], json!([]));
}

/// The attribute that the cleaner gives links, if it does.
fn rel(html: &Value) -> &str {
    let html = html.as_str().unwrap();
    html.find(" rel=").and_then(|at| html[at..].find('>').map(|end| &html[at..at + end])).unwrap_or("")
}

#[tokio::test]
async fn pages_totals_filters_and_orders_are_right() {
    let (stack, front_end, _) = start().await;
    let (mut ada, mut bob) = (stack.user("ada").await, stack.user("bob").await);
    let mut slugs = Vec::new();
    for number in 0..7 {
        let author = if number % 3 == 0 { &bob } else { &ada };
        let tags: &[&str] = if number % 2 == 0 { &["even", "number"] } else { &["number", "odd"] };
        slugs.push(author.draft(&format!("Number {number}")).tags(tags).publish().await);
        stack.pass_seconds(24 * 60 * 60);
        // A token is good for an hour.
        (ada, bob) = (stack.log_in("ada").await, stack.log_in("bob").await);
    }
    let admin = stack.log_in("chief").await;
    admin.put(&format!("/posts/{}/pin", slugs[2]), json!({})).await.expect_status(204);
    stack.settle().await;
    let of = |numbers: &[usize]| numbers.iter().map(|number| slugs[*number].clone()).collect::<Vec<_>>();

    let mut found = Vec::new();
    for page in 1..=4 {
        let reply = front_end.get(&format!("posts?limit=2&page={page}")).await;
        let expected = json!({
            "page": page, "limit": 2, "pages": 4, "total": 7,
            "next": if page < 4 { json!(page + 1) } else { Value::Null },
            "prev": if page > 1 { json!(page - 1) } else { Value::Null },
        });
        assert_eq!(reply.body["meta"]["pagination"], expected);
        found.extend(reply.slugs("posts"));
    }
    assert_eq!(found, of(&[6, 5, 4, 3, 2, 1, 0]));
    for (query, limit, count) in [
        ("", 15, 7),
        ("limit=all", 100, 7),
        ("limit=1000", 100, 7),
        ("limit=0", 15, 7),
        ("page=0", 15, 7),
        ("limit=3&page=9", 3, 0),
    ] {
        let reply = front_end.get(&format!("posts?{query}")).await;
        let pagination = reply.body["meta"]["pagination"].clone();
        assert_eq!((&pagination["limit"], &pagination["total"]), (&json!(limit), &json!(7)), "{query}");
        assert_eq!(reply.slugs("posts").len(), count, "{query}");
    }
    for wrong in ["limit=x", "limit=-1", "page=x", "page=1.5", "limit=1&limit=2"] {
        front_end.get(&format!("posts?{wrong}")).await.fails(422, "ValidationError");
    }

    for (filter, expected) in [
        ("tag:even", &[6, 4, 2, 0][..]),
        ("tags:even", &[6, 4, 2, 0]),
        ("tag:[even,odd]", &[6, 5, 4, 3, 2, 1, 0]),
        ("tag:even,tag:odd", &[6, 5, 4, 3, 2, 1, 0]),
        ("tag:even+tag:odd", &[]),
        ("tag:-even", &[5, 3, 1]),
        ("tag:number+tag:-[even,x]", &[5, 3, 1]),
        ("primary_tag:number", &[5, 3, 1]),
        ("primary_tag:even", &[6, 4, 2, 0]),
        ("tag:EVEN", &[]),
        ("tag:none", &[]),
        ("author:bob", &[6, 3, 0]),
        ("authors:[bob,nobody]", &[6, 3, 0]),
        ("author:-bob", &[5, 4, 2, 1]),
        ("slug:-number-6", &[5, 4, 3, 2, 1, 0]),
        ("slug:-[number-6,number-3,none]", &[5, 4, 2, 1, 0]),
        ("slug:-number-6+slug:-number-0", &[5, 4, 3, 2, 1]),
        ("slug:-number-6+author:-bob", &[5, 4, 2, 1]),
        ("-(slug:number-6+author:ada)", &[6, 5, 4, 3, 2, 1, 0]),
        ("author:bob+tag:even", &[6, 0]),
        ("author:bob,tag:even", &[6, 4, 3, 2, 0]),
        ("primary_author:ada", &[5, 4, 2, 1]),
        ("featured:true", &[2]),
        ("featured:false", &[6, 5, 4, 3, 1, 0]),
        ("featured:true,author:bob", &[6, 3, 2, 0]),
        ("tag:even+(author:bob,featured:true)", &[6, 2, 0]),
        ("!(tag:even)", &[5, 3, 1]),
        ("title:~'NUMBER 3'", &[3]),
        ("title:~^number", &[6, 5, 4, 3, 2, 1, 0]),
        ("title:~$'5'", &[5]),
        ("title:-~'er 3'", &[6, 5, 4, 2, 1, 0]),
        ("published_at:>now-3d", &[6, 5]),
        ("published_at:>=now-3d+author:bob", &[6]),
        ("published_at:<=now-3d", &[4, 3, 2, 1, 0]),
        ("published_at:>now-1M", &[6, 5, 4, 3, 2, 1, 0]),
        ("custom_excerpt:null+og_image:null", &[6, 5, 4, 3, 2, 1, 0]),
        ("og_image:-null", &[]),
        ("feature_image:-null", &[]),
        ("reading_time:<2", &[6, 5, 4, 3, 2, 1, 0]),
        ("", &[6, 5, 4, 3, 2, 1, 0]),
    ] {
        let reply = front_end.filtered(filter).await;
        assert_eq!(reply.body["meta"]["pagination"]["total"], expected.len(), "{filter}: {}", reply.body);
        assert_eq!(reply.slugs("posts"), of(expected), "{filter}");
    }
    let ids: Vec<_> = front_end.get("posts").await.ok()["posts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|post| post["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(front_end.filtered(&format!("id:[{},{},x]", ids[0], ids[6])).await.slugs("posts"), of(&[6, 0]));
    assert_eq!(front_end.filtered(&format!("tag:even+id:-{}", ids[0])).await.slugs("posts"), of(&[4, 2, 0]));
    assert_eq!(front_end.filtered(&format!("slug:[{},{}]", slugs[1], slugs[4])).await.slugs("posts"), of(&[4, 1]));
    let others = format!("posts?limit=3&filter=id:-[{},{}]", ids[0], ids[1]);
    assert_eq!(front_end.get(&others).await.slugs("posts"), of(&[4, 3, 2]), "a full page");
    // What comes before and after a post, as front ends ask.
    let at = front_end.get(&format!("posts/slug/{}", slugs[3])).await.ok()["posts"][0]["published_at"]
        .as_str()
        .unwrap()
        .to_owned();
    for (filter, query, expected) in [
        (format!("published_at:<'{at}'"), "", 2),
        (format!("published_at:>'{}'", &at[..19].replace('T', " ")), "&order=published_at asc", 4),
    ] {
        let query: String = format!(
            "posts?limit=1&filter={}{query}",
            url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>()
        );
        assert_eq!(front_end.get(&query.replace(' ', "%20")).await.slugs("posts"), of(&[expected]), "{filter}");
    }
    for (order, expected) in [
        ("published_at%20desc", &[6, 5, 4, 3, 2, 1, 0]),
        ("published_at%20ASC", &[0, 1, 2, 3, 4, 5, 6]),
        ("title", &[0, 1, 2, 3, 4, 5, 6]),
        ("featured%20desc,published_at%20desc", &[2, 6, 5, 4, 3, 1, 0]),
        ("author%20asc,title%20desc", &[5, 4, 2, 1, 6, 3, 0]),
        ("nothing%20desc", &[6, 5, 4, 3, 2, 1, 0]),
    ] {
        assert_eq!(front_end.get(&format!("posts?order={order}")).await.slugs("posts"), of(expected), "{order}");
    }
    front_end.get("posts?order=title%20up").await.fails(400, "BadRequestError");

    assert_eq!(front_end.get("tags").await.slugs("tags"), ["even", "number", "odd"]);
    assert_eq!(front_end.get("tags?order=count.posts%20desc&limit=1").await.slugs("tags"), ["number"]);
    assert_eq!(front_end.get("tags?filter=slug:[odd,even]&order=slug%20desc").await.slugs("tags"), ["odd", "even"]);
    assert_eq!(
        front_end.get("tags?filter=visibility:public%2Bcount.posts:%3E3").await.slugs("tags"),
        ["even", "number"]
    );
    assert_eq!(front_end.get("tags/odd?include=count.posts").await.ok()["tags"][0]["count"]["posts"], 3);
    assert_eq!(front_end.get("authors?order=count.posts%20asc").await.slugs("authors"), ["bob", "ada"]);
    assert_eq!(front_end.get("authors?filter=slug:-ada").await.slugs("authors"), ["bob"]);
    let bob = front_end.get("authors/slug/bob?include=count.posts").await.ok()["authors"][0].clone();
    assert_eq!(bob["count"]["posts"], 3);
    let by_id = front_end.get(&format!("authors/{}?fields=slug", bob["id"].as_str().unwrap())).await.ok();
    assert_eq!(by_id["authors"][0], json!({ "slug": "bob" }));
    for none in ["pages", "tiers", "newsletters"] {
        let body = front_end.get(&format!("{none}?filter=visibility:public&include=benefits&limit=5")).await.ok();
        assert_eq!((&body[none], &body["meta"]["pagination"]["total"]), (&json!([]), &json!(0)));
        front_end.get(&format!("{none}/slug/x")).await.fails(404, "NotFoundError");
        front_end.get(&format!("{none}/01KAM5K9R0000000000000000A")).await.fails(404, "NotFoundError");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_ghosts_form_and_nothing_costs_much() {
    let (stack, front_end, _) = start().await;
    let ada = stack.user("ada").await;
    let slug = ada.publish("One", &["x"]).await;
    for nothing in [
        "",
        "/",
        "/content",
        "/content/",
        "/content/nothing/",
        "/content/posts/a/b/",
        "/content/offers/",
        "/content/settings/x/",
        "/admin/posts/",
        "/v9/content/posts/",
        "//content/posts/",
    ] {
        let error = front_end.send("GET", nothing, &[]).await.fails(404, "NotFoundError");
        assert_eq!(error["message"], "Resource not found", "{nothing}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let reply = front_end.send(method, &format!("/content/posts/?key={}", front_end.key), &[]).await;
        assert_eq!(reply.headers["allow"], "GET, HEAD, OPTIONS");
        reply.fails(405, "MethodNotAllowedError");
    }
    for missing in [
        "posts/x",
        "posts/slug/none",
        "posts/slug/NO%20SLUG",
        "posts/slug/%F0%9F",
        "posts/01KAM5K9R0000000000000000A",
        "authors/x",
        "authors/slug/a",
        "tags/none",
        "tags/slug/NO%20TAG",
        "tags/slug/X",
    ] {
        let reply = front_end.get(missing).await;
        assert!([400, 404].contains(&reply.status), "{missing}");
    }
    // Hostile filters are refused before anything is read for them.
    let deep = format!("{}tag:x{}", "(".repeat(500), ")".repeat(500));
    let wide = format!("id:[{}x]", "x,".repeat(400));
    let long = format!("title:'{}'", "a".repeat(5_000));
    for filter in [
        deep.as_str(),
        &wide,
        &long,
        "tag:",
        "tag",
        "(",
        "password:~'a'",
        "authors.email:~'a'",
        "html:~'x'",
        "published_at:>tomorrow",
        "'",
    ] {
        stack.stack.wire.record();
        front_end.filtered(filter).await.fails(400, "BadRequestError");
        let calls = stack.stack.wire.take_calls();
        assert!(calls.iter().all(|call| call.action == "GetItem"), "{filter}: {calls:?}");
    }

    // A visitor's cache asks again, and keeps what did not change.
    let path = format!("/content/posts/?key={}", front_end.key);
    let first = front_end.send("GET", &path, &[]).await;
    assert_eq!(first.headers["cache-control"], "public, max-age=0, s-maxage=60");
    assert_eq!(first.headers["content-type"], "application/json; charset=utf-8");
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    let again = front_end.send("GET", &path, &[("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.body), (304, Value::Null));
    let head = front_end.send("HEAD", &path, &[]).await;
    assert_eq!((head.status, &head.headers["etag"], head.body), (200, &first.headers["etag"], Value::Null));
    ada.patch(&format!("/posts/{slug}"), "*", json!({ "title": "Two" })).await.expect_status(200);
    assert_eq!(front_end.send("GET", &path, &[("if-none-match", &etag)]).await.status, 200);
    let preflight = front_end
        .send(
            "OPTIONS",
            "/content/posts/",
            &[("origin", "https://a.example"), ("access-control-request-method", "GET")],
        )
        .await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("Accept-Version"));
}

#[tokio::test]
async fn two_thousand_posts_are_looked_at_and_no_more() {
    let (stack, front_end, _) = with_key(TestStack::start_unwatched(ON).await).await;
    let oldest = stack.user("bob").await.publish("The oldest", &["rare"]).await;
    stack.pass_milliseconds(1);
    stack.user("ada").await.publish("One of many", &["many"]).await;
    let card = crowd::last_of(&stack, "LATEST").await.unwrap();
    let count = crowd::last_of(&stack, "SITE").await.unwrap();

    crowd::copy(&stack, &card, 2..2_000, crowd::another_post).await;
    crowd::add(&stack, &count, "posts", 1_998).await;
    let filtered = front_end.get("posts?filter=title:~'many'&order=title%20desc&limit=1&fields=slug").await.ok();
    assert_eq!(filtered["meta"]["pagination"]["total"], 1_999);
    let last = front_end.get("posts?limit=100&page=20&fields=slug").await.slugs("posts");
    assert_eq!((last.len(), last.last()), (100, Some(&oldest)));
    assert_eq!(front_end.get("authors").await.slugs("authors"), ["ada", "bob"]);

    crowd::copy(&stack, &card, 2_000..2_001, crowd::another_post).await;
    crowd::add(&stack, &count, "posts", 1).await;
    for query in ["filter=title:~'many'", "order=published_at%20asc"] {
        let error = front_end.get(&format!("posts?{query}&fields=slug")).await.fails(400, "BadRequestError");
        assert!(error["context"].as_str().unwrap().contains("2,000"), "{query}: {error}");
    }
    for filter in ["tag:rare%2Btitle:~'oldest'", "author:bob%2Btag:-many", "slug:the-oldest"] {
        assert_eq!(
            front_end.get(&format!("posts?filter={filter}&fields=slug")).await.slugs("posts"),
            [oldest.as_str()]
        );
    }
    // All but some that are named is the list of all.
    for (excepted, page, last) in [
        ("slug:-one-of-many", 667, oldest.as_str()),
        ("slug:-[one-of-many,there-is-none]", 1, "copy-1998"),
        ("slug:-one-of-many%2Bid:-x", 1, "copy-1998"),
    ] {
        let reply = front_end.get(&format!("posts?filter={excepted}&limit=3&page={page}&fields=slug")).await;
        assert_eq!(reply.body["meta"]["pagination"]["total"], 2_000, "{excepted}: {}", reply.body);
        assert_eq!(reply.slugs("posts").last().map(String::as_str), Some(last), "{excepted}");
    }
    let since = "filter=published_at:%3E'2026-11-21T08:30:01Z'%2Btitle:~'many'&order=title%20asc&fields=slug";
    assert_eq!(front_end.get(&format!("posts?{since}")).await.slugs("posts").len(), 1, "the last copy");
    let page = front_end.get("posts?limit=100&page=21&fields=slug").await;
    assert_eq!(page.body["meta"]["pagination"]["total"], 2_001);
    assert_eq!(page.slugs("posts"), [oldest]);
    assert_eq!(front_end.get("authors").await.slugs("authors"), ["ada"], "of the newest 2,000 posts");

    // As if there were a thousand more.
    crowd::add(&stack, &count, "posts", 1_000).await;
    front_end.get("posts?limit=100&page=22&fields=slug").await.fails(400, "BadRequestError");
    let beyond = front_end.get("posts?limit=100&page=32&fields=slug").await;
    assert_eq!(beyond.body["meta"]["pagination"]["total"], 3_001);
    assert_eq!(beyond.slugs("posts"), [""; 0], "beyond the end");
}

#[tokio::test]
async fn a_page_that_is_too_large_for_a_response_is_refused() {
    let (stack, front_end, _) = with_key(TestStack::start_unwatched(ON).await).await;
    // 200,008 bytes of HTML.
    stack.user("ada").await.draft("Long").with("body", "word ".repeat(40_000).trim()).publish().await;
    let card = crowd::last_of(&stack, "LATEST").await.unwrap();
    crowd::copy(&stack, &card, 0..27, |card, number| {
        card.insert("sk".to_owned(), crowd::text(crowd::milliseconds_later(number + 1)));
    })
    .await;
    assert_eq!(front_end.get("posts?limit=27").await.slugs("posts").len(), 27);
    let error = front_end.get("posts?limit=28").await.fails(413, "RequestEntityTooLargeError");
    assert!(error["context"].as_str().unwrap().contains("5 MB"), "{error}");
    assert_eq!(front_end.get("posts?limit=28&fields=slug").await.slugs("posts").len(), 28);
}

#[tokio::test]
async fn tags_are_shown_up_to_a_thousand_of_each_part() {
    let (stack, front_end, _) = with_key(TestStack::start_unwatched(ON).await).await;
    stack.user("ada").await.publish("Tagged", &["aaa"]).await;
    let total = async || front_end.get("tags?limit=1").await.ok()["meta"]["pagination"]["total"].clone();
    crowd::more_tags(&stack, 1..1_000).await;
    assert_eq!(total().await, 1_000);
    crowd::more_tags(&stack, 1_000..1_001).await;
    assert_eq!(total().await, 1_000);
}
