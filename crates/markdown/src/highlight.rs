//! Code in colours: which parts of a code block get which class. The colours are the page's.

use std::fmt::Write;
use std::sync::LazyLock;

use syntect::easy::ScopeRegionIterator;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};
use syntect::util::LinesWithEndings;

/// The classes, and the scopes of Sublime Text's grammars that get them
/// (<https://www.sublimetext.com/docs/scope_naming.html>). The innermost scope that is listed counts, and of its
/// entries the longest.
pub const CLASSES: [(&str, &[&str]); 12] = [
    ("hl-attribute", &["entity.other.attribute-name", "support.type.property-name", "variable.annotation"]),
    ("hl-comment", &["comment"]),
    ("hl-constant", &["constant", "support.constant"]),
    ("hl-deleted", &["markup.deleted"]),
    ("hl-function", &["entity.name.function", "support.function", "variable.function"]),
    ("hl-heading", &["markup.heading", "entity.name.section", "meta.diff.header"]),
    ("hl-inserted", &["markup.inserted"]),
    ("hl-keyword", &["keyword", "storage"]),
    ("hl-number", &["constant.numeric"]),
    ("hl-string", &["string", "constant.character"]),
    ("hl-tag", &["entity.name.tag"]),
    ("hl-type", &["entity.name", "entity.other.inherited-class", "support.type", "support.class"]),
];

/// The longest line that is highlighted: a line without an end is the worst case of a grammar's expressions.
const LONGEST_LINE: usize = 1024;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

static SCOPES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    let all = CLASSES.iter().flat_map(|(class, scopes)| scopes.iter().map(move |scope| (*scope, *class)));
    let mut scopes: Vec<_> = all.filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, class))).collect();
    scopes.sort_by_key(|(scope, _)| std::cmp::Reverse(scope.len()));
    scopes
});

/// The code as HTML, or nothing if the language is unknown or its grammar cannot read the code.
pub fn highlight(language: &str, code: &str) -> Option<String> {
    if code.lines().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let syntax = SYNTAXES.find_syntax_by_token(language)?;
    let (mut state, mut stack) = (ParseState::new(syntax), ScopeStack::new());
    let (mut html, mut open) = (String::with_capacity(code.len() * 2), None);
    for line in LinesWithEndings::from(code) {
        let changes = state.parse_line(line, &SYNTAXES).ok()?;
        for (part, change) in ScopeRegionIterator::new(&changes, line) {
            stack.apply(change).ok()?;
            if part.is_empty() {
                continue;
            }
            let class = stack.as_slice().iter().rev().find_map(|scope| class_of(*scope));
            // White space shows no colour, so it need not end one.
            if class != open && !part.trim().is_empty() {
                if open.is_some() {
                    html.push_str("</span>");
                }
                if let Some(class) = class {
                    write!(html, "<span class=\"{class}\">").ok()?;
                }
                open = class;
            }
            comrak::html::escape(&mut html, part).ok()?;
        }
    }
    if open.is_some() {
        html.push_str("</span>");
    }
    Some(html)
}

fn class_of(scope: Scope) -> Option<&'static str> {
    SCOPES.iter().find(|(prefix, _)| prefix.is_prefix_of(scope)).map(|(_, class)| *class)
}
