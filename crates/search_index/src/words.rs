//! What a word is: the same for what is indexed, what is asked for, and what is highlighted.
//!
//! Words are what Unicode says (UAX 29), without case and accents. Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese
//! write no spaces, or none that help, so each two neighbouring characters are a word: dictionaries would be exact and cost
//! megabytes. A word is also indexed by its stem, so that `posts` finds `post`; each language has its own.

use std::ops::Range;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// The maximum length of a word, in characters; of a longer one this much counts.
const MAX_CHARACTERS: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// Its number in the text. Two words that follow each other have numbers that do.
    pub position: u32,
    /// Where it is in the text, in bytes.
    pub range: Range<usize>,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A word between others.
    Word,
    /// Two characters of a script without spaces.
    Pair,
    /// The last character of such a run, by itself, so that each character begins some word.
    Last {
        /// Whether it is also the first.
        is_alone: bool,
    },
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Words::default();
    for (at, segment) in text.split_word_bound_indices() {
        // An apostrophe divides: `l'homme` is found by `homme`, and `Ada's` by `Ada`. So do the signs within technical names: `node.js` is
        // found by `node`. Whoever types the whole name asks for its parts one after the other.
        let divides = |c| is_apostrophe(c) || matches!(c, '.' | '_' | ':');
        let mut begin = at;
        for part in segment.split_inclusive(divides) {
            let part_begin = begin;
            begin += part.len();
            let part = part.trim_end_matches(divides);
            if part.chars().any(char::is_alphanumeric) {
                found.take(part, part_begin);
            }
        }
    }
    found.end_run();
    found.words
}

#[derive(Default)]
struct Words {
    words: Vec<Word>,
    position: u32,
    /// The characters of a run that has not ended yet.
    run: Vec<(String, Range<usize>)>,
}

impl Words {
    /// Takes a part of a text without spaces and punctuation, which begins at this byte.
    fn take(&mut self, part: &str, begin: usize) {
        let mut word: Option<Range<usize>> = None;
        for (at, character) in part.grapheme_indices(true) {
            let range = begin + at..begin + at + character.len();
            if character.chars().next().is_some_and(is_unspaced) {
                self.end_word(word.take(), part, begin);
                if self.run.last().is_some_and(|(_, last)| last.end != range.start) {
                    self.end_run();
                }
                self.run.push((fold(character), range));
            } else {
                self.end_run();
                word = Some(word.map_or(range.start, |word| word.start)..range.end);
            }
        }
        self.end_word(word, part, begin);
    }

    fn end_word(&mut self, word: Option<Range<usize>>, part: &str, begin: usize) {
        let Some(range) = word else { return };
        let text = part.get(range.start - begin..range.end - begin).unwrap_or_default();
        // What was one word with the run behind it, such as `A.` before a Korean letter, may be less without it.
        for (at, word) in text.unicode_word_indices() {
            let end = range.start + at + word.len();
            // A mark may stand on a space or a hyphen, which are no part of a word.
            let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
            self.push(fold(word), Kind::Word, end - word.len()..end);
        }
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        let is_alone = run.len() == 1;
        for (number, (text, range)) in run.iter().enumerate() {
            match run.get(number + 1) {
                Some((next, end)) => self.push(format!("{text}{next}"), Kind::Pair, range.start..end.end),
                None => self.push(text.clone(), Kind::Last { is_alone }, range.clone()),
            }
        }
    }

    fn push(&mut self, text: String, kind: Kind, range: Range<usize>) {
        if !text.is_empty() {
            self.words.push(Word { text, kind, position: self.position, range });
            self.position = self.position.saturating_add(1);
        }
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{02BC}' | '\u{FF07}')
}

/// Whether this character is of a script that is indexed by pairs.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF // Thai and Lao, Burmese, Khmer
        | 0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF // Korean
        | 0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3040..=0x312F | 0x31A0..=0x31FF // Chinese and Japanese
        | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF)
}

/// A word without case, accents and the different forms of one character.
fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().take(MAX_CHARACTERS).map(|c| c.to_ascii_lowercase()).collect();
    }
    let lower = word.to_lowercase();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(&lower);
    let mut folded = String::new();
    for c in decomposed.chars().filter(|c| !is_left_out(*c)).take(MAX_CHARACTERS) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c => folded.extend(c.to_lowercase()),
        }
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

/// Accents of Latin, Greek and Cyrillic, the points of Hebrew, the vowel marks of Arabic, and what is not seen. Not the marks of
/// Indic scripts and Thai, which are vowels.
fn is_left_out(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0591..=0x05C7 | 0x0640 | 0x064B..=0x065F | 0x0670 | 0xAD | 0x200B..=0x200F | 0x2060 | 0xFEFF)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Tamil,
}

/// A language that has a stemmer.
pub struct Language {
    /// The first part of its language tag.
    pub code: &'static str,
    algorithm: Algorithm,
    script: Script,
}

/// Every language that has a stemmer. The first of a script stands for words of texts that do not say their language.
pub const LANGUAGES: [Language; 18] = [
    Language { code: "en", algorithm: Algorithm::English, script: Script::Latin },
    Language { code: "ru", algorithm: Algorithm::Russian, script: Script::Cyrillic },
    Language { code: "el", algorithm: Algorithm::Greek, script: Script::Greek },
    Language { code: "ar", algorithm: Algorithm::Arabic, script: Script::Arabic },
    Language { code: "ta", algorithm: Algorithm::Tamil, script: Script::Tamil },
    Language { code: "da", algorithm: Algorithm::Danish, script: Script::Latin },
    Language { code: "de", algorithm: Algorithm::German, script: Script::Latin },
    Language { code: "es", algorithm: Algorithm::Spanish, script: Script::Latin },
    Language { code: "fi", algorithm: Algorithm::Finnish, script: Script::Latin },
    Language { code: "fr", algorithm: Algorithm::French, script: Script::Latin },
    Language { code: "hu", algorithm: Algorithm::Hungarian, script: Script::Latin },
    Language { code: "it", algorithm: Algorithm::Italian, script: Script::Latin },
    Language { code: "nl", algorithm: Algorithm::Dutch, script: Script::Latin },
    Language { code: "no", algorithm: Algorithm::Norwegian, script: Script::Latin },
    Language { code: "pt", algorithm: Algorithm::Portuguese, script: Script::Latin },
    Language { code: "ro", algorithm: Algorithm::Romanian, script: Script::Latin },
    Language { code: "sv", algorithm: Algorithm::Swedish, script: Script::Latin },
    Language { code: "tr", algorithm: Algorithm::Turkish, script: Script::Latin },
];

impl Language {
    /// The language whose stemmer is for this word in a text of this language (a language tag). None if there is none. A word in
    /// another script, such as an English name in a Russian text, is taken for the first language of that script.
    pub fn of(word: &str, tag: Option<&str>) -> Option<&'static Self> {
        let script = script_of(word)?;
        let code = tag.map(|tag| tag.split('-').next().unwrap_or_default().to_ascii_lowercase());
        let code = code.as_deref().map(|code| if matches!(code, "nb" | "nn") { "no" } else { code });
        let own = LANGUAGES.iter().find(|language| Some(language.code) == code);
        match own {
            Some(own) if own.script == script => Some(own),
            // A Polish text has no stemmer, and its words are not English.
            None if code.is_some() && script == Script::Latin => None,
            _ => LANGUAGES.iter().find(|language| language.script == script),
        }
    }

    /// Every language that this word may be of.
    pub fn all_of(word: &str) -> impl Iterator<Item = &'static Self> {
        let script = script_of(word);
        LANGUAGES.iter().filter(move |language| Some(language.script) == script)
    }

    /// The stem of a folded word.
    pub fn stem(&self, word: &str) -> String {
        let stemmer = Stemmer::create(self.algorithm);
        // Who has no key for `ü` types `ue`, and it was folded to `u`. As Snowball's `german2` has it
        // (<https://snowballstem.org/algorithms/german2/stemmer.html>).
        if self.code == "de" {
            let folded = word.replace("ae", "a").replace("oe", "o").replace("ue", "u");
            return stemmer.stem(&folded).into_owned();
        }
        stemmer.stem(word).into_owned()
    }
}

fn script_of(word: &str) -> Option<Script> {
    match u32::from(word.chars().find(|c| c.is_alphabetic())?) {
        0x41..=0x24F | 0x1E00..=0x1EFF => Some(Script::Latin),
        0x370..=0x3FF | 0x1F00..=0x1FFF => Some(Script::Greek),
        0x400..=0x52F => Some(Script::Cyrillic),
        0x600..=0x6FF => Some(Script::Arabic),
        0xB80..=0xBFF => Some(Script::Tamil),
        _ => None,
    }
}
