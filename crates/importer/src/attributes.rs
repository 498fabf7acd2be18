//! Lists of attributes in Markdown, which kramdown, goldmark, Zola and Python-Markdown read and take out of the text: `## Set up {#start}`,
//! `{: .note}`. Their ids stay, as places for links; classes and other attributes have no place in a post.

use crate::{anchors, markup};

/// Where a generator reads lists of attributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lists {
    Nowhere,
    /// Behind headings.
    Headings,
    /// Also, with a colon, behind a link or a word with a sign, and on a line of their own.
    Everywhere,
}

/// The text without lists of attributes, and how many of other attributes than ids are left out.
pub fn translate(text: &str, lists: Lists) -> (String, usize) {
    if lists == Lists::Nowhere || !text.contains('{') {
        return (text.to_owned(), 0);
    }
    let text = &*match lists {
        Lists::Everywhere => without_extensions(text),
        Lists::Headings | Lists::Nowhere => text.to_owned(),
    };
    let code = markup::code(text);
    let mut out = String::with_capacity(text.len());
    let (mut at, mut left_out) = (0, 0);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let begin = at;
        at += line.len();
        let words = line.trim();
        if markup::is_code(&code, begin + line.len() - line.trim_start().len()) {
            out.push_str(line);
            continue;
        }
        let is_own_line = lists == Lists::Everywhere && words.starts_with("{:");
        if let Some(list) = Some(words).filter(|_| is_own_line).and_then(List::whole) {
            left_out += usize::from(list.has_others);
            // The table of contents that kramdown puts in place of a list.
            if list.is_contents {
                let last = out.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
                if out.get(last..).is_some_and(|item| item.trim_start().starts_with(['*', '-', '+', '1'])) {
                    out.truncate(last);
                }
            } else if let Some(id) = list.id {
                give_to_last(&mut out, &anchors::mark(id));
            }
            continue;
        }
        let underline = lines.peek().map(|next| next.trim()).unwrap_or_default();
        let is_underlined =
            !underline.is_empty() && (underline.trim_matches('=').is_empty() || underline.trim_matches('-').is_empty());
        let is_heading = line.trim_start_matches(' ').starts_with('#');
        let mut line = line.to_owned();
        if is_heading || is_underlined && !words.is_empty() {
            let (unclosed, end) = line.split_at(line.trim_end().trim_end_matches('#').trim_end().len());
            if let Some((before, list)) = List::behind(unclosed).filter(|(before, _)| !is_code_at(&code, begin, before))
            {
                left_out += usize::from(list.has_others);
                let mark = list.id.map(anchors::mark).unwrap_or_default();
                let sign = before.len() - before.trim_start_matches([' ', '#']).len();
                let (sign, title) = before.split_at(if is_heading { sign } else { 0 });
                line = format!("{sign}{mark}{}{end}", title.trim_end());
            }
        }
        if lists == Lists::Everywhere {
            line = without_spans(&line, &mut left_out, &|place| markup::is_code(&code, begin + place));
        }
        out.push_str(&line);
    }
    (out, left_out)
}

/// The text without what only kramdown reads: comments, which were on no page, and the tags of its other extensions.
fn without_extensions(text: &str) -> String {
    let code = markup::code(text);
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for (begin, _) in text.match_indices("{:") {
        let rest = text.get(begin..).unwrap_or_default();
        let is_comment = rest.starts_with("{::comment}");
        let is_tag =
            ["{::comment", "{::nomarkdown", "{:/nomarkdown}", "{::options", "{:/options}", "{:/comment}", "{:/}"]
                .iter()
                .any(|tag| rest.starts_with(tag));
        if begin < at || !is_tag || markup::is_code(&code, begin) {
            continue;
        }
        let tag = rest.find('}').map(|end| end + 1);
        let comment = ["{:/comment}", "{:/}"].iter().filter_map(|end| Some(rest.find(end)? + end.len())).min();
        let Some(length) = (if is_comment { comment } else { tag }) else { continue };
        written.push_str(text.get(at..begin).unwrap_or_default());
        at = begin + length;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

fn is_code_at(code: &[std::ops::Range<usize>], begin: usize, before: &str) -> bool {
    markup::is_code(code, begin + before.len())
}

/// Puts a mark into the heading that the text ends with, or behind the text.
fn give_to_last(out: &mut String, mark: &str) {
    let last = out.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
    let line = out.get(last..).unwrap_or_default();
    if line.starts_with('#') {
        let sign = line.len() - line.trim_start_matches([' ', '#']).len();
        out.insert_str(last + sign, mark);
    } else {
        out.push_str(mark);
        out.push('\n');
    }
}

/// The line without lists behind a link, a picture or a word with a sign.
fn without_spans(line: &str, left_out: &mut usize, is_code: &dyn Fn(usize) -> bool) -> String {
    let mut written = String::with_capacity(line.len());
    let mut at = 0;
    for (begin, _) in line.match_indices("{:") {
        let (Some(before), Some(rest)) = (line.get(at..begin), line.get(begin..)) else { continue };
        let ends_span = line.get(..begin).is_some_and(|before| before.ends_with([')', ']', '*', '_', '`', '>']));
        let end = rest.find('}').map(|end| begin + end + 1).filter(|_| ends_span && !is_code(begin));
        let Some((end, list)) = end.and_then(|end| Some((end, List::whole(line.get(begin..end)?)?))) else { continue };
        *left_out += usize::from(list.has_others);
        written.push_str(before);
        written.push_str(&list.id.map(anchors::mark).unwrap_or_default());
        at = end;
    }
    written.push_str(line.get(at..).unwrap_or_default());
    written
}

struct List<'a> {
    id: Option<&'a str>,
    has_others: bool,
    is_contents: bool,
}

impl<'a> List<'a> {
    /// The list that a text is, from brace to brace.
    fn whole(text: &'a str) -> Option<Self> {
        let inside = text.strip_prefix('{')?.strip_suffix('}')?;
        let (is_named, mut rest) = match inside.strip_prefix(':') {
            Some(rest) => (true, rest.trim()),
            None => (false, inside.trim()),
        };
        let mut list = Self { id: None, has_others: false, is_contents: rest == "toc" && is_named };
        let is_name = |text: &str| {
            text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
                && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ':'))
        };
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let end = rest.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            if let Some(value) = behind.strip_prefix('=').filter(|_| is_name(word)) {
                let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
                let length = match quote {
                    Some(quote) => value.get(1..)?.find(quote)? + 2,
                    None => value.find(char::is_whitespace).unwrap_or(value.len()),
                };
                let value = value.get(..length)?;
                if word == "id" {
                    list.id = Some(value.trim_matches(['"', '\'']));
                } else {
                    list.has_others = true;
                }
                rest = behind.get(1 + length..)?.trim_start();
                continue;
            }
            // kramdown lets them stand without a space in between.
            let next = word.get(1..)?.find(['#', '.']).map_or(word.len(), |at| at + 1);
            let (first, others) = word.split_at(next);
            match first.strip_prefix('#') {
                Some(id) if !id.is_empty() => list.id = Some(id),
                _ if first.starts_with('.') && first.len() > 1 || is_named && is_name(word) => list.has_others = true,
                _ => return None,
            }
            rest = if is_name(word) { behind } else { rest.get(first.len()..)? }.trim_start();
            if !others.is_empty() && is_name(word) {
                return None;
            }
        }
        Some(list)
    }

    /// The list that a line ends with, and the line before it.
    fn behind(line: &'a str) -> Option<(&'a str, Self)> {
        let begin = line.rfind('{')?;
        let (before, list) = line.split_at_checked(begin)?;
        Some((before, Self::whole(list)?)).filter(|(before, _)| !before.trim_matches([' ', '#']).is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lists: Lists, text: &str, expected: &str, left_out: usize) {
        assert_eq!(translate(text, lists), (expected.to_owned(), left_out), "{text}");
    }

    #[test]
    fn ids_of_headings_stay_as_places_for_links() {
        for (text, expected, left_out) in [
            ("## Set up {#start}\nText {#not}\n", "## <a id=\"start\"></a>Set up\nText {#not}\n", 0),
            ("## A {#a .b c=\"d e\"} ##\n", "## <a id=\"a\"></a>A ##\n", 1),
            ("A {#a}\n---\n\nB\n===\n", "<a id=\"a\"></a>A\n---\n\nB\n===\n", 0),
            ("## A {.unnumbered}\n", "## A\n", 1),
            ("## A {#a}", "## <a id=\"a\"></a>A", 0),
            (
                "## Of {a} and {}\n## {{< x >}}\n## `{#a}`\n## {#a}\n",
                "## Of {a} and {}\n## {{< x >}}\n## `{#a}`\n## {#a}\n",
                0,
            ),
            ("```\n## A {#a}\n```\n", "```\n## A {#a}\n```\n", 0),
            ("{: .a}\n![](b){: .c}\n", "{: .a}\n![](b){: .c}\n", 0),
        ] {
            check(Lists::Headings, text, expected, left_out);
            check(Lists::Nowhere, text, text, 0);
        }
    }

    #[test]
    fn lists_of_kramdown_are_on_no_page() {
        for (text, expected, left_out) in [
            ("![a](b.png){: .center width=\"50%\"}\n*c*{:.d}e\n", "![a](b.png)\n*c*e\n", 2),
            ("[a](b){:target=\"_blank\"} `{: .c}` {: .d} x\n", "[a](b) `{: .c}` {: .d} x\n", 1),
            ("Text.\n{: .note #here}\n\nMore.\n", "Text.\n<a id=\"here\"></a>\n\nMore.\n", 1),
            ("## A\n{: #a}\n", "## <a id=\"a\"></a>A\n", 0),
            ("* TOC\n{:toc}\n\n## A\n{:.no_toc}\n", "\n## A\n", 2),
            ("    {: .a}\n\nAt {:name} and {: 1 }\n", "    {: .a}\n\nAt {:name} and {: 1 }\n", 0),
            ("{% raw %}{: x }{% endraw %}\n", "{% raw %}{: x }{% endraw %}\n", 0),
            (
                "A {::comment}secret{:/comment}b {::comment}\n{: .x}\n{:/}c\n\n{::options auto_ids=\"false\" /}\n{::nomarkdown}d{:/nomarkdown}\n`{::comment}` {::comment}open\n",
                "A b c\n\n\nd\n`{::comment}` {::comment}open\n",
                0,
            ),
            ("## A {: #a .b}\n", "## <a id=\"a\"></a>A\n", 1),
        ] {
            check(Lists::Everywhere, text, expected, left_out);
        }
    }
}
