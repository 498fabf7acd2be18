//! A folder of Markdown becomes a blog.

use std::path::Path;

use blog::clock::Timestamp;
use local::seed::{self, Report, Seed};
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{PASSWORD, START, TestStack, walk};

async fn serve(stack: &TestStack) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(local::server::serve(listener, stack.stack.clone(), std::future::pending()));
    url
}

async fn run(folder: &Path, user: &str, url: &str) -> (Report, String) {
    let seed = Seed {
        folder: folder.to_owned(),
        user: user.to_owned(),
        password: Some(PASSWORD.to_owned()),
        url: url.to_owned(),
    };
    let now = Timestamp::from_milliseconds(START).to_string().parse().unwrap();
    let mut out = Vec::new();
    let report = seed::run(&seed, now, &mut out).await.unwrap();
    (report, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn the_posts_of_this_repository_read_back_right_and_nothing_doubles() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/posts"));
    let (report, out) = run(folder, "ada", &url).await;
    assert_eq!((report.updated, report.unchanged, report.failed), (0, 0, 0), "{out}");
    assert_eq!(report.created, 10, "{out}");

    let listed = walk(&stack.visitor(), "/posts", 3).await;
    assert_eq!(listed.len(), 9, "one is a draft");
    let mut dates: Vec<_> = listed.iter().map(|post| post["published_at"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|one, other| one >= other), "{dates:?}");
    dates.dedup();
    assert!(dates.len() > 5, "they keep their dates");
    for post in listed {
        let read = stack.visitor().get(&format!("/posts/{}", post["slug"].as_str().unwrap())).await;
        read.expect_status(200);
        assert!(read.body["html"].as_str().unwrap().contains("<p>"), "{}", post["slug"]);
    }
    assert_eq!(ada.get("/me/posts?status=draft").await.each("slug").len(), 1);

    let (again, out) = run(folder, "ada@example.com", &url).await;
    assert_eq!(again, Report { created: 0, updated: 0, unchanged: 10, failed: 0 }, "{out}");
    assert_eq!(walk(&stack.visitor(), "/posts", 100).await.len(), 9);
}

#[tokio::test]
async fn a_file_that_changed_is_updated_and_one_that_fails_says_why() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let bob = stack.user("bob").await;
    bob.post("/posts", json!({ "title": "Theirs", "body": "B", "slug": "theirs", "status": "published" }))
        .await
        .expect_status(201);
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("2021-03-04-kept.md", "---\ntitle: Kept\ntags: [Small Web]\n---\nText.\n");
    write("changing.md", "---\ntitle: Before\ndate: 2020-01-02 03:04:05 +0100\n---\nText.\n");
    write("theirs.md", "---\ntitle: Mine\n---\nText.\n");
    write("long.md", &format!("---\ntitle: {}\n---\nText.\n", "x".repeat(201)));
    write("broken.md", "---\ntitle: [\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report, Report { created: 2, updated: 0, unchanged: 0, failed: 3 }, "{out}");
    assert!(out.contains("/title: must have at most 200 characters, not 201"), "{out}");
    assert_eq!(stack.visitor().get("/posts/changing").await.body["published_at"], "2020-01-02T02:04:05.000Z");

    write("changing.md", "---\ntitle: After\ndate: 2020-01-02 03:04:05 +0100\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report, Report { created: 0, updated: 1, unchanged: 1, failed: 3 }, "{out}");
    let changed = stack.visitor().get("/posts/changing").await;
    assert_eq!((&changed.body["title"], &changed.body["version"]), (&json!("After"), &json!(2)));
    assert_eq!(stack.visitor().get("/posts/theirs").await.body["title"], "Theirs");
}
