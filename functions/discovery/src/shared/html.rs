//! The HTML of posts as it stands in feeds, where it has no page around it.

use std::borrow::Cow;

use domain::html::{Piece, parts_of_tag, pieces, unescaped};
use url::{ParseError, Url};

/// Elements that the sanitiser lets through and feed readers do not, with those that stand for them. Their text stays what it is.
const REPLACED: [(&str, &str); 2] = [("bdo", "span"), ("rtc", "span")];

/// HTML of the sanitiser's with absolute addresses, as they are seen from `page`.
pub fn absolute(html: &str, page: &Url) -> String {
    let mut written = String::with_capacity(html.len() + html.len() / 16);
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => written.push_str(text),
            Piece::Tag(tag) => write_tag(&mut written, tag, page),
        }
    }
    written
}

fn write_tag(written: &mut String, tag: &str, page: &Url) {
    let (name, attributes) = parts_of_tag(tag);
    let (slash, name) = name.strip_prefix('/').map_or(("", name), |name| ("/", name));
    let name = REPLACED.iter().find(|(replaced, _)| *replaced == name).map_or(name, |(_, with)| with);
    written.extend(["<", slash, name]);
    for (attribute, value) in attributes {
        let value = match attribute {
            "href" | "src" | "cite" => absolute_address(value, page),
            "srcset" => absolute_srcset(value, page).map(Cow::Owned),
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
    // What begins with a scheme is absolute, whatever follows: most addresses need not be parsed.
    if ["https:", "http:", "mailto:"].iter().any(|scheme| value.starts_with(scheme)) {
        return Some(Cow::Borrowed(value));
    }
    let address = unescaped(value);
    match Url::parse(&address) {
        Err(ParseError::RelativeUrlWithoutBase) => {
            let url = page.join(&address).ok()?;
            Some(Cow::Owned(url.as_str().replace('&', "&amp;")))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

/// The same of a list of files of a picture, each with its width.
fn absolute_srcset(value: &str, page: &Url) -> Option<String> {
    let file = |file: &str| {
        let (address, width) = file.split_once(' ')?;
        Some(format!("{} {width}", absolute_address(address, page)?))
    };
    value.split(", ").map(file).collect::<Option<Vec<_>>>().map(|files| files.join(", "))
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
