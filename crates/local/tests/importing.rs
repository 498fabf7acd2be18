//! A folder of Markdown becomes a blog.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use importer::{Counts, Import, LogIn, Outcome, Report};
use local::server::Mailbox;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{PASSWORD, START, TestStack, walk};

pub async fn serve(stack: &TestStack) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(local::server::serve(listener, stack.stack.clone(), Mailbox::Closed, std::future::pending()));
    url
}

pub fn log_in(user: &str, url: &str) -> LogIn {
    let password = Some(PASSWORD.to_owned());
    LogIn { user: Some(user.to_owned()), password, key: None, url: url.to_owned() }
}

pub fn import(folder: &Path, user: &str, url: &str) -> Import {
    Import {
        folder: folder.to_owned(),
        account: log_in(user, url),
        from: None,
        dry_run: false,
        report: None,
        redirects: None,
        authors: None,
        invite: false,
        journal: None,
        formats: Default::default(),
    }
}

pub async fn run_as(import: &Import) -> (Report, String) {
    let now = Timestamp::from_milliseconds(START).to_string().parse().unwrap();
    let mut out = Vec::new();
    let report = importer::run(import, now, &mut out).await.unwrap();
    (report, String::from_utf8(out).unwrap())
}

async fn run(folder: &Path, user: &str, url: &str) -> (Report, String) {
    run_as(&import(folder, user, url)).await
}

/// An import that leaves nothing behind in the folder, and knows of no earlier one.
async fn run_without_journal(folder: &Path, user: &str, url: &str) -> (Report, String) {
    let elsewhere = tempfile::tempdir().unwrap();
    run_as(&Import { journal: Some(elsewhere.path().join("journal")), ..import(folder, user, url) }).await
}

fn counts(created: usize, updated: usize, unchanged: usize, failed: usize) -> Counts {
    Counts { created, updated, unchanged, failed, ..Counts::default() }
}

#[tokio::test]
async fn the_posts_of_this_repository_read_back_right_and_nothing_doubles() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/posts"));
    let (report, out) = run_without_journal(folder, "ada", &url).await;
    assert_eq!((report.counts.updated, report.counts.unchanged, report.counts.failed), (0, 0, 0), "{out}");
    assert_eq!(report.counts.created, 10, "{out}");

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

    let (again, out) = run_without_journal(folder, "ada@example.com", &url).await;
    assert_eq!((again.counts.unchanged, again.counts.updated, again.counts.created), (10, 0, 0), "{out}");
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
    assert_eq!(report.counts, counts(3, 0, 0, 2), "{out}");
    assert!(out.contains("somebody else's post has the slug \"theirs\""), "{out}");
    assert!(out.contains("/title: must have at most 200 characters, not 201"), "{out}");
    assert_eq!(stack.visitor().get("/posts/changing").await.body["published_at"], "2020-01-02T02:04:05.000Z");

    write("changing.md", "---\ntitle: After\ndate: 2020-01-02 03:04:05 +0100\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 1, 2, 2), "{out}");
    assert_eq!(stack.visitor().get("/posts/theirs-2").await.body["title"], "Mine");
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
    // Without the journal of whoever has imported them.
    let is_post = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "md" || kind == "markdown");
    let files = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).filter(is_post);
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
    assert_eq!((report.counts.created, report.counts.failed), (texts.len(), 0), "{out}");
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

/// The small inputs of real blogs that once failed or published what was hidden: name, text, slug, status, time.
const ODD: [(&str, &str, &str, &str, &str); 13] = [
    ("2014-3-3-one-digit.md", "---\ntitle: One digit\n---\n", "one-digit", "published", "2014-03-03T00:00:00.000Z"),
    (
        "2019/same.md",
        "---\ntitle: Same\ndate: 2019-01-01\npath: \"2019/01/01/same\"\n---\n",
        "same",
        "published",
        "2019-01-01T00:00:00.000Z",
    ),
    (
        "2020/same.md",
        "---\ntitle: Same\ndate: 2020-01-01\npath: \"2020/01/01/same\"\n---\n",
        "same-2020",
        "published",
        "2020-01-01T00:00:00.000Z",
    ),
    (
        "a-bang.md",
        "---\ntitle: ! 'Hello: world'\ndate: 2021-03-04\n---\n",
        "a-bang",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
    (
        "b-tagged.md",
        "---\ntitle: Plain\ndate: 2021-03-04\nextra: !ruby/object:OpenStruct {a: 1}\n---\n",
        "b-tagged",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
    (
        "c-bang-in-list.md",
        "---\ntitle: List\ndate: 2021-03-04\ntags:\n- ! 'a tag'\n---\n",
        "c-bang-in-list",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
    (
        "e-embargo.md",
        "---\ntitle: Embargo\ndate: 2020-01-01\npublishDate: 2099-01-01\n---\n",
        "e-embargo",
        "scheduled",
        "2099-01-01T00:00:00.000Z",
    ),
    (
        "f-pubdate.md",
        "---\ntitle: Pub date\npubdate: 2015-05-05\n---\n",
        "f-pubdate",
        "published",
        "2015-05-05T00:00:00.000Z",
    ),
    ("g-json-draft.md", "{\n\"title\": \"Secret\", \"draft\": true\n}\n", "g-json-draft", "draft", ""),
    (
        "h-multi.md",
        "---\ntitle: Multi\ndate: 2021-03-04\ndescription: >\n  One.\n\n  Two.\n---\n",
        "h-multi",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
    ("i-no-date.md", "---\ntitle: No date at all\n---\n", "i-no-date", "published", "now"),
    (
        "j-canonical.md",
        "---\ntitle: Canonical\ndate: 2021-03-04\ncanonical_url: https://example.com/first\ncanonicalURL: https://example.com/first\nlanguage: de\nlang: de\ncover_image: https://example.com/a.png\nimage: https://example.com/a.png\n---\n",
        "j-canonical",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
    (
        "a/index.fr.md",
        "---\ntitle: En fran\u{e7}ais\ndate: 2021-03-04\n---\n",
        "a",
        "published",
        "2021-03-04T00:00:00.000Z",
    ),
];

#[tokio::test]
async fn odd_files_of_real_blogs_come_in_as_they_were_meant_and_every_file_is_named_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (name, front, ..) in ODD {
        write(name, &format!("{front}Text.\n"));
    }
    let long = format!("{}.md", "x".repeat(101));
    write(&long, "---\ntitle: Long name\ndate: 2021-03-04\nweight: 3\n---\nText.\n");
    write("_index.ja.md", "---\ntitle: Section\n---\nA section page.\n");
    write("picture.png", "");
    write(".git/config", "");

    let nobody = LogIn { user: None, ..log_in("ada", "http://nobody.invalid") };
    let planned = Import { dry_run: true, account: nobody, ..import(folder.path(), "ada", &url) };
    let (plan, out) = run_as(&planned).await;
    assert_eq!((plan.counts.planned, plan.counts.left, plan.counts.failed), (14, 3, 0), "{out}");
    assert_eq!(ada.get("/me/posts").await.each("slug").len(), 0, "a dry run sends nothing");
    assert!(!folder.path().join(".broadsheet-import.jsonl").exists());

    let (json, redirects) = (folder.path().join(".report.json"), folder.path().join(".redirects"));
    let with_files =
        Import { report: Some(json.clone()), redirects: Some(redirects.clone()), ..import(folder.path(), "ada", &url) };
    let (report, out) = run_as(&with_files).await;
    assert_eq!((report.counts.created, report.counts.left, report.counts.failed), (14, 3, 0), "{out}");
    for (name, _, slug, status, time) in ODD {
        let post = ada.get(&format!("/posts/{slug}")).await;
        post.expect_status(200);
        assert_eq!(post.body["status"], status, "{name}");
        let now = Timestamp::from_milliseconds(START).to_string();
        match time {
            "" => assert!(post.body["published_at"].is_null(), "{name}"),
            // The story's clock stands at its start or a little later.
            "now" => assert_eq!(post.body["published_at"].as_str().unwrap()[..10], now[..10], "{name}"),
            time => assert_eq!(post.body["published_at"], time, "{name}"),
        }
        if status != "published" {
            stack.visitor().get(&format!("/posts/{slug}")).await.expect_status(404);
        }
    }
    ada.get(&format!("/posts/{}", "x".repeat(80))).await.expect_status(200);
    assert_eq!(ada.get("/posts/h-multi").await.body["summary"], "One. Two.");
    assert_eq!(ada.get("/posts/a").await.body["language"], "fr");
    let canonical = ada.get("/posts/j-canonical").await.body;
    let fields = ["canonical_url", "cover_image_url", "language"].map(|name| canonical[name].as_str().unwrap());
    assert_eq!(fields, ["https://example.com/first", "https://example.com/a.png", "de"]);

    // Without a journal, the posts themselves say that nothing has changed.
    let (again, out_again) = run_without_journal(folder.path(), "ada", &url).await;
    assert_eq!(again.counts.unchanged, 14, "{out_again}");

    assert!(out.contains("no date in the file"), "{out}");
    assert!(out.contains("extra (1), weight (1)"), "{out}");
    let redirects = std::fs::read_to_string(redirects).unwrap();
    assert_eq!(redirects, "/2019/01/01/same /posts/same 301\n/2020/01/01/same /posts/same-2020 301\n");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let mut named: Vec<_> =
        json["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = ODD.iter().map(|(name, ..)| *name).collect();
    expected.extend([&*long, "_index.ja.md", "picture.png", ".git"]);
    named.sort_unstable();
    expected.sort_unstable();
    assert_eq!(named, expected);
}

#[tokio::test]
async fn what_a_site_keeps_back_becomes_a_draft() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, keys) in [
        ("hugo.toml", ""),
        ("content/posts/shown.md", "draft: false\nstatus: published"),
        ("content/posts/hidden.md", "hidden: true"),
        ("content/posts/status.md", "status: private"),
        ("content/posts/protected.md", "password: secret"),
        ("content/posts/listed-nowhere.md", "build: { list: never }"),
        ("content/drafts/in-a-folder.md", ""),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = if name == "hugo.toml" { String::new() } else { format!("---\ntitle: A\n{keys}\n---\nText.\n") };
        std::fs::write(path, text).unwrap();
    }
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts.created, 6, "{out}");
    assert_eq!(stack.visitor().get("/posts").await.each("slug"), ["shown"], "{out}");
    assert_eq!(ada.get("/me/posts?status=draft").await.each("slug").len(), 5, "{out}");
}

#[tokio::test]
async fn a_second_import_changes_what_the_file_has_changed_and_nothing_else() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.md", "---\ntitle: A\ndate: 2020-01-02\nsummary: First\ntags: [one]\n---\nText.\n");
    write("b.md", "---\ntitle: B\ndate: 2020-01-02\ndraft: true\n---\nText.\n");
    write("c.md", "---\ntitle: C\ndate: 2020-01-02\n---\nText.\n");
    write("d.md", "---\ntitle: D\ndate: 2020-01-02\n---\nText.\n");
    run(folder.path(), "ada", &url).await;

    // Corrected in the editor, where no file knows of it.
    for slug in ["a", "d"] {
        let edit = json!({ "title": "Edited", "tags": ["edited"] });
        ada.patch(&format!("/posts/{slug}"), "*", edit).await.expect_status(200);
    }
    write("a.md", "---\ntitle: A\ndate: 2019-03-04 05:06\ntags: [one]\n---\nMore text.\n");
    write("b.md", "---\ntitle: B\ndate: 2020-01-02\n---\nText.\n");
    write("c.md", "---\ntitle: C\ndate: 2020-01-02\ndraft: true\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 3, 1, 0), "{out}");
    let a = stack.visitor().get("/posts/a").await.body;
    assert_eq!((&a["title"], &a["body"]), (&json!("Edited"), &json!("More text.")));
    assert_eq!((&a["tags"], &a["summary"]), (&json!(["edited"]), &json!("More text.")));
    assert_eq!(a["published_at"], "2019-03-04T05:06:00.000Z");
    assert_eq!(stack.visitor().get("/posts/b").await.body["published_at"], "2020-01-02T00:00:00.000Z");
    stack.visitor().get("/posts/c").await.expect_status(404);
    assert_eq!(ada.get("/posts/c").await.body["status"], "draft");
    assert_eq!(stack.visitor().get("/posts/d").await.body["title"], "Edited");

    write("c.md", "---\ntitle: C\ndate: 2099-01-02\n---\nText.\n");
    write("d.md", "---\ntitle: D\ndate: 2099-01-02\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 2, 2, 0), "{out}");
    for slug in ["c", "d"] {
        assert_eq!(ada.get(&format!("/posts/{slug}")).await.body["status"], "scheduled", "{slug}");
    }
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 0, 4, 0), "{out}");

    // What was thrown away there is not brought back.
    ada.delete("/posts/a").await.expect_status(204);
    write("a.md", "---\ntitle: Anew\n---\nText.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 0, 3, 1), "{out}");
    assert!(out.contains("is not there any more"), "{out}");
    ada.get("/posts/a").await.expect_status(410);

    // What the file hides is not shown, whoever published its post; and not for a moment before it is withdrawn.
    write("b.md", "---\ntitle: B\ndate: 2020-01-02\ndraft: true\n---\nSecret.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 1, 2, 1), "{out}");
    stack.visitor().get("/posts/b").await.expect_status(404);
    ada.post("/posts/b/publish", json!({})).await.expect_status(200);
    write("b.md", "---\ntitle: B\ndate: 2020-01-02\ndraft: true\n---\nAnother secret.\n");
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 0, 2, 2), "{out}");
    assert!(out.contains("The file is a draft, but its post is published"), "{out}");
}

#[tokio::test]
async fn another_blog_overwrites_nothing_of_the_first() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let url = serve(&stack).await;
    let blog = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        folder
    };
    let first = blog(&[
        ("hello.md", "---\ntitle: Hello\ndate: 2019-01-02\n---\nFirst.\n"),
        ("notes.md", "---\ntitle: Notes\ndate: 2019-01-02\n---\nFirst.\n"),
        ("same.md", "---\ntitle: Same\ndate: 2019-01-02\n---\nFirst.\n"),
    ]);
    run(first.path(), "ada", &url).await;
    let second = blog(&[
        ("hello.md", "---\ntitle: Bonjour\ndate: 2021-01-02\n---\nSecond.\n"),
        ("notes.md", "---\ntitle: Notes\ndate: 2021-01-02\n---\nSecond.\n"),
        ("same.md", "---\ntitle: Same\ndate: 2019-01-02\ndraft: true\n---\nSecret.\n"),
    ]);
    let (report, out) = run(second.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(2, 0, 0, 1), "{out}");
    assert!(out.contains("another post of yours has the slug \"hello\""), "{out}");
    assert!(out.contains("The file is a draft, but its post is published"), "{out}");
    let expected = [
        ("hello", "First."),
        ("notes", "First."),
        ("same", "First."),
        ("hello-2021", "Second."),
        ("notes-2021", "Second."),
    ];
    for (slug, body) in expected {
        assert_eq!(stack.visitor().get(&format!("/posts/{slug}")).await.body["body"], body);
    }
    let (report, out) = run(second.path(), "ada", &url).await;
    assert_eq!(report.counts, counts(0, 0, 2, 1), "{out}");
}

#[tokio::test]
async fn an_import_goes_on_where_another_was_stopped_and_by_an_api_key() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(folder.path().join(format!("{name}.md")), "---\ndate: 2020-01-02\n---\nText.\n").unwrap();
    }
    run(folder.path(), "ada", &url).await;
    let journal = folder.path().join(".broadsheet-import.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    // Stopped while the third line was written: its post is there, but nothing says so.
    std::fs::write(&journal, &text[..text.len() - 20]).unwrap();

    let scopes = json!(["read", "posts:write"]);
    let key = ada.post("/me/keys", json!({ "name": "Import", "scopes": scopes })).await;
    key.expect_status(201);
    let key = key.body["key"].as_str().unwrap();
    let with_key = |key: String| Import {
        account: LogIn { key: Some(key), user: None, password: None, url: url.clone() },
        ..import(folder.path(), "ada", &url)
    };
    let by_key = with_key(key.to_owned());
    let (report, out) = run_as(&by_key).await;
    assert_eq!(report.counts, counts(0, 0, 3, 0), "{out}");
    assert!(report.files.iter().all(|file| file.outcome == Outcome::Unchanged));
    assert_eq!(ada.get("/me/posts").await.each("slug").len(), 3);
    let refused = with_key(format!("{key}x"));
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let error = importer::run(&refused, now, &mut Vec::new()).await.unwrap_err().to_string();
    assert!(error.starts_with("The key was refused:"), "{error}");
}

/// A picture of one colour, as a PNG.
pub fn png(width: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(width, width / 2, image::Rgb([200, 20, 20]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Imports while the plug-ins of the bus work, which read what is uploaded.
pub async fn run_with_plug_ins(stack: &TestStack, import: &Import) -> (Report, String) {
    let plug_ins = async {
        loop {
            stack.settle().await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        done = run_as(import) => done,
        () = plug_ins => unreachable!("they never end"),
    }
}

/// Writes a folder of files.
fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

#[tokio::test]
async fn pictures_links_and_old_addresses_come_along() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let bob = stack.user("bob").await;
    // Somebody else has the slug of a post that is linked to.
    bob.post("/posts", json!({ "title": "T", "body": "B", "slug": "third", "status": "published" }))
        .await
        .expect_status(201);
    let url = serve(&stack).await;
    let first = b"---\ntitle: First post\ndate: 2020-01-02\ncover: {image: cat.png}\n---\n![A cat](cat.png)\n\n\
        {{< figure src=\"/img/same.png\" alt=\"Same\" >}}\n\n[second](../second.md) [third](../third.md) [paper](paper.pdf)\n\n\
        `![code](cat.png)`\n";
    let second =
        b"---\ntitle: Second\ndate: 2020-01-03\n---\n[first](https://old.example/blog/2020/01/first-post/#part) \
        [by ref]({{< ref \"first\" >}})\n\n{{< tabs >}}\n";
    let picture = png(700);
    let folder = folder_of(&[
        ("hugo.toml", b"baseURL = 'https://old.example/blog/'\n[permalinks]\nposts = '/:year/:month/:slug/'\n"),
        ("content/posts/first/index.md", first),
        ("content/posts/first/cat.png", &picture),
        ("content/posts/first/unused.png", &picture),
        ("content/posts/first/paper.pdf", b"%PDF"),
        ("content/posts/second.md", second),
        ("content/posts/third.md", b"---\ntitle: Third\ndate: 2020-01-04\n---\nText.\n"),
        ("static/img/same.png", &picture),
    ]);
    let redirects = folder.path().join(".redirects");
    let import = Import { redirects: Some(redirects.clone()), ..import(folder.path(), "ada", &url) };
    let (report, out) = run_with_plug_ins(&stack, &import).await;
    assert_eq!((report.counts.created, report.counts.uploaded, report.counts.failed), (3, 1, 0), "{out}");
    assert_eq!((report.counts.unchanged, report.counts.left), (1, 3), "{out}");

    let media = ada.get("/me/media").await.each("id");
    assert_eq!(media.len(), 1, "the same file is uploaded once");
    let shown = format!("/media/{}", media[0]);
    let post = stack.visitor().get("/posts/first").await.body;
    let expected = format!(
        "![A cat]({shown})\n\n![Same]({shown})\n\n[second](/posts/second) [third](/posts/third-2020) [paper](paper.pdf)\n\n\
         `![code](cat.png)`"
    );
    assert_eq!(post["body"], expected);
    assert!(post["html"].as_str().unwrap().contains("srcset"), "{}", post["html"]);
    let cover = post["cover_image_url"].as_str().unwrap();
    assert!(cover.starts_with("http://") && cover.contains(&shown), "{cover}");
    let second = stack.visitor().get("/posts/second").await.body;
    assert_eq!(second["body"], "[first](/posts/first#part) [by ref](/posts/first)\n\n{{< tabs >}}");
    assert!(out.contains("kept as text: tabs (1)") && out.contains("paper.pdf"), "{out}");
    let lines = std::fs::read_to_string(redirects).unwrap();
    assert!(lines.contains("/blog/2020/01/first-post/ /posts/first 301\n"), "{lines}");
    assert!(lines.contains("/blog/2020/01/third/ /posts/third-2020 301\n"), "{lines}");
    let moved = stack.visitor().get("/posts/first-post").await;
    moved.expect_status(301);
    assert!(moved.header("location").ends_with("/posts/first"), "{}", moved.header("location"));

    let (again, out) = run_with_plug_ins(&stack, &import).await;
    // One more is left out: the file of redirects, which lies in the folder since.
    assert_eq!(again.counts, Counts { left: 4, ..counts(0, 0, 5, 0) }, "{out}");
}

/// What is code, a link or neither is for CommonMark to say: <https://spec.commonmark.org/0.31.2/#links>.
#[tokio::test]
async fn links_lead_to_posts_wherever_they_stand_and_nothing_else_of_a_text_changes() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    // What leads to `b` is a link, what would lead to `c` is none.
    let text = r#"[in a line](b.md "title") [in brackets](<b.md>) [![in a link](b.md)](b.md) [by label][b] [parentheses](d_(e).md)

> - [in a quote](
>   b.md) <i title="`">[behind a tag](b.md)</i> <a href="b.md">`in a tag`</a>

| a |
|---|
| [in `a table](b.md) |

<div title="a > b">
<a href='b.md'>in a block of HTML</a> [text](c.md)
</div>

[b]: b.md 'title'

    [an indented block](c.md) {{< ref "c" >}}

```
[a fenced block](c.md) {{< ref "c" >}}
```

`[a span](c.md) {{< ref "c" >}}` <!-- [a comment](c.md) {{< ref "c" >}} --> a](c.md) \[a](c.md) [a](c.md c) [a](c.md "c" d)"#;
    let links = "[b]({{< ref \"b\" >}}) [c](c.md)";
    let folder = folder_of(&[
        ("hugo.toml", b""),
        ("content/posts/a.md", format!("---\ntitle: A\n---\n{text}\n\n{links}\n").as_bytes()),
        ("content/posts/b.md", b"---\ntitle: B\n---\nText.\n"),
        ("content/posts/c.md", b"---\ntitle: C\n---\nText.\n"),
        ("content/posts/d_(e).md", b"---\ntitle: D\nslug: d\n---\nText.\n"),
    ]);
    let (report, out) = run(folder.path(), "ada", &url).await;
    assert_eq!((report.counts.created, report.counts.failed), (4, 0), "{out}");
    let led = text.replace("b.md", "/posts/b").replace("d_(e).md", "/posts/d");
    let expected = format!("{led}\n\n[b](/posts/b) [c](/posts/c)");
    let post = ada.get("/posts/a").await.body;
    assert_eq!(post["body"].as_str().unwrap().lines().collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_post_of_jekyll_shows_what_kramdown_read() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let post = "---\ntitle: A\n---\nOne\n: Of *it*\n\nThe HTML\n\n*[HTML]: Hypertext\n\n<div class=\"note\" markdown=\"1\">\n**b**\n</div>\n\n\
        <{{ site.url }}/about/> ![](./pictures/a.png)\n\n\
        {% highlight md %}\nOne\n: Two\n\n## Three {#four}\n<iframe src=\"five\"></iframe>\n{% endhighlight %}\n";
    let folder = folder_of(&[
        ("_config.yml", b"url: https://old.example\n"),
        ("_posts/2020-01-02-a.md", post.as_bytes()),
        ("pictures/a.png", &png(700)),
    ]);
    let (report, out) = run_with_plug_ins(&stack, &import(folder.path(), "ada", &url)).await;
    assert_eq!((report.counts.created, report.counts.uploaded, report.counts.failed), (1, 1, 0), "{out}");
    let post = ada.get("/posts/a").await.body;
    let code = "```md\nOne\n: Two\n\n## Three {#four}\n<iframe src=\"five\"></iframe>\n```";
    assert!(post["body"].as_str().unwrap().ends_with(code), "{post}");
    let html = post["html"].as_str().unwrap().replace('\n', "");
    for shown in [
        "<dl><dt>One</dt><dd><p>Of <em>it</em></p></dd></dl>",
        "<p>The <abbr title=\"Hypertext\">HTML</abbr></p>",
        "<div><p><strong>b</strong></p></div>",
        "<a href=\"/about/\" rel=\"noopener noreferrer\">/about/</a> <img",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
}

#[tokio::test]
async fn notes_of_a_vault_find_their_pictures_and_each_other_from_any_folder() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let one = "![[my pic.png]] ![[att/My Pic.png]] ![[gone.png]] [[two NOTE]] [[Gone]]\n\n\
        <iframe src=\"https://www.youtube.com/embed/abc\"></iframe>\n\n<iframe></iframe>\n";
    let folder = folder_of(&[
        (".obsidian/app.json", b"{}"),
        ("att/My Pic.png", &png(700)),
        ("sub/One.md", one.as_bytes()),
        ("Two Note.md", b"Text.\n"),
    ]);
    let (report, out) = run_with_plug_ins(&stack, &import(folder.path(), "ada", &url)).await;
    assert_eq!((report.counts.created, report.counts.uploaded, report.counts.failed), (2, 1, 0), "{out}");
    let picture = format!("/media/{}", ada.get("/me/media").await.each("id").concat());
    assert_eq!(
        ada.get("/posts/one").await.body["body"],
        format!(
            "![](<{picture}>) ![](<{picture}>) ![](<gone.png>) [two NOTE](/posts/two-note) [[Gone]]\n\n\
            <a href=\"https://www.youtube.com/watch?v=abc\">youtube.com/watch?v=abc</a>\n\n<iframe></iframe>"
        )
    );
    for note in ["1 × a link of a wiki", "1 × a player or frame, which became a link", "the first is gone.png"] {
        assert!(out.contains(note), "{out}");
    }
}

#[tokio::test]
async fn what_a_post_shows_beyond_its_most_pictures_is_said() {
    let stack = TestStack::start().await;
    stack.user("ada").await;
    let url = serve(&stack).await;
    let pictures: Vec<_> = (10..42).map(|width| (format!("{width}.png"), png(width))).collect();
    let text: String = pictures.iter().map(|(name, _)| format!("![]({name})\n")).collect();
    let mut files: Vec<_> = pictures.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    files.push(("a.md", text.as_bytes()));
    let folder = folder_of(&files);
    let (_, out) = run_as(&Import { dry_run: true, ..import(folder.path(), "ada", &url) }).await;
    assert!(out.contains("2 × a picture that is not shown, because a post shows at most 30"), "{out}");
    assert!(!out.contains("leads into the old site"), "{out}");
}

#[tokio::test]
async fn the_posts_of_an_author_whose_key_is_known_become_theirs() {
    let stack = TestStack::start().await;
    let admin = stack.admin().await;
    let bob = stack.user("bob").await;
    let key = bob.post("/me/keys", json!({ "name": "Import", "scopes": ["read", "posts:write", "media:write"] })).await;
    key.expect_status(201);
    let url = serve(&stack).await;
    let post = |author: &str| format!("---\ndate: 2020-01-02\n{author}\n---\nText.\n").into_bytes();
    let folder = folder_of(&[
        ("a.md", &post("author: Bob  B")),
        ("b.md", &post("authors: [{name: bob b}, Carol]")),
        ("c.md", &post("author: Carol")),
        ("d.md", &post("title: D")),
        (".authors", format!("Bob B: {}\nCarol: carol@example.com\n", key.body["key"].as_str().unwrap()).as_bytes()),
    ]);
    let admin_name = admin.get("/me").await.body["username"].as_str().unwrap().to_owned();
    let import = Import {
        authors: Some(folder.path().join(".authors")),
        invite: true,
        ..import(folder.path(), &admin_name, &url)
    };
    let (report, out) = run_as(&import).await;
    assert_eq!((report.counts.created, report.counts.failed), (4, 0), "{out}");
    for (slug, author) in [("a", "bob"), ("b", "bob"), ("c", &*admin_name), ("d", &*admin_name)] {
        assert_eq!(stack.visitor().get(&format!("/posts/{slug}")).await.body["author"]["username"], author, "{slug}");
    }
    assert!(out.contains("carol@example.com can register with the invitation bsi_"), "{out}");
    assert!(out.contains("authors of the old site: Bob  B (1), Carol (2), bob b (1)"), "{out}");
    let (again, out) = run_as(&import).await;
    assert_eq!(again.counts.unchanged, 4, "{out}");
    assert!(out.contains("carol@example.com has an open invitation already"), "{out}");
    assert_eq!(admin.get("/admin/invitations").await.body["items"].as_array().unwrap().len(), 1);
    let (again, out) = run_as(&Import { invite: false, ..import }).await;
    assert_eq!(again.counts.unchanged, 4, "{out}");
    assert!(out.contains("Not invited without --invite: carol@example.com. Their posts become yours."), "{out}");
}
