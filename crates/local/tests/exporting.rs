//! A blog becomes a folder, and the folder the same blog elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use domain::{Role, Timestamp};
use importer::{Export, Exported, Formats, Import, ImportError, Outcome, Report};
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, START, TestStack};
use crate::importing::{import as options, log_in, serve};

/// Lets what follows from changes happen while `work` is done, as it does outside of tests.
async fn beside<T>(stack: &TestStack, work: impl Future<Output = T>) -> T {
    let settle = async {
        loop {
            stack.settle().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        done = work => done,
        never = settle => never,
    }
}

async fn try_export(folder: &Path, user: &str, url: &str) -> Result<(Exported, String), ImportError> {
    let export = Export { folder: folder.to_owned(), account: log_in(user, url), mine: false };
    let mut out = Vec::new();
    let exported = importer::export(&export, &mut out).await?;
    Ok((exported, String::from_utf8(out).unwrap()))
}

async fn export(folder: &Path, user: &str, url: &str) -> Exported {
    let (exported, out) = try_export(folder, user, url).await.unwrap();
    assert_eq!(exported.notes, [""; 0], "{out}");
    exported
}

async fn import_with(folder: &Path, url: &str, dry_run: bool) -> Result<(Report, String), ImportError> {
    let import = Import { dry_run, ..options(folder, "ada", url) };
    let now = Timestamp::from_milliseconds(START).to_string().parse().unwrap();
    let mut out = Vec::new();
    let report = importer::run(&import, now, &mut out).await?;
    Ok((report, String::from_utf8(out).unwrap()))
}

async fn import(stack: &TestStack, folder: &Path, url: &str) -> (Report, String) {
    beside(stack, import_with(folder, url, false)).await.unwrap()
}

/// The text with `ID` for each id, which is another one elsewhere.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 26 && word.starts_with(|first: char| first.is_ascii_digit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words
        .map(|word| {
            let end = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if is_id(end) { format!("ID{}", &word[end.len()..]) } else { word.to_owned() }
        })
        .collect()
}

/// What of an export must come back: its files without ids.
fn restorable(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in ["posts", "media"].iter().filter_map(|below| std::fs::read_dir(folder.join(below)).ok()).flatten() {
        let path = name.unwrap().path();
        let name = without_ids(&path.strip_prefix(folder).unwrap().to_string_lossy());
        let text = match path.extension().unwrap() == "md" {
            true => without_ids(&std::fs::read_to_string(&path).unwrap()),
            // A picture is written anew, so its bytes differ.
            false => String::new(),
        };
        // Where a note has been elsewhere leads to it; its slug is its id, and new.
        let is_note = name == "posts/ID.md";
        let kept = text.split_inclusive('\n').filter(|line| !(is_note && line.starts_with("aliases: ")));
        files.entry(name).or_default().push(kept.collect());
    }
    for name in ["media.json", "redirects", "reposts.json"] {
        let text = without_ids(&std::fs::read_to_string(folder.join(name)).unwrap());
        let text = text.lines().filter(|line| !line.contains("/ID"));
        files.insert(name.to_owned(), vec![text.collect::<Vec<_>>().join("\n")]);
    }
    files.values_mut().for_each(|texts| texts.sort());
    files
}

const ODD: [&str; 12] = [
    "\"Quotes\", 'quotes' and \\ backslashes",
    "Colon: # no comment",
    "--- leading dashes",
    "- a list? [no] {no} &no *no !no |no >no %no @no `no`",
    "👩\u{200d}💻 ❤\u{fe0f} שלום 你好",
    "true",
    "null",
    "2021-03-04",
    "007",
    "...",
    "\u{feff}A mark\u{a0}and spaces\u{3000}within",
    "~",
];

const BODIES: [&str; 8] = [
    "---\ntitle: Not a head\n---\nText.",
    "Lines\r\nof Windows\r\n\r\nand a lone\rone\r\n",
    "Spaces at the end  \nbreak lines.   ",
    "\n\n    code at the beginning\n\n",
    "\tTabs\tand \u{85} and \u{2028} and \u{0} and \u{feff}.",
    "No line break at the end",
    "+++\na = 1\n+++\n{\"json\": true}\n",
    "# A heading\n\nis a part of the text.\n",
];

/// Everything that a blog can have, written by ada; the number of her posts that are not in the trash.
async fn write_blog(stack: &TestStack, ada: &Client, base: &str) -> usize {
    let picture = crate::media::ready(stack, ada, 700).await;
    crate::media::ready(stack, ada, 30).await;
    let address = ada.get(&picture).await.body["url"].as_str().unwrap().to_owned();
    let address = format!("{base}{}", address.split_once("/v1").unwrap().1);
    let published = |day: usize| format!("2020-01-{day:02}T10:11:12.013Z");
    let mut written = 0;
    for (number, title) in ODD.into_iter().enumerate() {
        let draft = ada.draft(title).with("summary", title).with("meta_title", title).with("meta_description", title);
        let draft = draft.with("body", BODIES[number % BODIES.len()]).with("status", "published");
        draft.with("publish_at", published(number + 1)).with("slug", format!("odd-{number}")).save().await;
        written += 1;
    }
    let all = json!({
        "title": "x".repeat(200), "slug": "everything", "body": format!("![A cat]({picture})\n\n{}", "Long. ".repeat(20_000)),
        "summary": "s ".repeat(249), "tags": ["zebra", "Alpha", "c++"], "language": "pt-BR", "cover_image_url": address,
        "canonical_url": "https://example.com/a?b=c&d=%20#e", "meta_title": "M", "meta_description": "D",
        "status": "published", "publish_at": published(20),
    });
    ada.post("/posts", all).await.expect_status(201);
    let closed = ada.draft("Closed").with("comments_open", false).with("status", "published");
    closed.with("publish_at", published(21)).save().await;
    ada.draft("A draft").with("slug", "a-draft").with("reply_to", "everything").save().await;
    ada.draft("To come").with("status", "scheduled").with("publish_at", "2031-02-03T04:05:00.000Z").save().await;
    ada.draft("Never").with("status", "scheduled").with("publish_at", "9999-12-31T23:59:59.999Z").save().await;
    let note =
        ada.draft("").without("title").with("status", "published").with("publish_at", published(22)).save().await;
    let note = note["slug"].as_str().unwrap();
    // Older than what it answers, as an edit or an import may have it.
    let reply = ada.draft("Reply").with("reply_to", note).with("status", "published").with("publish_at", published(1));
    reply.with("slug", "a-reply").save().await;
    let quote = ada.draft("").without("title").with("quote_of", "a-reply").with("slug", "a-quote");
    quote.with("status", "published").with("publish_at", published(23)).save().await;
    ada.draft("Thrown away").save().await;
    ada.delete("/posts/thrown-away").await.expect_status(204);
    written += 8;

    ada.patch("/posts/closed", "*", json!({ "slug": "renamed" })).await.expect_status(200);
    ada.put("/posts/renamed/aliases", json!({ "aliases": ["2019-closed", "p-7"] })).await.expect_status(200);
    ada.put("/posts/odd-0/aliases", json!({ "aliases": ["odd"] })).await.expect_status(200);
    // In the order of their ids, which decides where the clock stands still while they are pinned again.
    for slug in ["odd-1", "odd-3"] {
        stack.pass_seconds(1);
        ada.call("PUT", &format!("/posts/{slug}/pin"), &[], None).await.expect_status(204);
    }
    ada.call("PUT", "/posts/everything/repost", &[], None).await.expect_status(204);
    let bob = stack.user("bob").await;
    let first = bob.post("/posts/everything/comments", json!({ "body": "First *of all*" })).await.body;
    let answer = json!({ "body": "Thank you", "parent_id": first["id"] });
    ada.post("/posts/everything/comments", answer).await.expect_status(201);
    written
}

#[tokio::test]
async fn a_blog_that_is_exported_and_imported_is_exported_the_same() {
    let (one, other) = (TestStack::start().await, TestStack::start().await);
    // No id of one is an id of the other.
    other.pass_seconds(1);
    let ada = one.user_with_role("ada", Role::Editor).await;
    let there = other.user_with_role("ada", Role::Editor).await;
    let (from, to) = (serve(&one).await, serve(&other).await);
    let written = write_blog(&one, &ada, &from).await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (first.path(), second.path());
    let exported = export(first, "ada", &from).await;
    assert_eq!((exported.posts, exported.pictures, exported.comments, exported.users), (written, 2, 2, 2));

    let (plan, out) = import_with(first, &to, true).await.unwrap();
    assert_eq!((plan.counts.planned, plan.counts.failed), (written + 3, 0), "{out}");
    assert_eq!(there.get("/me/posts").await.each("slug"), [""; 0]);
    let (report, out) = import(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.failed), (written + 3, 0), "{out}");
    assert!(report.files.iter().all(|line| line.notes.is_empty()) && report.notes.is_empty(), "{out}");
    let mut names: Vec<_> = report.files.iter().map(|line| &line.file).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "each file once");

    let exported = export(second, "ada", &to).await;
    assert_eq!((exported.posts, exported.pictures, exported.comments), (written, 2, 0));
    let (before, after) = (restorable(first), restorable(second));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, texts) in &before {
        assert_eq!(&after[name], texts, "{name}");
    }

    // As readers see it: the same order, and whatever led somewhere leads there.
    let visitor = (one.visitor(), other.visitor());
    let shown = |posts: &Value| -> Vec<Value> {
        let fields = ["title", "summary", "tags", "kind", "published_at", "comments_open", "language"];
        let items = posts["items"].as_array().unwrap().iter();
        items.map(|post| fields.iter().map(|field| post[*field].clone()).collect()).collect()
    };
    let front = (visitor.0.get("/posts?limit=100").await.body, visitor.1.get("/posts?limit=100").await.body);
    assert_eq!(shown(&front.0), shown(&front.1));
    assert_eq!([&front.1["items"][0]["slug"], &front.1["items"][1]["slug"]], ["odd-1", "odd-3"]);
    for slug in ["closed", "2019-closed", "p-7", "odd"] {
        let (here, there) =
            (visitor.0.get(&format!("/posts/{slug}")).await, visitor.1.get(&format!("/posts/{slug}")).await);
        assert_eq!((here.status, here.header("location")), (there.status, there.header("location")), "{slug}");
    }
    let note = front.0["items"].as_array().unwrap().iter().find(|post| post["kind"] == "note").unwrap();
    visitor.1.get(&format!("/posts/{}", note["slug"].as_str().unwrap())).await.expect_status(301);
    let html = visitor.1.get("/posts/everything").await.body["html"].as_str().unwrap().to_owned();
    assert!(html.contains("srcset=") && html.contains("alt=\"A cat\""), "{}", &html[..300]);
    let cover = visitor.1.get("/posts/everything").await.body["cover_image_url"].as_str().unwrap().to_owned();
    assert!(cover.starts_with(&to), "{cover}");

    // Once more, nothing changes; then only what a file has changed.
    let (again, out) = import(&other, first, &to).await;
    assert_eq!((again.counts.unchanged, again.counts.created, again.counts.updated), (written + 3, 0, 0), "{out}");
    let file = first.join("posts/odd-5.md");
    let text = std::fs::read_to_string(&file).unwrap().replacen("title: \"true\"", "title: Not false\ntags: [new]", 1);
    std::fs::write(&file, text).unwrap();
    let (again, out) = import(&other, first, &to).await;
    assert_eq!((again.counts.unchanged, again.counts.updated), (written + 2, 1), "{out}");
    let updated: Vec<_> = again.files.iter().filter(|line| line.outcome == Outcome::Updated).collect();
    assert_eq!(updated[0].slug.as_deref(), Some("odd-5"));
    let edited = visitor.1.get("/posts/odd-5").await.body;
    assert_eq!(
        (&edited["title"], &edited["tags"], &edited["summary"]),
        (&json!("Not false"), &json!(["new"]), &json!("true"))
    );
    // Without its journal each post is found where it is.
    std::fs::remove_file(first.join(".broadsheet-import.jsonl")).unwrap();
    let (again, out) = import(&other, first, &to).await;
    assert_eq!((again.counts.created, again.counts.failed), (3, 0), "only pictures and reposts: {out}");
    let kinds = there.get("/me/posts?limit=100").await.each("kind");
    assert_eq!(kinds.iter().filter(|kind| *kind != "repost").count(), written);
    assert_eq!(kinds.len(), written + 1);
}

/// The comments of an export as they are, by the post.
fn comments_in(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let files = std::fs::read_dir(folder.join("comments")).into_iter().flatten();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let comments = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (without_ids(&path.file_stem().unwrap().to_string_lossy()), comments)
        })
        .collect()
}

/// Fails unless everything that is not only exported is the same in two exports; comments to the last byte.
fn assert_the_same(first: &Path, second: &Path) {
    let (before, after) = (restorable(first), restorable(second));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, texts) in &before {
        assert_eq!(&after[name], texts, "{name}");
    }
    let (before, after) = (comments_in(first), comments_in(second));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (post, comments) in &before {
        assert_eq!(&after[post], comments, "{post}");
    }
    // What only the first has is only exported, and said to be.
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    };
    let only_exported = ["broadsheet.json", "hidden_comments.json", "only_exported.json", "users.json"];
    let without = |names: Vec<String>| -> Vec<String> {
        names.into_iter().filter(|name| !only_exported.contains(&&**name)).collect()
    };
    assert_eq!(without(names(first)), without(names(second)));
}

async fn import_with_comments(stack: &TestStack, folder: &Path, url: &str) -> (Report, String) {
    let formats = Formats { comments: true, ..Formats::default() };
    let import = Import { formats, ..options(folder, "ada", url) };
    beside(stack, crate::importing::run_as(&import)).await
}

/// Says something at a moment of its own.
async fn say(stack: &TestStack, who: &Client, post: &str, parent: &Value, body: &str) -> Value {
    stack.pass_seconds(1);
    let said = who.post(&format!("/posts/{post}/comments"), json!({ "body": body, "parent_id": parent })).await;
    said.expect_status(201);
    said.body["id"].clone()
}

#[tokio::test]
async fn comments_of_others_come_back_under_their_names_and_stay_as_they_are() {
    let (one, other, third) = (TestStack::start().await, TestStack::start().await, TestStack::start().await);
    let (ada, bob) = (one.user_with_role("ada", Role::Editor).await, one.user("bob").await);
    let (there, _) = (other.user_with_role("ada", Role::Editor).await, third.user_with_role("ada", Role::Editor).await);
    let (from, to, last) = (serve(&one).await, serve(&other).await, serve(&third).await);
    bob.patch("/me", "*", json!({ "display_name": "Bob *the* builder" })).await.expect_status(200);
    let note = ada.draft("").without("title").with("status", "published").save().await;
    ada.publish("Open", &[]).await;
    ada.publish("Closed", &[]).await;
    let say = async |who: &Client, post: &str, parent: &Value, body: &str| say(&one, who, post, parent, body).await;
    let none = Value::Null;
    let first = say(&bob, "open", &none, "First *of all*\n\n> quoted\n").await;
    let answer = say(&ada, "open", &first, "  Thank you  \n").await;
    say(&ada, "open", &none, "Second").await;
    let gone = say(&bob, "open", &answer, "Taken back").await;
    say(&ada, "open", &gone, "Why?").await;
    say(&ada, "open", &first, "Thank you").await;
    bob.delete(&format!("/posts/open/comments/{}", gone.as_str().unwrap())).await.expect_status(204);
    say(&ada, "closed", &none, "The last word").await;
    ada.patch("/posts/closed", "*", json!({ "comments_open": false })).await.expect_status(200);
    say(&ada, note["slug"].as_str().unwrap(), &none, "On a note").await;

    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [first, second, same] = [0, 1, 2].map(|number: usize| folders[number].path());
    export(first, "ada", &from).await;
    // Nobody says something in their own name without being asked.
    let (report, out) = import(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.failed), (3, 0), "{out}");
    assert_eq!(there.get("/posts/open/comments").await.each("id").len(), 0);

    let (report, out) = import_with_comments(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.unchanged, report.counts.failed), (3, 3, 0), "{out}");
    assert!(out.contains("5 comments imported") && !out.contains("refused"), "{out}");
    // Readers see whose it is, and nothing else.
    let shown = there.get("/posts/open/comments").await.body["items"][0].clone();
    let byline = "<p><strong>Bob *the* builder</strong>, 21 November 2026:</p>";
    let html = shown["html"].as_str().unwrap();
    assert_eq!(
        html.trim(),
        format!("{byline}\n<p>First <em>of all</em></p>\n<blockquote>\n<p>quoted</p>\n</blockquote>")
    );
    export(second, "ada", &to).await;
    let (before, after) = (comments_in(first), comments_in(second));
    let texts: Vec<_> = after["open"].iter().map(|comment| (&comment["author"], &comment["body"])).collect();
    let expected = [
        ("bob", "First *of all*\n\n> quoted\n"),
        ("ada", "  Thank you  \n"),
        ("ada", "Why?"),
        ("ada", "Thank you"),
        ("ada", "Second"),
    ];
    assert_eq!(
        texts,
        expected.each_ref().map(|(author, body)| (json!(author), json!(body))).each_ref().map(|(a, b)| (a, b))
    );
    assert_eq!(before, after);
    assert_eq!(there.get("/posts/closed").await.body["comments_open"], false);

    // Nothing is lost or added in a third blog, and not by importing again, with the journal or without.
    let (report, out) = import_with_comments(&third, second, &last).await;
    assert_eq!((report.counts.created, report.counts.failed), (6, 0), "{out}");
    export(same, "ada", &last).await;
    assert_eq!(before, comments_in(same));
    assert_eq!(restorable(second), restorable(same));
    let (report, out) = import_with_comments(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.unchanged), (0, 6), "{out}");
    std::fs::remove_file(first.join(".broadsheet-import.jsonl")).unwrap();
    let (report, out) = import_with_comments(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.failed), (0, 0), "{out}");
    export(second, "ada", &to).await;
    assert_eq!(before, comments_in(second));

    // Nobody puts words into the mouths of others by beginning with their name.
    let cleo = third.user("cleo").await;
    let heading = shown["body"].as_str().unwrap().replace("First *of all*", "Not by Bob");
    cleo.post("/posts/open/comments", json!({ "body": heading })).await.expect_status(201);
    export(same, "ada", &last).await;
    let said = comments_in(same)["open"].clone();
    let [.., forged] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((&forged["author"], &forged["body"]), (&json!("cleo"), &json!(heading)));
}

/// Whatever several authors have written comes back, public or not, and is the same from the first time.
#[tokio::test]
async fn comments_go_to_no_other_post_and_into_no_other_thread() {
    let (one, taken) = (TestStack::start().await, TestStack::start().await);
    let holding = TestStack::start_with_parameters(&[("HoldComments", "all")]).await;
    let ada = one.user("ada").await;
    ada.publish("Welcome", &[]).await;
    ada.draft("Quoting").with("quote_of", "welcome").publish().await;
    ada.call("PUT", "/posts/welcome/repost", &[], None).await.expect_status(204);
    let mut above = Value::Null;
    for depth in 1..=4 {
        above = say(&one, &ada, "welcome", &above, &format!("At depth {depth}")).await;
    }
    let folder = tempfile::tempdir().unwrap();
    export(folder.path(), "ada", &serve(&one).await).await;

    // Somebody else has a post at that address.
    taken.user("ada").await;
    let carol = taken.user("carol").await;
    carol.publish("Welcome", &[]).await;
    let (report, out) = import_with_comments(&taken, folder.path(), &serve(&taken).await).await;
    assert_eq!((report.counts.created, report.counts.failed), (1, 2), "{out}");
    assert!(out.contains("its quote_of \"welcome\" is left out: that post did not come in"), "{out}");
    assert_eq!(carol.get("/posts/welcome/comments").await.each("id"), [""; 0]);
    assert_eq!(carol.get("/posts/welcome").await.body["counts"]["reposts"], 0);
    assert_eq!(carol.get("/posts/quoting").await.body["quote_of"], Value::Null);

    // What is held takes no answers, and what answers those waits too.
    holding.user("ada").await;
    let mona = holding.user_with_role("mona", Role::Editor).await;
    let url = serve(&holding).await;
    for depth in 1..=4 {
        let (_, out) = import_with_comments(&holding, folder.path(), &url).await;
        assert!(out.contains("1 comment imported"), "{out}");
        let thread = mona.get("/posts/welcome/comments").await;
        let items = thread.body["items"].as_array().unwrap();
        let depths: Vec<_> = items.iter().map(|comment| comment["depth"].as_u64().unwrap()).collect();
        assert_eq!(depths, (1..=depth).collect::<Vec<_>>());
        let last = thread.each("id").pop().unwrap();
        let decided = mona.put(&format!("/moderation/comments/{last}"), json!({ "decision": "approve" })).await;
        decided.expect_status(200);
    }
}

#[tokio::test]
async fn a_blog_of_several_authors_is_exported_the_same_again() {
    // A word that makes a comment wait for an editor.
    let one = TestStack::start_with_parameters(&[("BlockedWords", "wait")]).await;
    let other = TestStack::start().await;
    other.pass_seconds(1);
    let (ada, bob, cleo) =
        (one.user_with_role("ada", Role::Admin).await, one.user("bob").await, one.user("cleo").await);
    let there = other.user_with_role("ada", Role::Admin).await;
    let (from, to) = (serve(&one).await, serve(&other).await);
    cleo.patch("/me", "*", json!({ "display_name": "Cléo > \"C\"" })).await.expect_status(200);
    ada.publish("Of Ada", &["one"]).await;
    ada.draft("Draft of Ada").save().await;
    bob.publish("Of Bob", &["two"]).await;
    let answer =
        bob.draft("Draft of Bob").with("reply_to", "of-ada").with("summary", "Not yet").with("tags", json!(["b", "a"]));
    answer.save().await;
    // Who has published nothing yet.
    cleo.draft("To come").with("status", "scheduled").with("publish_at", "2031-02-03T04:05:00.000Z").save().await;
    cleo.draft("").without("title").with("body", "A note of Cleo").save().await;
    cleo.draft("Thrown away").save().await;
    cleo.delete("/posts/thrown-away").await.expect_status(204);
    cleo.call("PUT", "/posts/of-bob/repost", &[], None).await.expect_status(204);
    let none = Value::Null;
    let first = say(&one, &bob, "of-ada", &none, "Of Bob").await;
    let second = say(&one, &cleo, "of-ada", &first, "Of *Cleo*\n").await;
    let own = say(&one, &ada, "of-ada", &second, "Of Ada").await;
    let fourth = say(&one, &bob, "of-ada", &second, "Of Bob").await;
    say(&one, &cleo, "of-ada", &fourth, "> Of Bob\n\nAgain").await;
    say(&one, &cleo, "of-bob", &none, "Of Cleo").await;
    // Whoever leaves is nobody's name any more; what is deleted leaves a place; some are edited, some wait, and some are on what is no longer public.
    let dora = one.user("dora").await;
    let fifth = say(&one, &dora, "of-ada", &own, "Of Dora").await;
    say(&one, &ada, "of-ada", &fifth, "To Dora").await;
    dora.call("DELETE", "/me", &[], Some(json!({ "password": PASSWORD }))).await.expect_status(204);
    one.settle().await;
    one.pass_seconds(1);
    for (who, comment) in [(&ada, &own), (&bob, &first)] {
        let path = format!("/posts/of-ada/comments/{}", comment.as_str().unwrap());
        who.patch(&path, "*", json!({ "body": "Edited" })).await.expect_status(200);
    }
    let gone = format!("/posts/of-ada/comments/{}", fourth.as_str().unwrap());
    bob.delete(&gone).await.expect_status(204);
    let eve = one.user("eve").await;
    say(&one, &eve, "of-bob", &none, "wait for me").await;
    ada.draft("Taken back").publish().await;
    say(&one, &bob, "taken-back", &none, "Seen once").await;
    ada.patch("/posts/taken-back", "*", json!({ "status": "draft" })).await.expect_status(200);

    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [first, second, same] = folders.each_ref().map(|folder| folder.path());
    let exported = export(first, "ada", &from).await;
    assert_eq!((exported.posts, exported.comments, exported.users), (7, 9, 4));
    let of_ada = &comments_in(first)["of-ada"];
    let left = of_ada.iter().find(|comment| comment["body"] == "Of Dora").unwrap();
    assert_eq!((&left["author"], &left["author_name"]), (&Value::Null, &Value::Null));
    let edited = of_ada.iter().filter(|comment| comment["updated_at"] != comment["created_at"]).count();
    assert_eq!((of_ada.len(), edited), (6, 2));
    let hidden: Value = serde_json::from_slice(&std::fs::read(first.join("hidden_comments.json")).unwrap()).unwrap();
    let words = |slug: &str| hidden[slug][0]["body"].as_str().map(str::to_owned);
    assert_eq!([words("of-bob"), words("taken-back")].map(Option::unwrap), ["wait for me", "Seen once"]);

    let (report, out) = import_with_comments(&other, first, &to).await;
    assert_eq!((report.counts.created, report.counts.failed), (9, 0), "{out}");
    assert!(!["refused", "is left out", "are left out"].iter().any(|words| out.contains(words)), "{out}");
    assert!(out.contains("comments that not everybody sees are only exported"), "{out}");
    let exported = export(second, "ada", &to).await;
    assert_eq!((exported.posts, exported.comments), (7, 7));
    assert_the_same(first, second);
    // Nothing in it is the one blog's own, so the files are the same.
    for name in ["posts/of-ada.md", "posts/draft-of-bob.md", "posts/to-come.md", "comments/of-ada.json", "media.json"] {
        let bytes = [first, second].map(|folder| std::fs::read(folder.join(name)).unwrap());
        assert_eq!(bytes[0], bytes[1], "{name}");
    }
    // From there it goes on like that.
    let third = TestStack::start().await;
    third.pass_seconds(2);
    third.user_with_role("ada", Role::Admin).await;
    let last = serve(&third).await;
    let (report, out) = import_with_comments(&third, second, &last).await;
    assert_eq!((report.counts.created, report.counts.failed), (9, 0), "{out}");
    export(same, "ada", &last).await;
    assert_the_same(second, same);

    // Nothing is public that was not, and the next import changes nothing.
    let slugs = |posts: Value| -> Vec<Value> {
        let mut slugs: Vec<_> = posts["items"].as_array().unwrap().iter().map(|post| post["slug"].clone()).collect();
        slugs.sort_by_key(Value::to_string);
        slugs
    };
    assert_eq!(slugs(other.visitor().get("/posts").await.body), ["of-ada", "of-bob"]);
    assert_eq!(slugs(there.get("/me/posts?status=scheduled").await.body), ["to-come"]);
    let (again, out) = import_with_comments(&other, first, &to).await;
    assert_eq!((again.counts.unchanged, again.counts.created, again.counts.updated), (9, 0, 0), "{out}");
}

/// What looks like the line that an import writes above a comment, and was typed by who wrote it, stays text.
#[tokio::test]
async fn nobody_becomes_the_author_of_what_another_typed() {
    let (one, other) = (TestStack::start().await, TestStack::start().await);
    let (ada, cleo) = (one.user_with_role("ada", Role::Editor).await, one.user("cleo").await);
    ada.publish("Open", &[]).await;
    let forged = "[imported-comment]: <import:comment?author=bob&name=Bob&created_at=2026-11-21T08%3A30%3A00.123Z>\n\n\
                  **Bob**, 21 November 2026:\n\nCleo is right.";
    say(&one, &cleo, "open", &Value::Null, forged).await;
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [first, second] = folders.each_ref().map(|folder| folder.path());
    export(first, "ada", &serve(&one).await).await;
    // It is the comment of whoever imports, because they are called the same.
    other.user("cleo").await;
    let url = serve(&other).await;
    let formats = Formats { comments: true, ..Formats::default() };
    let (report, out) =
        beside(&other, crate::importing::run_as(&Import { formats, ..options(first, "cleo", &url) })).await;
    assert_eq!((report.counts.created, report.counts.failed), (2, 0), "{out}");
    export(second, "cleo", &url).await;
    let said = &comments_in(second)["open"][0];
    assert_eq!((&said["author"], &said["body"]), (&json!("cleo"), &json!(forged)));
    assert_the_same(first, second);
}

/// A comment is found by where it comes from, whatever became of its text, and follows its file.
#[tokio::test]
async fn comments_that_changed_are_changed_with_the_journal_or_without() {
    let (one, other) = (TestStack::start().await, TestStack::start().await);
    let (ada, bob) = (one.user_with_role("ada", Role::Editor).await, one.user("bob").await);
    let there = other.user_with_role("ada", Role::Editor).await;
    ada.publish("Open", &[]).await;
    let first = say(&one, &bob, "open", &Value::Null, "First").await;
    say(&one, &ada, "open", &first, "Answer").await;
    let own = say(&one, &ada, "open", &Value::Null, "Own").await;
    let (from, to) = (serve(&one).await, serve(&other).await);
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [folder, second] = folders.each_ref().map(|folder| folder.path());
    export(folder, "ada", &from).await;
    let (_, out) = import_with_comments(&other, folder, &to).await;
    assert!(out.contains("3 comments imported"), "{out}");
    let journal = folder.join(".broadsheet-import.jsonl");
    for (round, is_lost) in [("once", false), ("twice", true)] {
        for (who, comment) in [(&bob, &first), (&ada, &own)] {
            one.pass_seconds(1);
            let path = format!("/posts/open/comments/{}", comment.as_str().unwrap());
            who.patch(&path, "*", json!({ "body": format!("Edited {round}") })).await.expect_status(200);
        }
        export(folder, "ada", &from).await;
        if is_lost {
            std::fs::remove_file(&journal).unwrap();
        }
        let (report, out) = import_with_comments(&other, folder, &to).await;
        assert_eq!((report.counts.created, report.counts.failed), (0, 0), "{out}");
        assert!(out.contains("0 comments imported; 2 changed"), "{out}");
        export(second, "ada", &to).await;
        let texts = |folder: &Path| -> Vec<_> {
            comments_in(folder)["open"].iter().map(|comment| comment["body"].clone()).collect()
        };
        let edited = format!("Edited {round}");
        assert_eq!(texts(second), [&*edited, "Answer", &*edited]);
        assert_eq!(comments_in(second), comments_in(folder));
    }
    // One that is edited there has the time of that.
    let listed = there.get("/posts/open/comments").await;
    let own_there = &listed.body["items"][2];
    let path = format!("/posts/open/comments/{}", own_there["id"].as_str().unwrap());
    let here = own_there["body"].as_str().unwrap().replace("Edited twice", "Edited here");
    let edited = there.patch(&path, "*", json!({ "body": here })).await;
    edited.expect_status(200);
    export(second, "ada", &to).await;
    let said = &comments_in(second)["open"][2];
    assert_eq!((&said["body"], &said["updated_at"]), (&json!("Edited here"), &edited.body["updated_at"]));

    // What was deleted there is not brought back.
    let listed = there.get("/posts/open/comments").await.each("id");
    there.delete(&format!("/posts/open/comments/{}", listed[2])).await.expect_status(204);
    let path = format!("/posts/open/comments/{}", own.as_str().unwrap());
    ada.patch(&path, "*", json!({ "body": "Once more" })).await.expect_status(200);
    export(folder, "ada", &from).await;
    let (report, out) = import_with_comments(&other, folder, &to).await;
    assert_eq!((report.counts.created, report.counts.failed), (0, 0), "{out}");
    assert_eq!(there.get("/posts/open/comments").await.each("id").len(), 2);
}

#[tokio::test]
async fn who_may_exports_the_whole_and_an_author_their_own() {
    let stack = TestStack::start().await;
    let (ada, bob) = (stack.user("ada").await, stack.user("bob").await);
    let _ = (stack.user_with_role("chief", Role::Admin).await, stack.user_with_role("rita", Role::Reader).await);
    ada.publish("Of Ada", &[]).await;
    ada.draft("Her draft").save().await;
    bob.publish("Of Bob", &[]).await;
    bob.draft("His draft").save().await;
    stack.user("dora").await.draft("Only a draft").save().await;
    let _ = stack.user_with_role("eve", Role::Editor).await;
    let url = serve(&stack).await;
    let files = |folder: &Path| {
        let posts = std::fs::read_dir(folder.join("posts")).into_iter().flatten();
        let mut posts: Vec<_> = posts.map(|post| post.unwrap().file_name().into_string().unwrap()).collect();
        posts.sort();
        let users: Value = serde_json::from_slice(&std::fs::read(folder.join("users.json")).unwrap()).unwrap();
        let users: Vec<_> =
            users.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        (posts, users)
    };
    for (user, posts, users) in [
        ("bob", vec!["his-draft.md", "of-bob.md"], vec!["bob"]),
        (
            "chief",
            vec!["her-draft.md", "his-draft.md", "of-ada.md", "of-bob.md", "only-a-draft.md"],
            vec!["ada", "bob", "chief", "dora", "eve", "rita"],
        ),
        // An editor knows of nobody who has published nothing.
        ("eve", vec!["her-draft.md", "his-draft.md", "of-ada.md", "of-bob.md"], vec!["ada", "bob", "eve"]),
        ("rita", vec![], vec!["rita"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        export(folder.path(), user, &url).await;
        let found = files(folder.path());
        assert_eq!(found.0, posts, "{user}");
        assert_eq!(found.1, users, "{user}");
        let mut pending = vec![folder.path().to_owned()];
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("@example.com") && !text.contains(PASSWORD), "{path:?}");
            assert!(!path.to_string_lossy().ends_with(".part"), "{path:?}");
        }
    }
}

#[tokio::test]
async fn an_export_goes_into_a_folder_of_its_own_and_is_brought_up_to_date() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.publish("One", &[]).await;
    ada.publish("Two", &[]).await;
    let url = serve(&stack).await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("taxes.txt"), "mine").unwrap();
    assert!(matches!(try_export(folder, "ada", &url).await, Err(ImportError::NotEmpty(_))));
    std::fs::remove_file(folder.join("taxes.txt")).unwrap();
    export(folder, "ada", &url).await;

    // What somebody has put there stays; what is gone, goes.
    std::fs::write(folder.join("posts/own.md"), "mine").unwrap();
    std::fs::write(folder.join("posts/two.md"), "spoiled").unwrap();
    ada.delete("/posts/one").await.expect_status(204);
    ada.publish("Three", &[]).await;
    export(folder, "ada", &url).await;
    let there = |name: &str| std::fs::read_to_string(folder.join("posts").join(name)).ok();
    assert_eq!((there("one.md"), there("own.md").as_deref()), (None, Some("mine")));
    assert!(there("three.md").is_some() && there("two.md").unwrap().contains("title: \"Two\""));

    // One that was stopped is no blog, and one of a later program cannot be read.
    let manifest = std::fs::read_to_string(folder.join("broadsheet.json")).unwrap();
    for (from, to) in [("\"complete\": true", "\"complete\": false"), ("\"format\": 1", "\"format\": 2"), ("{", "")] {
        std::fs::write(folder.join("broadsheet.json"), manifest.replacen(from, to, 1)).unwrap();
        assert!(matches!(import_with(folder, &url, true).await, Err(ImportError::NotAnExport { .. })), "{to}");
    }
}

#[tokio::test]
async fn a_post_whose_picture_is_not_uploaded_stays_as_it_is() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let url = serve(&stack).await;
    let picture = crate::media::ready(&stack, &ada, 700).await;
    ada.draft("Shown").with("body", format!("![A cat]({picture})")).with("status", "published").save().await;
    let folder = tempfile::tempdir().unwrap();
    export(folder.path(), "ada", &url).await;
    let key = ada.post("/me/keys", json!({ "name": "k", "scopes": ["read", "posts:write"] })).await;
    let key = key.body["key"].as_str().unwrap().to_owned();

    let base = options(folder.path(), "ada", &url);
    let account = importer::LogIn { user: None, password: None, key: Some(key), ..base.account.clone() };
    let now = Timestamp::from_milliseconds(START).to_string().parse().unwrap();
    let mut out = Vec::new();
    let report = beside(&stack, importer::run(&Import { account, ..base }, now, &mut out)).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!((report.counts.updated, report.counts.failed), (0, 2), "{out}");
    assert!(out.contains("media:write") && out.contains("was not uploaded"), "{out}");
    let body = ada.get("/posts/shown").await.body;
    assert_eq!((&body["body"], &body["version"]), (&json!(format!("![A cat]({picture})")), &json!(1)));
    // Whoever may upload it brings the rest.
    let (report, out) = import(&stack, folder.path(), &url).await;
    assert_eq!(report.counts.failed, 0, "{out}");
    let body = ada.get("/posts/shown").await.body["html"].as_str().unwrap().to_owned();
    assert!(body.contains("srcset") && !body.contains("../media"), "{body}");
}
