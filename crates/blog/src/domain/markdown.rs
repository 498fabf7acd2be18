//! From what an author types to what a page shows.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use comrak::Options;
use unicode_segmentation::UnicodeSegmentation;

use super::Body;

/// A text, rendered when it is written so that reading it costs nothing.
pub struct Rendered {
    /// HTML that is safe to put into a page whatever was typed.
    pub html: String,
    /// Words, by the word boundaries of Unicode (UAX 29), so that it counts in any script.
    pub word_count: u64,
}

/// Why a text cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderError;

impl std::fmt::Display for RenderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "must not grow beyond {} bytes of HTML; the text nests or links too much", MOST_HTML_BYTES)
    }
}

/// Ten bytes can ask for thousands (footnotes, tables, nested lists), so the result has a limit of its own:
/// 1 MiB, well below the 6 MB that Lambda may answer.
const MOST_HTML_BYTES: usize = 1024 * 1024;

/// CommonMark with GitHub's tables, strikethrough, task lists, footnotes and autolinks.
static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    // Raw HTML passes the renderer, as CommonMark says, and is then cleaned with everything else.
    options.render.r#unsafe = true;
    options.render.tasklist_classes = true;
    options
});

/// What may stay. Everything that ammonia allows by default is harmless; added is what comrak makes of
/// footnotes, task lists and code.
static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(["input", "section"])
        .add_tag_attributes("input", ["checked"])
        .set_tag_attribute_values(HashMap::from([("input", HashMap::from([("type", "checkbox"), ("disabled", "")]))]))
        .add_tag_attributes("section", ["data-footnotes"])
        .add_tag_attributes("a", ["data-footnote-ref", "data-footnote-backref", "aria-label"])
        .add_tag_attributes("li", ["id"])
        .add_tag_attributes("a", ["id"])
        .add_tag_attributes("pre", ["lang"])
        .add_tag_attributes("code", ["class"])
        .add_allowed_classes("section", ["footnotes"])
        .add_allowed_classes("sup", ["footnote-ref"])
        .add_allowed_classes("a", ["footnote-backref"])
        .add_allowed_classes("ul", ["contains-task-list"])
        .add_allowed_classes("li", ["task-list-item"])
        .add_allowed_classes("input", ["task-list-item-checkbox"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            // Other ids could shadow a page's own (DOM clobbering).
            (_, "id") => (value.starts_with("fn-") || value.starts_with("fnref-")).then(|| value.into()),
            ("code", "class") => {
                let language = value.strip_prefix("language-")?;
                let plain = language.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '#' | '.'));
                plain.then(|| value.into())
            }
            _ => Some(value.into()),
        });
    cleaner
});

/// Renders and cleans a text.
pub fn render(body: &Body) -> Result<Rendered, RenderError> {
    let dirty = comrak::markdown_to_html(body.as_str(), &OPTIONS);
    if dirty.len() > MOST_HTML_BYTES {
        return Err(RenderError);
    }
    let html = CLEANER.clean(&dirty).to_string();
    if html.len() > MOST_HTML_BYTES {
        return Err(RenderError);
    }
    let word_count = body.as_str().unicode_words().count() as u64;
    Ok(Rendered { html, word_count })
}

#[cfg(test)]
mod tests {
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
}
