//! From what an author types to what a page shows.

mod plain;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use comrak::Options;

use self::plain::Plain;
use super::Body;

/// A text, rendered when it is written so that reading it costs nothing.
pub struct Rendered {
    /// HTML that is safe to put into a page whatever was typed.
    pub html: String,
    /// How its prose begins: one line of plain text (to be escaped like any other) of at most 200 characters,
    /// ended by `…` where it is cut. Empty if there is no prose.
    pub excerpt: String,
    /// Words that a reader reads, in any script: code counts, addresses do not.
    pub word_count: u64,
    /// Unicode scalar values of the Markdown, as it was typed.
    pub characters: u64,
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
    let plain = Plain::of(&html);
    let (excerpt, word_count) = (plain.excerpt(), plain.words());
    Ok(Rendered { html, excerpt, word_count, characters: body.as_str().chars().count() as u64 })
}

#[cfg(test)]
mod tests;
