//! What Markdown Extra has and Markdown has not: lists of definitions, abbreviations, and Markdown within HTML. It becomes HTML, which a post may
//! have (<https://michelf.ca/projects/php-markdown/extra/>).

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::markup;

/// What of it a generator reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extras {
    Nothing,
    /// Lists of definitions.
    Definitions,
    All,
}

/// How often the text is gone through for elements with Markdown in each other.
const MAX_ROUNDS: usize = 8;

/// The elements in which a blank line lets Markdown begin, of those that begin a block of HTML:
/// <https://spec.commonmark.org/0.31.2/#html-blocks>
const BLOCKS: [&str; 20] = [
    "address",
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
    "header",
    "li",
    "main",
    "nav",
    "section",
    "td",
    "th",
];

/// The text as it is without Markdown Extra.
pub fn translate(text: &str, extras: Extras) -> String {
    match extras {
        Extras::Nothing => text.to_owned(),
        Extras::Definitions => with_definitions(text),
        Extras::All => with_definitions(&with_abbreviations(&with_markdown_in_html(text))),
    }
}

/// The text with `<dl>` in place of each list of definitions, but for those in quotes and other lists, whose lines begin with signs of these.
fn with_definitions(text: &str) -> String {
    let options = Options::ENABLE_DEFINITION_LIST | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    let mut written = String::with_capacity(text.len());
    let (mut at, mut depth, mut is_list) = (0, 0_usize, false);
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let source = text.get(range.clone()).unwrap_or_default();
        match event {
            Event::Start(tag) => {
                match tag {
                    Tag::DefinitionList if depth == 0 => {
                        written.push_str(text.get(at..range.start).unwrap_or_default());
                        written.push_str("<dl>\n");
                        is_list = true;
                    }
                    Tag::DefinitionListTitle if depth == 1 && is_list => {
                        written.extend(source.lines().map(|term| element("dt", term.trim())));
                    }
                    Tag::DefinitionListDefinition if depth == 1 && is_list => {
                        written.push_str(&element("dd", &definition(source)));
                        // The range of the whole list takes in what follows it (pulldown-cmark 0.13).
                        at = range.end;
                    }
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && is_list {
                    written.push_str("</dl>\n\n");
                    at += text.get(at..).map_or(0, |rest| rest.len() - rest.trim_start_matches('\n').len());
                    is_list = false;
                }
            }
            _ => {}
        }
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// A definition without its colon and without the spaces that its other lines begin with.
fn definition(source: &str) -> String {
    let text = source.trim_start_matches([' ', ':']);
    let width = source.len() - text.len();
    let lines = text.trim_end().split('\n').enumerate().map(|(index, line)| {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let indent = if line.starts_with('\t') { 1 } else { spaces.min(width) };
        line.get(if index == 0 { 0 } else { indent }..).unwrap_or_default()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// An element of a list. Only words alone may stand beside its tags: Markdown is not read there.
fn element(name: &str, content: &str) -> String {
    let is_plain = content.chars().all(|letter| letter.is_alphanumeric() || " ,.;()-".contains(letter));
    let gap = if is_plain { "" } else { "\n\n" };
    format!("<{name}>{gap}{content}{gap}</{name}>\n")
}

/// The text with `<abbr>` around each word that a line `*[HTML]: Hypertext Markup Language` explains, and without those lines.
fn with_abbreviations(text: &str) -> String {
    let code = markup::code(text);
    let (mut known, mut kept, mut at) = (Vec::new(), String::with_capacity(text.len()), 0);
    for line in text.split_inclusive('\n') {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let explained = line.trim_start_matches(' ').strip_prefix("*[").and_then(|rest| rest.split_once("]:"));
        let explained =
            explained.filter(|(word, _)| spaces < 4 && !word.trim().is_empty() && !markup::is_code(&code, at));
        match explained {
            Some((word, meaning)) => known.push((word, meaning.trim())),
            None => kept.push_str(line),
        }
        at += line.len();
    }
    // Of two that begin alike, the longer one.
    known.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    let is_word = |place: usize, word: &str| {
        let (before, after) =
            (kept.get(..place).unwrap_or_default(), kept.get(place + word.len()..).unwrap_or_default());
        let beside = (before.chars().next_back().unwrap_or(' '), after.chars().next().unwrap_or(' '));
        let line = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        // What stands in brackets alone may be the name of a definition, and what follows `http://` is an address.
        let is_address = line.contains("://") || line.contains("www.");
        !beside.0.is_alphanumeric() && !beside.1.is_alphanumeric() && beside != ('[', ']') && !is_address
    };
    let (mut written, mut at) = (String::with_capacity(kept.len()), 0);
    for range in markup::words(&kept) {
        let words = kept.get(range.clone()).unwrap_or_default();
        for (index, _) in words.char_indices() {
            let (place, rest) = (range.start + index, words.get(index..).unwrap_or_default());
            let found = known.iter().find(|(word, _)| rest.starts_with(word) && is_word(place, word));
            let Some((word, meaning)) = found.filter(|_| place >= at) else { continue };
            let meaning = meaning.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
            written.push_str(kept.get(at..place).unwrap_or_default());
            written.push_str(&format!("<abbr title=\"{meaning}\">{word}</abbr>"));
            at = place + word.len();
        }
    }
    written.push_str(kept.get(at..).unwrap_or_default());
    written
}

/// The text in which Markdown is read within the elements that ask for it: `<div markdown="1">`.
fn with_markdown_in_html(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_ROUNDS {
        let edits = openings(&text);
        if edits.is_empty() {
            break;
        }
        for (range, new) in edits.into_iter().rev() {
            text.replace_range(range, new);
        }
    }
    text
}

/// What is to be written in which places, in order, for the outermost elements that ask for Markdown.
fn openings(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let small = text.to_ascii_lowercase();
    let mut edits = Vec::new();
    let mut at = 0;
    for tag in markup::tags(text) {
        let value = markup::values(text, tag.clone(), &["markdown"]).into_iter().next();
        let Some(value) = value.filter(|_| tag.start >= at) else { continue };
        let before = small.get(tag.start..value.start).unwrap_or_default();
        let attribute = before.rfind("markdown").map_or("", |start| before.get(..start).unwrap_or_default()).trim_end();
        let name = attribute.split(|letter: char| !letter.is_ascii_alphanumeric()).nth(1).unwrap_or_default();
        let (asks, closing) = (text.get(value.clone()), closing(&small, tag.end, name));
        // Markdown has paragraphs of its own.
        if name == "p" && matches!(asks, Some("1" | "span")) {
            edits.push((tag.clone(), blank_line(text, tag.clone())));
            at = tag.end;
            if let Some(closing) = closing {
                at = closing.end;
                edits.push((closing.clone(), blank_line(text, closing)));
            }
            continue;
        }
        let is_quoted = text.get(value.end..).is_some_and(|rest| rest.starts_with(['"', '\'']));
        edits.push((tag.start + attribute.len()..value.end + usize::from(is_quoted), ""));
        at = tag.end;
        if !BLOCKS.contains(&name) || !matches!(asks, Some("1" | "block")) {
            continue;
        }
        let mut gaps = vec![tag.end];
        if let Some(closing) = closing {
            let inside = small.get(tag.end..closing.start).unwrap_or_default();
            let summary = "</summary>";
            gaps.extend(inside.find(summary).filter(|_| name == "details").map(|end| tag.end + end + summary.len()));
            // In an item of a list, the tag stays as far in as it is.
            gaps.extend([tag.end + inside.trim_end_matches([' ', '\t']).len(), closing.end]);
            at = closing.end;
        }
        edits.extend(gaps.into_iter().map(|gap| (gap..gap, blank_line(text, gap..gap))));
    }
    edits
}

/// What makes a blank line of the line feeds around a place.
fn blank_line(text: &str, place: Range<usize>) -> &'static str {
    let before = text.get(..place.start).unwrap_or_default();
    let behind = text.get(place.end..).unwrap_or_default();
    let is_line_feed = |letter: &char| *letter == '\n';
    match before.chars().rev().take_while(is_line_feed).count() + behind.chars().take_while(is_line_feed).count() {
        0 => "\n\n",
        1 => "\n",
        _ => "",
    }
}

/// The tag that closes an element of this name, whose content begins at `from`.
fn closing(small: &str, from: usize, name: &str) -> Option<Range<usize>> {
    // Most that are not closed have no such tag behind them at all.
    small.get(from..)?.find(&format!("</{name}"))?;
    let mut depth = 1_usize;
    for (begin, _) in small.get(from..)?.match_indices('<') {
        let begin = from + begin;
        let rest = small.get(begin + 1..)?;
        let (is_closing, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let Some(behind) = rest.strip_prefix(name).filter(|behind| !behind.starts_with(char::is_alphanumeric)) else {
            continue;
        };
        depth = if is_closing { depth - 1 } else { depth + 1 };
        if depth == 0 {
            return Some(begin..small.len() - behind.len() + behind.find('>')? + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        markdown::render(&translate(text, Extras::All)).unwrap().html.replace('\n', "")
    }

    #[test]
    fn definitions_become_lists_of_html() {
        assert_eq!(
            translate("A\n\nOne\nTwo, too\n: Of *it*\n\n  And `x`\n\n      code\n: Plain\n\nB", Extras::Definitions),
            "A\n\n<dl>\n<dt>One</dt>\n<dt>Two, too</dt>\n<dd>\n\nOf *it*\n\nAnd `x`\n\n    code\n\n</dd>\n<dd>Plain</dd>\n</dl>\n\nB"
        );
        assert_eq!(
            html("*One*\n:   A\n    b"),
            "<dl><dt><p><em>One</em></p></dt><dd><p>A<br>b</p></dd></dl>".replace("<br>", "")
        );
        for text in ["- a\n\n  b\n  : c\n", "a : b", "`a`\n\n    b\n    : c\n", ": a\n"] {
            assert_eq!(translate(text, Extras::Definitions), text);
        }
    }

    #[test]
    fn abbreviations_are_explained_where_they_stand() {
        let explained = "  *[HTML]: \"Hypertext\" & more\n*[HTML 5]: x\n*[W3C]: Web";
        for (text, expected) in [
            (
                "The HTML, XHTML and `HTML`",
                "The <abbr title=\"&quot;Hypertext&quot; &amp; more\">HTML</abbr>, XHTML and `HTML`",
            ),
            ("HTML 5's", "<abbr title=\"x\">HTML 5</abbr>'s"),
            ("[W3C](/W3C 'W3C') [the W3C](/)", "[W3C](/W3C 'W3C') [the <abbr title=\"Web\">W3C</abbr>](/)"),
            (
                "![a W3C](b) http://e.com/W3C www.W3C.org <i title='W3C'>",
                "![a W3C](b) http://e.com/W3C www.W3C.org <i title='W3C'>",
            ),
            ("    W3C\n\n*[a]:b*", "    W3C\n\n"),
        ] {
            assert_eq!(translate(&format!("{text}\n\n{explained}"), Extras::All).trim_end(), expected.trim_end());
        }
        assert_eq!(html("A W3C\n\n*[W3C]: Web"), "<p>A <abbr title=\"Web\">W3C</abbr></p>");
    }

    #[test]
    fn markdown_is_read_in_the_elements_that_ask_for_it() {
        assert_eq!(
            html(
                "<div class=\"note\" markdown=\"1\">\n*a*\n<DIV markdown=block>`b`</DIV>\n<div>*c*</div>\n</div>\n*d*"
            ),
            "<div><p><em>a</em></p><div><p><code>b</code></p></div><div>*c*</div></div><p><em>d</em></p>"
        );
        assert_eq!(
            html("<details markdown=1>\n<summary>A</summary>\n- b\n</details>\n\n<p markdown='1'>*c*</p>"),
            "<details><summary>A</summary><ul><li>b</li></ul></details><p><em>c</em></p>"
        );
        assert_eq!(
            html("- a\n  <div markdown=1>\n  *b*\n  </div>\n- c"),
            "<ul><li><p>a</p><div><p><em>b</em></p></div></li><li><p>c</p></li></ul>"
        );
        assert_eq!(translate("<div markdown=1>\n\na\n</div>\n\nb", Extras::All), "<div>\n\na\n\n</div>\n\nb",);
        assert_eq!(
            html("a <span markdown=\"1\">*b*</span> `<div markdown=\"1\">`"),
            "<p>a <span><em>b</em></span> <code>&lt;div markdown=\"1\"&gt;</code></p>"
        );
        assert_eq!(translate("<div markdown='1'>*a*", Extras::Definitions), "<div markdown='1'>*a*");
    }

    #[test]
    fn it_takes_time_by_the_length_of_the_text() {
        for text in ["<div markdown=1>", "a\n: b\n\n", "*[a]: b\n", "<div><div markdown=\"1\"></div>"] {
            translate(&text.repeat(5_000), Extras::All);
        }
    }
}
