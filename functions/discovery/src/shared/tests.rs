use ammonia::UrlRelative;
use domain::Timestamp;
use edge::TextFormat;
use proptest::prelude::*;
use roxmltree::{Document, Node};
use url::Url;

use super::atom::Atom;
use super::feed::{Author, Entry, Feed, FeedFormat, image_type, known_language};
use super::html::{absolute, is_like_html, of_text};
use super::json_feed::JsonFeed;
use super::rss::Rss;
use super::sitemap::SitemapFile;
use super::xml;

const PAGE: &str = "https://blog.example.com/posts/hello";

fn page() -> Url {
    Url::parse(PAGE).unwrap()
}

#[test]
fn addresses_are_absolute_and_texts_stay() {
    for (html, expected) in [
        ("plain", "plain"),
        (r#"<a href="/a?b=1&amp;c=2">x</a>"#, r#"<a href="https://blog.example.com/a?b=1&amp;c=2">x</a>"#),
        (r##"<a href="#fn-1">1</a>"##, r##"<a href="https://blog.example.com/posts/hello#fn-1">1</a>"##),
        (r#"<img src="cat.png" alt="a > b">"#, r#"<img src="https://blog.example.com/posts/cat.png" alt="a > b">"#),
        (r#"<q cite="../x">q</q>"#, r#"<q cite="https://blog.example.com/x">q</q>"#),
        (r#"<a href="//other.example/x">x</a>"#, r#"<a href="https://other.example/x">x</a>"#),
        (r#"<a href="HTTP://Other.example">x</a>"#, r#"<a href="HTTP://Other.example">x</a>"#),
        (r#"<a href="mailto:a@b.example">x</a>"#, r#"<a href="mailto:a@b.example">x</a>"#),
        (r#"<a href="">x</a>"#, r#"<a href="https://blog.example.com/posts/hello">x</a>"#),
        (r#"<a href="a&quot;b&nbsp;&lt;">x</a>"#, r#"<a href="https://blog.example.com/posts/a%22b%C2%A0%3C">x</a>"#),
        (
            r#"<code title="href=&quot;/a&quot;">src="/b"</code>"#,
            r#"<code title="href=&quot;/a&quot;">src="/b"</code>"#,
        ),
        (r#"<a href="//[x" rel="nofollow">x</a>"#, r#"<a rel="nofollow">x</a>"#),
        (r#"<bdo dir="rtl">x</bdo><br>"#, r#"<span dir="rtl">x</span><br>"#),
        (
            r##"<a href="#x" aria-label="Back" class="b">x</a>"##,
            r##"<a href="https://blog.example.com/posts/hello#x" class="b">x</a>"##,
        ),
    ] {
        assert_eq!(absolute(html, &page()), expected);
        assert_eq!(absolute(expected, &page()), expected, "what is absolute stays");
    }
}

/// HTML as a parser reads and writes it, which makes of relative addresses what `relative` says.
fn parsed(html: &str, relative: UrlRelative<'_>) -> String {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(["input", "section"])
        .add_generic_attributes(["dir", "class", "id", "data-footnotes", "data-footnote-ref", "data-footnote-backref"])
        .add_generic_attributes(["type", "disabled", "checked", "loading", "rel", "title", "lang"])
        .link_rel(None)
        .url_relative(relative);
    cleaner.clean(html).to_string()
}

const PIECES: &[&str] = &[
    "[a](/b)",
    "[a](#b)",
    "[a](b?c=1&d=2)",
    "![i](x.png \"t\")",
    "<https://e.example/?a=b&c=d>",
    "# H\n",
    "> q\n",
    "\n\n",
    "`<a href=\"/x\">`",
    "```rust\nlet a = \"<b>\" & 1;\n```\n",
    "- [ ] t\n",
    "a[^1]\n\n[^1]: n\n",
    "<b>b</b>",
    "<a href='/q\"q'>l</a>",
    "<img src=/i alt='a>b'>",
    "<blockquote>c</blockquote>",
    "&amp;&lt;&nbsp;",
    "]]>",
    "\u{fffe}",
    "\u{0}",
    "\u{85}",
    "😀",
    "العربية",
    "\u{e000}",
    "a & b < c > d \"e\" 'f'",
    "| a | b |\n|---|---|\n| [x](y) | z |\n",
    "<a href=\"//[x\">bad</a>",
    "<a href=\"?\u{a0}x\">n</a>",
    "\\",
    "~~s~~",
    "<time datetime=\"/x\">t</time>",
    "<a href=\"a b\">s</a>",
];

fn markdown() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat()),
        ".{0,60}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn addresses_are_what_a_parser_makes_of_them(markdown in markdown()) {
        let Ok(rendered) = markdown::render(&markdown) else { return Ok(()) };
        let ours = parsed(&absolute(&rendered.html, &page()), UrlRelative::PassThrough);
        prop_assert_eq!(ours, parsed(&rendered.html, UrlRelative::RewriteWithBase(page())), "{}", rendered.html);
    }

    /// Whatever texts a post has, each format is well-formed and says the same.
    #[test]
    fn every_feed_reads_back_as_the_same_texts(
        title in proptest::option::of(any_text()),
        summary in proptest::option::of(any_text()),
        html in proptest::option::of(any_text()),
        name in any_text(),
        language in proptest::option::of("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})?"),
        url in "https?://[a-z]{1,9}\\.example/[!-~]{0,30}",
    ) {
        let entry = Entry {
            id: "tag:blog.example.com,2026-11-21:posts/1".to_owned(),
            page: PAGE.to_owned(),
            title: title.clone(),
            summary: summary.clone(),
            html: html.clone(),
            language: language.clone(),
            author: Author {
                name: name.clone(),
                username: "ada".to_owned(),
                page: "https://blog.example.com/users/ada".to_owned(),
                avatar: Some(url.clone()),
            },
            tags: vec!["a-b".to_owned()],
            cover: Some(url.clone()),
            original: Some(url.clone()),
            published_at: Timestamp::from_milliseconds(1_795_249_800_000),
            updated_at: Timestamp::from_milliseconds(1_795_249_800_123),
            updated: "2026-11-21T08:30:00.123Z".to_owned(),
        };
        let feed = feed(vec![entry], &title.clone().unwrap_or_default());

        let atom = Atom::write(&feed).unwrap();
        let document = parse(&atom);
        let entry = first(document.root_element(), "entry");
        let plain = |node: Node<'_, '_>| match node.attribute("type") {
            Some("html") => unescape(&text(node)),
            _ => text(node),
        };
        if let Some(title) = title.as_deref().and_then(xml::line) {
            prop_assert_eq!(plain(first(entry, "title")), title);
        } else {
            prop_assert!(!text(first(entry, "title")).is_empty());
        }
        let found = find(entry, "summary").map(plain);
        prop_assert_eq!(found, summary.as_deref().and_then(xml::line).map(String::from));
        prop_assert_eq!(find(entry, "content").map(text), html.as_deref().map(shown_html));
        prop_assert!(!text(first(first(entry, "author"), "name")).trim().is_empty());
        let enclosure = entry.children().find(|node| node.attribute("rel") == Some("enclosure")).unwrap();
        prop_assert_eq!(enclosure.attribute("href"), Some(url.as_str()));

        let rss = Rss::write(&feed).unwrap();
        let document = parse(&rss);
        let item = first(first(document.root_element(), "channel"), "item");
        let found = find(item, "title").map(text).map(|title| if title.contains("&lt;") || title.contains("&amp;") { unescape(&title) } else { title });
        let expected = title.as_deref().and_then(xml::line).map(|title| if is_like_html(&title) { unescape(&of_text(&title)) } else { title.into_owned() });
        prop_assert_eq!(found, expected);
        if let Some(html) = html.as_deref() {
            let whole = find(item, "encoded").or_else(|| find(item, "description")).map(text);
            prop_assert_eq!(whole, Some(shown_html(html)));
        }

        let json: serde_json::Value = serde_json::from_str(&JsonFeed::write(&feed).unwrap()).unwrap();
        let item = &json["items"][0];
        prop_assert_eq!(item["title"].as_str(), title.as_deref());
        prop_assert_eq!(item["content_html"].as_str(), html.as_deref());
        prop_assert_eq!(item["authors"][0]["name"].as_str(), Some(name.as_str()));
        prop_assert!(item["content_html"].is_string() != item["content_text"].is_string());
    }
}

/// Any text, with what is odd in it more often than by chance.
fn any_text() -> impl Strategy<Value = String> {
    let odd = proptest::sample::select(vec![
        '\0',
        '\t',
        '\n',
        '\r',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{2028}',
        '\u{fffd}',
        '\u{fffe}',
        '\u{ffff}',
        '\u{e000}',
        '\u{1ffff}',
        '<',
        '>',
        '&',
        '"',
        '\'',
        ']',
        ';',
        'א',
        '😀',
    ]);
    proptest::collection::vec(prop_oneof![any::<char>(), odd, proptest::char::range('a', 'z')], 0..30)
        .prop_map(|chars| chars.into_iter().collect())
}

fn feed(entries: Vec<Entry>, title: &str) -> Feed {
    Feed {
        id: "tag:blog.example.com,2026-11-21:feed".to_owned(),
        title: format!("A {title}"),
        description: title.to_owned(),
        language: "en".to_owned(),
        page: "https://blog.example.com/".to_owned(),
        folder: "https://blog.example.com/v1".to_owned(),
        hub: Some("https://hub.example.com/?a=b&c=d".to_owned()),
        updated_at: Timestamp::from_milliseconds(1_795_249_800_123),
        entries,
    }
}

fn parse(text: &str) -> Document<'_> {
    Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

fn find<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    parent.children().find(|child| child.tag_name().name() == name)
}

fn first<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Node<'a, 'input> {
    find(parent, name).unwrap_or_else(|| panic!("no {name}"))
}

fn text(node: Node<'_, '_>) -> String {
    node.children().filter_map(|child| child.text()).collect()
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// HTML without what no feed can have, written out here once more.
fn shown_html(html: &str) -> String {
    let gone = |c: &char| {
        let code = u32::from(*c);
        matches!(code, 0..=8 | 11 | 12 | 14..=31 | 0x80..=0x9f | 0xfffe | 0xffff)
    };
    html.chars().filter(|c| !gone(c)).collect::<String>().replace('\u{fffd}', "&#xFFFD;")
}

#[test]
fn an_entry_of_atom_always_has_a_title() {
    let entry = |title: Option<&str>, summary: Option<&str>, name: &str| Entry {
        id: String::new(),
        page: PAGE.to_owned(),
        title: title.map(str::to_owned),
        summary: summary.map(str::to_owned),
        html: None,
        language: None,
        author: Author { name: name.to_owned(), username: "ada".to_owned(), page: String::new(), avatar: None },
        tags: Vec::new(),
        cover: None,
        original: None,
        published_at: Timestamp::from_milliseconds(1_795_249_800_000),
        updated_at: Timestamp::from_milliseconds(0),
        updated: String::new(),
    };
    assert_eq!(entry(Some("T"), Some("S"), "Ada").any_title(), "T");
    assert_eq!(entry(None, Some("S"), "Ada").any_title(), "S");
    assert_eq!(entry(Some("\u{fffe}"), Some("S"), "Ada").any_title(), "S");
    let long = "word ".repeat(40);
    assert_eq!(entry(None, Some(&long), "Ada").any_title(), format!("{}…", "word ".repeat(16).trim_end()));
    assert_eq!(entry(None, None, "Ada").any_title(), "Ada, 2026-11-21");
    assert_eq!(entry(None, Some("\u{fffd}"), "\u{ffff}").any_title(), "ada, 2026-11-21");
    assert_eq!(entry(None, None, "</b>").author.plain_name(), "ada");
}

#[test]
fn a_title_that_could_be_taken_for_html_is_told_apart() {
    for html in ["<b>", "a</b>", "<!--", "<?x", "x<y", "&amp;", "&#38;", "&#x26;", "&hellip;"] {
        assert!(is_like_html(html), "{html}");
    }
    for plain in ["", "a < b", "R&D", "AT&T", "a & b;", "1<2", "a > b", "&;", "<", "&"] {
        assert!(!is_like_html(plain), "{plain}");
    }
}

#[test]
fn languages_that_nobody_knows_are_undetermined() {
    for (language, known) in
        [("en", "en"), ("pt-BR", "pt-BR"), ("ZH-Hant", "ZH-Hant"), ("grc", "grc"), ("qq", "und"), ("klingon", "und")]
    {
        assert_eq!(known_language(language), known);
    }
}

#[test]
fn images_have_the_type_that_their_name_says() {
    assert_eq!(image_type("https://e.example/a.JPG?b=c.png"), Some("image/jpeg"));
    assert_eq!(image_type("https://e.example/a.png#x"), Some("image/png"));
    assert_eq!(image_type("https://e.example/a"), None);
}

#[test]
fn each_sitemap_has_one_name() {
    let number = |name: &str| SitemapFile::try_from(name.to_owned()).map(SitemapFile::number).ok();
    assert_eq!(number("1.xml"), Some(1));
    assert_eq!(number("4294967295.xml"), Some(u32::MAX));
    for other in ["0.xml", "01.xml", "+1.xml", "1", "1.XML", "4294967296.xml", "-1.xml", " 1.xml", ".xml"] {
        assert_eq!(number(other), None, "{other}");
    }
    assert_eq!(Rss::MEDIA_TYPE, "application/rss+xml; charset=utf-8");
}
