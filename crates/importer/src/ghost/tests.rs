use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{any_text::any_text, formats::Formats};

fn plan_of(tables: Value, site: Option<&str>) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json");
    let export =
        json!({ "db": [{ "meta": { "exported_on": 1_700_000_000_000_u64, "version": "5.82.2" }, "data": tables }] });
    std::fs::write(&path, export.to_string()).unwrap();
    let formats = Formats { site: site.map(str::to_owned), ..Formats::default() };
    Plan::of(&path, None, &formats, &HashMap::new(), "2026-01-01T00:00:00Z".parse().unwrap()).unwrap()
}

fn document(post: Value) -> Document {
    let plan = plan_of(json!({ "posts": [post] }), Some("https://blog.example.com/"));
    match plan.items.into_iter().next().unwrap().what {
        Planned::Post(document) => *document,
        Planned::Left(reason) | Planned::Failed(reason) => panic!("{reason}"),
        Planned::Picture(path) => panic!("{}", path.display()),
    }
}

fn body_of(key: &str, text: Value) -> (String, Vec<String>) {
    let text = if text.is_string() { text } else { json!(text.to_string()) };
    let document = document(json!({
        "id": "1", "title": "T", "slug": "t", "status": "published", "published_at": "2020-01-02T03:04:05.000Z", key: text,
    }));
    (document.body, document.notes)
}

#[test]
fn mobiledoc_becomes_markdown() {
    let (body, notes) = body_of(
        "mobiledoc",
        json!({
            "version": "0.3.1", "ghostVersion": "4.0",
            "markups": [["strong"], ["a", ["href", "__GHOST_URL__/about/"]], ["em"]],
            "atoms": [["soft-return", "", {}]],
            "cards": [
                ["markdown", { "markdown": "Typed *as* Markdown\n\n![](__GHOST_URL__/content/images/a.png)" }],
                ["image", { "src": "__GHOST_URL__/content/images/b c.png", "alt": "B", "caption": "A <em>cap</em>" }],
                ["html", { "html": "<p>Raw <b>HTML</b></p><script>x</script>" }],
                ["code", { "code": "let a = `1`;", "language": "js" }],
                ["hr", {}],
                ["bookmark", { "url": "https://e.com/x", "metadata": { "title": "An [x]" } }],
                ["embed", { "url": "https://www.youtube.com/watch?v=abc", "html": "<iframe></iframe>" }],
                ["gallery", { "images": [{ "src": "/content/images/1.png" }, { "src": "https://e.com/2.png", "alt": "2" }] }],
                ["callout", { "calloutEmoji": "!", "calloutText": "Mind <b>this</b>" }],
                ["toggle", { "heading": "More", "content": "<p>Inside</p>" }],
                ["button", { "buttonUrl": "https://e.com/b", "buttonText": "Go" }],
                ["email", { "html": "<p>Hi {first_name}</p>" }],
                ["weather", {}]
            ],
            "sections": [
                [1, "h2", [[0, [], 0, "A # title"]]],
                [1, "p", [[0, [], 0, "Plain "], [0, [0], 0, "bold "], [0, [2], 2, "both"], [1, [], 0, 0], [0, [1], 1, "link"], [0, [], 0, " *x*"]]],
                [3, "ol", [[[0, [], 0, "one"]], [[0, [0], 1, "two"]]]],
                [1, "aside", [[0, [], 0, "Aside"]]],
                [10, 0], [10, 1], [10, 2], [10, 3], [10, 4], [10, 5], [10, 6], [10, 7], [10, 8], [10, 9], [10, 10], [10, 11], [10, 12],
                [1, "p", []]
            ]
        }),
    );
    let expected = [
        "## A # title",
        "Plain **bold <em>both</em>**\\\n[link](https://blog.example.com/about/) \\*x\\*",
        "1. one\n2. **two**",
        "> Aside",
        "Typed *as* Markdown\n\n![](https://blog.example.com/content/images/a.png)",
        "<figure>\n\n![B](https://blog.example.com/content/images/b%20c.png)\n\n<figcaption>A <em>cap</em></figcaption>\n</figure>",
        "Raw **HTML**",
        "```js\nlet a = `1`;\n```",
        "___",
        "[An \\[x\\]](https://e.com/x)",
        "<https://www.youtube.com/watch?v=abc>",
        "![](https://blog.example.com/content/images/1.png)\n\n![2](https://e.com/2.png)",
        "> ! Mind **this**",
        "<details>\n<summary>More</summary>\n\nInside\n\n</details>",
        "[Go](https://e.com/b)",
    ];
    assert_eq!(body, expected.join("\n\n"));
    assert_eq!(
        notes,
        ["1 × scripts", "1 × the card email, which is left out", "1 × the card weather, which is not known"]
            .map(str::to_owned)
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn lexical_becomes_markdown() {
    let text = |format: u64, text: &str| json!({ "type": "extended-text", "format": format, "text": text });
    let (body, notes) = body_of(
        "lexical",
        json!({ "root": { "type": "root", "children": [
            { "type": "extended-heading", "tag": "h3", "children": [text(0, "Head")] },
            { "type": "paragraph", "children": [
                text(0, "A "), text(3, "both"), text(0, " "), text(16, "a`b"), text(4, "gone"), text(64, "up"),
                { "type": "linebreak" }, { "type": "link", "url": "https://blog.example.com/t/", "children": [text(1, "self")] }
            ] },
            { "type": "list", "listType": "bullet", "children": [
                { "type": "listitem", "children": [text(0, "one")] },
                { "type": "listitem", "children": [{ "type": "list", "listType": "number", "start": 1, "children": [
                    { "type": "listitem", "children": [text(0, "deep")] }
                ] }] }
            ] },
            { "type": "extended-quote", "children": [text(0, "Said")] },
            { "type": "aside", "children": [text(0, "Aside")] },
            { "type": "horizontalrule" },
            { "type": "image", "src": "https://e.com/a.png", "alt": "A", "href": "https://e.com", "caption": "" },
            { "type": "codeblock", "code": "a\n\n b", "language": "rust", "caption": "Cap" },
            { "type": "html", "html": "<ul><li>x</li></ul>" },
            { "type": "markdown", "markdown": "- y" },
            { "type": "video", "src": "__GHOST_URL__/content/media/v.mp4", "fileName": "v.mp4", "caption": "" },
            { "type": "file", "src": "https://e.com/f.pdf", "fileTitle": "F", "fileName": "f.pdf" },
            { "type": "product", "productTitle": "<span>P</span>", "productDescription": "<p>D</p>", "productUrl": "https://e.com/p", "productButton": "Buy" },
            { "type": "header", "heading": "H", "subheading": "S", "buttonUrl": "https://e.com/h", "buttonText": "B" },
            { "type": "signup", "header": "Subscribe" },
            { "type": "paywall" }
        ] } }),
    );
    let expected = [
        "### Head",
        "A **<em>both</em>** ``a`b``~~gone~~<sup>up</sup>\\\n[**self**](/posts/t)",
        "- one\n  1. deep",
        "> Said",
        "> Aside",
        "___",
        "[![A](https://e.com/a.png)](https://e.com)",
        "<figure>\n\n```rust\na\n\n b\n```\n\n<figcaption>Cap</figcaption>\n</figure>",
        "- x",
        "- y",
        "[v.mp4](https://blog.example.com/content/media/v.mp4)",
        "[F](https://e.com/f.pdf)",
        "#### P\n\nD\n\n[Buy](https://e.com/p)",
        "## H\n\nS\n\n[B](https://e.com/h)",
    ];
    assert_eq!(body, expected.join("\n\n"));
    assert_eq!(
        notes,
        [
            "1 × files that became links",
            "1 × films that became links",
            "1 × the card paywall, which is left out",
            "1 × the card signup, which is left out"
        ]
    );
}

#[test]
fn cards_show_what_readers_of_the_old_site_saw() {
    let cta = |more: Value| {
        let mut card = json!({ "type": "call-to-action", "textValue": "<p>Text</p>", "buttonText": "B", "buttonUrl": "https://e.com/b" });
        card.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        card
    };
    let everybody = json!({ "web": { "nonMember": true, "memberSegment": "status:free,status:-free" } });
    let members = json!({ "web": { "nonMember": false, "memberSegment": "status:free" } });
    let (body, notes) = body_of(
        "lexical",
        json!({ "root": { "children": [
            cta(json!({ "showButton": true, "hasSponsorLabel": true, "sponsorLabel": "<p>SPONSORED</p>",
                "imageUrl": "https://e.com/i.png", "visibility": everybody })),
            cta(json!({ "showButton": false, "hasSponsorLabel": false, "sponsorLabel": "<p>HIDDEN</p>" })),
            cta(json!({ "visibility": members })),
            { "type": "html", "html": "<p>For members</p>", "visibility": { "showOnWeb": false, "showOnEmail": true } },
            { "type": "header", "heading": "H", "buttonEnabled": false, "buttonUrl": "https://e.com/h", "buttonText": "B", "backgroundImageSrc": "https://e.com/h.png" },
            { "type": "product", "productTitle": "P", "productButtonEnabled": false, "productUrl": "https://e.com/p", "productButton": "Buy", "productRatingEnabled": true },
            { "type": "callout", "calloutText": "<p dir=\"ltr\"><span>Note</span></p><p>More</p>", "calloutEmoji": "💡" },
            { "type": "paragraph", "children": [{ "type": "link", "url": "#/portal/signup", "children": [{ "type": "text", "text": "Join" }] }] },
        ] } }),
    );
    let expected = [
        "SPONSORED",
        "![](https://e.com/i.png)",
        "Text",
        "[B](https://e.com/b)",
        "Text",
        "## H",
        "#### P",
        "> 💡 Note\n>\n> More",
        "[Join](#/portal/signup)",
    ];
    assert_eq!(body, expected.join("\n\n"));
    assert_eq!(
        notes,
        [
            "1 × links to sign up or in (#/portal/), which lead nowhere here",
            "1 × pictures behind a header, which are left out",
            "1 × ratings in stars, which are left out",
            "1 × the card call-to-action, which is left out, as it is not for everybody",
            "1 × the card html, which is left out, as it is not for everybody"
        ]
    );
}

#[test]
fn a_scheduled_post_without_a_date_and_one_for_e_mail_are_drafts() {
    let hidden = |more: Value| {
        let mut post = json!({ "id": "1", "title": "T", "slug": "t", "status": "scheduled", "html": "<p>Text</p>",
            "published_at": "2099-01-02T03:04:05.000Z" });
        post.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let plan = plan_of(
            json!({ "posts": [post], "posts_meta": [{ "post_id": "1", "email_only": more["meta"].clone() }] }),
            None,
        );
        match plan.items.into_iter().next().unwrap().what {
            Planned::Post(document) => document.hidden,
            Planned::Failed(reason) => Some(format!("! {reason}")),
            _ => panic!(),
        }
    };
    let undated = Some("it is scheduled, but its date is not there or cannot be read".to_owned());
    let by_mail = Some("it was sent by e-mail only".to_owned());
    let broken = Some("! Its date (published_at) cannot be read.".to_owned());
    for (more, expected) in [
        (json!({}), None),
        (json!({ "published_at": null }), undated.clone()),
        (json!({ "published_at": "" }), undated.clone()),
        (json!({ "published_at": "2027-13-45 99:99:99" }), undated),
        (json!({ "status": "published", "published_at": "2027-13-45 99:99:99" }), broken),
        (json!({ "status": "published", "published_at": null }), None),
        (json!({ "meta": 0 }), None),
        (json!({ "meta": 1 }), by_mail.clone()),
        (json!({ "meta": true }), by_mail.clone()),
        (json!({ "status": "published", "meta": 1 }), by_mail),
    ] {
        assert_eq!(hidden(more.clone()), expected, "{more}");
    }
}

#[test]
fn gated_parts_of_html_are_for_those_who_saw_them() {
    let gated = |options: &str| format!("<!--kg-gated-block:begin {options} --><p>gated</p><!--kg-gated-block:end-->");
    let note = "1 × a part, which is left out, as it is not for everybody".to_owned();
    for options in
        ["nonMember:false memberSegment:\"status:free,status:-free\"", "nonMember:false", "memberSegment:\"\""]
    {
        let (body, notes) = body_of("html", json!(format!("<p>One</p>{}<p>two</p>", gated(options))));
        assert_eq!((body.as_str(), notes), ("One\n\ntwo", vec![note.clone()]), "{options}");
    }
    let (body, notes) = body_of("html", json!(gated("nonMember:true memberSegment:\"status:free\"")));
    assert_eq!((body.as_str(), notes), ("gated", Vec::new()));
    let (body, _) =
        body_of("html", json!("<p>One</p><!-- kg-gated-block:begin nonMember:false --><p>never closed</p>"));
    assert_eq!(body, "One");
    let card = json!({ "root": { "children": [{ "type": "html", "html": format!("<p>One</p>{}", gated("nonMember:false")) }] } });
    assert_eq!(body_of("lexical", card), ("One".to_owned(), vec![note]));
}

#[test]
fn plain_text_does_not_bring_back_what_was_left_out() {
    let post = json!({ "id": "1", "title": "T", "slug": "t", "status": "published", "plaintext": "gated",
        "html": "<!--kg-gated-block:begin nonMember:false --><p>gated</p><!--kg-gated-block:end-->" });
    let plan = plan_of(json!({ "posts": [post] }), None);
    assert!(matches!(&plan.items[0].what, Planned::Failed(reason) if reason == "It has no text."));
}

#[test]
fn html_and_markdown_of_other_versions_are_read() {
    assert_eq!(body_of("html", json!("<p>One <em>two</em></p>")).0, "One *two*");
    assert_eq!(body_of("markdown", json!("One *two*")).0, "One *two*");
}

#[test]
fn what_is_not_public_is_a_draft_and_what_has_no_place_is_said() {
    let post = |id: u32, more: Value| {
        let mut post = json!({
            "id": id, "title": format!("Post {id}"), "slug": format!("post-{id}"), "status": "published", "visibility": "public",
            "type": "post", "html": "<p>Text</p>", "published_at": "2020-01-02T03:04:05.000Z",
        });
        post.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post
    };
    let plan = plan_of(
        json!({
            "posts": [
                post(1, json!({ "custom_excerpt": "Short", "feature_image": "__GHOST_URL__/content/images/c.png", "featured": 1, "feature_image_alt": "A lake",
                    "canonical_url": "https://e.com/first", "codeinjection_head": "<script></script>" })),
                post(2, json!({ "status": "draft", "published_at": null })),
                post(3, json!({ "status": "scheduled", "published_at": "2099-01-02T03:04:05.000Z" })),
                post(4, json!({ "status": "sent" })),
                post(5, json!({ "visibility": "members" })),
                post(6, json!({ "type": "page" })),
                post(7, json!({ "html": "" })),
                post(8, json!({ "lexical": "{broken" })),
                post(9, json!({ "published_at": 1_577_934_245_000_u64, "type": null, "page": 1 })),
            ],
            "tags": [
                { "id": 1, "name": "Second", "slug": "second", "visibility": "public" },
                { "id": 2, "name": "#hidden", "slug": "hash-hidden", "visibility": "internal" },
                { "id": 3, "name": "First", "slug": "first", "visibility": "public" },
            ],
            "posts_tags": [
                { "post_id": 1, "tag_id": 1, "sort_order": 2 },
                { "post_id": 1, "tag_id": 2, "sort_order": 1 },
                { "post_id": 1, "tag_id": 3, "sort_order": 0 },
            ],
            "users": [{ "id": 1, "name": "Ada", "email": "ada@example.com" }, { "id": 2, "name": "Bob" }],
            "posts_authors": [{ "post_id": 1, "author_id": 1, "sort_order": 0 }, { "post_id": 1, "author_id": 2, "sort_order": 1 }],
            "members": [{ "id": 1, "email": "secret@example.com" }],
            "settings": [{ "id": 1, "key": "locale", "value": "fr" }],
        }),
        None,
    );
    let shown: Vec<_> = plan
        .items
        .iter()
        .map(|item| {
            let what = match &item.what {
                Planned::Post(document) => document.hidden.clone().unwrap_or_else(|| document.slug.clone()),
                Planned::Left(reason) | Planned::Failed(reason) => format!("- {reason}"),
                Planned::Picture(path) => format!("picture {}", path.display()),
            };
            (item.path.to_string_lossy().into_owned(), what)
        })
        .collect();
    let shown: Vec<_> = shown.iter().map(|(path, what)| (&**path, &**what)).collect();
    let page = "it is a page, which has no place of its own here";
    assert_eq!(
        shown[..7],
        [
            ("ghost/posts/1", "post-1"),
            ("ghost/posts/2", "its status is draft"),
            ("ghost/posts/3", "post-3"),
            ("ghost/posts/4", "it was sent by e-mail only"),
            ("ghost/posts/5", "it is for members only"),
            ("ghost/pages/6", page),
            ("ghost/posts/7", "- It has no text."),
        ]
    );
    assert!(shown[7].1.starts_with("- Its text (lexical) cannot be read"), "{shown:?}");
    assert_eq!(
        shown[8..],
        [
            ("ghost/pages/9", page),
            ("ghost/members", "- members (1), which are not imported"),
            ("ghost/settings", "- settings (1), which are not imported"),
        ]
    );
    let first = plan.posts().next().unwrap().1;
    assert_eq!(first.tags.as_deref(), Some(["First".to_owned(), "Second".to_owned()].as_slice()));
    assert_eq!((first.summary.as_deref(), first.language.as_deref()), (Some("Short"), Some("fr")));
    assert_eq!((first.canonical_url.as_deref(), first.cover_image_url.as_deref()), (Some("https://e.com/first"), None));
    assert_eq!(first.dropped, ["codeinjection_head", "feature_image_alt", "featured"]);
    let notes = plan.site.notes.join("\n");
    for expected in ["Ada (1), Bob (1)", "Name it with --site", "Left out: members (1).", "The internal tag #hidden"] {
        assert!(notes.contains(expected), "{notes}");
    }
    assert!(!notes.contains("example.com"), "no address of anybody: {notes}");
}

#[test]
fn links_lead_to_where_posts_are_from_earlier_imports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json");
    let post = |id: &str, html: &str| json!({ "id": id, "title": id, "slug": id, "html": html, "status": "draft" });
    let posts = [
        post("bread", "<p>With <a href='__GHOST_URL__/soup/#hot'>soup</a>, <a href='/soup'>soup</a></p>"),
        post("soup", "<h2>Hot</h2>"),
    ];
    std::fs::write(&path, json!({ "data": { "posts": posts } }).to_string()).unwrap();
    let known = HashMap::from([(PathBuf::from("ghost/posts/soup"), "soup-2019".to_owned())]);
    let plan = Plan::of(&path, None, &Formats::default(), &known, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
    let (_, bread) = plan.posts().next().unwrap();
    assert_eq!(bread.body, "With [soup](/posts/soup-2019#user-content-hot), [soup](/posts/soup-2019)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In every form of a text, and in the fields around it.
    #[test]
    fn no_post_ends_an_import(text in any_text(), field in any_text()) {
        let card = |name: &str| {
            json!([name, {
                "markdown": text, "html": text, "src": field, "url": field, "alt": text, "caption": text, "title": text, "code": text, "language": field,
                "calloutText": text, "calloutEmoji": field, "heading": text, "content": text, "buttonUrl": field, "buttonText": text,
                "images": [{ "src": field, "alt": text }], "metadata": { "title": text, "url": field },
            }])
        };
        let names = ["markdown", "html", "image", "code", "bookmark", "embed", "gallery", "callout", "toggle", "button", "video", "file", "product", "email"];
        let cards: Vec<_> = names.iter().map(|name| card(name)).collect();
        let mut sections: Vec<_> = (0..cards.len()).map(|index| json!([10, index])).collect();
        sections.push(json!([1, "p", [[0, [0], 1, text]]]));
        let mobiledoc = json!({ "markups": [["a", ["href", field]]], "atoms": [], "cards": cards, "sections": sections });
        let mut children: Vec<_> = names.iter().map(|name| {
            let mut child = card(name)[1].clone();
            child["type"] = json!(name);
            child
        }).collect();
        children.push(json!({ "type": "paragraph", "children": [{ "type": "extended-text", "text": text, "format": 3 }, { "type": "link", "url": field, "children": [{ "type": "text", "text": text }] }] }));
        let lexical = json!({ "root": { "type": "root", "children": children } });
        let texts = [("mobiledoc", mobiledoc.to_string()), ("lexical", lexical.to_string()), ("html", text.clone()), ("markdown", text.clone()), ("plaintext", text.clone())];
        let posts: Vec<_> = texts.iter().map(|(key, typed)| json!({
            "id": key, "title": field, "slug": field, "status": "published", "published_at": field, "feature_image": field, "custom_excerpt": text,
            "canonical_url": field, (*key): typed,
        })).chain(texts.iter().map(|(key, typed)| json!({ "title": "T", "status": "draft", (*key): typed }))).collect();
        plan_of(json!({ "posts": posts }), Some("https://blog.example.com/"));
    }
}
