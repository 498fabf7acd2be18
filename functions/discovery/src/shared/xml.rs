//! Writing XML that every parser reads back as the same texts.

use std::borrow::Cow;
use std::io;

use edge::Problem;
use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Attributes of an element.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

/// An XML document that is being written.
pub struct Xml(Writer<Vec<u8>>);

impl Xml {
    /// The beginning of a document.
    pub fn new() -> io::Result<Self> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        Ok(Self(writer))
    }

    /// Begins an element that has others in it.
    pub fn open(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.0.write_event(Event::Start(start(name, attributes)))
    }

    /// Ends it.
    pub fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.0.write_event(Event::Empty(start(name, attributes)))
    }

    /// An element with plain text in it.
    pub fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) -> io::Result<()> {
        self.element(name, attributes, escaped(text, Use::Plain))
    }

    /// An element with the source of HTML in it.
    pub fn html(&mut self, name: &str, attributes: Attributes<'_>, html: &str) -> io::Result<()> {
        self.element(name, attributes, escaped(html, Use::Html))
    }

    fn element(&mut self, name: &str, attributes: Attributes<'_>, escaped: String) -> io::Result<()> {
        self.0.write_event(Event::Start(start(name, attributes)))?;
        self.0.write_event(Event::Text(BytesText::from_escaped(escaped)))?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// The document.
    pub fn finish(self) -> Result<String, Problem> {
        let mut text = String::from_utf8(self.0.into_inner()).map_err(Problem::internal)?;
        text.push('\n');
        Ok(text)
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'_>) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        let value = escaped(value, Use::Attribute);
        start.push_attribute(Attribute::from((name.as_bytes(), value.as_bytes())));
    }
    start
}

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Plain,
    Html,
    Attribute,
}

/// A text as XML has it, without characters that XML forbids.
///
/// quick-xml escapes too, but not a carriage return, which a parser takes for a line feed, and lets through what XML forbids. In plain text
/// `&` and `<` are numbers: of a title that has them so, and only of that, validators believe that it is no HTML
/// (<https://www.rssboard.org/rss-profile#data-types-characterdata>).
fn escaped(text: &str, place: Use) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    loop {
        // Most of a text is copied in long parts.
        let (plain, others) =
            rest.split_at(rest.bytes().position(|byte| !PLAIN[usize::from(byte)]).unwrap_or(rest.len()));
        escaped.push_str(plain);
        let mut others = others.chars();
        let Some(c) = others.next() else { return escaped };
        rest = others.as_str();
        match (c, place) {
            ('&', Use::Plain) => escaped.push_str("&#x26;"),
            ('<', Use::Plain) => escaped.push_str("&#x3C;"),
            ('&', _) => escaped.push_str("&amp;"),
            ('<', _) => escaped.push_str("&lt;"),
            ('>', _) => escaped.push_str("&gt;"),
            ('"', Use::Attribute) => escaped.push_str("&quot;"),
            ('\t' | '\n', Use::Attribute) | ('\r', _) => escaped.push_str(&format!("&#{};", u32::from(c))),
            // HTML has a way to write it that is no character of the feed.
            ('\u{fffd}', Use::Html) => escaped.push_str("&amp;#xFFFD;"),
            (c, _) if !is_shown(c) => {}
            (c, _) => escaped.push(c),
        }
    }
}

/// Which bytes are characters that stand for themselves everywhere.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'&' | b'<' | b'>' | b'"');
        byte += 1;
    }
    plain
};

/// Whether a character stands in a feed: XML 1.0 forbids some (<https://www.w3.org/TR/xml/#charsets>), discourages the controls from U+0080
/// on, and validators take U+FFFD for a text that was read in a wrong encoding. None of them shows.
fn is_shown(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{80}'..='\u{9f}' | '\u{fffd}'..='\u{ffff}')
}

/// A line of plain text as it stands in a feed; none if there is nothing left of it.
pub fn line(text: &str) -> Option<Cow<'_, str>> {
    let line = match text.chars().all(is_shown) {
        true => Cow::Borrowed(text.trim()),
        false => Cow::Owned(text.chars().filter(|c| is_shown(*c)).collect::<String>().trim().to_owned()),
    };
    (!line.is_empty()).then_some(line)
}
