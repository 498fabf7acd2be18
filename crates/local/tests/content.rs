//! The text of posts: how it is read, and what a stack wants of it.

use serde_json::json;

use crate::comments::{comment, start};
use crate::harness::TestStack;

#[tokio::test]
async fn a_post_is_read_as_the_markdown_that_it_was_written_in() {
    let stack = TestStack::start().await;
    let (ada, visitor) = (stack.user("ada").await, stack.visitor());
    let source = "# Ü\n\n| a |\n|---|\n| 1 |\n";
    let body = json!({ "title": "T", "body": source, "status": "published" });
    ada.post("/posts", body).await.expect_status(201);
    let as_json = visitor.get("/posts/t").await;
    for accept in ["text/markdown", "text/markdown;q=0.9, application/json;q=0.5", "text/*, */*;q=0.1"] {
        let read = visitor.get_with("/posts/t", &[("accept", accept)]).await;
        read.expect_status(200);
        assert_eq!(read.header("content-type"), "text/markdown; charset=utf-8", "{accept}");
        assert_eq!(read.bytes, source.as_bytes());
        assert_ne!(read.etag(), as_json.etag(), "two representations have two validators");
        visitor.get_with("/posts/t", &[("accept", accept), ("if-none-match", &read.etag())]).await.expect_status(304);
        assert!(read.headers.get_all("vary").iter().any(|vary| vary == "Accept"));
    }
    for accept in [
        "*/*",
        "application/json, text/markdown",
        "text/html",
        "text/markdown;q=0",
        ";;,q=x",
        "text/markdown;q=0.1, */*",
    ] {
        let read = visitor.get_with("/posts/t", &[("accept", accept)]).await;
        assert_eq!(read.header("content-type"), "application/json", "{accept}");
    }
    // An edit is pinned to what was read, in either form.
    let markdown = ada.get_with("/posts/t", &[("accept", "text/markdown")]).await;
    ada.patch("/posts/t", &markdown.etag(), json!({ "body": "New" })).await.expect_status(200);
}

#[tokio::test]
async fn without_a_summary_the_beginning_of_the_text_stands_for_it() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let body = json!({ "title": "T", "body": "# Heading\n\nThe *first* words. And `more`.", "status": "published" });
    let post = ada.post("/posts", body).await;
    assert_eq!(post.body["summary"], "The first words. And more.");
    assert_eq!(stack.visitor().get("/posts").await.each("summary"), ["The first words. And more."]);
    ada.patch("/posts/t", "*", json!({ "body": "Other words." })).await.expect_status(200);
    assert_eq!(stack.visitor().get("/posts").await.each("summary"), ["Other words."]);
    ada.patch("/posts/t", "*", json!({ "summary": "Chosen." })).await.expect_status(200);
    ada.patch("/posts/t", "*", json!({ "body": "Words that do not show." })).await.expect_status(200);
    assert_eq!(stack.visitor().get("/posts").await.each("summary"), ["Chosen."]);
    // A card is no larger for a beginning that nobody sees.
    let summarised = json!({ "title": "Other", "body": "Words.", "summary": "Chosen." });
    ada.post("/posts", summarised).await.expect_status(201);
    for slug in ["t", "other"] {
        let slug = slug.to_owned().try_into().unwrap();
        let post = stack.stack.blog.table.post(&slug, stack.stack.blog.now()).await.unwrap();
        assert_eq!(post.unwrap().excerpt, None, "{slug}");
    }
    let cleared = ada.patch("/posts/t", "*", json!({ "summary": null })).await;
    assert_eq!(cleared.body["summary"], "Words that do not show.");
    let long = ada.patch("/posts/t", "*", json!({ "body": "word ".repeat(100) })).await;
    let summary = long.body["summary"].as_str().unwrap();
    assert!(summary.ends_with("word…") && summary.chars().count() <= 201, "{summary}");
}

#[tokio::test]
async fn a_stack_has_rules_of_its_own_for_posts() {
    let stack = TestStack::start_with_parameters(&[("MinimumWords", "3"), ("BlockedWords", "Spam, straße")]).await;
    let ada = stack.user("ada").await;
    let post = |title: &str, body: &str| json!({ "title": title, "body": body, "summary": "Fine" });
    ada.post("/posts", post("Spam!", "Buy SPAM")).await.expect_invalid(&["/body", "/body", "/title"]);
    ada.post("/posts", post("A", "Two words")).await.expect_invalid(&["/body"]);
    ada.post("/posts", post("A", "In der STRAßE dort")).await.expect_invalid(&["/body"]);
    // A word within another is not that word.
    ada.post("/posts", post("Spammers", "Of antispam and spamming")).await.expect_status(201);
    // An edit cannot get round it.
    let path = "/posts/spammers";
    ada.patch(path, "*", json!({ "summary": "spam" })).await.expect_invalid(&["/summary"]);
    ada.patch(path, "*", json!({ "title": "spam" })).await.expect_invalid(&["/title"]);
    ada.patch(path, "*", json!({ "body": "short" })).await.expect_invalid(&["/body"]);
    assert_eq!(ada.get(path).await.body["version"], 1);
    // Another stack has none.
    let stack = TestStack::start().await;
    stack.user("ada").await.post("/posts", post("Spam", "Spam")).await.expect_status(201);
}

#[tokio::test]
async fn a_text_of_two_hundred_kib_is_written_read_edited_and_kept() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    // Letters that do not compress, so that what is stored is as large as it can be.
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(33 + u8::try_from((state >> 33) % 90).unwrap())
    };
    let mut text = || -> String { (0..200 * 1024).map(|n| if n % 80 == 79 { '\n' } else { letter() }).collect() };
    let (one, two) = (text(), text());
    let body = json!({ "title": "Large", "body": one, "status": "published", "tags": ["a"] });
    let made = ada.post("/posts", body).await;
    made.expect_status(201);
    assert_eq!(made.body["body"], one);
    assert_eq!(stack.visitor().get("/posts/large").await.body["body"], one);
    ada.patch("/posts/large", "*", json!({ "body": two, "slug": "larger" })).await.expect_status(200);
    assert_eq!(stack.visitor().get("/posts/larger").await.body["body"], two);
    assert_eq!(ada.get("/posts/larger/revisions/1").await.body["body"], one);
    let over = format!("{one}!");
    ada.patch("/posts/larger", "*", json!({ "body": over })).await.expect_invalid(&["/body"]);
}

#[tokio::test]
async fn blocked_words_are_blocked_wherever_an_author_writes() {
    let stack = TestStack::start_with_parameters(&[("BlockedWords", "Spam, дрянь")]).await;
    let ada = stack.user("ada").await;
    for (field, value) in [
        ("title", json!("Spam")),
        ("summary", json!("So much spam")),
        ("meta_title", json!("SPAM")),
        ("meta_description", json!("Eat дрянь")),
        ("tags", json!(["fine", "Spam"])),
        ("tags", json!(["no-spam-here"])),
        ("tags", json!(["Дрянь"])),
        ("slug", json!("cheap-spam")),
    ] {
        let mut post = json!({ "title": "T", "body": "B" });
        post[field] = value;
        ada.post("/posts", post).await.expect_invalid(&[&format!("/{field}")]);
    }
    let post = json!({ "title": "T", "body": "B", "tags": ["antispam"], "slug": "spammers" });
    ada.post("/posts", post).await.expect_status(201);
    ada.patch("/posts/spammers", "*", json!({ "tags": ["spam"] })).await.expect_invalid(&["/tags"]);
    let aliases = json!({ "aliases": ["antispam", "cheap-spam"] });
    ada.put("/posts/spammers/aliases", aliases).await.expect_invalid(&["/aliases"]);
}

#[tokio::test]
async fn a_rule_that_is_younger_than_a_post_does_not_keep_it_from_being_withdrawn() {
    for rule in [[("BlockedWords", "wait, old")], [("MinimumWords", "50")]] {
        let folder = tempfile::tempdir().unwrap();
        let stack = TestStack::start_in(folder.path(), &[]).await;
        let ada = stack.user("ada").await;
        for (title, status) in [("Old one", "published"), ("Old draft", "draft"), ("Old and gone", "draft")] {
            ada.draft(title).with("body", "Wait for it.").with("status", status).save().await;
        }
        let aliases = json!({ "aliases": ["old-address"] });
        ada.put("/posts/old-one/aliases", aliases).await.expect_status(200);
        let due = ada.draft("Old and due").with("status", "scheduled").with("publish_at", "2031-02-03T04:05:00.000Z");
        due.with("body", "Wait.").save().await;
        ada.delete("/posts/old-and-gone").await.expect_status(204);
        drop((ada, stack));
        let stack = TestStack::start_in(folder.path(), &rule).await;
        // No id of it is one of the stack before.
        stack.pass_seconds(10);
        let ada = stack.log_in("ada").await;

        // What it does not change may stay.
        let aliases = json!({ "aliases": ["old-address", "another"] });
        ada.put("/posts/old-one/aliases", aliases).await.expect_status(200);
        ada.patch("/posts/old-one", "*", json!({ "comments_open": false, "tags": ["fine"] })).await.expect_status(200);
        ada.post("/posts/old-one/unpublish", json!({})).await.expect_status(200);
        ada.post("/posts/old-and-due/unpublish", json!({})).await.expect_status(200);
        ada.delete("/posts/old-draft").await.expect_status(204);
        ada.post("/posts/old-and-gone/restore", json!({})).await.expect_status(200);
        // What it changes, and what comes out, follows the rule.
        let bad = json!({ "body": "Wait once more." });
        ada.patch("/posts/old-one", "*", bad).await.expect_invalid(&["/body"]);
        for path in ["/posts/old-one/publish", "/posts/old-and-gone/publish"] {
            let refused = ada.post(path, json!({})).await;
            refused.expect_problem(422, "validation-failed");
        }
        let fine = json!({ "title": "New", "slug": "new", "body": "Fine ".repeat(50), "status": "published" });
        ada.patch("/posts/old-one", "*", fine).await.expect_status(200);
    }
}

#[tokio::test]
async fn blocked_words_are_blocked_however_they_are_spelled() {
    let words = "viagra, Buy  Now, 赌场, ﬁsh, e-mail, ថ្ងៃ, $$$, don't, c++, सत";
    let parameters = [("BlockedWords", words), ("HoldComments", "none")];
    let (_stack, ada, bob, _) = start(&parameters).await;
    let in_any_text = [
        "So: VIAGRA!",
        "vi\u{ad}agra",
        "v\u{200b}iagra",
        "via\u{2060}gra",
        "ｖｉａｇｒａ",
        "𝐯𝐢𝐚𝐠𝐫𝐚",
        "buy now",
        "buy  now",
        "viagra's",
        "get viagra.Really",
        "viagra.com",
        "__viagra_",
        "v̶i̶a̶g̶r̶a̶",
        "via\u{fff9}gra",
        "don’t",
        "win $$$",
        "C++!",
        "e\u{2011}mail",
        "去赌场吧",
        "fish",
        "e-mail",
        // Words of Khmer have zero-width spaces between them.
        "នេះ\u{200b}ថ្ងៃ\u{200b}នោះ",
    ];
    let in_markdown = [
        "v&#105;agra",
        "vi**agra**",
        "vi<b></b>agra",
        "vi<!-- -->agra",
        "vi&shy;agra",
        "vi[^1]agra\n\n[^1]: a note",
        "fine[^1]\n\n[^1]: vi*agra*",
        "<ruby>fine<rt>v&#105;agra</rt></ruby>",
        "![v&#105;agra](/x.png)",
        "[fine](/x \"v&#105;agra\")",
        "[fine](/viagra)",
        "<!-- viagra -->",
        "    vi\u{200b}agra",
        "# buy *now*",
        "buy\nnow",
        "via<wbr>gra",
    ];
    for text in in_any_text.into_iter().chain(in_markdown) {
        assert_eq!(comment(&bob, text, None).await.body["status"], "held", "{text}");
        let answer = ada.post("/posts", json!({ "title": "T", "body": text })).await;
        answer.expect_invalid(&["/body"]);
        assert!(answer.body["errors"][0]["detail"].as_str().unwrap().starts_with("contains \""), "{}", answer.body);
    }
    for text in in_any_text {
        ada.post("/posts", json!({ "title": text, "body": "B" })).await.expect_invalid(&["/title"]);
        ada.post("/posts", json!({ "title": "T", "body": "B", "summary": text })).await.expect_invalid(&["/summary"]);
    }
    let fine_in_any_text = [
        "viagras",
        "viagra2",
        "now buy",
        "buy it now",
        "Buy. Now",
        "赌",
        "场赌",
        "e.g. mail",
        "vi agra",
        "$$",
        "Plan C",
        "सत्य",
    ];
    let fine_in_markdown = ["buy\n\nnow", "- buy\n- now", "| buy | now |\n|---|---|", "buy\n\n# now"];
    for fine in fine_in_markdown {
        ada.post("/posts", json!({ "body": fine })).await.expect_status(201);
        assert_eq!(comment(&bob, fine, None).await.body["status"], "published", "{fine}");
    }
    for fine in fine_in_any_text {
        ada.post("/posts", json!({ "title": fine, "body": fine })).await.expect_status(201);
        assert_eq!(comment(&bob, fine, None).await.body["status"], "published", "{fine}");
    }
}

#[tokio::test]
async fn lines_are_single_seen_and_run_their_own_way() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    for bad in ["a\u{2028}b", "a\u{2029}b", "\u{200b}", "\u{feff}\u{2060}", "user\u{202e}gnp.exe", "a\u{2066}b"] {
        ada.post("/posts", json!({ "title": bad, "body": "B" })).await.expect_invalid(&["/title"]);
        let etag = ada.get("/me").await.etag();
        ada.patch("/me", &etag, json!({ "display_name": bad })).await.expect_invalid(&["/display_name"]);
    }
    ada.post("/posts", json!({ "body": "\u{200b}" })).await.expect_invalid(&["/body"]);
    let persian = "می\u{200c}خواهم";
    assert_eq!(ada.draft(persian).save().await["title"], persian);
}

#[tokio::test]
async fn what_is_wrong_with_a_field_is_said_in_the_words_of_the_api() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    let said = async |body: &str| {
        let answer = ada.send("POST", "/posts", &[("content-type", "application/json")], body.into()).await;
        answer.expect_problem(422, "validation-failed");
        answer.body["errors"].clone()
    };
    let wrong =
        r#"{ "title": {}, "body": 1, "tags": ["a", 2], "status": "poem", "publish_at": [], "reply_to": true, "x": 1 }"#;
    let errors = said(wrong).await;
    let errors = errors.as_array().unwrap().iter();
    let mut errors: Vec<_> =
        errors.map(|it| (it["pointer"].as_str().unwrap(), it["detail"].as_str().unwrap())).collect();
    errors.sort_unstable();
    assert_eq!(
        errors,
        [
            ("/body", "must be a string"),
            ("/publish_at", "must be a string"),
            ("/reply_to", "must be a string"),
            ("/status", "must be draft, scheduled or published"),
            ("/tags", "item 2 must be a string"),
            ("/title", "must be a string"),
            ("/x", "is not a field of this request"),
        ]
    );
    assert_eq!(said("{}").await, json!([{ "pointer": "/body", "detail": "is required" }]));
    let twice = said(r#"{ "title": "One", "body": "B", "title": "Two" }"#).await;
    assert_eq!(twice, json!([{ "pointer": "/title", "detail": "was given more than once" }]));
    assert_eq!(said("[1]").await, json!([{ "pointer": "", "detail": "must be a JSON object" }]));
    let malformed = ada.send("POST", "/posts", &[("content-type", "application/json")], b"[1,".to_vec()).await;
    malformed.expect_problem(400, "malformed-request");
    assert!(!malformed.body["detail"].as_str().unwrap().contains("invalid type"), "{}", malformed.body);
    ada.get("/posts?kind=poem").await.expect_invalid(&["/kind"]);
}

#[tokio::test]
async fn an_address_is_taken_in_whatever_way_it_is_written() {
    let stack = TestStack::start().await;
    let ada = stack.user("ada").await;
    ada.post("/posts", json!({ "body": "B", "canonical_url": "HTTPS://A.b/x" })).await.expect_status(201);
    for bad in ["https:a.b", "ftp://a.b", "https://a.b/\nx", "https://a .b", "javascript:x"] {
        ada.post("/posts", json!({ "body": "B", "canonical_url": bad })).await.expect_invalid(&["/canonical_url"]);
    }
    let eleven = json!({ "body": "B", "tags": vec!["C++"; 11] });
    assert_eq!(ada.post("/posts", eleven).await.body["tags"], json!(["cpp"]));
    let different: Vec<_> = (0..11).map(|number| format!("t{number}")).collect();
    ada.post("/posts", json!({ "body": "B", "tags": different })).await.expect_invalid(&["/tags"]);
}
