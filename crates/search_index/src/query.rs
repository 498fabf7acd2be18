//! What can be asked: words, "phrases", -not, prefix*, `tag:`, `author:`, `before:` and `after:`.
//!
//! Every text is a query. What looks like a filter and is none (`before:noon`), a quotation mark that is not closed, a lone
//! star: all of that is read as words.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::terms::form_term;
use crate::words::{Kind, Language, words};

/// The maximum number of words of a query. Further ones are ignored, so that no query takes long.
const MAX_WORDS: usize = 32;

/// The maximum number of filters of a query.
const MAX_FILTERS: usize = 16;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) filters: Vec<Filter>,
}

/// Words that are looked for together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The words, which follow each other. There is one at least.
    pub atoms: Vec<Atom>,
    /// The terms by which all forms of it are found, in each language it may be of; for one word that is not quoted.
    pub forms: Vec<String>,
    /// Whether it was quoted: it must be there, and exactly like this.
    pub is_quoted: bool,
    /// Whether it must not be there.
    pub is_excluded: bool,
}

/// A word of a clause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Atom {
    pub word: String,
    /// Whether the word only begins like this.
    pub is_prefix: bool,
    /// Whether it is two characters of a script without spaces.
    pub is_pair: bool,
    /// How far it is behind the first word of the clause.
    pub offset: u32,
}

/// What a post must be like, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub is: Is,
    pub is_excluded: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Is {
    /// It has this tag.
    Tagged(String),
    /// Its author has this username.
    By(String),
    /// It was published before this time, in milliseconds since 1970.
    Before(i64),
    /// It was published at this time or later.
    After(i64),
}

impl Query {
    /// Reads what is typed. `tag` and `username` say how a tag and a username are spelled that are typed like this; none if they
    /// cannot be any.
    pub fn parse(typed: &str, tag: impl Fn(&str) -> Option<String>, username: impl Fn(&str) -> Option<String>) -> Self {
        let mut query = Self::default();
        let mut rest = typed;
        loop {
            rest = rest.trim_start();
            let (is_excluded, term) = match rest.strip_prefix('-') {
                Some(term) if !term.starts_with(char::is_whitespace) => (true, term),
                _ => (false, rest),
            };
            if term.is_empty() {
                return query;
            }
            if let Some((phrase, after)) = quoted(term) {
                query.add_words(phrase, true, is_excluded);
                rest = after;
                continue;
            }
            // A quotation mark that opens nothing divides like a space.
            let term = term.strip_prefix(is_quote).unwrap_or(term);
            let end = term.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(term.len());
            let (chunk, after) = term.split_at(end);
            rest = after;
            if let Some((name, value)) = chunk.split_once(':') {
                let (value, after) = match quoted(after) {
                    Some(found) if value.is_empty() => found,
                    _ => (value, after),
                };
                let is = match name.to_ascii_lowercase().as_str() {
                    "tag" => tag(value).map(Is::Tagged),
                    "author" => username(value.trim_start_matches('@')).map(Is::By),
                    "before" => beginning_of(value).map(Is::Before),
                    "after" => beginning_of(value).map(Is::After),
                    _ => None,
                };
                if let Some(is) = is {
                    if query.filters.len() < MAX_FILTERS {
                        query.filters.push(Filter { is, is_excluded });
                    }
                    rest = after;
                    continue;
                }
            }
            query.add_words(chunk, false, is_excluded);
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty() && self.filters.is_empty()
    }

    /// The usernames that filters name.
    pub fn usernames(&self) -> impl Iterator<Item = &str> {
        self.filters.iter().filter_map(|filter| match &filter.is {
            Is::By(name) => Some(name.as_str()),
            _ => None,
        })
    }

    fn add_words(&mut self, text: &str, is_quoted: bool, is_excluded: bool) {
        let mut atoms: Vec<Atom> = Vec::new();
        let taken: usize = self.clauses.iter().map(|clause| clause.atoms.len()).sum();
        let mut first = None;
        for word in words(text) {
            let is_prefix = match word.kind {
                Kind::Word | Kind::Pair => false,
                // A single character is what pairs begin with.
                Kind::Last { is_alone: true } => true,
                Kind::Last { is_alone: false } => continue,
            };
            if taken + atoms.len() == MAX_WORDS {
                break;
            }
            let first = *first.get_or_insert(word.position);
            let is_pair = word.kind == Kind::Pair;
            atoms.push(Atom { word: word.text, is_prefix, is_pair, offset: word.position - first });
        }
        if text.ends_with('*')
            && !is_quoted
            && let Some(last) = atoms.last_mut()
        {
            last.is_prefix = true;
        }
        let forms = match atoms.as_slice() {
            [Atom { word, is_prefix: false, is_pair: false, .. }] if !is_quoted => {
                Language::all_of(word).map(Some).chain([None]).map(|language| form_term(language, word)).collect()
            }
            _ => Vec::new(),
        };
        let clause = Clause { atoms, forms, is_quoted, is_excluded };
        if !clause.atoms.is_empty() && !self.clauses.contains(&clause) {
            self.clauses.push(clause);
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{00AB}' | '\u{00BB}')
}

/// What is between the quotation mark that a text begins with and the next, and what follows. None if there is no such pair.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (phrase, after) = text.strip_prefix(is_quote)?.split_once(is_quote)?;
    Some((phrase, after))
}

/// When a year, a month or a day begins (UTC), in milliseconds since 1970.
fn beginning_of(typed: &str) -> Option<i64> {
    let mut parts = typed.split('-');
    let year: i16 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let mut part = || parts.next().map_or(Some(1), |part| part.parse::<i8>().ok());
    let (month, day) = (part()?, part()?);
    if parts.next().is_some() {
        return None;
    }
    let begin = Date::new(year, month, day).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(begin.timestamp().as_millisecond())
}
