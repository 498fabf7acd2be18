//! Directives in Markdown, which sites of Astro read with `remark-directive` or Starlight: `::youtube{id="…"}` on a line of its own,
//! `:::note[Title]` around a text, and `:abbr[HTML]` in a line (<https://talk.commonmark.org/t/generic-directives-plugins-syntax/444>).

use std::collections::BTreeMap;

use crate::{ghost::quoted, html_to_markdown::link, markup};

/// The boxes that every theme has, which say by their name what they are.
const BOXES: [&str; 9] = ["note", "tip", "info", "important", "caution", "warning", "danger", "success", "abstract"];

/// How deep boxes may stand in each other: each puts a sign before every line in it.
const MAX_OPEN: usize = 10;

/// Which directives a site reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Directives {
    None,
    /// Those on lines of their own. Starlight shows those in a line as they were typed.
    Blocks,
    All,
}

/// Directives in a line that are called by the element that they become, which the server lets pass.
const ELEMENTS: [&str; 16] = [
    "abbr", "cite", "del", "dfn", "em", "ins", "kbd", "mark", "q", "samp", "small", "strong", "sub", "sup", "u", "var",
];

/// How deep brackets may stand in each other in a label.
const MAX_BRACKETS: usize = 32;

/// A text in which directives that have a plain meaning are Markdown, and what became of the others, each with how often it stands there.
pub fn translate(text: &str, read: Directives) -> (String, BTreeMap<String, usize>) {
    let mut lost: BTreeMap<String, usize> = BTreeMap::new();
    let text = &match read {
        Directives::All => in_lines(text, &mut lost),
        Directives::Blocks | Directives::None => text.to_owned(),
    };
    let code = markup::code(text);
    // The text around, and each open box: its line, and what is in it so far.
    let mut open: Vec<(Directive<'_>, &str, String)> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_code = markup::is_code(&code, at);
        at += line.len();
        let words = line.trim();
        let colons = words.len() - words.trim_start_matches(':').len();
        if !is_code && colons >= 3 && colons == words.len() && !open.is_empty() {
            let Some((directive, _, inside)) = open.pop() else { continue };
            let block = directive.around(inside.trim(), &mut lost);
            push_block(open.last_mut().map_or(&mut out, |(_, _, inside)| inside), &block);
            continue;
        }
        let directive =
            Some(words).filter(|_| !is_code && colons >= 2).and_then(|words| Directive::read(words, colons));
        match directive {
            Some(directive) if colons >= 3 && open.len() < MAX_OPEN => open.push((directive, line, String::new())),
            Some(directive) => {
                let block = directive.alone().unwrap_or_else(|| {
                    *lost.entry(format!("the directive ::{}, which stays as text", directive.name)).or_default() += 1;
                    words.to_owned()
                });
                push_block(open.last_mut().map_or(&mut out, |(_, _, inside)| inside), &block);
            }
            // Code is never changed.
            None if is_code => open.last_mut().map_or(&mut out, |(_, _, inside)| inside).push_str(line),
            None => push_line(open.last_mut().map_or(&mut out, |(_, _, inside)| inside), line),
        }
    }
    // Boxes that nothing closes are none.
    for (_, line, inside) in open {
        out.push_str(line);
        out.push_str(&inside);
    }
    (out, lost)
}

/// Translates directives in lines. One is told from a colon in a sentence by the bracket or brace behind its name.
fn in_lines(text: &str, lost: &mut BTreeMap<String, usize>) -> String {
    let mut passed = markup::beside_prose(text).into_iter().peekable();
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for (begin, _) in text.match_indices(':') {
        while passed.next_if(|range| range.end <= begin).is_some() {}
        let before = text.get(..begin).and_then(|before| before.chars().next_back());
        if begin < at || matches!(before, Some(':' | '\\')) || passed.peek().is_some_and(|range| range.contains(&begin))
        {
            continue;
        }
        let Some((directive, length)) = text.get(begin..).and_then(Directive::in_line) else { continue };
        written.push_str(text.get(at..begin).unwrap_or_default());
        at = begin + length;
        let element = ELEMENTS.contains(&directive.name).then_some(directive.name);
        let address = directive.alone().or_else(|| {
            let address = directive.named(&["url", "href"]).filter(|_| matches!(directive.name, "a" | "link"))?;
            Some(link(address, directive.label))
        });
        match (address, element) {
            (Some(address), _) => written.push_str(&address),
            // In it there may be others.
            (None, Some(name)) => {
                written.push_str(&format!("<{name}>{}</{name}>", in_lines(directive.label, lost)));
            }
            (None, None) if directive.label.is_empty() => {
                *lost.entry(format!("the directive :{}, which stays as text", directive.name)).or_default() += 1;
                written.push_str(text.get(begin..at).unwrap_or_default());
            }
            (None, None) => {
                let what = format!("the directive :{}, of which the text within stays", directive.name);
                *lost.entry(what).or_default() += 1;
                written.push_str(&in_lines(directive.label, lost));
            }
        }
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// How long what stands in brackets is, with them.
fn brackets(text: &str) -> Option<usize> {
    let (mut depth, mut is_escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' if text.get(at + 1..).is_some_and(|next| next.trim_start_matches([' ', '\t']).starts_with('\n')) => {
                return None;
            }
            '[' if depth == MAX_BRACKETS => return None,
            '[' => depth += 1,
            ']' if depth == 1 => return Some(at + 1),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Adds a block between blank lines.
fn push_block(out: &mut String, block: &str) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
    }
    out.push_str(block);
    out.push_str("\n\n");
}

/// Adds a line of other text; the blank line behind a block is there already.
fn push_line(out: &mut String, line: &str) {
    if !(line.trim().is_empty() && out.ends_with("\n\n")) {
        out.push_str(line);
    }
}

struct Directive<'a> {
    name: &'a str,
    label: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Directive<'a> {
    /// The directive that a line is, if it is one.
    fn read(line: &'a str, colons: usize) -> Option<Self> {
        let rest = line.get(colons..)?;
        let is_end = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_');
        let (name, mut rest) = rest.split_at_checked(rest.find(is_end).unwrap_or(rest.len()))?;
        if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return None;
        }
        let mut label = "";
        // Some write a blank before the label of a box.
        if let Some(inside) = rest.trim_start().strip_prefix('[') {
            (label, rest) = inside.split_once(']')?;
        }
        let mut attributes = Vec::new();
        if let Some(inside) = rest.trim_start().strip_prefix('{') {
            let (inside, behind) = inside.rsplit_once('}')?;
            attributes = pairs(inside);
            rest = behind;
        }
        rest.trim().is_empty().then_some(Self { name, label, attributes })
    }

    /// The directive in a line that a text begins with, and how long it is.
    fn in_line(text: &'a str) -> Option<(Self, usize)> {
        let rest = text.strip_prefix(':')?;
        let is_end = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_');
        let (name, mut rest) = rest.split_at_checked(rest.find(is_end)?)?;
        if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) || name.ends_with(['-', '_']) {
            return None;
        }
        let mut directive = Self { name, label: "", attributes: Vec::new() };
        if rest.starts_with('[') {
            let length = brackets(rest)?;
            directive.label = rest.get(1..length - 1)?;
            rest = rest.get(length..)?;
        }
        if let Some(inside) = rest.strip_prefix('{')
            && let Some((inside, behind)) = inside.split_once('}').filter(|(inside, _)| !inside.contains('\n'))
        {
            directive.attributes = pairs(inside);
            rest = behind;
        }
        let length = text.len() - rest.len();
        (length > 1 + name.len()).then_some((directive, length))
    }

    fn named(&self, keys: &[&str]) -> Option<&'a str> {
        let found = self.attributes.iter().find(|(key, value)| keys.contains(key) && !value.is_empty());
        found.map(|(_, value)| *value)
    }

    /// What one on a line of its own stands for.
    fn alone(&self) -> Option<String> {
        let id = self.named(&["id", "#"]);
        let address = match (self.named(&["url", "href", "src"]), self.name) {
            (Some(url), _) if url.starts_with("http") => url.to_owned(),
            (_, "github") => format!("https://github.com/{}", self.named(&["repo"])?),
            (_, "youtube") => format!("https://www.youtube.com/watch?v={}", id?),
            (_, "vimeo") => format!("https://vimeo.com/{}", id?),
            _ => return None,
        };
        Some(if self.label.is_empty() { format!("<{address}>") } else { link(&address, self.label) })
    }

    /// What one around a text stands for.
    fn around(&self, inside: &str, lost: &mut BTreeMap<String, usize>) -> String {
        let name = self.name.to_lowercase();
        let label = self.named(&["title", "label", "summary"]).unwrap_or(self.label);
        if !BOXES.contains(&name.as_str()) {
            *lost.entry(format!("the directive :::{}, of which the text within stays", self.name)).or_default() += 1;
            return if label.is_empty() { inside.to_owned() } else { format!("**{label}**\n\n{inside}") };
        }
        let title = if label.is_empty() { name[..1].to_uppercase() + &name[1..] } else { label.to_owned() };
        quoted(&format!("**{title}**\n\n{inside}"))
    }
}

/// `key="value"`, `key=value` and `#id`.
fn pairs(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(rest.len());
        let (key, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let Some(value) = behind.strip_prefix('=') else {
            found.extend(key.strip_prefix('#').map(|id| ("#", id)));
            rest = behind.trim_start();
            continue;
        };
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let (value, behind) = match quote {
            Some(quote) => value.get(1..).and_then(|value| value.split_once(quote)).unwrap_or((value, "")),
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        found.push((key, value));
        rest = behind.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_with_a_plain_meaning_become_markdown() {
        let (text, lost) = translate(
            "Site:\n::link{url=\"https://e.com/a?b=1\"}\n::github{repo=\"a/b\"}\n\n::youtube{#abc}\n\n::youtube[A film]{id=abc}\n\n\
             ::chart{of=\"x\"}\n\n<!--::github{repo=\"a/b\"}-->\n\n```\n::github{repo=\"a/b\"}\n\n\nb\n```\n\n::: \n\nAt 10::30, a::b.\n",
            Directives::All,
        );
        assert_eq!(
            text,
            "Site:\n\n<https://e.com/a?b=1>\n\n<https://github.com/a/b>\n\n<https://www.youtube.com/watch?v=abc>\n\n\
             [A film](https://www.youtube.com/watch?v=abc)\n\n::chart{of=\"x\"}\n\n<!--::github{repo=\"a/b\"}-->\n\n\
             ```\n::github{repo=\"a/b\"}\n\n\nb\n```\n\n::: \n\nAt 10::30, a::b.\n"
        );
        assert_eq!(
            lost.into_iter().collect::<Vec<_>>(),
            [("the directive ::chart, which stays as text".to_owned(), 1)]
        );
    }

    #[test]
    fn directives_in_a_line_leave_their_text_where_the_site_reads_them() {
        for (text, expected, expected_lost) in [
            ("A :abbr[HTML]{title=\"x\"}, :kbd[Ctrl *c*].", "A <abbr>HTML</abbr>, <kbd>Ctrl *c*</kbd>.", vec![]),
            (
                "A :tip[of :tip[two] [a](b)]{.c} and :icon{name=x} end.",
                "A of two [a](b) and :icon{name=x} end.",
                vec![
                    "1 the directive :icon, which stays as text",
                    "2 the directive :tip, of which the text within stays",
                ],
            ),
            (
                "See :link[here]{url=\"/a\"}, :youtube[it]{#abc}.",
                "See [here](/a), [it](https://www.youtube.com/watch?v=abc).",
                vec![],
            ),
            // A colon in a sentence, a time, an address, code, and what is escaped are no directives.
            (
                "At 10:30[1], a: [b](c), a :b c, \\:b[c], `:b[c]`, [d](e:f[g]), <https://a.b:c[d]> <i title=\":b[c]\">, ::b[c], :b[c",
                "At 10:30[1], a: [b](c), a :b c, \\:b[c], `:b[c]`, [d](e:f[g]), <https://a.b:c[d]> <i title=\":b[c]\">, ::b[c], :b[c",
                vec![],
            ),
        ] {
            let (found, lost) = translate(text, Directives::All);
            assert_eq!(found, expected);
            let lost: Vec<_> = lost.iter().map(|(what, times)| format!("{times} {what}")).collect();
            assert_eq!(lost, expected_lost, "{text}");
            assert_eq!(translate(text, Directives::Blocks), (text.to_owned(), BTreeMap::new()));
        }
        let many = ":a[".repeat(60_000);
        assert_eq!(translate(&many, Directives::All).0, many);
    }

    #[test]
    fn boxes_become_quotations() {
        let (text, lost) = translate(
            "::::note[Mind]\nOne\n\n:::tip\nTwo\n:::\n::::\n\n:::details{title=\"More\"}\nThree\n:::\n\n:::note\nopen\n",
            Directives::All,
        );
        assert_eq!(text, "> **Mind**\n>\n> One\n>\n> > **Tip**\n> >\n> > Two\n\n**More**\n\nThree\n\n:::note\nopen\n");
        assert_eq!(
            lost.into_iter().collect::<Vec<_>>(),
            [("the directive :::details, of which the text within stays".to_owned(), 1)]
        );
    }

    #[test]
    fn boxes_in_boxes_end_somewhere() {
        let text = format!("{}{}", ":::note\n".repeat(2_000), ":::\n".repeat(2_000));
        assert!(translate(&text, Directives::All).0.len() < 200_000);
    }
}
