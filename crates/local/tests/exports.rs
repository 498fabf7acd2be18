//! Exports: a file with all that is stored of a user, written after the answer and fetched by link.

use std::time::{Duration, UNIX_EPOCH};

use aws::Sdk;
use aws_smithy_async::time::StaticTimeSource;
use bucket::Bucket;
use edge::Clock;
use local::s3::BUCKET_NAME;
use local::wire::{Call, Fault};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestStack};

/// Asks for an export; gives the path of what becomes of it.
async fn ask(client: &Client) -> String {
    let asked = client.post("/me/export", json!({})).await;
    asked.expect_status(202);
    let path = format!("/me/exports/{}", asked.body["export_id"].as_str().expect("an id"));
    assert_eq!(asked.header("location"), format!("/v1{path}"));
    path
}

async fn fetch(url: &str) -> reqwest::Response {
    reqwest::get(url).await.expect("S3 answers")
}

fn url(export: &Answer) -> &str {
    export.expect_status(200);
    export.body["url"].as_str().unwrap_or_else(|| panic!("no link in {}", export.body))
}

/// The file of an export that is ready.
async fn file(client: &Client, path: &str) -> Value {
    let answer = fetch(url(&client.get(path).await)).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn a_user_gets_all_that_is_stored_of_them() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    stack.user("bob").await.publish("Of another", &[]).await;
    for (title, status) in [("Draft", "draft"), ("Published", "published"), ("Trashed", "draft")] {
        stack.pass_seconds(1);
        let body = json!({ "title": title, "body": format!("# {title}\n\n\"*ü*\""), "tags": ["t"], "status": status });
        ada.post("/posts", body).await.expect_status(201);
    }
    ada.delete("/posts/trashed").await.expect_status(204);
    ada.patch("/posts/draft", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    ada.patch("/me", "*", json!({ "bio": "Poet.", "display_name": "Ada Lovelace" })).await.expect_status(200);
    // What a user does in the community.
    let of_another = "/posts/of-another";
    let comment = ada.post(&format!("{of_another}/comments"), json!({ "body": "I *agree*." })).await.body;
    let bob = stack.log_in("bob").await;
    let reply = json!({ "body": "Thank you", "parent_id": comment["id"] });
    let reply = bob.post(&format!("{of_another}/comments"), reply).await.body;
    let report = format!("{of_another}/comments/{}/report", reply["id"].as_str().unwrap());
    ada.post(&report, json!({ "reason": "Too polite" })).await.expect_status(202);
    ada.put(&format!("{of_another}/reaction"), json!({ "kind": "love" })).await.expect_status(204);
    ada.call("PUT", "/me/bookmarks/of-another", &[], None).await.expect_status(204);
    ada.call("PUT", "/tags/rust/follow", &[], None).await.expect_status(204);
    let other = bob.get(of_another).await.body["id"].clone();
    stack.settle().await;

    let path = ask(&ada).await;
    let pending = ada.get(&path).await;
    pending.expect_status(200);
    let id = path.rsplit('/').next().unwrap();
    // Whoever opens the link acts for the function that made it.
    let opened = json!({ "Key": format!("exports/{id}.json") });
    stack.stack.wire.roles().check("get_export", "s3", "GetObject", &opened).unwrap();
    let mut shown = json!({
        "id": id, "status": "pending", "created_at": "2026-11-21T08:30:03.000Z",
        "expires_at": "2026-11-28T08:30:03.000Z", "url": null,
    });
    assert_eq!(pending.body, shown);

    stack.pass_seconds(1);
    stack.settle().await;
    let ready = ada.get(&path).await;
    assert_eq!(ready.header("cache-control"), "private, no-store");
    shown["status"] = json!("ready");
    shown["url"] = ready.body["url"].clone();
    assert_eq!(ready.body, shown);
    let answer = fetch(url(&ready)).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["content-disposition"], "attachment");
    let file: Value = answer.json().await.unwrap();

    let me = ada.get("/me").await.body;
    let author = json!({ "id": me["id"], "username": "ada", "display_name": "Ada Lovelace", "avatar_url": null });
    let profile = json!({
        "id": me["id"], "username": "ada", "email": "ada@example.com", "display_name": "Ada Lovelace", "bio": "Poet.",
        "avatar_url": null, "website_url": null, "role": "author", "status": "active", "suspension_reason": null,
        "signed_out": null, "created_at": me["created_at"], "updated_at": me["updated_at"], "version": 2, "posts": 1,
        "followers": 0, "following": 0,
    });
    let mut posts = Vec::new();
    for (title, slug, text_version) in
        [("Draft", "renamed", 2), ("Published", "published", 1), ("Trashed", "trashed", 1)]
    {
        let list = if title == "Trashed" { "/me/posts?status=trashed" } else { "/me/posts" };
        let cards = ada.get(list).await.body["items"].as_array().unwrap().clone();
        let card = cards.into_iter().find(|card| card["slug"] == slug).unwrap();
        let mut post = json!({
            "author": author, "body": format!("# {title}\n\n\"*ü*\""), "comments": 0, "reactions": 0, "reposts": 0,
            "replies": 0, "text_version": text_version, "writes": card["version"].as_u64().unwrap() + 1,
            "excerpt": card["summary"], "summary": null, "edited_by": me["id"], "publish_at": null, "pinned_at": null,
        });
        // The rest is as the card shows it, apart from what is made for the viewer.
        let made = ["author", "counts", "summary", "reading_time_minutes", "publish_at", "pinned", "viewer"];
        for (field, value) in card.as_object().unwrap().iter().filter(|(field, _)| !made.contains(&field.as_str())) {
            post[field] = value.clone();
        }
        if title == "Trashed" {
            post["expires_at"] = json!(stack.stack.blog.now().seconds() - 1 + 30 * 24 * 60 * 60);
        }
        posts.push(post);
    }
    // Every version of each, as it is read.
    let mut versions = Vec::new();
    for slug in ["renamed", "published", "trashed"] {
        let id = posts.iter().find(|post| post["slug"] == slug).unwrap()["id"].clone();
        for card in ada.get(&format!("/posts/{slug}/revisions")).await.body["items"].as_array().unwrap() {
            let mut version = ada.get(&format!("/posts/{slug}/revisions/{}", card["version"])).await.body;
            version["post_id"] = id.clone();
            versions.push(version);
        }
    }
    assert!(versions.len() > posts.len(), "some post has several");
    let mut file = file;
    for version in file["versions"].as_array_mut().unwrap() {
        version.as_object_mut().unwrap().remove("text_version");
    }
    let comments = json!([{
        "id": comment["id"], "post_id": other, "parent_id": null, "status": "published", "body": "I *agree*.",
        "replies": 1, "created_at": comment["created_at"], "updated_at": comment["updated_at"], "version": 1,
    }]);
    let now = &comment["created_at"];
    let reports = json!([{ "comment": reply["id"], "post": other, "reason": "Too polite", "reported_at": now }]);
    let marks = json!([{ "post_id": other, "reaction": "love", "bookmarked_at": now }]);
    let notification = &ada.get("/me/notifications").await.body["items"][0];
    let expires_at = stack.stack.blog.now().seconds() - 1 + 90 * 24 * 60 * 60;
    let path = format!("{}/{}", comment["id"].as_str().unwrap(), reply["id"].as_str().unwrap());
    let notifications = json!([{
        "id": notification["id"], "kind": "comment_reply", "post": other, "comment": path,
        "actor": bob.get("/me").await.body["id"], "at": now, "expires_at": expires_at, "read": false,
    }]);
    let expected = json!({
        "profile": profile, "wanted_email": null, "posts": posts, "versions": versions, "comments": comments, "reports": reports,
        "marks": marks, "followed_tags": [{ "tag": "rust", "followed_at": now }], "notifications": notifications, "audit": [], "keys": [], "media": [],
        "following": [], "followers": [],
    });
    assert_eq!(file, expected);
}

#[tokio::test]
async fn an_export_is_found_by_its_user_only_and_for_a_week() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ask(&ada).await;
    stack.settle().await;
    ada.get(&path).await.expect_status(200);
    stack.user("bob").await.get(&path).await.expect_problem(404, "not-found");
    stack.admin().await.get(&path).await.expect_problem(404, "not-found");
    ada.get("/me/exports/nonsense").await.expect_problem(404, "not-found");
    stack.pass_seconds(7 * 24 * 60 * 60 - 1);
    let ada = stack.log_in("ada").await;
    ada.get(&path).await.expect_status(200);
    stack.pass_seconds(1);
    ada.get(&path).await.expect_problem(404, "not-found");
    let next = ask(&ada).await;
    stack.settle().await;
    assert_eq!(file(&ada, &next).await["posts"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_export_at_a_time() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let mut earlier = Vec::new();
    // The first export of all, and one after another.
    for _ in 0..2 {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let ada = ada.clone();
                tokio::spawn(async move { ask(&ada).await })
            })
            .collect();
        let mut paths = Vec::new();
        for asked in asking {
            paths.push(asked.await.unwrap());
        }
        paths.dedup();
        assert_eq!(paths.len(), 1, "{paths:?}");
        assert!(!earlier.contains(&paths[0]), "what is done is not begun again");
        assert_ne!(ask(&stack.user(&format!("bob-{}", earlier.len())).await).await, paths[0]);
        stack.settle().await;
        earlier.extend(paths);
        for path in &earlier {
            assert_eq!(ada.get(path).await.body["status"], "ready");
        }
    }
}

#[tokio::test]
async fn an_export_that_nobody_writes_has_failed_after_a_day() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ask(&ada).await;
    stack.stack.wire.break_calls("PutObject", 0, 9, Fault::ServerError);
    stack.settle().await;
    stack.pass_seconds(24 * 60 * 60 - 1);
    let ada = stack.log_in("ada").await;
    assert_eq!(ada.get(&path).await.body["status"], "pending");
    assert_eq!(ask(&ada).await, path);
    stack.pass_seconds(1);
    let failed = ada.get(&path).await;
    assert_eq!((&failed.body["status"], &failed.body["url"]), (&json!("failed"), &Value::Null));
    let next = ask(&ada).await;
    stack.settle().await;
    assert_eq!(file(&ada, &next).await["profile"]["username"], "ada");
}

#[tokio::test]
async fn an_export_that_is_stopped_anywhere_is_made_whole() {
    let stack = TestStack::start().await;
    let wire = &stack.stack.wire;
    let ada = stack.user("ada").await;
    for number in 0..3 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    wire.record();
    ask(&ada).await;
    wire.take_calls();
    stack.settle().await;
    let calls: Vec<_> = wire.take_calls().into_iter().map(|call| call.action).collect();
    assert_eq!(calls.len(), 40, "{calls:?}");
    for (position, action) in calls.iter().enumerate() {
        let skip = calls.iter().take(position).filter(|earlier| *earlier == action).count();
        for fault in [Fault::ServerError, Fault::AnswerLost] {
            let path = ask(&ada).await;
            // Three times, as often as the SDK tries. Then the change is delivered again.
            wire.break_calls(action, skip, 3, fault);
            stack.settle().await;
            assert_eq!(ada.get(&path).await.body["status"], "ready", "{action} {skip} {fault:?}");
            let file = file(&ada, &path).await;
            let titles: Vec<_> = file["posts"].as_array().unwrap().iter().map(|post| &post["title"]).collect();
            assert_eq!(titles, ["Post 0", "Post 1", "Post 2"], "{action} {skip} {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_export_that_is_delivered_again_stays_as_it_is() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let path = ask(&ada).await;
    let changes = stack.changes();
    stack.settle().await;
    ada.publish("Later", &[]).await;
    stack.stack.wire.record();
    stack.deliver_again(&changes).await;
    let calls = stack.stack.wire.take_calls();
    let is_export = |call: &&Call| call.operation.as_deref() == Some("export_user");
    assert!(calls.iter().filter(is_export).all(|call| call.service != "s3"));
    assert_eq!(file(&ada, &path).await["posts"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_that_move_while_the_file_is_written_are_in_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..20 {
        ada.publish(&format!("Post {number}"), &[]).await;
    }
    stack.settle().await;
    let path = ask(&ada).await;
    let writing = tokio::spawn({
        let stack = stack.clone();
        async move { stack.settle().await }
    });
    for number in (0..20).rev() {
        let moved = json!({ "slug": format!("moved-{number}") });
        ada.patch(&format!("/posts/post-{number}"), "*", moved).await.expect_status(200);
    }
    writing.await.unwrap();
    let file = file(&ada, &path).await;
    let titles: Vec<_> = file["posts"].as_array().unwrap().iter().map(|post| post["title"].clone()).collect();
    assert_eq!(titles, (0..20).map(|number| json!(format!("Post {number}"))).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_link_is_good_as_it_is_and_for_half_an_hour_at_most() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let (path, other) = (ask(&ada).await, ask(&bob).await);
    stack.settle().await;
    let ready = ada.get(&path).await;
    let link = url(&ready).to_owned();
    // Who asks again has it already, unless a quarter of an hour has ended meanwhile.
    let again = ada.get(&path).await;
    if url(&again) == link {
        ada.get_with(&path, &[("if-none-match", &ready.etag())]).await.expect_status(304);
    }
    let bare = link.split('?').next().unwrap();
    assert_eq!(fetch(bare).await.status(), 403, "without a signature");
    let longer = link.replace("X-Amz-Expires=1800", "X-Amz-Expires=604800");
    assert_ne!(longer, link);
    assert_eq!(fetch(&longer).await.status(), 403, "a longer time");
    let others = url(&bob.get(&other).await).split('?').next().unwrap().to_owned();
    assert_eq!(fetch(&link.replace(bare, &others)).await.status(), 403, "another's file");

    // S3 goes by the machine's time, so the links are made in the past.
    let now = Clock::system().now().seconds();
    let key = bare.split_once(&format!("/{BUCKET_NAME}/")).unwrap().1;
    for (age, status) in [(14 * 60, 200), (31 * 60, 403)] {
        let made = UNIX_EPOCH + Duration::from_secs(u64::try_from(now - age).unwrap());
        let sdk =
            local::stack::sdk_config(stack.stack.wire.clone()).to_builder().time_source(StaticTimeSource::new(made));
        let old = Bucket::new(&Sdk::new(sdk.build()), BUCKET_NAME.to_owned()).link(key).await.unwrap();
        assert_eq!(fetch(&old).await.status(), status, "{age} s old");
    }
}

#[tokio::test]
async fn many_long_posts_are_written_part_by_part() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for number in 0..30 {
        let line = format!("{number:07} ");
        let body = json!({ "title": format!("Long {number}"), "body": line.repeat(200 * 1024 / line.len()) });
        ada.post("/posts", body).await.expect_status(201);
    }
    stack.settle().await;
    stack.take_put("broadsheet.work");
    let path = ask(&ada).await;
    stack.stack.wire.record();
    stack.settle().await;
    // Each text is in it twice: the post's, and that of its one version.
    let calls: Vec<_> = stack.stack.wire.take_calls().into_iter().filter(|call| call.service == "s3").collect();
    let calls: Vec<_> = calls.iter().map(|call| call.action.as_str()).collect();
    let part = "UploadPart";
    assert_eq!(calls, ["CreateMultipartUpload", part, part, part, "CompleteMultipartUpload"]);
    let work = stack.take_put("broadsheet.work");
    assert_eq!(work.len(), 3, "each part is a step");
    let expect_whole = async |path: &str, when: &str| {
        let file = file(&ada, path).await;
        let posts = file["posts"].as_array().unwrap();
        assert_eq!(posts.len(), 30, "{when}");
        for (number, post) in posts.iter().enumerate() {
            assert_eq!(post["title"], format!("Long {number}"), "{when}");
            assert!(post["body"] == format!("{number:07} ").repeat(200 * 1024 / 8), "{number} {when}");
        }
        let versions: Vec<_> =
            file["versions"].as_array().unwrap().iter().map(|version| version["title"].clone()).collect();
        assert_eq!(versions, (0..30).map(|number| json!(format!("Long {number}"))).collect::<Vec<_>>(), "{when}");
    };
    expect_whole(&path, "undisturbed").await;
    // A step that is taken again when all is done does nothing.
    stack.stack.wire.record();
    work.iter().for_each(|step| stack.stack.bus.send(step));
    stack.settle().await;
    let calls = stack.stack.wire.take_calls();
    let is_export = |call: &&Call| call.operation.as_deref() == Some("export_user");
    assert!(calls.iter().filter(is_export).all(|call| call.service != "s3"));

    // Whichever step is stopped, before or after it is done.
    for (action, skip, fault) in [
        ("PutEvents", 1, Fault::ServerError),
        ("PutEvents", 2, Fault::AnswerLost),
        ("UploadPart", 1, Fault::ServerError),
        ("UploadPart", 2, Fault::AnswerLost),
        ("Query", 40, Fault::ServerError),
        ("CompleteMultipartUpload", 0, Fault::ServerError),
        ("CompleteMultipartUpload", 0, Fault::AnswerLost),
    ] {
        let path = ask(&ada).await;
        stack.stack.wire.break_calls(action, skip, 3, fault);
        stack.settle().await;
        expect_whole(&path, &format!("{action} {skip} {fault:?}")).await;
    }
}
