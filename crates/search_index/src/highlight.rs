//! Showing in a text what was asked for.

use std::ops::Range;

use crate::query::{Clause, Query};
use crate::terms::form_term;
use crate::words::{Kind, Language, Word, words};

/// The text as HTML, with `<mark>` around what the query finds in it. Everything else is escaped, so that it is safe wherever
/// text is: in an element, and in a quoted attribute. `language` is that of the text.
pub fn highlight(text: &str, query: &Query, language: Option<&str>) -> String {
    let words: Vec<_> = words(text).into_iter().map(|word| (form(&word, language), word)).collect();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for clause in query.clauses.iter().filter(|clause| !clause.is_excluded) {
        for (at, (_, first)) in words.iter().enumerate() {
            if let Some(end) = end_of_match(clause, words.get(at..).unwrap_or_default()) {
                ranges.push(first.range.start..end);
            }
        }
    }
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut html = String::with_capacity(text.len());
    let mut done = 0;
    let mut open: Option<Range<usize>> = None;
    for range in ranges {
        match &mut open {
            Some(open) if range.start <= open.end => open.end = open.end.max(range.end),
            _ => {
                mark(&mut html, text, &mut done, open.replace(range));
            }
        }
    }
    mark(&mut html, text, &mut done, open);
    escape(&mut html, text.get(done..).unwrap_or_default());
    html
}

/// Writes what comes before a mark, and the mark.
fn mark(html: &mut String, text: &str, done: &mut usize, range: Option<Range<usize>>) {
    let Some(Range { start, end }) = range else { return };
    escape(html, text.get(*done..start).unwrap_or_default());
    html.push_str("<mark>");
    escape(html, text.get(start..end).unwrap_or_default());
    html.push_str("</mark>");
    *done = end;
}

/// The term of a word's forms.
fn form(word: &Word, language: Option<&str>) -> Option<String> {
    (word.kind == Kind::Word).then(|| form_term(Language::of(&word.text, language), &word.text))
}

/// Where in the text what a clause finds ends, if it finds something where these words begin.
fn end_of_match(clause: &Clause, words: &[(Option<String>, Word)]) -> Option<usize> {
    let mut end = None;
    for atom in &clause.atoms {
        // Each position has one word.
        let at = atom.offset as usize;
        let (form, word) = words.get(at)?;
        let is_form = || form.as_ref().is_some_and(|form| clause.forms.contains(form));
        let is_match = match atom.is_prefix {
            true => word.text.starts_with(&atom.word),
            false => word.text == atom.word || is_form(),
        };
        if !is_match {
            return None;
        }
        // Of a pair that a single character has found, the other begins the next word.
        let next = words.get(at + 1).filter(|_| word.kind == Kind::Pair && word.text != atom.word);
        end = Some(next.map_or(word.range.end, |(_, next)| next.range.start));
    }
    end
}

fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}
