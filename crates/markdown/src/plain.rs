//! What a reader reads of a page: its text without markup, counted and cut.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use unicode_segmentation::UnicodeSegmentation;

/// The longest excerpt, in characters, its ellipsis included.
const MAX_EXCERPT_CHARACTERS: usize = 200;

/// Characters of Chinese and Japanese that make a word, in tenths. The dictionary of ICU 78 finds a word every
/// 1.6 (Chinese) and 1.9 (Japanese) characters in the Universal Declaration of Human Rights.
const HAN_AND_KANA_PER_TEN_WORDS: usize = 17;

/// Letters of Thai, Lao, Khmer and Burmese that make a word: 3.2, 3.3, 3.6 and 2.2 by the same measure.
const SOUTH_EAST_ASIAN_PER_WORD: usize = 3;

/// The text of a page that was rendered and cleaned.
#[derive(Default)]
pub struct Plain {
    /// All of it that is read: tables, code and notes included, addresses and the marks of footnotes left out.
    read: String,
    /// Its prose: without headings, code blocks, tables and notes.
    prose: String,
    /// What stands beside or below: how to read a character, numbers of footnotes.
    beside: String,
    /// What pictures are described as, and what shows when a pointer rests on something.
    labels: String,
}

impl Plain {
    /// All that anybody may see of the page, in no certain order.
    pub fn all(self) -> String {
        [self.read, self.beside, self.labels].join("\n")
    }

    /// Takes the text out of HTML that the cleaner has written, so that every element is closed.
    pub fn of(html: &str) -> Self {
        let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        // Only a script could stop it, and there is none.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner().plain
    }

    /// Words in any script. Where words are written apart they are what Unicode says (UAX 29); where they are
    /// not, their number is estimated from the letters, so that a text has about as many words in Chinese or
    /// Thai as in English and takes as long to read. Dictionaries would be exact and cost megabytes.
    pub fn words(&self) -> u64 {
        let (mut words, mut han_and_kana, mut south_east_asian) = (0, 0, 0);
        for word in self.read.unicode_words() {
            match word.chars().next().map(u32::from) {
                Some(0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F) => han_and_kana += word.chars().count(),
                Some(0x3005..=0x3007 | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF) => han_and_kana += 1,
                Some(0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x1950..=0x19DF | 0x1A20..=0x1AAF)
                | Some(0xA9E0..=0xA9FF | 0xAA60..=0xAADF) => south_east_asian += 1,
                _ => words += 1,
            }
        }
        let estimated = (han_and_kana * 10).div_ceil(HAN_AND_KANA_PER_TEN_WORDS)
            + usize::div_ceil(south_east_asian, SOUTH_EAST_ASIAN_PER_WORD);
        (words + estimated) as u64
    }

    /// How the prose begins, in one line; empty if there is none. Cut between words, and between letters only
    /// where one word is too long.
    pub fn excerpt(&self) -> String {
        let mut words = self.prose.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let mut line = String::new();
        let mut length = 0;
        // One more than fits tells that there is more.
        while length <= MAX_EXCERPT_CHARACTERS
            && let Some(word) = words.next()
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            length = line.chars().count();
        }
        if length <= MAX_EXCERPT_CHARACTERS {
            return line;
        }
        let most = line.char_indices().nth(MAX_EXCERPT_CHARACTERS - 1).map_or(line.len(), |(at, _)| at);
        let last_before = |boundaries: &mut dyn Iterator<Item = usize>| {
            boundaries.take_while(|at| *at <= most).last().filter(|at| *at > 0)
        };
        let cut = last_before(&mut line.split_word_bound_indices().map(|(at, _)| at))
            .or_else(|| last_before(&mut line.grapheme_indices(true).map(|(at, _)| at)))
            .unwrap_or(most);
        line.truncate(cut);
        line.truncate(line.trim_end_matches([' ', ',', ';', ':', '-', '–', '—', '、', '，']).len());
        line.push('…');
        line
    }
}

/// Receives the parts of a page in their order.
#[derive(Default)]
struct Collector(RefCell<Collected>);

#[derive(Default)]
struct Collected {
    plain: Plain,
    /// Inside of what nobody reads, or what is no prose.
    unread: Inside,
    not_prose: Inside,
}

/// How deep in elements of the kind that began it.
#[derive(Default)]
struct Inside(Option<(String, usize)>);

impl Inside {
    /// Takes a tag into account; `begins` says whether it begins such an element.
    fn see(&mut self, tag: &Tag, begins: bool) {
        match (&mut self.0, tag.kind) {
            (None, TagKind::StartTag) if begins => self.0 = Some((tag.name.to_string(), 1)),
            (Some((name, depth)), TagKind::StartTag) if **name == *tag.name => *depth += 1,
            (Some((name, depth)), TagKind::EndTag) if **name == *tag.name => {
                *depth -= 1;
                if *depth == 0 {
                    self.0 = None;
                }
            }
            _ => {}
        }
    }
}

/// Elements that stand in a line of text, so that no word ends with them.
const INLINE: [&str; 34] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "i", "input", "ins", "kbd",
    "mark", "q", "rp", "rt", "rtc", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "wbr",
];

/// Attributes whose values are shown.
const LABELS: [&str; 2] = ["alt", "title"];

/// Elements that a reader would not take for the beginning of a text.
const NOT_PROSE: [&str; 10] = ["h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "section", "figcaption"];

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut collected = self.0.borrow_mut();
        let Collected { plain: Plain { read, prose, beside, labels }, unread, not_prose } = &mut *collected;
        match token {
            Token::TagToken(tag) => {
                let name = &*tag.name;
                let has = |attribute: &str| tag.attrs.iter().any(|given| &*given.name.local == attribute);
                let is_beside =
                    has("data-footnote-ref") || has("data-footnote-backref") || name == "rt" || name == "rp";
                if is_beside {
                    beside.push('\n');
                }
                unread.see(&tag, is_beside);
                for label in tag.attrs.iter().filter(|given| LABELS.contains(&&*given.name.local)) {
                    labels.push('\n');
                    labels.push_str(&label.value);
                }
                not_prose.see(&tag, NOT_PROSE.contains(&name));
                if !INLINE.contains(&name) {
                    read.push('\n');
                    prose.push('\n');
                }
            }
            Token::CharacterTokens(text) if unread.0.is_some() => beside.push_str(&text),
            Token::CharacterTokens(text) => {
                read.push_str(&text);
                if not_prose.0.is_none() {
                    prose.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
