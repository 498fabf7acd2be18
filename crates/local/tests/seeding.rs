//! A folder of Markdown becomes a blog.

use std::collections::BTreeMap;
use std::path::Path;

use domain::Timestamp;
use importer::{Report, Seed};
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
    let report = importer::run(&seed, now, &mut out).await.unwrap();
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

#[tokio::test]
async fn hundreds_of_posts_become_a_blog_whose_every_page_reads_back_right() {
    const COPIES: usize = 20;
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let url = serve(&stack).await;
    // The posts of this repository, over and over, each with an address and a day of its own.
    let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/posts"));
    let folder = tempfile::tempdir().unwrap();
    let mut texts = BTreeMap::new();
    let files = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for (number, file) in files.enumerate() {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.splitn(3, "---\n").last().unwrap().splitn(3, "+++\n").last().unwrap();
        for copy in 0..COPIES {
            let slug = format!("post-{number}-{copy}");
            let date = format!("{}-{:02}-{:02}", 2010 + copy % 15, 1 + number, 1 + copy);
            let tags = format!("[\"Copy {copy}\", \"number {number}\", all]");
            let front = format!("---\ntitle: Post {number} {copy}\nslug: {slug}\ndate: {date}\ntags: {tags}\n---\n");
            std::fs::write(folder.path().join(format!("{slug}.md")), format!("{front}{text}")).unwrap();
            texts.insert(slug, (date, text.trim().to_owned()));
        }
    }
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!((report.created, report.failed), (texts.len(), 0), "{out}");
    assert!(texts.len() >= 9 * COPIES, "{}", texts.len());
    stack.settle().await;

    let visitor = stack.visitor();
    let slugs = |posts: Vec<serde_json::Value>| -> Vec<String> {
        posts.iter().map(|post| post["slug"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected: Vec<_> = texts.iter().map(|(slug, (date, _))| (date.clone(), slug.clone())).collect();
    expected.sort();
    let dates: Vec<_> = expected.iter().rev().map(|(date, _)| date.clone()).collect();
    for list in
        ["/posts", "/posts?tag=all", "/posts?author=ada", "/posts?kind=article", "/posts?author=ada&kind=article"]
    {
        let posts = walk(&visitor, list, 17).await;
        let shown: Vec<_> = posts.iter().map(|post| post["published_at"].as_str().unwrap()[..10].to_owned()).collect();
        assert_eq!(shown, dates, "{list}");
        let mut all = slugs(posts);
        all.sort();
        assert!(all.iter().eq(texts.keys()), "{list}");
    }
    for (slug, (_, text)) in &texts {
        let post = visitor.get(&format!("/posts/{slug}")).await;
        assert_eq!(post.body["body"].as_str().unwrap().trim(), text, "{slug}");
        assert!(post.body["html"].as_str().unwrap().contains("<p>"), "{slug}");
        let source = visitor.get_with(&format!("/posts/{slug}"), &[("accept", "text/markdown")]).await;
        assert_eq!(source.bytes, post.body["body"].as_str().unwrap().as_bytes(), "{slug}");
    }
    for tag in walk(&visitor, "/tags", 7).await {
        let (name, count) = (tag["tag"].as_str().unwrap(), tag["posts"].as_u64().unwrap());
        let posts = walk(&visitor, &format!("/posts?tag={name}"), 100).await;
        assert_eq!(posts.len() as u64, count, "{name}");
    }
    assert_eq!(visitor.get("/users/ada").await.body["counts"]["posts"], texts.len());
}
