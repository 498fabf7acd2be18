use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use expect_test::{expect, expect_file};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use proptest::prelude::*;

use super::clean::{CLEANER, FOOTNOTE_PREFIXES};
use super::*;

fn html(markdown: &str) -> String {
    render(markdown).expect("renders").html
}

#[test]
fn github_flavour_is_rendered() {
    let page = html(
        "| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n- [x] done\n- [ ] open\n\nSee https://example.com now[^n].\n\n[^n]: A note.\n\n```rust\nfn main() {}\n```\n",
    );
    for part in [
        "<table>",
        "<del>2</del>",
        "type=\"checkbox\"",
        "href=\"https://example.com\"",
        "id=\"fn-07ace385-n\"",
        "href=\"#fn-07ace385-n\"",
        "<code class=\"language-rust\">",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

/// What a browser makes of the page: every tag that opens, with its attributes. No element that is allowed changes
/// how the text after it is read, so the tokenizer sees what the tree builder would.
struct Opened(RefCell<Vec<Tag>>);

impl TokenSink for Opened {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.0.borrow_mut().push(tag),
            Token::CommentToken(comment) => panic!("the comment {comment} survived"),
            Token::DoctypeToken(_) => panic!("a doctype survived"),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn opened(html: &str) -> Vec<Tag> {
    let tokenizer = Tokenizer::new(Opened(RefCell::default()), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Elements that run, load or change how what follows is read.
const NEVER: [&str; 27] = [
    "applet",
    "audio",
    "base",
    "body",
    "button",
    "embed",
    "form",
    "frame",
    "head",
    "html",
    "iframe",
    "link",
    "math",
    "meta",
    "noembed",
    "noscript",
    "object",
    "option",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "xmp",
];

/// Fails unless a page can do no harm and the cleaner has nothing left to do.
fn check_harmless(html: &str) {
    let page = url::Url::parse("https://blog.example/posts/one").expect("an address");
    let elements = CLEANER.clone_tags();
    let attributes = CLEANER.clone_tag_attributes();
    let set = CLEANER.clone_set_tag_attribute_values();
    let classes = CLEANER.clone_allowed_classes();
    let generic = CLEANER.clone_generic_attributes();
    for tag in opened(html) {
        let element = &*tag.name;
        assert!(elements.contains(element) && !NEVER.contains(&element), "<{element}> survived in {html}");
        for attribute in &tag.attrs {
            let (name, value) = (&*attribute.name.local, &*attribute.value);
            let known = generic.contains(name)
                || (element == "a" && name == "rel")
                || (name == "class" && classes.contains_key(element))
                || attributes.get(element).is_some_and(|names| names.contains(name))
                || set.get(element).is_some_and(|values| values.get(name) == Some(&value));
            assert!(known && !name.starts_with("on"), "{name} of <{element}> survived in {html}");
            match name {
                "href" | "src" | "cite" => {
                    // As a browser reads it; what it cannot read leads nowhere.
                    if let Ok(address) = page.join(value) {
                        assert!(["http", "https", "mailto"].contains(&address.scheme()), "{value} survived in {html}");
                    }
                }
                "id" => {
                    let prefixes = [ID_PREFIX, FOOTNOTE_PREFIXES[0], FOOTNOTE_PREFIXES[1]];
                    assert!(prefixes.iter().any(|prefix| value.starts_with(prefix)), "the id {value} survived");
                }
                "class" if element == "code" => assert!(value.starts_with("language-"), "{value} survived"),
                "class" => {
                    let allowed = &classes[element];
                    assert!(value.split_whitespace().all(|class| allowed.contains(class)), "{value} survived");
                }
                _ => {}
            }
        }
    }
    assert_eq!(CLEANER.clean(html).to_string(), html, "cleaning again changes it");
}

/// The cases of OWASP's XSS Filter Evasion Cheat Sheet, of html5sec.org, of lists of Markdown's own and of
/// mutation XSS as published against DOMPurify and others, one a line.
#[test]
fn nothing_of_the_public_lists_survives() {
    let cases: Vec<&str> = include_str!("xss.txt").lines().collect();
    assert!(cases.len() >= 200);
    for case in cases {
        for typed in [
            case.to_owned(),
            format!("before {case} after"),
            format!("- > {case}\n\n{case}"),
            case.replace("<br>", "\n\n"),
        ] {
            check_harmless(&html(&typed));
        }
    }
}

const PIECES: [&str; 80] = [
    "<img src=x onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">",
    "[x](javascript:alert(1))",
    "<b onclick=alert(1)>",
    "</p>",
    "<td>",
    "<",
    ">",
    "\"",
    "'",
    "`",
    "=",
    "/",
    "\\",
    "&",
    ";",
    ":",
    "#",
    "!",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "*",
    "_",
    "~",
    "|",
    "-",
    "+",
    "^",
    "\n",
    "\n\n",
    "\t",
    " ",
    "    ",
    "\0",
    "\r",
    "\u{c}",
    "\u{1}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "<script>",
    "</script>",
    "<img src=x ",
    "onerror=alert(1)",
    "<a href=",
    "javascript:",
    "java\nscript:",
    "data:text/html,",
    "vbscript:",
    "&#106;",
    "&Tab;",
    "&colon;",
    "&quot;",
    "&lt;",
    "<svg",
    "<math>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "<table>",
    "<select>",
    "<input ",
    "<p id=",
    "style=",
    "class=",
    "```",
    "```rust\n",
    "](",
    "[^a]",
    "[^a]: ",
    "# ",
    "| a |\n|---|\n",
    "https://example.com/",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_typed_does_harm(
        pieces in proptest::collection::vec(
            prop_oneof![8 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => "[a-z]{1,3}", 1 => "\\PC{1,4}"],
            1..40,
        ),
    ) {
        let typed = pieces.concat();
        let rendered = render(&typed).expect("renders");
        check_harmless(&rendered.html);
        prop_assert!(rendered.excerpt.chars().count() <= 200);
        prop_assert!(!rendered.excerpt.chars().any(char::is_control));
    }
}

/// Without the order that `nest` makes each of these takes minutes, or all memory.
#[test]
fn a_mess_of_elements_is_mended_or_refused_in_good_time() {
    let numbered = |count: usize| (0..count).map(|n| format!("<b title={n}>")).collect::<String>();
    for (typed, fits) in [
        (format!("<p>{}{}", numbered(120), "<p>x".repeat(10_000)), true),
        (format!("<table>{}{}", numbered(120), "<tr>x".repeat(10_000)), true),
        (format!("<p>{}{}", numbered(5000), "<p>x".repeat(20_000)), false),
        ("<a><div>".repeat(5_000), true),
        ("<a><b><i>".repeat(5_000), true),
        ("<div>\n\n".repeat(25_000), false),
        ("<details>".repeat(20_000), false),
        ("<div>".repeat(100), true),
        (">".repeat(1000), false),
    ] {
        let result = render(&typed);
        assert_eq!(result.is_ok(), fits, "{}", &typed[..40]);
    }
}

#[test]
fn characters_that_are_no_html_go() {
    assert_eq!(html("a\u{1}b \u{7f}\u{85}\u{fdd0}\u{fffe}`\u{1b}[0m`\tc"), "<p>ab <code>[0m</code>\tc</p>\n");
    // In an address they stay: without them it would be another.
    let link = html("<a href=\"j\u{10}avascript:alert(1)\">a</a>");
    assert!(link.contains("<a") && !link.contains("\"javascript:"), "{link}");
}

#[test]
fn an_attribute_with_a_very_long_value_goes() {
    let image = |bytes: usize| html(&format!("<img src=\"/a.png\" alt=\"{}\">", "a".repeat(bytes)));
    assert!(image(8 * 1024).contains(" alt="));
    let without = image(8 * 1024 + 1);
    assert!(without.contains(" src=") && !without.contains(" alt="), "{without}");
}

#[test]
fn elements_end_where_their_parents_do() {
    for (typed, page) in [
        ("<b>bold\n\nplain", "<p><b>bold</b></p>\n<p>plain</p>\n"),
        ("<ul><li>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>"),
        (
            "<table><tr><td>a<td>b<tr><td>c</table>",
            "<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>",
        ),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
        (
            "<div>\n\n# In a *box*\n\n</div>\n",
            "<div>\n<h1 id=\"user-content-in-a-box\">In a <em>box</em></h1>\n</div>\n",
        ),
        ("a</b> <unknown>b</unknown>", "<p>a b</p>\n"),
    ] {
        assert_eq!(html(typed).trim_end(), page.trim_end());
    }
}

#[test]
fn headings_have_ids_that_are_unique_and_linked_to() {
    let page = html("# Set up\n\n## Set *up*\n\n## Über 東京!\n\n## 🎉\n\n### `a\"b`\n\n[there](#set-up-1) [top](#)");
    for part in [
        "<h1 id=\"user-content-set-up\">Set up</h1>",
        "<h2 id=\"user-content-set-up-1\">Set <em>up</em></h2>",
        "<h2 id=\"user-content-über-東京\">",
        "<h2 id=\"user-content-section\">",
        "<h3 id=\"user-content-ab\">",
        "<a href=\"#user-content-set-up-1\"",
        "<a href=\"#\"",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[test]
fn code_is_highlighted_by_class() {
    let page = html("```rust\n// note\nfn main() { let x = \"<b>\" + 12; }\n```\n\n```nonsense\n<b>\n```");
    expect![[r#"
        <pre><code class="language-rust"><span class="hl-comment">// note
        </span><span class="hl-keyword">fn </span><span class="hl-function">main</span>() { <span class="hl-keyword">let</span> x <span class="hl-keyword">= </span><span class="hl-string">"&lt;b&gt;" </span><span class="hl-keyword">+ </span><span class="hl-number">12</span>; }
        </code></pre>
        <pre><code class="language-nonsense">&lt;b&gt;
        </code></pre>
    "#]].assert_eq(&page);
    // Beyond its bounds code is plain, and still there.
    let line = "let x = 1; // note\n";
    let long = format!("```rust\n{}```\n", line.repeat(MAX_HIGHLIGHTED_BYTES / line.len() + 1));
    assert!(!html(&long).contains("<span"));
    let wide = format!("```rust\nlet x = \"{}\";\n```\n", "x".repeat(2000));
    assert!(!html(&wide).contains("<span"));
    let blocks = format!("```rust\n{}```\n\n", line.repeat(500)).repeat(2);
    let page = html(&blocks);
    assert_eq!(page.matches("hl-comment").count(), 500, "the first block fits");
    assert_eq!(rendered(&blocks).word_count, 2 * 500 * 4);
    let languages = ["c", "go", "json", "rust", "yaml"].map(|language| format!("```{language}\n\"x\"\n```\n")).concat();
    assert_eq!(html(&languages).matches("hl-string").count(), MAX_LANGUAGES);
    let many: String = (0..5000).map(|_| "```json\n1\n```\n").collect();
    assert!(!html(&many).is_empty());
}

/// The second half of `docs/markdown.md` is written by this test (`cargo run -p xtask -- generate`).
#[test]
fn the_documentation_lists_all_that_may_stand_in_a_page() {
    const BEGIN: &str = "<!-- From here on written by a test: crates/markdown/src/tests.rs -->\n";
    let documented = include_str!("../../../docs/markdown.md");
    let (head, _) = documented.split_once(BEGIN).expect("the line where the test's part begins");
    for (class, _) in highlight::CLASSES {
        assert!(head.contains(&format!(".{class}")), "the stylesheet lacks {class}");
    }
    let sorted = |names: &HashSet<&str>| {
        let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.sort();
        names.join(" ")
    };
    let mut list = format!("{head}{BEGIN}\n");
    let (attributes, classes) = (CLEANER.clone_tag_attributes(), CLEANER.clone_allowed_classes());
    let set = CLEANER.clone_set_tag_attribute_values();
    list.push_str(&format!("- Addresses: {}, and relative ones.\n", sorted(&CLEANER.clone_url_schemes())));
    list.push_str(&format!("- Attributes of every element: {}.\n", sorted(&CLEANER.clone_generic_attributes())));
    list.push_str(&format!("- Set on every link: `rel=\"{}\"`.\n", CLEANER.get_link_rel().expect("a value")));
    list.push_str(&format!(
        "- Ids: of headings `{ID_PREFIX}…`, of footnotes `{}MARK-…`, where MARK is a hash of the text.\n",
        FOOTNOTE_PREFIXES.join("MARK-…`, `")
    ));
    list.push_str(&format!("- Removed with what they hold: {}. ", sorted(&CLEANER.clone_clean_content_tags())));
    list.push_str("Of every other element that is not listed, the text stays.\n\n");
    list.push_str("| element | attributes | classes | always set |\n|---|---|---|---|\n");
    let mut elements: Vec<_> = CLEANER.clone_tags().into_iter().collect();
    elements.sort();
    for element in elements {
        let mut values: Vec<_> =
            set.get(element).into_iter().flatten().map(|(name, value)| format!("`{name}=\"{value}\"`")).collect();
        values.sort();
        let classes = match element {
            "code" => "`language-…`".to_owned(),
            _ => classes.get(element).map(&sorted).unwrap_or_default(),
        };
        let attributes = attributes.get(element).map(&sorted).unwrap_or_default();
        list.push_str(&format!("| `{element}` | {attributes} | {classes} | {} |\n", values.join(" ")));
    }
    list.push_str("\n| class of code | scopes of the grammar |\n|---|---|\n");
    for (class, scopes) in highlight::CLASSES {
        list.push_str(&format!("| `{class}` | `{}` |\n", scopes.join("` `")));
    }
    expect_file!["../../../docs/markdown.md"].assert_eq(&list);
}

#[test]
fn a_text_that_explodes_is_refused_and_a_deep_one_is_not_a_crash() {
    let bomb = format!("{}\n\n[^a]: {}", "[^a]".repeat(50_000), "x");
    assert!(render(&bomb).is_err());
    for opener in [">", "[", "*", "- ", "`", "<b>", "![", "(", "|"] {
        let deep = opener.repeat(200 * 1024 / opener.len());
        let _ = render(&deep);
    }
}

fn rendered(markdown: &str) -> Rendered {
    render(markdown).expect("renders")
}

#[test]
fn words_are_counted_in_any_script() {
    for (typed, words) in [
        ("It *weaves* pat**tern**s, doesn't it?", 5),
        ("Arabic: يولد جميع الناس أحراراً متساوين", 6),
        ("모든 인간은 태어날 때부터 자유로우며", 5),
        ("Все люди рождаются свободными", 4),
        // The dictionary of ICU 78 finds 11, 19 and 11.
        ("人人生而自由,在尊严和权利上一律平等。", 10),
        ("すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。", 23),
        ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน", 11),
        ("カタカナ", 3),
        ("😀 👩‍👩‍👧‍👦 🇩🇪", 0),
        // Read are what links and code say, not where they lead, and not what pictures would say.
        ("[two words](https://example.com/a/b/c \"title\") ![a picture](https://example.com/p.png)", 2),
        ("See[^1] it.\n\n[^1]: A note.", 4),
        ("```rust\nfn main() {}\n```", 2),
        ("| a | b |\n|---|---|\n| c | d |", 4),
        ("- one\n- two\n\n<p>three</p><p>four</p>", 4),
        ("<!-- not this --> this <script>nor this</script>", 1),
    ] {
        assert_eq!(rendered(typed).word_count, words, "{typed}");
    }
}

#[test]
fn an_excerpt_is_the_beginning_of_the_prose() {
    for (typed, excerpt) in [
        ("# Title\n\nFirst *line*\nand  second.\n\n- A point\n", "First line and second. A point"),
        ("```\ncode\n```\n\n| a |\n|---|\n| b |\n\nText[^1] &amp; <b>more</b>\n\n[^1]: Note.", "Text & more"),
        ("![picture](https://example.com/p.png)", ""),
        ("# Only\n\n## headings", ""),
        ("> <ruby>東<rt>とう</rt></ruby>京", "東京"),
    ] {
        assert_eq!(rendered(typed).excerpt, excerpt, "{typed}");
    }
}

#[test]
fn an_excerpt_is_cut_at_a_word_of_any_script() {
    let cut = |typed: &str| {
        let excerpt = rendered(typed).excerpt;
        (excerpt.chars().count(), excerpt.chars().rev().take(8).collect::<Vec<_>>().iter().rev().collect::<String>())
    };
    assert_eq!(cut(&"word ".repeat(40)), (199, "ord word".to_owned()), "199 characters fit");
    assert_eq!(cut(&"words ".repeat(40)), (198, "s words…".to_owned()));
    assert_eq!(cut(&"words, ".repeat(40)), (195, ", words…".to_owned()));
    assert_eq!(cut(&"x".repeat(200)), (200, "xxxxxxxx".to_owned()));
    assert_eq!(cut(&"x".repeat(201)), (200, "xxxxxxx…".to_owned()));
    assert_eq!(cut(&"自由".repeat(200)), (200, "自由自由自由自…".to_owned()));
    // A family of seven scalar values stays together.
    assert_eq!(cut(&"👩‍👩‍👧‍👦".repeat(100)).0, 28 * 7 + 1);
    assert_eq!(cut(&format!("e{}", "\u{301}".repeat(300))).0, 200);
}

#[test]
fn the_footnotes_of_two_texts_on_a_page_keep_apart() {
    let ids = |html: &str| -> Vec<String> {
        let names = opened(html).into_iter().flat_map(|tag| tag.attrs);
        names.filter(|it| &*it.name.local == "id").map(|it| it.value.to_string()).collect()
    };
    let links = |html: &str| -> Vec<String> {
        let names = opened(html).into_iter().flat_map(|tag| tag.attrs);
        names.filter(|it| &*it.name.local == "href").map(|it| it.value.to_string()).collect()
    };
    let (one, two) = (html("One[^1] again[^1].\n\n[^1]: Note."), html("Two[^1].\n\n[^1]: Note."));
    assert_eq!(ids(&one).len(), 3, "{one}");
    assert!(ids(&one).iter().all(|id| !ids(&two).contains(id)), "{one} {two}");
    // Every link leads to what is there, each to another.
    for page in [&one, &two] {
        let targets: HashSet<_> = links(page).into_iter().collect();
        assert_eq!(targets, ids(page).iter().map(|id| format!("#{id}")).collect(), "{page}");
    }
    assert_eq!(one, html("One[^1] again[^1].\n\n[^1]: Note."), "the same text makes the same page");
}

#[test]
fn a_text_may_say_which_way_it_runs() {
    assert!(html("<p dir=\"rtl\">שלום</p>").contains("<p dir=\"rtl\">"));
    assert!(html("<bdi dir=auto>x</bdi>").contains("dir=\"auto\""));
    assert!(!html("<p dir=\"up\">x</p>").contains("dir"));
}

#[test]
fn a_picture_of_our_own_is_shown_in_its_sizes() {
    let id = "01KAM5K9R0000000000000000A";
    let picture = Picture {
        src: format!("/media/{id}/960.jpg"),
        width: 1920,
        height: 1080,
        files: vec![(format!("/media/{id}/960.jpg"), 960), (format!("/media/{id}/1920.jpg"), 1920)],
        alt: "From the upload".to_owned(),
    };
    let pictures = Pictures::from([(id.to_owned(), picture)]);
    let show = |markdown: &str| render_with(markdown, &pictures).expect("renders").html;
    let expected = |alt: &str| {
        format!(
            "<p><img src=\"/media/{id}/960.jpg\" alt=\"{alt}\" srcset=\"/media/{id}/960.jpg 960w, /media/{id}/1920.jpg 1920w\" \
             sizes=\"(max-width: 60rem) 100vw, 60rem\" width=\"1920\" height=\"1080\" loading=\"lazy\"></p>\n"
        )
    };
    assert_eq!(show(&format!("![A *cat* & a \"dog\"](/media/{id})")), expected("A cat &amp; a &quot;dog&quot;"));
    assert_eq!(show(&format!("![](/media/{})", id.to_lowercase())), expected("From the upload"));
    // What is not known, or no picture, is like that of others.
    let other = "<p><img src=\"/media/01KAM5K9R0000000000000000B\" alt=\"a\" loading=\"lazy\"></p>\n";
    assert_eq!(show("![a](/media/01KAM5K9R0000000000000000B)"), other);
    assert!(show(&format!("[a](/media/{id})")).contains(&format!("href=\"/media/{id}\"")));
    assert!(show(&format!("`![a](/media/{id})`")).contains("<code>"));
    let named = format!("![a](/media/{id}) `![b](/media/B)` ![c](/media/C/x.jpg) ![d](https://example.com/media/D)");
    assert_eq!(pictures_of(&named), BTreeSet::from([id.to_owned()]));
}

#[test]
fn a_srcset_has_web_addresses_only() {
    let show = |srcset: &str| html(&format!("<img src=\"/a\" srcset=\"{srcset}\">")).contains("srcset");
    assert!(show("https://example.com/a.jpg 480w, /b.jpg 960w"));
    for harmful in
        ["javascript:alert(1) 1w", "/a.jpg 1w, data:image/svg+xml 2w", "/a.jpg", "/a.jpg 2x", "/a.jpg 1w,/b.jpg 2w", ""]
    {
        assert!(!show(harmful), "{harmful}");
    }
    assert!(!html("<img src=\"/a\" sizes=\"expression(1)\">").contains("sizes"));
}
