//! What may stand in a page. `docs/markdown.md` lists it and is written from here by a test.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{highlight, pictures};

/// Before the id of a heading, so that none can shadow what the page's own scripts ask for (DOM clobbering,
/// <https://cheatsheetseries.owasp.org/cheatsheets/DOM_Clobbering_Prevention_Cheat_Sheet.html>). GitHub's word.
pub const ID_PREFIX: &str = "user-content-";

/// What the ids of footnotes and of the marks that lead to them begin with. No script asks for such names: they
/// have a hyphen. A mark of the text follows, so that the notes of two posts on one page keep apart.
pub const FOOTNOTE_PREFIXES: [&str; 2] = ["fn-", "fnref-"];

const HEADINGS: [&str; 6] = ["h1", "h2", "h3", "h4", "h5", "h6"];

/// The schemes that an address may have.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Everything that ammonia allows by default is harmless; added is what comrak and the highlighter make.
pub static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_tags(["input", "section"])
        // Which way a text runs, of one that is in another script than the page.
        .add_generic_attributes(["dir"])
        .add_tag_attributes("input", ["checked"])
        .set_tag_attribute_values(HashMap::from([
            ("input", HashMap::from([("type", "checkbox"), ("disabled", "")])),
            ("img", HashMap::from([("loading", "lazy")])),
        ]))
        .add_tag_attributes("img", ["sizes", "srcset"])
        .add_tag_attributes("section", ["data-footnotes"])
        .add_tag_attributes("a", ["data-footnote-ref", "data-footnote-backref", "aria-label", "id"])
        .add_tag_attributes("li", ["id"])
        .add_tag_attributes("code", ["class"])
        .add_allowed_classes("section", ["footnotes"])
        .add_allowed_classes("sup", ["footnote-ref"])
        .add_allowed_classes("a", ["footnote-backref"])
        .add_allowed_classes("ul", ["contains-task-list"])
        .add_allowed_classes("li", ["task-list-item"])
        .add_allowed_classes("input", ["task-list-item-checkbox"])
        .add_allowed_classes("span", highlight::CLASSES.map(|(class, _)| class))
        .url_schemes(HashSet::from(SCHEMES))
        .attribute_filter(filter);
    for heading in HEADINGS {
        cleaner.add_tag_attributes(heading, ["id"]);
    }
    cleaner
});

/// How many bytes of text stand together while they are cleaned, if they hold a character that is written as an entity.
const MAX_TEXT_BYTES: usize = 1024;

/// Cleans a page that is well nested, or was cleaned before.
pub fn clean(html: &str) -> String {
    CLEANER.clean(&with_short_texts(html)).to_string()
}

/// The same page with comments in its long texts, which the cleaner drops. html5ever looks for the end of a text once for each `&` in it,
/// and for each character of Latin-1, so that a long text of them takes a time that grows with the square of its length.
fn with_short_texts(html: &str) -> Cow<'_, str> {
    let mut short = String::new();
    let (mut copied, mut begin, mut is_text) = (0, 0, true);
    for (at, byte) in html.bytes().enumerate() {
        match byte {
            // A `<` begins a tag and a `>` ends one: everywhere else they are entities.
            b'<' => is_text = false,
            b'>' => (begin, is_text) = (at + 1, true),
            // U+0080 to U+00BF begin with 0xC2.
            b'&' | 0xC2 if is_text && at - begin >= MAX_TEXT_BYTES => {
                short.push_str(&html[copied..at]);
                short.push_str("<!---->");
                (copied, begin) = (at, at);
            }
            _ => {}
        }
    }
    if copied == 0 {
        return html.into();
    }
    short.push_str(&html[copied..]);
    short.into()
}

/// What a value may be where its attribute alone does not say that it is harmless.
fn filter<'v>(element: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let is_footnote = |id: &str| FOOTNOTE_PREFIXES.iter().any(|prefix| id.starts_with(prefix));
    match (element, attribute) {
        (_, "dir") => matches!(value, "auto" | "ltr" | "rtl").then(|| value.into()),
        (_, "id") if HEADINGS.contains(&element) => value.starts_with(ID_PREFIX).then(|| value.into()),
        (_, "id") => is_footnote(value).then(|| value.into()),
        // An address that ammonia does not know as one: no browser follows it, but scripts of a page do.
        (_, "cite") => match ammonia::Url::parse(value) {
            Ok(address) => SCHEMES.contains(&address.scheme()).then(|| value.into()),
            Err(ammonia::url::ParseError::RelativeUrlWithoutBase) => Some(value.into()),
            Err(_) => None,
        },
        // An author links to a heading by its name and need not know of the prefix.
        ("a", "href") => Some(match value.strip_prefix('#') {
            Some(id) if !id.is_empty() && !id.starts_with(ID_PREFIX) && !is_footnote(id) => {
                format!("#{ID_PREFIX}{id}").into()
            }
            _ => value.into(),
        }),
        ("img", "srcset") => pictures::is_harmless_srcset(value).then(|| value.into()),
        ("img", "sizes") => (value == pictures::SIZES).then(|| value.into()),
        ("code", "class") => {
            let language = value.strip_prefix("language-")?;
            let plain = language.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '#' | '.'));
            plain.then(|| value.into())
        }
        _ => Some(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_in_long_texts_change_nothing_but_the_time() {
        let longs = [
            format!("<p>{}</p>", "&amp;".repeat(2_000)),
            format!("a &amp; b{}\u{bb} <em title=\"{}\">\u{e9}\u{a0}</em>", "x".repeat(3_000), "&amp;".repeat(500)),
            format!("<pre><code>{}</code></pre>", "\u{ab}\n&lt;".repeat(1_000)),
            format!("<table><tr><td>{}</td></tr></table>", "&nbsp;".repeat(1_000)),
        ];
        for long in longs {
            let short = with_short_texts(&long);
            assert_ne!(short, long);
            for text in short.split(['<', '>']).step_by(2) {
                let last = text.bytes().rposition(|byte| matches!(byte, b'&' | 0xC2));
                assert!(last < Some(MAX_TEXT_BYTES), "{last:?} of {} bytes", text.len());
            }
            assert_eq!(clean(&long), CLEANER.clean(&long).to_string());
        }
        let usual = format!("<p>{}</p><p>R&amp;D</p>", "A sentence. ".repeat(500));
        assert_eq!(with_short_texts(&usual), usual);
    }
}
