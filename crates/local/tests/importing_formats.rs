//! A blog of WordPress or Ghost comes in from its export.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect};
use importer::{Formats, Import, Outcome, Report};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{TestStack, walk};
use crate::importing::{import, png, run_as, run_with_plug_ins, serve};

/// An item of an export of WordPress.
fn item(id: u32, kind: &str, status: &str, date: &str, more: &str, content: &str) -> String {
    format!(
        "<item><title>Title {id}</title><link>https://old.example/2020/01/title-{id}/</link><dc:creator>ada</dc:creator>\
         <content:encoded><![CDATA[{content}]]></content:encoded><wp:post_id>{id}</wp:post_id>\
         <wp:post_date_gmt>{date}</wp:post_date_gmt><wp:comment_status>open</wp:comment_status>\
         <wp:post_name>title-{id}</wp:post_name><wp:status>{status}</wp:status><wp:post_type>{kind}</wp:post_type>{more}</item>"
    )
}

fn comment(id: u32, parent: u32, approved: &str, text: &str) -> String {
    format!(
        "<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_author>Reader {id}</wp:comment_author>\
         <wp:comment_author_email>reader@example.com</wp:comment_author_email><wp:comment_author_IP>192.0.2.7</wp:comment_author_IP>\
         <wp:comment_date_gmt>2020-01-0{id} 00:00:00</wp:comment_date_gmt><wp:comment_content>{text}</wp:comment_content>\
         <wp:comment_approved>{approved}</wp:comment_approved><wp:comment_parent>{parent}</wp:comment_parent></wp:comment>"
    )
}

fn export(items: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel><title>Old</title>\
         <wp:base_blog_url>https://old.example</wp:base_blog_url>{}</channel></rss>",
        items.concat()
    )
}

/// What became of each item, by the end of its name.
fn outcomes(report: &Report) -> Vec<(String, Outcome)> {
    let name = |path: &Path| path.to_string_lossy().rsplit(['=', '/']).next().unwrap().to_owned();
    report.files.iter().map(|file| (name(&file.file), file.outcome)).collect()
}

/// The line above the comment of a reader, which no reader sees, and who wrote it.
fn above(id: u32) -> String {
    format!(
        "[imported-comment]: <import:comment?author=&name=Reader+{id}&created_at=2020-01-0{id}T00%3A00%3A00.000Z&id={id}>\n\n\
         **Reader {id}**, {id} January 2020:\n\n"
    )
}

/// The comments of a post: level, text, and whether they answer one.
async fn thread(stack: &TestStack, slug: &str) -> Vec<(u64, String)> {
    let comments = walk(&stack.visitor(), &format!("/posts/{slug}/comments"), 100).await;
    let shown = |comment: &Value| (comment["depth"].as_u64().unwrap(), comment["body"].as_str().unwrap().to_owned());
    comments.iter().map(shown).collect()
}

#[tokio::test]
async fn a_blog_of_wordpress_comes_in_with_its_threads_and_nothing_doubles() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.xml");
    let day = "2020-01-01 00:00:00";
    let closed = "<wp:comment_status>closed</wp:comment_status>";
    let comments =
        [comment(1, 0, "1", "First &amp; *foremost*"), comment(2, 1, "1", "Answer"), comment(3, 0, "0", "Waiting")]
            .concat();
    let mut items = vec![
        item(
            1,
            "post",
            "publish",
            day,
            &format!("{closed}{comments}"),
            "One\n\nSee <a href=\"https://old.example/2020/01/title-2/\">two</a>",
        ),
        item(
            2,
            "post",
            "publish",
            day,
            &comment(4, 0, "1", "Only"),
            "<!-- wp:paragraph --><p>Two</p><!-- /wp:paragraph -->",
        ),
        item(3, "post", "private", day, "", "Three"),
        item(4, "page", "publish", day, "", "Four"),
        item(5, "post", "future", "2099-01-01 00:00:00", "", "Five"),
        item(6, "post", "trash", day, "", "Six"),
        item(7, "attachment", "inherit", day, "", ""),
    ];
    std::fs::write(&file, export(&items)).unwrap();
    let plain = import(&file, "ada", &url);
    let (plan, out) = run_as(&Import { dry_run: true, ..import(&file, "ada", "http://nobody.invalid") }).await;
    assert_eq!((plan.counts.planned, plan.counts.left, plan.counts.failed), (5, 2, 0), "{out}");
    assert_eq!(ada.get("/me/posts").await.each("slug").len(), 0, "a dry run sends nothing");

    let (report, out) = run_as(&plain).await;
    assert_eq!((report.counts.created, report.counts.left, report.counts.failed), (5, 2, 0), "{out}");
    let statuses = [
        ("title-1", "published"),
        ("title-2", "published"),
        ("title-3", "draft"),
        ("title-4", "draft"),
        ("title-5", "scheduled"),
    ];
    for (slug, status) in statuses {
        assert_eq!(ada.get(&format!("/posts/{slug}")).await.body["status"], status, "{slug}");
    }
    let first = stack.visitor().get("/posts/title-1").await.body;
    assert_eq!(first["body"], "One\n\nSee [two](/posts/title-2)");
    assert_eq!((&first["published_at"], &first["comments_open"]), (&json!("2020-01-01T00:00:00.000Z"), &json!(false)));
    assert!(thread(&stack, "title-1").await.is_empty(), "comments come in only when they are asked for");

    let with_comments =
        Import { formats: Formats { comments: true, ..Formats::default() }, ..import(&file, "ada", &url) };
    let (report, out) = run_as(&with_comments).await;
    assert_eq!((report.counts.unchanged, report.counts.failed), (5, 0), "{out}");
    let expected = [(1, format!("{}First & \\*foremost\\*", above(1))), (2, format!("{}Answer", above(2)))];
    assert_eq!(thread(&stack, "title-1").await, expected);
    assert_eq!(thread(&stack, "title-2").await.len(), 1);
    assert_eq!(stack.visitor().get("/posts/title-1").await.body["comments_open"], false, "closed again");
    assert!(!out.contains("reader@example.com") && !out.contains("192.0.2.7"), "{out}");

    // Stopped before the comments were noted: they are there, and nothing says so.
    let journal = folder.path().join(".broadsheet-import.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let torn: Vec<_> =
        text.lines().filter(|line| !line.contains("#comment-2") && !line.contains("#comment-4")).collect();
    assert!(torn.len() < text.lines().count());
    std::fs::write(&journal, torn.join("\n")).unwrap();
    let (_, out) = run_as(&with_comments).await;
    assert_eq!(thread(&stack, "title-1").await, expected, "{out}");
    assert_eq!(thread(&stack, "title-2").await.len(), 1);

    // A later export has another text and another comment, and nothing else is sent.
    items[1] = item(
        2,
        "post",
        "publish",
        day,
        &[comment(4, 0, "1", "Only"), comment(5, 4, "1", "Late")].concat(),
        "Two, anew",
    );
    std::fs::write(folder.path().join("later.xml"), export(&items)).unwrap();
    let later = Import { folder: folder.path().join("later.xml"), ..with_comments };
    let (report, out) = run_as(&later).await;
    assert_eq!((report.counts.updated, report.counts.unchanged, report.counts.failed), (1, 4, 0), "{out}");
    assert_eq!(stack.visitor().get("/posts/title-2").await.body["body"], "Two, anew");
    let second = thread(&stack, "title-2").await;
    assert_eq!(second[1], (2, format!("{}Late", above(5))));
    let named: Vec<_> = outcomes(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, ["1", "2", "3", "4", "5", "6", "7"], "each item once");

    // A comment that was edited since is found without the journal, and is not there twice.
    items[1] = item(
        2,
        "post",
        "publish",
        day,
        &[comment(4, 0, "1", "Only one"), comment(5, 4, "1", "Late")].concat(),
        "Two, anew",
    );
    std::fs::write(folder.path().join("later.xml"), export(&items)).unwrap();
    std::fs::remove_file(&journal).unwrap();
    let (_, out) = run_as(&later).await;
    assert!(out.contains("0 comments imported; 1 changed") && !out.contains("refused"), "{out}");
    let texts: Vec<_> = thread(&stack, "title-2").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, [format!("{}Only one", above(4)), format!("{}Late", above(5))]);
    assert_eq!(thread(&stack, "title-1").await, expected);
}

#[tokio::test]
async fn a_blog_of_ghost_comes_in_and_says_what_does_not() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("blog.ghost.json");
    let lexical = json!({ "root": { "children": [
        { "type": "paragraph", "children": [{ "type": "extended-text", "format": 1, "text": "Bold" }] },
        { "type": "image", "src": "__GHOST_URL__/content/images/a.png", "alt": "A" },
    ] } });
    let mobiledoc = json!({ "version": "0.3.1", "markups": [], "atoms": [], "cards": [["markdown", { "markdown": "*Typed*" }]], "sections": [[10, 0]] });
    let post = |id: &str, more: Value| {
        let mut post = json!({
            "id": id, "title": format!("Post {id}"), "slug": format!("post-{id}"), "type": "post", "status": "published",
            "visibility": "public", "published_at": "2020-01-02T03:04:05.000Z",
        });
        post.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post
    };
    let tables = json!({
        "posts": [
            post("a", json!({ "lexical": lexical.to_string(), "feature_image": "__GHOST_URL__/content/images/c.png", "custom_excerpt": "Short" })),
            post("b", json!({ "mobiledoc": mobiledoc.to_string(), "status": "scheduled", "published_at": "2099-01-02T03:04:05.000Z" })),
            post("c", json!({ "html": "<p>For <i>members</i></p>", "visibility": "paid" })),
            post("d", json!({ "html": "<p>About</p>", "type": "page" })),
            post("e", json!({ "lexical": "{" })),
        ],
        "tags": [{ "id": "t", "name": "Small Web", "slug": "small-web" }],
        "posts_tags": [{ "post_id": "a", "tag_id": "t", "sort_order": 0 }],
        "members": [{ "id": "m", "email": "member@example.com" }],
    });
    // Without the list of databases, which Ghost reads as well.
    std::fs::write(&file, json!({ "meta": { "version": "5.0" }, "data": tables }).to_string()).unwrap();
    let options = Import {
        formats: Formats { site: Some("https://old.example".to_owned()), ..Formats::default() },
        redirects: Some(folder.path().join("redirects")),
        ..import(&file, "ada", &url)
    };
    let (report, out) = run_as(&options).await;
    use Outcome::{Created, Failed, Left, Unchanged};
    // By their paths: `ghost/members`, `ghost/pages`, `ghost/posts`.
    let expected =
        |outcome| [("members", Left), ("d", outcome), ("a", outcome), ("b", outcome), ("c", outcome), ("e", Failed)];
    let named = |report: &Report| outcomes(report);
    let as_named = |list: [(&str, Outcome); 6]| list.map(|(name, outcome)| (name.to_owned(), outcome)).to_vec();
    assert_eq!(named(&report), as_named(expected(Created)), "{out}");
    assert!(out.contains("members (1)") && !out.contains("member@example.com"), "{out}");

    let a = stack.visitor().get("/posts/post-a").await.body;
    assert_eq!(a["body"], "**Bold**\n\n![A](https://old.example/content/images/a.png)");
    assert_eq!(a["cover_image_url"], "https://old.example/content/images/c.png");
    assert_eq!((&a["tags"], &a["summary"]), (&json!(["small-web"]), &json!("Short")));
    for (slug, status) in [("post-b", "scheduled"), ("post-c", "draft"), ("post-d", "draft")] {
        assert_eq!(ada.get(&format!("/posts/{slug}")).await.body["status"], status, "{slug}");
    }
    let redirects = std::fs::read_to_string(folder.path().join("redirects")).unwrap();
    assert_eq!(redirects, "/post-a/ /posts/post-a 301\n/post-b/ /posts/post-b 301\n");

    let (again, out) = run_as(&options).await;
    assert_eq!(named(&again), as_named(expected(Unchanged)), "{out}");
    std::fs::write(&file, "{\"posts\": 1}").unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let error = importer::run(&options, now, &mut Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains("is no export of WordPress (XML) or Ghost (JSON)"), "{error}");
}

#[tokio::test]
async fn pictures_of_an_export_come_from_a_copy_of_the_old_site() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let uploads = folder.path().join("uploads");
    std::fs::create_dir_all(uploads.join("2020/01")).unwrap();
    std::fs::write(uploads.join("2020/01/a b.png"), png(700)).unwrap();
    std::fs::write(uploads.join("no.png"), "no picture").unwrap();
    let old = "https://old.example/wp-content/uploads";
    let text = format!(
        "<img src=\"{old}/2020/01/a%20b.png\" alt=\"A\"> <img src=\"{old}/gone.png\" alt=\"B\"> <img src=\"{old}/no.png\" alt=\"C\">"
    );
    let day = "2020-01-01 00:00:00";
    let attachment = format!("<wp:attachment_url>{old}/2020/01/a%20b.png</wp:attachment_url>");
    let featured =
        "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>2</wp:meta_value></wp:postmeta>";
    let items =
        [item(1, "post", "publish", day, featured, &text), item(2, "attachment", "inherit", day, &attachment, "")];
    let wordpress = folder.path().join("old.xml");
    std::fs::write(&wordpress, export(&items)).unwrap();
    // Named by a link to it.
    let named = folder.path().join("copy");
    std::os::unix::fs::symlink(&uploads, &named).unwrap();
    let formats = Formats { media: Some(named.clone()), ..Formats::default() };
    let options = Import { formats: formats.clone(), ..import(&wordpress, "ada", &url) };
    let (report, out) = run_with_plug_ins(&stack, &options).await;
    assert_eq!((report.counts.created, report.counts.uploaded), (1, 1), "{out}");
    let uploaded: Vec<_> = report.files.iter().filter(|file| file.outcome == Outcome::Uploaded).collect();
    assert_eq!(uploaded[0].file, named.join("2020/01/a b.png"), "as it was given");
    let missing = format!(
        "2 × a picture of the old site that the folder of --media does not have, and that stays there; the first is {old}/gone.png"
    );
    assert!(out.contains(&missing), "{out}");
    let id = ada.get("/me/media").await.each("id").concat();
    let post = stack.visitor().get("/posts/title-1").await.body;
    assert_eq!(post["body"], format!("![A](/media/{id}) ![B]({old}/gone.png) ![C]({old}/no.png)"));
    assert!(post["cover_image_url"].as_str().unwrap().contains(&format!("/media/{id}/")), "{post}");
    let (again, out) = run_with_plug_ins(&stack, &options).await;
    assert_eq!((again.counts.created, again.counts.uploaded, again.counts.updated), (0, 0, 0), "{out}");

    // Ghost's export leaves the address of the site out.
    let post = json!({
        "id": "g", "title": "G", "slug": "g", "status": "published", "published_at": "2020-01-02T03:04:05.000Z",
        "html": "<p><img src=\"__GHOST_URL__/content/images/2020/01/a b.png\" alt=\"A\"></p>",
        "feature_image": "__GHOST_URL__/content/images/2020/01/a b.png",
    });
    let ghost = folder.path().join("ghost.json");
    std::fs::write(&ghost, json!({ "data": { "posts": [post] } }).to_string()).unwrap();
    let (_, out) = run_with_plug_ins(&stack, &Import { formats, ..import(&ghost, "ada", &url) }).await;
    let post = stack.visitor().get("/posts/g").await.body;
    assert_eq!(post["body"], format!("![A](/media/{id})"), "{out}");
    assert!(post["cover_image_url"].as_str().unwrap().contains(&format!("/media/{id}/")), "{post}");
    let (_, out) = run_as(&Import { dry_run: true, ..import(&ghost, "ada", &url) }).await;
    assert!(
        out.contains("it needs the address of the old site (--site), or a copy of its pictures (--media)"),
        "{out}"
    );
}

/// The old site, which notes what it is asked for.
async fn old_site(paths: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |uri: Uri| {
        paths.lock().unwrap().push(uri.path().to_owned());
        let found = match uri.path() {
            "/wp-content/uploads/2020/01/a%20b.png" | "/content/images/g.png" => Ok(png(700)),
            "/wp-content/uploads/moved.png" => return Redirect::to("/content/images/g.png").into_response(),
            "/wp-content/uploads/no.png" => Ok(b"<html>Not found".to_vec()),
            "/wp-content/uploads/huge.png" => Ok([png(10), vec![0; 20 * 1024 * 1024]].concat()),
            _ => Err(StatusCode::NOT_FOUND),
        };
        found.into_response()
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(async move |uri| answer(uri))).await });
    address
}

#[tokio::test]
async fn pictures_that_the_copy_lacks_are_fetched_from_the_old_site_once() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let site = old_site(Arc::clone(&asked)).await;
    // As on WordPress.com: files are on another host than the site.
    let files = site.replace("127.0.0.1", "localhost");
    let folder = tempfile::tempdir().unwrap();
    let uploads = folder.path().join("uploads");
    let picture = |address: &str| format!("<img src=\"{address}\">");
    let own = |file: &str| picture(&format!("{site}/wp-content/uploads/{file}"));
    let text = [
        own("2020/01/a%20b.png?w=300"),
        own("moved.png"),
        own("no.png"),
        own("huge.png"),
        own("../../secret.png"),
        own("gone.png"),
        picture("https://elsewhere.example/wp-content/uploads/a.png"),
        format!("<a href=\"{site}/wp-content/uploads/paper.pdf\">paper</a>"),
    ]
    .concat();
    let (day, other) = ("2020-01-01 00:00:00", picture(&format!("{files}/content/images/g.png")));
    let attachment = format!("<wp:attachment_url>{files}/content/images/g.png</wp:attachment_url>");
    let items = [
        item(1, "post", "publish", day, "", &text),
        item(2, "attachment", "inherit", day, &attachment, ""),
        item(3, "post", "publish", day, "", &format!("{}{other}", own("gone.png"))),
    ];
    let wordpress = folder.path().join("old.xml");
    std::fs::write(&wordpress, export(&items).replace("https://old.example", &site)).unwrap();
    let formats = Formats { media: Some(uploads.clone()), fetch: true, ..Formats::default() };
    let options = Import { formats: formats.clone(), ..import(&wordpress, "ada", &url) };

    let (plan, _) = run_as(&Import { dry_run: true, ..options.clone() }).await;
    let planned = plan.files.iter().flat_map(|file| &file.notes).filter(|note| note.contains("would be fetched"));
    assert_eq!(planned.count(), 2);
    assert!(asked.lock().unwrap().is_empty(), "a plan asks for nothing");

    let (report, out) = run_with_plug_ins(&stack, &options).await;
    assert_eq!((report.counts.created, report.counts.failed), (2, 0), "{out}");
    assert_eq!(ada.get("/me/media").await.each("id").len(), 1, "three addresses of one picture: {out}");
    for reason in ["404 Not Found", "no JPEG, PNG, GIF or WebP", "more than 20 MiB"] {
        assert!(out.contains(reason), "{reason} is not in {out}");
    }
    let shown = stack.visitor().get("/posts/title-1").await.body["body"].as_str().unwrap().to_owned();
    assert_eq!(shown.matches("/media/").count(), 2, "{shown}");
    let shown = stack.visitor().get("/posts/title-3").await.body["body"].as_str().unwrap().to_owned();
    assert_eq!(shown.matches("/media/").count(), 1, "{shown}");
    let mut paths = std::mem::take(&mut *asked.lock().unwrap());
    paths.sort();
    let expected = [
        "/content/images/g.png",
        "/content/images/g.png",
        "/wp-content/uploads/2020/01/a%20b.png",
        "/wp-content/uploads/gone.png",
        "/wp-content/uploads/huge.png",
        "/wp-content/uploads/moved.png",
        "/wp-content/uploads/no.png",
    ];
    assert_eq!(paths, expected, "each once, and one of them through a redirect");
    assert!(uploads.join("2020/01/a b.png").is_file() && uploads.join("localhost").is_dir());
    assert!(!uploads.join("no.png").exists() && !uploads.join(".broadsheet-part").exists());

    // What is there is not fetched again, and nothing changes.
    let (again, out) = run_with_plug_ins(&stack, &options).await;
    assert_eq!((again.counts.created, again.counts.updated, again.counts.uploaded), (0, 0, 0), "{out}");
    assert_eq!(asked.lock().unwrap().len(), 3, "what failed is tried once more");

    let post = json!({
        "id": "g", "title": "G", "slug": "g", "status": "published", "published_at": "2020-01-02T03:04:05.000Z",
        "html": "<p><img src=\"__GHOST_URL__/content/images/g.png\" alt=\"A\"></p>",
    });
    let ghost = folder.path().join("ghost.json");
    std::fs::write(&ghost, json!({ "data": { "posts": [post] } }).to_string()).unwrap();
    let formats = Formats { site: Some(site), ..formats };
    let (_, out) = run_with_plug_ins(&stack, &Import { formats, ..import(&ghost, "ada", &url) }).await;
    let body = stack.visitor().get("/posts/g").await.body["body"].as_str().unwrap().to_owned();
    assert!(body.starts_with("![A](/media/"), "{body}: {out}");
}
