use proptest::prelude::*;

use super::*;

fn markdown(html: &str) -> String {
    to_markdown(html, &|_| None).markdown
}

#[test]
fn each_element_has_its_sign() {
    for (html, expected) in [
        ("<p>One\n two</p><p>Three</p>", "One two\n\nThree"),
        ("One<br>two<br />three<br>", "One\\\ntwo\\\nthree"),
        // With a backslash, that would be part of the address.
        ("See http://a.b/c <br>two", "See http://a.b/c<br>\ntwo"),
        ("See http://a.b/c<br>two", "See http\\://a.b/c\\\ntwo"),
        ("<h2>A <em>title</em> #</h2>", "## A *title* \\#"),
        (
            "<b>bold</b> <i>it</i> <s>gone</s> <strong><em>both</em></strong>",
            "**bold** *it* ~~gone~~ **<em>both</em>**",
        ),
        ("<b>Note: </b>text", "**Note:** text"),
        ("a<b>!</b>b", "a<strong>!</strong>b"),
        ("<b>a</b><b>b</b>", "**a**<strong>b</strong>"),
        ("x<sup>2</sup> and H<sub>2</sub>O, <kbd>Esc</kbd>", "x<sup>2</sup> and H<sub>2</sub>O, <kbd>Esc</kbd>"),
        ("<a href='/a b(c)' title='T \"q\"'>L</a>", "[L](/a%20b%28c%29 \"T \\\"q\\\"\")"),
        ("<a href='https://example.com/x'>https://example.com/x</a>", "<https://example.com/x>"),
        ("<a name='here'>Anchor</a><a href='javascript:x()'>Run</a>", "AnchorRun"),
        ("Hi!<a href='/x'>x</a>", "Hi\\![x](/x)"),
        ("<img src='a.png' alt='A [b]'>", "![A \\[b\\]](a.png)"),
        ("<img src='data:image/gif;base64,xx' data-src='b.png'>", "![](b.png)"),
        ("<a href='/b'><img src='a.png' alt=''></a>", "[![](a.png)](/b)"),
        ("<ul><li>One</li><li>Two<ul><li>Deep</li></ul></li></ul>", "- One\n- Two\n  - Deep"),
        ("<ul><li>A<ol start=3><li>B</li></ol></li><li>C</li></ul>", "- A\n\n  3. B\n\n- C"),
        ("<ol start=4000000000><li>A</li></ol>", "1. A"),
        ("<ol start=3><li>C</li><li><p>D</p><p>E</p></li></ol>", "3. C\n\n4. D\n\n   E"),
        ("<ul><li>a</li></ul><ul><li>b</li></ul>", "- a\n\n* b"),
        (
            "<ul><li><input type=checkbox checked> Done</li><li><input type=checkbox>Not</li></ul>",
            "- [x] Done\n- [ ] Not",
        ),
        (
            "<blockquote><p>Said</p><p>Twice</p><cite>Who</cite></blockquote>",
            "> Said\n>\n> Twice\n>\n> <cite>Who</cite>",
        ),
        ("<pre><code class='language-rust'>fn a() {}\n\n  b\n</code></pre>", "```rust\nfn a() {}\n\n  b\n```"),
        ("<pre class='brush: php; notranslate'>a ``` b</pre>", "````php\na ``` b\n````"),
        ("Use <code>a`b</code> or <code> x </code>", "Use ``a`b`` or `x`"),
        ("<hr/>", "___"),
        (
            "<table><caption>Cap</caption><thead><tr><th style='text-align: right'>A</th><th>B</th></tr></thead><tr><td>1|2</td><td><code>a|b</code><br>c</td></tr></table>",
            "Cap\n\n| A | B |\n| --: | --- |\n| 1\\|2 | `a\\|b`<br>c |",
        ),
        ("<table><tr><td>1</td></tr></table>", "|  |\n| --- |\n| 1 |"),
        (
            "<table><tr><td colspan=2>1\n\n2</td></tr></table>",
            "<table><tbody><tr><td colspan=\"2\">1 2</td></tr></tbody></table>",
        ),
        ("<dl><dt>T</dt><dd>D &lt; E</dd></dl>", "<dl><dt>T</dt><dd>D &lt; E</dd></dl>"),
        (
            "<figure><img src='a.png'><figcaption>A <em>cap</em></figcaption></figure>",
            "<figure>\n\n![](a.png)\n\n<figcaption>A <em>cap</em></figcaption>\n</figure>",
        ),
        ("<figure><img src='a.png'></figure>", "![](a.png)"),
        (
            "<details><summary>More</summary>one <b>two</b>three</details>",
            "<details>\n<summary>More</summary>\n\none **two**three\n\n</details>",
        ),
        (
            "<details><summary>More</summary><p>*x*</p></details>",
            "<details>\n<summary>More</summary>\n\n\\*x\\*\n\n</details>",
        ),
        ("<iframe src='//www.youtube.com/embed/abc_1?rel=0'></iframe>", "<https://www.youtube.com/watch?v=abc_1>"),
        ("<iframe title='Film' src='https://player.vimeo.com/video/12'></iframe>", "[Film](https://vimeo.com/12)"),
        ("<video><source src='/a.mp4'></video>", "[/a.mp4](/a.mp4)"),
        ("<a href='/x'><div>Block</div></a>", "[Block](/x)"),
        ("<script>alert(1)</script><style>p{}</style>x", "x"),
        ("<div align=center><p>a</p>b</div>", "a\n\nb"),
        ("Tom &amp; Jerry, &amp;amp;, a_b_c, _x_", "Tom & Jerry, \\&amp;, a_b_c, \\_x\\_"),
        (
            "<p>1. not a list</p><p># no heading</p><p>- x</p><p>-x</p><p>+</p><p>> q</p><p>#tag</p>",
            "1\\. not a list\n\n\\# no heading\n\n\\- x\n\n-x\n\n\\+\n\n\\> q\n\n#tag",
        ),
        ("See https://example.com/a-b for it", "See https://example.com/a-b for it"),
        ("See https://example.com/a_b for it", "See https://example.com/a_b for it"),
        ("See https://example.com/_b for it", "See https\\://example.com/\\_b for it"),
    ] {
        assert_eq!(markdown(html), expected, "{html}");
    }
}

#[test]
fn what_is_lost_is_counted() {
    let html = "<script>1</script><script>2</script><noscript><img src='a.png'></noscript><form>Name <input name=a></form><img src='data:x'>";
    let Converted { markdown, lost } = to_markdown(html, &|_| None);
    assert_eq!(markdown, "Name");
    let lost: Vec<_> = lost.into_iter().collect();
    assert_eq!(
        lost,
        [
            ("fields of forms", 1),
            ("forms, of which the text is kept", 1),
            ("parts for browsers without scripts", 1),
            ("pictures without an address", 1),
            ("scripts", 2)
        ]
    );
}

#[test]
fn addresses_lead_elsewhere_wherever_they_stand() {
    let new = |old: &str| old.strip_prefix("https://old.example/").map(|rest| format!("/posts/{rest}"));
    let html = "<a href='https://old.example/a'><img src='https://old.example/b'></a>\
        <dl><dd><a href='https://old.example/c'>c</a> <a href='https://e.com/d'>d</a></dd></dl>";
    assert_eq!(
        to_markdown(html, &new).markdown,
        "[![](/posts/b)](/posts/a)\n\n<dl><dd><a href=\"/posts/c\">c</a> <a href=\"https://e.com/d\">d</a></dd></dl>"
    );
}

#[test]
fn thousands_of_open_elements_overflow_no_stack() {
    let html = format!("{}{}text", "<div><b><ul><li>".repeat(100), "<span>".repeat(20_000));
    let converted = to_markdown(&html, &|_| None);
    assert!(converted.markdown.contains("text"));
    assert!(!converted.lost.is_empty());
    assert!(plain_text(&html).contains("text"));
}

/// What a reader sees, in one line.
fn seen(html: &str) -> String {
    fn walk(node: &Rc<Node>, out: &mut String) {
        if let Some(text) = node.text() {
            // A control character shows nothing, and is left out.
            out.extend(text.chars().filter(|letter| letter.is_whitespace() || !letter.is_control()));
        }
        let ends_word = is_block(node.name()) || matches!(node.name(), "br" | "thead");
        if ends_word {
            out.push(' ');
        }
        for child in node.children().iter() {
            walk(child, out);
        }
        if ends_word {
            out.push(' ');
        }
    }
    let mut out = String::new();
    walk(&tree::parse(html), &mut out);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-c]{1,3}",
        6 => "[-#*_`~|\\[\\]()!\\\\&:;.,+=>\"'0-9^$@/]{1,4}",
        1 => Just("http://a.b/c_d".to_owned()),
        1 => Just("www.a.b".to_owned()),
        1 => Just("a@b.cd".to_owned()),
        1 => Just("1.".to_owned()),
        1 => Just("---".to_owned()),
        1 => Just("&amp;amp;".to_owned()),
        1 => Just("&lt;b&gt;".to_owned()),
        1 => Just("&nbsp;".to_owned()),
        1 => Just("“é”".to_owned()),
        1 => Just("[^1]".to_owned()),
        1 => Just("[x](y)".to_owned()),
    ];
    let gap = prop_oneof![3 => Just(" "), 1 => Just(""), 1 => Just("\n")];
    proptest::collection::vec((gap.clone(), word, gap), 0..4)
        .prop_map(|words| words.into_iter().map(|(before, word, after)| format!("{before}{word}{after}")).collect())
}

fn line() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => text(),
        1 => Just("<br>".to_owned()),
        1 => text().prop_map(|text| format!("<code>{text}</code>")),
        1 => Just("<img src='a.png' alt='*a*'>".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let element = prop_oneof![
            Just("b"),
            Just("i"),
            Just("em"),
            Just("s"),
            Just("span"),
            Just("sup"),
            Just("a href='/x_y'"),
            Just("u"),
            Just("strong")
        ];
        prop_oneof![
            2 => (element, inner.clone()).prop_map(|(open, inner)| {
                let name = open.split(' ').next().unwrap_or_default();
                format!("<{open}>{inner}</{name}>")
            }),
            2 => proptest::collection::vec(inner, 1..4).prop_map(|parts| parts.concat()),
        ]
    })
}

fn page() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => line(),
        4 => line().prop_map(|line| format!("<p>{line}</p>")),
        2 => line().prop_map(|line| format!("<h3>{line}</h3>")),
        1 => text().prop_map(|text| format!("<pre>{text}</pre>")),
        1 => Just("<hr>".to_owned()),
        1 => (line(), line(), line()).prop_map(|(a, b, c)| {
            format!("<table><tr><th>{a}</th><th>{b}</th></tr><tr><td>{c}</td></tr></table>")
        }),
        1 => (line(), line()).prop_map(|(a, b)| format!("<dl><dt>{a}</dt><dd>{b}</dd></dl>")),
        1 => line().prop_map(|line| format!("<figure><img src='a.png'><figcaption>{line}</figcaption></figure>")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let many = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            many.clone().prop_map(|items| format!("<ul><li>{}</li></ul>", items.join("</li><li>"))),
            many.clone().prop_map(|items| format!("<ol><li>{}</li></ol>", items.join("</li><li>"))),
            inner.clone().prop_map(|inner| format!("<blockquote>{inner}</blockquote>")),
            inner.clone().prop_map(|inner| format!("<div><b>{inner}</b></div>")),
            inner.clone().prop_map(|inner| format!("<table><tr><td rowspan=2>{inner}</td></tr></table>")),
            inner.prop_map(|inner| format!("<details><summary>s</summary>{inner}</details>")),
            many.prop_map(|parts| parts.concat()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 2000, ..ProptestConfig::default() })]
    #[test]
    fn readers_see_the_same_text(html in page()) {
        let markdown = markdown(&html);
        let rendered = ::markdown::render(&markdown).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(seen(&rendered.html), seen(&html), "{}\n---\n{}\n---\n{}", html, markdown, rendered.html);
    }
}

/// It takes minutes where each element is compared with all that are open.
#[test]
fn open_elements_of_any_kind_overflow_no_stack_and_take_time_by_their_number_only() {
    for piece in
        ["<div>", "<ul><li>", "<dl><dd>", "<details>", "<figure>", "<ul><li>x</li>", "<b><p>", "<table><td>", "a://"]
    {
        let html = format!("{}text", piece.repeat(200_000 / piece.len()));
        let converted = to_markdown(&html, &|_| None);
        assert!(converted.markdown.contains("text"), "{piece}");
    }
}

#[test]
fn what_follows_elements_that_nest_too_deep_stands_as_it_did() {
    let (open, close) = ("<div>".repeat(1000), "</div>".repeat(1000));
    let html = format!("{open}<p>one</p><script>no</script><img src='a.png'><b>two</b>{close}<p>three <i>four</i></p>");
    let markdown = markdown(&html);
    assert!(markdown.starts_with("one") && markdown.ends_with("two\n\nthree *four*"), "{markdown}");
}
