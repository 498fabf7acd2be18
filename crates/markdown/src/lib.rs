//! From what an author types to what a page shows. `docs/markdown.md` says what that is.

mod clean;
mod highlight;
mod nest;
mod pictures;
mod plain;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use comrak::adapters::{HeadingAdapter, HeadingMeta, SyntaxHighlighterAdapter};
use comrak::nodes::Sourcepos;
use comrak::options::Plugins;
use comrak::{Anchorizer, Arena, Options};

use self::plain::Plain;

pub use self::clean::{FOOTNOTE_PREFIXES, ID_PREFIX};
pub use self::pictures::{Picture, Pictures, pictures_of};

/// A text, rendered when it is written so that reading it costs nothing.
pub struct Rendered {
    /// HTML that is safe to put into a page whatever was typed.
    pub html: String,
    /// How its prose begins: one line of plain text (to be escaped like any other) of at most 200 characters,
    /// ended by `…` where it is cut. Empty if there is no prose.
    pub excerpt: String,
    /// Words that a reader reads, in any script: code counts, addresses do not.
    pub word_count: u64,
}

/// Why a text cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderError {
    /// It makes more HTML than is kept.
    TooLarge,
    /// It nests deeper than is kept, or cannot be made safe to read.
    TooComplex,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                write!(f, "must not grow beyond {MAX_HTML_BYTES} bytes of HTML; the text nests or links too much")
            }
            Self::TooComplex => f.write_str("must be simpler; its elements nest too deep"),
        }
    }
}

/// Ten bytes can ask for thousands (footnotes, tables, nested lists), so the result has a limit of its own:
/// 1 MiB, well below the 6 MB that Lambda may answer.
const MAX_HTML_BYTES: usize = 1024 * 1024;

/// How much code of a text is highlighted, in bytes; what follows stays plain. The grammars are the slowest part
/// of rendering by far.
const MAX_HIGHLIGHTED_BYTES: usize = 16 * 1024;

/// How many languages of a text are highlighted: the first use of a grammar compiles its expressions, which takes
/// longer than what comes after.
const MAX_LANGUAGES: usize = 4;

/// How often a page is cleaned before it is refused.
const MAX_CLEANINGS: usize = 8;

/// The longest id of a heading, in characters, before its prefix.
const MAX_ID_CHARACTERS: usize = 80;

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

/// Renders and cleans a text that names no pictures of the blog's own, or shows them like those of others.
pub fn render(markdown: &str) -> Result<Rendered, RenderError> {
    render_with(markdown, &Pictures::new())
}

/// Renders and cleans a text that names these pictures.
pub fn render_with(markdown: &str, pictures: &Pictures) -> Result<Rendered, RenderError> {
    let html = match html(markdown, pictures, MAX_HIGHLIGHTED_BYTES) {
        // Colours are no reason to refuse a text.
        Err(RenderError::TooLarge) => html(markdown, pictures, 0)?,
        html => html?,
    };
    let plain = Plain::of(&html);
    let (excerpt, word_count) = (plain.excerpt(), plain.words());
    Ok(Rendered { html, excerpt, word_count })
}

/// What somebody may read in the HTML that a text was rendered to: entities resolved, markup left out, descriptions of pictures included.
pub fn read(html: &str) -> String {
    Plain::of(html).all()
}

fn html(markdown: &str, pictures: &Pictures, max_highlighted: usize) -> Result<String, RenderError> {
    let arena = Arena::new();
    let document = comrak::parse_document(&arena, markdown, &OPTIONS);
    pictures::put(document, pictures);
    let (code, headings) = (Code(Mutex::new((max_highlighted, Vec::new()))), Headings::default());
    let mut plugins = Plugins::default();
    plugins.render.codefence_syntax_highlighter = Some(&code);
    plugins.render.heading_adapter = Some(&headings);
    let mut dirty = Bounded(String::new());
    comrak::format_html_with_plugins(document, &OPTIONS, &mut dirty, &plugins).map_err(|_| RenderError::TooLarge)?;
    let mut html = nest::well_nested(&dirty.0, &mark(markdown)).ok_or(RenderError::TooComplex)?;
    // What was put together of what is left may read otherwise than what was cleaned (mutation XSS), so it is
    // cleaned until a browser reads what the cleaner wrote. The second pass nearly always changes nothing.
    for _ in 0..MAX_CLEANINGS {
        let clean = clean::clean(&html);
        if clean.len() > MAX_HTML_BYTES {
            return Err(RenderError::TooLarge);
        }
        if clean == html {
            return Ok(clean);
        }
        html = clean;
    }
    Err(RenderError::TooComplex)
}

/// A heading, for links that lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What its id is, without its prefix: `[see](#set-up)` leads to the heading "Set up".
    pub id: String,
    /// Its first and its last line in the Markdown, counted from 1.
    pub lines: (usize, usize),
}

/// The headings of a text, in their order. Those in raw HTML have no ids but those that were typed, and are left out.
pub fn headings(markdown: &str) -> Vec<Heading> {
    let arena = Arena::new();
    let mut options = OPTIONS.clone();
    options.render.sourcepos = true;
    let document = comrak::parse_document(&arena, markdown, &options);
    let headings = Headings::default();
    let mut plugins = Plugins::default();
    plugins.render.heading_adapter = Some(&headings);
    // Those of a text that is too large to be shown are not looked for to the end.
    let _ = comrak::format_html_with_plugins(document, &options, &mut Bounded(String::new()), &plugins);
    headings.0.into_inner().unwrap_or_else(PoisonError::into_inner).1
}

/// A mark of a text, for ids that must differ from those of other texts on the same page. A hash (FNV-1a), because the same
/// text always makes the same HTML.
fn mark(markdown: &str) -> String {
    let hash = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", markdown.bytes().fold(0x811c_9dc5, hash))
}

/// HTML that is not written beyond its limit.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > MAX_HTML_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// Writes code blocks; holds how many bytes may still be highlighted, and the languages met.
struct Code(Mutex<(usize, Vec<String>)>);

impl SyntaxHighlighterAdapter for Code {
    fn write_pre_tag(&self, output: &mut dyn Write, attributes: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        comrak::html::write_opening_tag(output, "pre", attributes)
    }

    fn write_code_tag(&self, output: &mut dyn Write, attributes: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        comrak::html::write_opening_tag(output, "code", attributes)
    }

    fn write_highlighted(&self, output: &mut dyn Write, language: Option<&str>, code: &str) -> fmt::Result {
        let language = language.unwrap_or_default();
        let (left, languages) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = languages.iter().any(|known| known == language);
        if !language.is_empty() && code.len() <= *left && (is_known || languages.len() < MAX_LANGUAGES) {
            *left -= code.len();
            if !is_known {
                languages.push(language.to_owned());
            }
            if let Some(html) = highlight::highlight(language, code) {
                return output.write_str(&html);
            }
        }
        comrak::html::escape(output, code)
    }
}

/// Writes headings with ids as GitHub makes them: of their words, each but once in a text; and notes them, if it is told where they stand.
#[derive(Default)]
struct Headings(Mutex<(Anchorizer, Vec<Heading>)>);

impl HeadingAdapter for Headings {
    fn enter(&self, output: &mut dyn Write, heading: &HeadingMeta, place: Option<Sourcepos>) -> fmt::Result {
        let words = if heading.content.chars().any(char::is_alphanumeric) { &heading.content } else { "section" };
        let short: String = words.trim().chars().take(MAX_ID_CHARACTERS).collect();
        let (anchorizer, found) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = anchorizer.anchorize(&short);
        // The id has letters, digits, `-` and `_` of any script, which need no escape.
        write!(output, "<h{} id=\"{ID_PREFIX}{id}\">", heading.level)?;
        found.extend(place.map(|place| Heading { id, lines: (place.start.line, place.end.line) }));
        Ok(())
    }

    fn exit(&self, output: &mut dyn Write, heading: &HeadingMeta) -> fmt::Result {
        writeln!(output, "</h{}>", heading.level)
    }
}

#[cfg(test)]
mod tests;
