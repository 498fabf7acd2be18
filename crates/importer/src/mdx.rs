//! MDX: Markdown with programs and components in it (<https://mdxjs.com/docs/what-is-mdx/>).
//!
//! Programs are not run. What they import and export is left out, pictures and players become Markdown, and of other components the text
//! within stays. What is left out is counted.
//!
//! Tags are read by hand: the parser of the crate `markdown` refuses a whole text for one `a < b` or brace that is no program, which plain folders
//! have, and its tree tells neither where an opening tag ends nor how to write the rest as its author did.

use std::collections::{BTreeMap, HashMap};

use crate::{
    anchors,
    html_to_markdown::{link, picture},
    markup,
};

/// A text of MDX as Markdown.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    pub text: String,
    /// What readers of the old site saw and readers here do not, each with how often it stood there.
    pub lost: BTreeMap<String, usize>,
    /// How many tags and expressions have no end.
    endless: usize,
}

/// How many tags and expressions without an end are looked through: the braces of a text that has more are no programs.
const MAX_ENDLESS: usize = 200;
/// How many bytes of a tag or an expression are looked at for its end, so that what is never closed does not take long.
const MAX_LENGTH: usize = 4096;

/// Reads `text`, the body of a file.
pub fn to_markdown(text: &str) -> Read {
    let mut found = Read::default();
    let (text, imports) = without_programs(text, &mut found.lost);
    let text = without_indentation(&text);
    let mut code = markup::code(&text).into_iter().peekable();
    let mut at = 0;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find(['<', '{', '\\', '$'])).map(|begin| at + begin) {
        found.text.push_str(text.get(at..begin).unwrap_or_default());
        while code.next_if(|range| range.end <= begin).is_some() {}
        if let Some(range) = code.peek().filter(|range| range.contains(&begin)) {
            found.text.push_str(text.get(begin..range.end).unwrap_or_default());
            at = range.end;
            continue;
        }
        let rest = text.get(begin..).unwrap_or_default();
        let (new, length) = match rest.as_bytes().first() {
            Some(b'<') => tag(rest, &imports, &mut found),
            Some(b'{') => expression(rest, &mut found),
            Some(b'$') => (None, formula(rest)),
            _ => (None, 1 + rest.get(1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)),
        };
        at = begin + length;
        found.text.push_str(new.as_deref().unwrap_or(text.get(begin..at).unwrap_or_default()));
    }
    found.text.push_str(text.get(at..).unwrap_or_default());
    found.text = without_gaps(&found.text);
    found
}

impl Read {
    fn lose(&mut self, what: String) {
        *self.lost.entry(what).or_default() += 1;
    }
}

/// Follows where fenced code begins and ends, a line at a time.
#[derive(Default)]
struct Fences {
    /// The sign of the fence that is open, and how often it stands there.
    open: Option<(char, usize)>,
}

/// What a line is for fenced code.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    Opens,
    Inside,
    Closes,
    Outside,
}

impl Fences {
    fn read(&mut self, line: &str) -> Line {
        let words = line.trim_start();
        let mark = words.chars().next().filter(|mark| matches!(mark, '`' | '~'));
        let length = mark.map_or(0, |mark| words.len() - words.trim_start_matches(mark).len());
        match (self.open, mark) {
            (Some((opening, opened)), mark) => {
                let is_end =
                    mark == Some(opening) && length >= opened && words.trim_start_matches(opening).trim().is_empty();
                self.open = self.open.filter(|_| !is_end);
                if is_end { Line::Closes } else { Line::Inside }
            }
            (None, Some(mark)) if length >= 3 => {
                self.open = Some((mark, length));
                Line::Opens
            }
            (None, _) => Line::Outside,
        }
    }
}

/// The text without its imports and exports, which stand at the left after a blank line; and which files are imported by which names.
fn without_programs<'a>(text: &'a str, lost: &mut BTreeMap<String, usize>) -> (String, HashMap<&'a str, &'a str>) {
    let (mut out, mut imports) = (String::with_capacity(text.len()), HashMap::new());
    let (mut fences, mut after_blank) = (Fences::default(), true);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if fences.open.is_none() && after_blank && (is_import(line) || is_export(line)) {
            let mut depth = brackets(line);
            imports.extend(imported(line));
            while let Some(next) = lines.next_if(|next| depth > 0 || !next.trim().is_empty()) {
                depth += brackets(next);
                imports.extend(imported(next));
            }
            if is_export(line) {
                *lost.entry("an export to the page, which is left out".to_owned()).or_default() += 1;
            }
            continue;
        }
        after_blank = fences.read(line) == Line::Closes || line.trim().is_empty();
        out.push_str(line);
    }
    (out, imports)
}

/// The text without indentation outside of lists: MDX has no indented code.
fn without_indentation(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fences = Fences::default();
    let (mut after_blank, mut in_list, mut of_fence) = (true, false, 0);
    for line in text.split_inclusive('\n') {
        let words = line.trim_start();
        let indentation = line.len() - words.len();
        let kind = fences.read(line);
        if matches!(kind, Line::Inside | Line::Closes) {
            // Code keeps what it is indented by beyond its fence.
            out.push_str(line.get(of_fence.min(indentation)..).filter(|_| !words.is_empty()).unwrap_or("\n"));
            after_blank |= kind == Line::Closes;
            continue;
        }
        let is_item = words.starts_with(['-', '*', '+'])
            || words.trim_start_matches(|digit: char| digit.is_ascii_digit()).starts_with(['.', ')'])
                && words.starts_with(|digit: char| digit.is_ascii_digit());
        in_list = is_item || in_list && !(after_blank && indentation == 0 && !words.is_empty());
        let removed = if in_list || words.is_empty() { 0 } else { indentation };
        if kind == Line::Opens {
            of_fence = removed;
        }
        after_blank = words.is_empty();
        out.push_str(line.get(removed..).unwrap_or(line));
    }
    out
}

fn is_import(line: &str) -> bool {
    let rest = line.strip_prefix("import").unwrap_or_default().trim_start_matches(' ');
    rest.starts_with(['{', '"', '\'', '*']) && rest.len() > 1 || line.starts_with("import ") && line.contains(" from ")
}

fn is_export(line: &str) -> bool {
    let rest = line.strip_prefix("export ").unwrap_or_default().trim_start();
    ["const ", "let ", "var ", "function ", "async ", "default ", "class ", "{", "*"]
        .iter()
        .any(|word| rest.starts_with(word))
}

/// How many more brackets are opened than closed.
fn brackets(line: &str) -> i64 {
    line.chars()
        .map(|letter| match letter {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

/// The name and the file of `import name from "./file.png"`.
fn imported(line: &str) -> Option<(&str, &str)> {
    let (name, file) = line.strip_prefix("import ")?.split_once(" from ")?;
    let file = file.trim().trim_end_matches(';').trim().trim_matches(['"', '\'']);
    Some((name.trim(), file))
}

/// The value of an attribute.
enum Value<'a> {
    Text(&'a str),
    Program(&'a str),
    None,
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, Value<'a>)>,
    is_closing: bool,
    is_alone: bool,
    /// Whether any attribute is in braces.
    is_program: bool,
    length: usize,
}

/// The tag that the text begins with.
fn read_tag(text: &str) -> Option<Tag<'_>> {
    let text = text.get(..text.floor_char_boundary(MAX_LENGTH))?;
    let is_closing = text.starts_with("</");
    let begin = if is_closing { 2 } else { 1 };
    let is_end = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '_' | '-' | ':');
    let mut at = begin + text.get(begin..)?.find(is_end)?;
    let name = text.get(begin..at).filter(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic()))?;
    let (mut attributes, mut is_program) = (Vec::new(), false);
    loop {
        let rest = text.get(at..)?;
        let words = rest.trim_start();
        at += rest.len() - words.len();
        if words.starts_with("/>") || words.starts_with('>') {
            let is_alone = words.starts_with('/');
            return Some(Tag {
                name,
                attributes,
                is_closing,
                is_alone,
                is_program,
                length: at + 1 + usize::from(is_alone),
            });
        }
        if words.starts_with('{') {
            at += braces(words)?;
            is_program = true;
            continue;
        }
        let end =
            words.find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '>' | '/' | '{' | '<' | '"'))?;
        let key = words.get(..end).filter(|key| !key.is_empty())?;
        at += end;
        let Some(value) = words.get(end..)?.strip_prefix('=') else {
            attributes.push((key, Value::None));
            continue;
        };
        let length = match value.chars().next()? {
            quote @ ('"' | '\'') => value.get(1..)?.find(quote)? + 2,
            '{' => braces(value)?,
            _ => return None,
        };
        let inside = value.get(1..length - 1)?;
        is_program |= value.starts_with('{');
        attributes.push((key, if value.starts_with('{') { program(inside) } else { Value::Text(inside) }));
        at += 1 + length;
    }
}

/// `{"text"}` says no more than `"text"`.
fn program(inside: &str) -> Value<'_> {
    literal(inside).map_or(Value::Program(inside.trim()), Value::Text)
}

/// What a program of one text without parts says.
fn literal(program: &str) -> Option<&str> {
    let program = program.trim();
    let quote = program.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let inside = program.get(1..)?.strip_suffix(quote)?;
    (!inside.contains([quote, '\\']) && !inside.contains("${")).then_some(inside)
}

/// How long the braces are that the text begins with.
fn braces(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, letter) in text.get(..text.floor_char_boundary(MAX_LENGTH))?.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(letter),
            (None, '{') => depth += 1,
            (None, '}') if depth == 1 => return Some(at + 1),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// How long a formula is, in which braces are no programs.
fn formula(text: &str) -> usize {
    let (sign, within) =
        if text.starts_with("$$") { ("$$", text) } else { ("$", text.lines().next().unwrap_or_default()) };
    let end = within.get(sign.len()..).and_then(|rest| rest.find(sign));
    end.map_or(sign.len(), |end| end + 2 * sign.len())
}

/// What stands for an expression in braces, and how long that is.
fn expression(text: &str, found: &mut Read) -> (Option<String>, usize) {
    let Some(length) = Some(text).filter(|_| found.endless < MAX_ENDLESS).and_then(braces) else {
        found.endless += 1;
        return (None, 1);
    };
    let inside = text.get(1..length - 1).unwrap_or_default().trim();
    if inside.starts_with("/*") && inside.ends_with("*/") {
        return (Some(String::new()), length);
    }
    if let Some(words) = literal(inside) {
        return (Some(words.to_owned()), length);
    }
    if !inside.is_empty() {
        found.lose("an expression of the page's program, which stays as text".to_owned());
    }
    (None, length)
}

/// What stands for a tag, and how long that is.
fn tag(text: &str, imports: &HashMap<&str, &str>, found: &mut Read) -> (Option<String>, usize) {
    // A fragment, which is no element.
    if let Some(length) = ["<>", "</>"].iter().find(|sign| text.starts_with(**sign)).map(|sign| sign.len()) {
        return (Some(String::new()), length);
    }
    let Some(tag) = Some(text).filter(|_| found.endless < MAX_ENDLESS).and_then(read_tag) else {
        // `a < b` is seen at once to be none.
        found.endless += usize::from(text.get(1..).is_some_and(|rest| rest.starts_with(char::is_alphabetic)));
        return (None, 1);
    };
    let is_component = tag.name.starts_with(|letter: char| letter.is_ascii_uppercase()) || tag.name.contains('.');
    let named = |names: &[&str]| {
        tag.attributes.iter().filter(|(key, _)| names.contains(key)).find_map(|(_, value)| match value {
            Value::Text(text) => Some((*text).to_owned()),
            Value::Program(name) => {
                imports.get(name.strip_suffix(".src").unwrap_or(name)).map(|file| (*file).to_owned())
            }
            Value::None => None,
        })
    };
    let kind = tag.name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let new = match kind.as_str() {
        "image" | "picture" | "img" if !tag.is_closing => named(&["src"]).map(|address| {
            picture(&address, &named(&["alt"]).unwrap_or_default(), &named(&["title"]).unwrap_or_default())
        }),
        _ if tag.is_closing => None,
        "youtube" | "youtubeembed" => {
            named(&["id", "url", "videoId", "videoid"]).map(|id| watched(&id, "https://www.youtube.com/watch?v="))
        }
        "vimeo" => named(&["id", "url"]).map(|id| watched(&id, "https://vimeo.com/")),
        "tweet" => named(&["id", "url"]).map(|id| watched(&id, "https://x.com/i/status/")),
        "gist" | "blueskypost" | "linkpreview" | "linkcard" => named(&["url", "href", "id"])
            .filter(|address| address.starts_with("http") || address.starts_with('/'))
            .map(|address| link(&address, &named(&["title"]).unwrap_or_else(|| address.clone()))),
        _ => None,
    };
    if new.is_some() {
        return (new, tag.length);
    }
    if !is_component {
        return (tag.is_program.then(|| plain(&tag)), tag.length);
    }
    if tag.is_closing {
        return (Some(String::new()), tag.length);
    }
    // Links may lead to it.
    let id = tag.attributes.iter().find_map(|(key, value)| match value {
        Value::Text(id) if *key == "id" && !id.trim().is_empty() => Some(anchors::mark(id.trim())),
        _ => None,
    });
    let id = id.unwrap_or_default();
    if tag.is_alone {
        found.lose(format!("the component <{}>, which is left out", tag.name));
        return (Some(id), tag.length);
    }
    found.lose(format!("the component <{}>, of which the text within stays", tag.name));
    // What such components are called, readers saw: the title of a box, the label of a tab.
    let begins_line = found.text.is_empty() || found.text.ends_with('\n');
    let title = named(&["title", "label", "summary"]).filter(|_| begins_line);
    (Some(title.map_or_else(|| id.clone(), |title| format!("{id}**{}**\n\n", title.trim()))), tag.length)
}

fn watched(id: &str, before: &str) -> String {
    if id.starts_with("http") { format!("<{id}>") } else { format!("<{before}{id}>") }
}

/// A tag of HTML without the attributes that a program computes.
fn plain(tag: &Tag<'_>) -> String {
    let attributes = tag.attributes.iter().filter_map(|(key, value)| match value {
        Value::Text(text) => Some(format!(" {key}=\"{}\"", text.replace('"', "&quot;"))),
        Value::None => Some(format!(" {key}")),
        Value::Program(_) => None,
    });
    format!("<{}{}{}>", tag.name, attributes.collect::<String>(), if tag.is_alone { " /" } else { "" })
}

/// The text with one blank line where tags have left several.
fn without_gaps(text: &str) -> String {
    let code = markup::code(text);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_code = markup::is_code(&code, at);
        at += line.len();
        if is_code || !line.trim().is_empty() || !(out.is_empty() || out.ends_with("\n\n")) {
            out.push_str(if line.trim().is_empty() && !is_code { "\n" } else { line });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, lost: &[&str]) {
        let read = to_markdown(text);
        assert_eq!(read.text, expected);
        let found: Vec<_> = read.lost.iter().map(|(what, times)| format!("{times} {what}")).collect();
        assert_eq!(found, lost, "{text}");
    }

    #[test]
    fn programs_are_left_out_and_code_is_not_changed() {
        check(
            "import Thumb from \"../Thumb.astro\";\nimport {\n  A,\n} from 'b'\n\nexport const data = {\n  a: 1,\n\n  b: 2,\n};\n\n### Head\n\n```js\nimport a from 'a'\n<Thumb />\n```\n\n<Thumb />\n### Next\n\nSpan `<Thumb />` and `{a}`, {/* nothing */}one{\" \"}two \\{a}.\n",
            "### Head\n\n```js\nimport a from 'a'\n<Thumb />\n```\n\n### Next\n\nSpan `<Thumb />` and `{a}`, one two \\{a}.\n",
            &["1 an export to the page, which is left out", "1 the component <Thumb>, which is left out"],
        );
        check(
            "import duties rose.\n\nThe finder export const\n",
            "import duties rose.\n\nThe finder export const\n",
            &[],
        );
        check(
            "Of {props.count}, $\\frac{3}{5}$.\n\n$$\na{}b\n$$\n",
            "Of {props.count}, $\\frac{3}{5}$.\n\n$$\na{}b\n$$\n",
            &["1 an expression of the page's program, which stays as text"],
        );
    }

    #[test]
    fn components_become_markdown_or_their_text() {
        check(
            "import hero from './hero.png'\n\n<Image src={hero} alt=\"A hero\" width={40} />\n\n<img src={hero.src} alt='B' />\n\n<YouTube id=\"abc\" />\n\n<Tweet id=\"https://x.com/a/status/1\" />\n",
            "![A hero](./hero.png)\n\n![B](./hero.png)\n\n<https://www.youtube.com/watch?v=abc>\n\n<https://x.com/a/status/1>\n",
            &[],
        );
        check(
            "<Asset id=\"a\" label=\"Schema\">\n\n    Text in it.\n\n    ```rust\n    fn main() {\n        a()\n    }\n    ```\n\n</Asset>\n\nA <Mark>word</Mark>.\n\n- one\n\n  more\n",
            "<a id=\"a\"></a>**Schema**\n\nText in it.\n\n```rust\nfn main() {\n    a()\n}\n```\n\nA word.\n\n- one\n\n  more\n",
            &[
                "1 the component <Asset>, of which the text within stays",
                "1 the component <Mark>, of which the text within stays",
            ],
        );
        check(
            "<div className=\"box\" style={{ color: 'red' }}>in</div> a < b <{'x'} <a href={`/b`}>c</a>\n",
            "<div className=\"box\">in</div> a < b <x <a href=\"/b\">c</a>\n",
            &[],
        );
    }

    #[test]
    fn what_has_no_end_is_looked_at_so_often_only() {
        for text in ["{".repeat(200_000), "<A b={".repeat(5_000) + "<B />", "`a`\n\n".repeat(50_000)] {
            assert_eq!(to_markdown(&text).text.len(), text.len());
        }
    }
}
