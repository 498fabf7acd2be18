//! Puts the elements of a page in order before they are cleaned.
//!
//! A browser mends what is opened and never closed, and so does the parser of the cleaner, at a price that grows
//! with the square of the mess: 200 KiB of `<b title=1><b title=2>…<p>x<p>x…` take minutes and more memory than
//! there is. Here each element is closed where its parent ends, unknown ones go, and nesting has a limit; after
//! that there is nothing left to mend. Safety does not rest on this: the cleaner comes after.

use std::cell::RefCell;
use std::collections::HashSet;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::clean::{CLEANER, FOOTNOTE_PREFIXES};

/// How deep elements may nest. People's texts stay below 20.
const MAX_DEPTH: usize = 128;

/// How long the value of an attribute may be, in bytes; a longer one goes with its attribute. To write it out takes a time that grows
/// with the square of its length, as of a text, but it cannot be broken up ([`super::clean`]).
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// What the cleaner puts at the end of each link. It is written here already, as texts are escaped in its way, so that it mostly changes
/// nothing: what it changes has to be cleaned a second time.
const REL: &str = " rel=\"noopener noreferrer\"";

/// Elements that hold nothing.
const VOID: [&str; 7] = ["area", "br", "col", "hr", "img", "input", "wbr"];

/// Elements that end a paragraph where they begin (HTML, 13.2.6.4.7).
const BLOCKS: [&str; 33] = [
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "thead",
    "tr",
    "ul",
];

/// Elements beyond which nothing that is inside of them reaches.
const CELLS: [&str; 4] = ["caption", "table", "td", "th"];

/// The page with its elements in order, or nothing if they nest too deep. The ids of its footnotes, and what leads to them,
/// get `mark`: a page may show several texts, each of which has a first note.
pub fn well_nested(html: &str, mark: &str) -> Option<String> {
    let state = RefCell::new(State { mark: mark.to_owned(), ..State::default() });
    let writer = Writer { allowed: CLEANER.clone_tags(), state };
    let tokenizer = Tokenizer::new(writer, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // Only a script could stop it, and scripts are not run.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut state = tokenizer.sink.state.into_inner();
    state.close_to(0);
    (!state.is_too_deep).then_some(state.html)
}

struct Writer {
    allowed: HashSet<&'static str>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    html: String,
    /// What the ids of footnotes get.
    mark: String,
    open: Vec<String>,
    /// The script or style that is being left out.
    hidden: Option<String>,
    /// Whether the last thing written opened a `<pre>`, after which a browser drops a newline.
    begins_pre: bool,
    is_too_deep: bool,
}

/// Whether a character may stand in HTML: controls and noncharacters are errors (<https://html.spec.whatwg.org/#parse-errors>), and show
/// nothing.
fn is_html(c: char) -> bool {
    let is_noncharacter = (c as u32) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    !is_noncharacter && (!c.is_control() || c.is_ascii_whitespace())
}

impl State {
    /// Ends all elements but the outer `depth`.
    fn close_to(&mut self, depth: usize) {
        for name in self.open.drain(depth..).rev() {
            self.html.extend(["</", name.as_str(), ">"]);
        }
    }

    /// Where the innermost of these elements is open, if nothing of `beyond` is in between.
    fn find(&self, names: &[&str], beyond: &[&str]) -> Option<usize> {
        let at = self.open.iter().rposition(|open| names.contains(&&**open) || beyond.contains(&&**open))?;
        names.contains(&&*self.open[at]).then_some(at)
    }

    /// Ends what ends where `name` begins; false if it cannot stand here.
    fn make_room(&mut self, name: &str) -> bool {
        let parents: &[&str] = match name {
            "caption" | "colgroup" | "tbody" | "tfoot" | "thead" => &["table"],
            "col" => &["colgroup", "table"],
            "tr" => &["tbody", "tfoot", "thead", "table"],
            "td" | "th" => &["tr", "tbody", "tfoot", "thead", "table"],
            _ => &[],
        };
        if !parents.is_empty() {
            let Some(at) = self.find(parents, &[]) else { return false };
            self.close_to(at + 1);
            return true;
        }
        let ended = match name {
            "a" => self.find(&["a"], &CELLS),
            "li" => self.find(&["li"], &["ol", "table", "td", "th", "ul"]),
            "dd" | "dt" => self.find(&["dd", "dt"], &["dl", "table", "td", "th"]),
            "rp" | "rt" | "rtc" => self.find(&["rp", "rt", "rtc"], &["ruby", "table", "td", "th"]),
            _ => None,
        };
        if let Some(at) = ended {
            self.close_to(at);
        }
        if BLOCKS.contains(&name)
            && let Some(at) = self.find(&["p"], &CELLS)
        {
            self.close_to(at);
        }
        true
    }

    fn escape(&mut self, text: &str, is_value: bool) {
        for c in text.chars() {
            match c {
                // Of an address nothing is left out: it was judged with all that is in it.
                c if !is_value && !is_html(c) => {}
                '&' => self.html.push_str("&amp;"),
                '\u{a0}' => self.html.push_str("&nbsp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' if is_value => self.html.push_str("&quot;"),
                c => self.html.push(c),
            }
        }
    }

    fn open(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if self.is_too_deep || !self.make_room(name) {
            return;
        }
        self.html.extend(["<", name]);
        for attribute in tag.attrs.iter().filter(|attribute| attribute.value.len() <= MAX_VALUE_BYTES) {
            let (element, name) = (name, &*attribute.name.local);
            if (element, name) == ("a", "rel") {
                continue;
            }
            self.html.extend([" ", name, "=\""]);
            match footnote(name, &attribute.value) {
                Some((head, rest)) => {
                    let marked = format!("{head}{}-{rest}", self.mark);
                    self.escape(&marked, true);
                }
                None => self.escape(&attribute.value, true),
            }
            self.html.push('"');
        }
        if name == "a" {
            self.html.push_str(REL);
        }
        self.html.push('>');
        if !VOID.contains(&name) {
            self.open.push(name.to_owned());
            self.is_too_deep |= self.open.len() > MAX_DEPTH;
        }
    }

    fn close(&mut self, name: &str) {
        let beyond: &[&str] =
            if matches!(name, "table" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr") { &[] } else { &CELLS };
        if let Some(at) = self.find(&[name], beyond) {
            self.close_to(at);
        }
    }
}

/// The id of a footnote or of a mark that leads to one, or the link to it, in two parts: its prefix and the rest.
fn footnote<'v>(attribute: &str, value: &'v str) -> Option<(&'v str, &'v str)> {
    let hash = match attribute {
        "id" => 0,
        "href" if value.starts_with('#') => 1,
        _ => return None,
    };
    let prefix = FOOTNOTE_PREFIXES.iter().find(|prefix| value[hash..].starts_with(**prefix))?;
    Some(value.split_at(hash + prefix.len()))
}

impl TokenSink for Writer {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        let begins_pre = std::mem::take(&mut state.begins_pre);
        match token {
            Token::TagToken(tag) if state.hidden.is_some() => {
                let is_end = tag.kind == TagKind::EndTag && state.hidden.as_deref() == Some(&*tag.name);
                state.hidden = state.hidden.take().filter(|_| !is_end);
            }
            Token::TagToken(tag) => match (&*tag.name, tag.kind) {
                ("script" | "style", TagKind::StartTag) => {
                    state.hidden = Some(tag.name.to_string());
                    return TokenSinkResult::RawData(RawKind::Rawtext);
                }
                (name, TagKind::StartTag) if self.allowed.contains(name) => {
                    state.open(&tag);
                    state.begins_pre = name == "pre";
                }
                (name, TagKind::EndTag) => state.close(name),
                _ => {}
            },
            Token::CharacterTokens(text) if state.hidden.is_none() => {
                let text = if begins_pre { text.trim_start_matches('\n') } else { &text };
                state.begins_pre = begins_pre && text.is_empty();
                state.escape(text, false);
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::clean;

    #[test]
    fn the_cleaner_changes_nothing_of_what_people_write() {
        let usual = "<h1 id=\"user-content-a\">A \"quoted\"\u{a0}&amp; bold</h1>\n<p>Some <em>text</em> with <a rel=\"x\" \
                     href=\"https://example.com/?a&amp;b\" title=\"&quot;t&quot;\">a link</a>.</p>\n<pre><code>a &lt; b\n</code></pre>\n";
        let nested = well_nested(usual, "mark").unwrap();
        assert_eq!(clean(&nested), nested);
    }
}
