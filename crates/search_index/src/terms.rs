//! The terms of an index: words as they are, and what is made of them. What is no word as it is begins with a character that no
//! word contains.

use crate::words::Language;

const FORMS: char = '\u{1}';
const TAG: char = '\u{2}';
const AUTHOR: char = '\u{3}';

/// The term of all forms of a word: its stem in a language, or the word itself if there is no stemmer for it.
pub(crate) fn form_term(language: Option<&Language>, word: &str) -> String {
    match language {
        Some(language) => format!("{FORMS}{}:{}", language.code, language.stem(word)),
        None => format!("{FORMS}:{word}"),
    }
}

/// The code of the language of a term of forms.
pub(crate) fn language_of(term: &str) -> Option<&str> {
    Some(term.strip_prefix(FORMS)?.split_once(':')?.0)
}

/// The term of a tag.
pub(crate) fn tag_term(tag: &str) -> String {
    format!("{TAG}{tag}")
}

/// The term of an author.
pub(crate) fn author_term(author: u128) -> String {
    format!("{AUTHOR}{author:032x}")
}

/// Whether a term is a word as it is, whose list has places.
pub(crate) fn is_word(term: &str) -> bool {
    !term.starts_with([FORMS, TAG, AUTHOR])
}
