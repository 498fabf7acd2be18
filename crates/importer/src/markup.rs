//! The addresses in a text of Markdown, found where they stand, so that nothing else of the text changes.
//!
//! Code is never touched: an address in it is an example.

use std::{collections::HashMap, ops::Range};

/// Where code is: fenced and indented blocks, spans, and comments of HTML.
pub fn code(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut fence: Option<(char, usize, usize)> = None;
    let (mut after_blank, mut in_list) = (true, false);
    // Text in which spans are looked for: paragraphs, each up to a blank line or a block of code.
    let mut paragraph = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let words = line.trim_start();
        let mark = words.chars().next().filter(|mark| matches!(mark, '`' | '~'));
        let length = mark.map_or(0, |mark| words.len() - words.trim_start_matches(mark).len());
        if let Some((opening, opened, begin)) = fence {
            if mark == Some(opening) && length >= opened && words.trim_start_matches(opening).trim().is_empty() {
                found.push(begin..end);
                fence = None;
                (paragraph, after_blank) = (end, true);
            }
            continue;
        }
        let is_indented = line.starts_with("    ") || line.starts_with('\t');
        let is_blank = words.is_empty();
        let is_item = words.starts_with(['-', '*', '+'])
            || words.trim_start_matches(|digit: char| digit.is_ascii_digit()).starts_with(['.', ')'])
                && words.starts_with(|digit: char| digit.is_ascii_digit());
        if let Some(mark) =
            mark.filter(|mark| length >= 3 && (*mark == '~' || !words.get(length..).unwrap_or_default().contains('`')))
        {
            spans(text, paragraph..start, &mut found);
            fence = Some((mark, length, start));
        } else if is_indented && after_blank && !in_list && !is_blank {
            spans(text, paragraph..start, &mut found);
            found.push(start..end);
            paragraph = end;
            continue;
        } else if is_blank {
            spans(text, paragraph..start, &mut found);
            paragraph = end;
        } else if is_item && !is_indented {
            in_list = true;
        } else if after_blank && !is_indented && !line.starts_with(' ') {
            in_list = false;
        }
        after_blank = is_blank;
    }
    match fence {
        Some((_, _, begin)) => found.push(begin..text.len()),
        None => spans(text, paragraph..text.len(), &mut found),
    }
    found.sort_by_key(|range| range.start);
    found
}

/// Whether a place is in one of the ranges that [`code`] has found.
pub fn is_code(code: &[Range<usize>], at: usize) -> bool {
    code.get(code.partition_point(|range| range.end <= at)).is_some_and(|range| range.contains(&at))
}

/// The spans of code in a paragraph: what stands between two equal runs of backticks.
fn spans(text: &str, within: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(part) = text.get(within.clone()) else { return };
    let runs = runs(part);
    // Looked up from behind, because to look for the end of each would take as long as the paragraph is.
    let (mut closing, mut next) = (vec![None; runs.len()], HashMap::new());
    for (run, closing) in runs.iter().zip(&mut closing).rev() {
        *closing = next.insert(run.len(), run.end);
    }
    let mut runs = runs.into_iter().zip(closing).peekable();
    let mut comment = part.find("<!--");
    let mut at = 0;
    loop {
        while runs.next_if(|(run, _)| run.start < at).is_some() {}
        let Some(rest) = part.get(at..) else { return };
        if comment.is_some_and(|begin| begin < at) {
            comment = rest.find("<!--").map(|begin| at + begin);
        }
        let end = match (comment, runs.peek()) {
            (Some(begin), run) if run.is_none_or(|(run, _)| begin <= run.start) => {
                let end = part.get(begin..).and_then(|rest| rest.find("-->")).map_or(part.len(), |end| begin + end + 3);
                found.push(within.start + begin..within.start + end);
                end
            }
            (_, Some((run, _))) if let Some(end) = tag_around(part, at..run.start) => end,
            (_, Some((run, closing))) => {
                let is_escaped = part.get(at..run.start).is_some_and(|before| before.ends_with('\\'));
                let closing = closing.filter(|_| !is_escaped);
                found.extend(closing.map(|end| within.start + run.start..within.start + end));
                closing.unwrap_or(run.end)
            }
            (_, None) => return,
        };
        at = end;
    }
}

/// The end of an opening tag or autolink that begins in this range and ends behind it. It takes precedence over code that begins later.
/// <https://spec.commonmark.org/0.31.2/#code-spans>
fn tag_around(text: &str, before: Range<usize>) -> Option<usize> {
    let mut at = before.start;
    while let Some(index) = text.get(at..before.end)?.find('<') {
        let begin = at + index;
        let is_escaped = text.get(..begin).is_some_and(|before| before.ends_with('\\'));
        match tag(text.get(begin..)?).filter(|_| !is_escaped) {
            Some(length) if begin + length > before.end => return Some(begin + length),
            Some(length) => at = begin + length,
            None => at = begin + 1,
        }
    }
    None
}

/// The length of the opening tag or autolink at the start of a text; `None` if the text starts with neither.
/// <https://spec.commonmark.org/0.31.2/#open-tag>, <https://spec.commonmark.org/0.31.2/#autolinks>
fn tag(text: &str) -> Option<usize> {
    let name = text.strip_prefix('<').filter(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic()))?;
    let mut rest = name.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
    let scheme = name.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "+.-".contains(letter));
    if scheme.starts_with(':') {
        let end = scheme.find(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>'))?;
        let behind = scheme.get(end..)?.strip_prefix('>')?;
        return Some(text.len() - behind.len());
    }
    loop {
        let next = rest.trim_start();
        if let Some(behind) = next.strip_prefix('>').or_else(|| next.strip_prefix("/>")) {
            return Some(text.len() - behind.len());
        }
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '.' | '-');
        let behind = next.trim_start_matches(is_name);
        if next.len() == rest.len() || behind.len() == next.len() {
            return None;
        }
        rest = match behind.trim_start().strip_prefix('=') {
            None => behind,
            Some(value) => behind_value(value.trim_start())?,
        };
    }
}

/// What stands behind the value of an attribute.
fn behind_value(value: &str) -> Option<&str> {
    if let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
        return value.get(1..)?.split_once(quote).map(|(_, behind)| behind);
    }
    let is_no_part = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '=' | '<' | '>' | '`');
    let end = value.find(is_no_part).filter(|end| *end > 0)?;
    value.get(end..)
}

/// The runs of backticks.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end += 1,
            None => runs.push(at..at + 1),
        }
    }
    runs
}

/// How long the longest run of backticks is.
pub fn longest_run(text: &str) -> usize {
    runs(text).iter().map(ExactSizeIterator::len).max().unwrap_or_default()
}

/// The addresses of links and pictures, in Markdown and in tags of HTML.
pub fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut code = code(text).into_iter().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    // How many brackets are open in the paragraph or the heading: where none is, `](` is text.
    let (mut open, mut in_heading) = (0_usize, false);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        while code.next_if(|range| range.end <= at).is_some() {}
        if let Some(range) = code.peek().filter(|range| range.contains(&at)) {
            at = range.end;
            line_start = text.get(..at).is_some_and(|before| before.ends_with('\n'));
            continue;
        }
        let begins_line = std::mem::take(&mut line_start);
        if begins_line {
            let line = rest.lines().next().unwrap_or_default().trim();
            let is_heading = line
                .strip_prefix('#')
                .is_some_and(|text| text.trim_start_matches('#').chars().next().is_none_or(char::is_whitespace));
            if is_heading || in_heading || line.is_empty() {
                open = 0;
            }
            in_heading = is_heading;
        }
        if rest.starts_with('\\') {
            at += 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
        } else if let Some(after) = rest.strip_prefix("](") {
            let address = destination(text, at + 2 + after.len() - after.trim_start().len());
            found.extend(address.filter(|address| open > 0 && is_closed(text, address.end)));
            open = open.saturating_sub(1);
            at += 2;
        } else if begins_line && let Some(begin) = definition(rest) {
            found.extend(destination(text, at + begin));
            at += begin;
        } else if rest.starts_with('<') && rest.chars().nth(1).is_some_and(|letter| letter.is_ascii_alphabetic()) {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            found.extend(values(text, at..at + end, &["src", "href", "poster", "srcset"]));
            at += end;
        } else {
            match rest.as_bytes().first() {
                Some(b'\n') => line_start = true,
                Some(b'[') => open += 1,
                Some(b']') => open = open.saturating_sub(1),
                _ => {}
            }
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found.sort_by_key(|range| range.start);
    found
}

/// Where the address of `[label]: address` begins, from the start of its line.
fn definition(line: &str) -> Option<usize> {
    let label = line.trim_start_matches(' ').strip_prefix('[').filter(|label| !label.starts_with('^'))?;
    let end = label.find([']', '\n'])?;
    let after = label.get(end..)?.strip_prefix("]:")?;
    let address = after.trim_start_matches([' ', '\t']);
    (!address.starts_with('\n')).then(|| line.len() - address.len())
}

/// How deep parentheses may stand in each other in an address.
const MAX_PARENTHESES: usize = 32;

/// The address that begins at `start`, without the angle brackets that it may stand in.
fn destination(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    if let Some(inside) = rest.strip_prefix('<') {
        // An address in angle brackets has none within.
        let end = inside.find(['<', '>', '\n'])?;
        return inside.get(end..)?.starts_with('>').then_some(start + 1..start + 1 + end);
    }
    let mut depth = 0;
    let mut end = rest.len();
    for (index, letter) in rest.char_indices() {
        match letter {
            // So deep, it is none (comrak's limit). To look further would take as long as the text is, for each of its addresses.
            '(' if depth == MAX_PARENTHESES => return None,
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = index;
                break;
            }
            ')' => depth -= 1,
            // Old processors let addresses have spaces; the new ones do not, and what stands behind one is a title.
            letter if letter.is_whitespace() => {
                end = index;
                break;
            }
            _ => {}
        }
    }
    (end > 0).then_some(start..start + end)
}

/// The maximum length of the title of a link, in bytes: for each link, at most so much is looked through.
const MAX_TITLE: usize = 4096;

/// Whether a link ends behind the address that ends there, if need be after its title. If not, all of it is text.
fn is_closed(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let rest = rest.strip_prefix('>').unwrap_or(rest).trim_start();
    let quote = match rest.as_bytes().first() {
        Some(b')') => return true,
        Some(b'(') => b')',
        Some(quote @ (b'"' | b'\'')) => *quote,
        _ => return false,
    };
    let mut is_escaped = false;
    let title = rest.bytes().take(MAX_TITLE).skip(1).position(|byte| {
        let ends = byte == quote && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    title.is_some_and(|length| rest.get(length + 2..).unwrap_or_default().trim_start().starts_with(')'))
}

/// The tags that begin an element of HTML, outside of code.
pub fn tags(text: &str) -> Vec<Range<usize>> {
    let code = code(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('<') {
        let rest = text.get(at + 1..).unwrap_or_default();
        let is_within = found.last().is_some_and(|tag| at < tag.end);
        if !is_within && rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) && !is_code(&code, at) {
            // What nothing closes is none, nor is anything behind it.
            let Some(end) = rest.find('>') else { break };
            found.push(at..at + end + 2);
        }
    }
    found
}

/// The values of these attributes of a tag; of `srcset`, each of its addresses.
pub fn values(text: &str, tag: Range<usize>, names: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(whole) = text.get(tag.clone()) else { return found };
    // HTML of the nineties is in capital letters.
    let small = whole.to_ascii_lowercase();
    for &name in names {
        let mut from = 0;
        while let Some(index) = small.get(from..).and_then(|rest| rest.find(name)) {
            let begin = from + index;
            from = begin + name.len();
            let is_whole = whole.get(..begin).is_some_and(|before| before.ends_with(char::is_whitespace));
            let Some(value) =
                whole.get(from..).and_then(|rest| rest.trim_start().strip_prefix('=')).filter(|_| is_whole)
            else {
                continue;
            };
            let value = value.trim_start();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let inside = value.get(quote.map_or(0, char::len_utf8)..).unwrap_or_default();
            let end = match quote {
                Some(quote) => inside.find(quote),
                None => inside.find(|letter: char| letter.is_whitespace() || letter == '>'),
            };
            let start = whole.len() - inside.len();
            let value = inside.get(..end.unwrap_or(inside.len())).unwrap_or_default();
            let mut offset = 0;
            for candidate in value.split(if name == "srcset" { ',' } else { '\n' }) {
                let address = candidate.split_whitespace().next().unwrap_or_default();
                let lead = candidate.len() - candidate.trim_start().len();
                let begin = tag.start + start + offset + lead;
                found.push(begin..begin + address.len());
                offset += candidate.len() + 1;
            }
        }
    }
    found
}

/// The text with other addresses: `new` gives one, or leaves the old one.
pub fn rewrite(text: &str, mut new: impl FnMut(&str) -> Option<String>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for range in addresses(text) {
        let (Some(before), Some(old)) = (text.get(at..range.start), text.get(range.clone())) else { continue };
        written.push_str(before);
        match new(old) {
            Some(new) => written.push_str(&new),
            None => written.push_str(old),
        }
        at = range.end;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

/// The text in which single tildes strike nothing through, as they do here: `~a~` becomes `~a\~`. One that could close nothing stays as it is.
pub fn without_single_strikes(text: &str) -> String {
    let mut passed = code(text);
    passed.extend(addresses(text));
    passed.sort_by_key(|range| range.start);
    let mut passed = passed.into_iter().peekable();
    let mut written = String::with_capacity(text.len());
    let (mut is_open, mut is_html, mut in_paragraph) = (false, false, false);
    let (mut at, mut copied) = (0, 0);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if line.trim().is_empty() {
            (is_open, in_paragraph) = (false, false);
            continue;
        }
        // In a block of HTML a backslash would be seen.
        if !in_paragraph {
            is_html = line.trim_start().starts_with('<');
        }
        in_paragraph = true;
        for (index, _) in line.match_indices('~').filter(|_| !is_html) {
            let place = start + index;
            while passed.next_if(|range| range.end <= place).is_some() {}
            if passed.peek().is_some_and(|range| range.contains(&place)) {
                continue;
            }
            let before = line.get(..index).and_then(|before| before.chars().next_back()).unwrap_or(' ');
            let after = line.get(index + 1..).and_then(|after| after.chars().next()).unwrap_or(' ');
            if before == '~' || after == '~' || before == '\\' {
                continue;
            }
            // https://spec.commonmark.org/0.31.2/#delimiter-run
            let follows =
                |one: char, other: char| !one.is_whitespace() && (one.is_alphanumeric() || !other.is_alphanumeric());
            if is_open && follows(before, after) {
                written.push_str(text.get(copied..place).unwrap_or_default());
                written.push('\\');
                copied = place;
            } else if follows(after, before) {
                is_open = true;
            }
        }
    }
    written.push_str(text.get(copied..).unwrap_or_default());
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        addresses(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn what_is_opened_and_never_closed_is_not_looked_for_to_the_end_each_time() {
        assert!(addresses(&"[a](".repeat(40_000)).len() <= MAX_PARENTHESES + 1);
        assert!(addresses(&"[a\n".repeat(40_000)).is_empty());
        assert!(addresses(&"](<".repeat(200_000)).is_empty());
    }

    #[test]
    fn backticks_take_time_by_their_number_only() {
        assert_eq!(code(&"`a ``b <!".repeat(200_000)).len(), 133_333);
        for tags in ["<a b=\"`", "<a b='<a b=\"`", "<a:`", "<a b<a `<"] {
            assert!(code(&tags.repeat(100_000)).len() <= 100_000, "{tags}");
        }
        // No two runs are equal.
        let different: String = (1..3_000).map(|length| format!("{}a", "`".repeat(length))).collect();
        assert!(code(&format!("a{different}")).is_empty());
        assert_eq!(longest_run(&different), 2_999);
    }

    #[test]
    fn addresses_are_found_and_code_is_left_alone() {
        for (text, expected) in [
            ("[a](b.md) ![c](<d e.png> \"t\")", vec!["b.md", "d e.png"]),
            ("[![a](b.png)](c/(d)) [x]()", vec!["b.png", "c/(d)"]),
            ("[a](b c) [d](e 'f') [g](<h i>\n) [j](k", vec!["e", "h i"]),
            ("[a](b 'c' d) [e](f 'g\\'h'\n) [i](j \"k\"l) [m](n (o)", vec!["f"]),
            ("[a]: b.md\n\ntext\n[c]: <d> 'title'\n[^1]: note", vec!["b.md", "d"]),
            ("`[a](b)` ``[a](`b)`` [c](d)", vec!["d"]),
            ("a `b [c](d)", vec!["d"]),
            ("<i title=\"`\">[a](b)</i> `[c](d)` <https://e/`> <a id='`' href=f>", vec!["b", "f"]),
            ("<a id=`x> [a](b) `", vec![]),
            ("<i id=\"<b id='\"> `[a](b)` '>", vec![]),
            ("a](b) [c] d](e) [f\n\ng](h) [i\n# j](k) [l\nm](n) [o\n#p](q)", vec!["q"]),
            ("[a [b] c](d) ![e [f](g) h](i)](j)", vec!["d", "g", "i"]),
            ("\\<i id=\"` [a](b) `\">", vec![]),
            ("```\n[a](b)\n```\n[c](d)\n~~~ md\n[e](f)", vec!["d"]),
            ("    [a](b)\n\ntext\n\n    [c](d)\n", vec![]),
            ("- item\n\n    [c](d)\n\nend\n\n    [e](f)\n", vec!["d"]),
            ("1. item\n\n    ![c](d)\n", vec!["d"]),
            ("<img alt='x' src=\"a.png\" srcset='b.png 1x, c.png 2x'><a href=d>", vec!["a.png", "b.png", "c.png", "d"]),
            ("<A HREF=\"a\"><IMG\nSrc = b>", vec!["a", "b"]),
            ("<img data-src=x src='y'> 1 < 2 <!-- [a](b) -->", vec!["y"]),
            ("\\[a](b) \\`[c](d)\\`", vec!["d"]),
            ("é[é](é.md)", vec!["é.md"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        assert_eq!(rewrite("![a](b) [c](b)`b`", |old| (old == "b").then(|| "/x".to_owned())), "![a](/x) [c](/x)`b`");
    }

    /// What readers of Broadsheet see struck through.
    fn struck(text: &str) -> bool {
        markdown::render(text).unwrap().html.contains("<del>")
    }

    #[test]
    fn single_tildes_strike_nothing_through_where_the_generator_has_only_double_ones() {
        for (text, expected) in [
            ("has ~Math.PI~, but ~r~ and\n~b~", "has ~Math.PI\\~, but ~r\\~ and\n~b\\~"),
            ("is ~(digit, f(d * 36))~.", "is ~(digit, f(d * 36))\\~."),
            ("mean -10%~-16% or 5~6~7", "mean -10%~-16% or 5\\~6\\~7"),
            ("a ~*b*~ é~é~", "a ~*b*\\~ é\\~é\\~"),
        ] {
            assert!(struck(text), "{text}");
            assert_eq!(without_single_strikes(text), expected);
            assert!(!struck(&without_single_strikes(text)), "{text}");
        }
        for text in [
            "~~gone~~ and ~ 5 or ~5 or ~6",
            "about ~5\n\nof 6~ here",
            "`~a~` and ``~b~``\n\n    ~c~\n\n~~~\n~d~\n~~~\n",
            "[~a](/~b~c/d) <http://e.example/~f/>",
            "~a\\~ <!-- ~b~ -->",
            "<div>\n~a~\n</div>",
        ] {
            assert_eq!(without_single_strikes(text), text);
        }
        let many = "~a".repeat(100_000);
        assert_eq!(without_single_strikes(&many).matches('\\').count(), 99_999);
    }
}
