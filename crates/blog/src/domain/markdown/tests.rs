use super::*;

fn html(markdown: &str) -> String {
    render(&Body::try_from(markdown.to_owned()).expect("a body")).expect("renders").html
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
        "id=\"fn-n\"",
        "href=\"#fn-n\"",
        "<code class=\"language-rust\">",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[test]
fn nothing_that_runs_survives() {
    for typed in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href=\"java\nscript:alert(1)\">x</a>",
        "<svg onload=alert(1)>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<p id=\"location\" style=\"position:fixed\" onclick=alert(1)>x</p>",
        "```\"><script>alert(1)</script>\n```",
    ] {
        let page = html(&format!("before {typed} after"));
        let tags = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default().to_lowercase());
        for tag in tags {
            assert!(!tag.starts_with("script") && !tag.starts_with("iframe") && !tag.starts_with("svg"), "{page}");
            for attribute in [" on", "javascript:", "style=", "id=\"location", "srcdoc"] {
                assert!(!tag.contains(attribute), "{attribute} survived in {page}");
            }
        }
    }
}

#[test]
fn a_text_that_explodes_is_refused_and_a_deep_one_is_not_a_crash() {
    let bomb = format!("{}\n\n[^a]: {}", "[^a]".repeat(50_000), "x");
    assert!(render(&Body::try_from(bomb).expect("a body")).is_err());
    for opener in [">", "[", "*", "- ", "`", "<b>", "![", "(", "|"] {
        let deep = Body::try_from(opener.repeat(200 * 1024 / opener.len())).expect("a body");
        let _ = render(&deep);
    }
}

fn rendered(markdown: &str) -> Rendered {
    render(&Body::try_from(markdown.to_owned()).expect("a body")).expect("renders")
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
fn characters_are_counted_as_typed() {
    assert_eq!(rendered("**é** 人 👩‍👩‍👧‍👦\n").characters, 5 + 1 + 1 + 1 + 7 + 1);
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
