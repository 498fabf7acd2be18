//! The HTML of posts as it stands in feeds, where it has no page around it.

use std::borrow::Cow;

use url::{ParseError, Url};

/// Elements that the sanitiser lets through and feed readers do not, with those that stand for them. Their text stays what it is.
const REPLACED: [(&str, &str); 2] = [("bdo", "span"), ("rtc", "span")];

/// HTML of the sanitiser's with absolute addresses, as they are seen from `page`.
///
/// Without a parser of HTML, which would be half of the binary and most of the time that a feed takes: the sanitiser writes HTML in one way
/// only, with each value in double quotes and no `<` that begins no tag. Tests compare with what a parser makes of it.
pub fn absolute(html: &str, page: &Url) -> String {
    let mut written = String::with_capacity(html.len() + html.len() / 16);
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        written.push_str(text);
        let (tag, after) = split_tag(tag);
        write_tag(&mut written, tag, page);
        rest = after;
    }
    written.push_str(rest);
    written
}

/// What is in a tag, and what comes after it.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = tag.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    let (tag, after) = tag.split_at(end.unwrap_or(tag.len()));
    (tag, after.strip_prefix('>').unwrap_or(after))
}

fn write_tag(written: &mut String, tag: &str, page: &Url) {
    let (slash, tag) = tag.strip_prefix('/').map_or(("", tag), |tag| ("/", tag));
    let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let name = REPLACED.iter().find(|(replaced, _)| *replaced == name).map_or(name, |(_, with)| with);
    written.extend(["<", slash, name]);
    while let Some((attribute, value)) = attributes.split_once("=\"") {
        let (value, rest) = value.split_once('"').unwrap_or((value, ""));
        attributes = rest.trim_start();
        let value = match attribute {
            "href" | "src" | "cite" => absolute_address(value, page),
            // What it says, the arrow of a footnote shows. Validators take it for unsafe.
            "aria-label" => None,
            _ => Some(Cow::Borrowed(value)),
        };
        if let Some(value) = value {
            written.extend([" ", attribute, "=\"", &value, "\""]);
        }
    }
    written.push('>');
}

/// The address that the value of an attribute is, seen from `page`. None if it is relative and leads nowhere.
fn absolute_address<'v>(value: &'v str, page: &Url) -> Option<Cow<'v, str>> {
    let address = unescaped(value);
    match Url::parse(&address) {
        Err(ParseError::RelativeUrlWithoutBase) => {
            let url = page.join(&address).ok()?;
            Some(Cow::Owned(url.as_str().replace('&', "&amp;")))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

/// The text of a value, of which HTML's serialiser escapes these and no others.
/// <https://html.spec.whatwg.org/#escapingString>
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let value = value.replace("&quot;", "\"").replace("&nbsp;", "\u{a0}").replace("&lt;", "<").replace("&gt;", ">");
    Cow::Owned(value.replace("&amp;", "&"))
}

/// Plain text as HTML.
pub fn of_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether plain text could be taken for HTML, and would then read otherwise: it has what begins a tag or is a character reference.
pub fn is_like_html(text: &str) -> bool {
    let tag = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    let reference = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest.starts_with('#') || end > 0 && rest[end..].starts_with(';')
    };
    text.split('<').skip(1).any(tag) || text.split('&').skip(1).any(reference)
}
