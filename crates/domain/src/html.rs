//! The HTML of posts and comments, read without a parser, which would be half of a binary and most of the time that a feed takes. The
//! sanitiser writes HTML in one way only, with each value in double quotes and no `<` that begins no tag. Who reads it so has tests that
//! compare with what a parser makes of it.

use std::borrow::Cow;

/// A piece of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'h> {
    /// Text, with its character references as they are written.
    Text(&'h str),
    /// A tag, without its angle brackets: `a href="/"`, or `/a`.
    Tag(&'h str),
}

/// The pieces of HTML of the sanitiser's, in order.
pub fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        if let Some(tag) = rest.strip_prefix('<') {
            let mut quoted = false;
            let end = tag.bytes().position(|byte| {
                quoted ^= byte == b'"';
                byte == b'>' && !quoted
            });
            let (tag, after) = tag.split_at(end.unwrap_or(tag.len()));
            rest = after.strip_prefix('>').unwrap_or(after);
            return Some(Piece::Tag(tag));
        }
        let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        rest = after;
        (!text.is_empty()).then_some(Piece::Text(text))
    })
}

/// The name of a tag, with the slash if it ends an element, and the attributes with their values as they are written.
pub fn parts_of_tag(tag: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let attributes = std::iter::from_fn(move || {
        let (attribute, after) = rest.split_once('=')?;
        let after = after.strip_prefix('"')?;
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        rest = after.trim_start();
        Some((attribute, value))
    });
    (name, attributes)
}

/// The text of a value, of which HTML's serialiser escapes these and no others.
/// <https://html.spec.whatwg.org/#escapingString>
pub fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let value = value.replace("&quot;", "\"").replace("&nbsp;", "\u{a0}").replace("&lt;", "<").replace("&gt;", ">");
    Cow::Owned(value.replace("&amp;", "&"))
}

/// The address of the first picture, as it is written in the post: absolute, or seen from the post's page. None if there is no picture.
pub fn first_picture(html: &str) -> Option<Cow<'_, str>> {
    pieces(html).find_map(|piece| match piece {
        Piece::Tag(tag) => match parts_of_tag(tag) {
            ("img", mut attributes) => attributes.find(|(name, _)| *name == "src").map(|(_, value)| unescaped(value)),
            _ => None,
        },
        Piece::Text(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_is_one_that_is_shown() {
        let check = |html, expected: Option<&str>| assert_eq!(first_picture(html).as_deref(), expected, "{html}");
        check("<p>No picture</p>", None);
        check("<p>&lt;img src=\"/text.png\"&gt;</p>", None);
        check(
            "<p title=\"<img src=/title.png>\">x</p><p><img alt=\"a > b\" src=\"/a.png?b&amp;c\"></p>",
            Some("/a.png?b&c"),
        );
        check("<img alt=\"none\"><img src=\"https://e.example/b.png\">", Some("https://e.example/b.png"));
        check("<img", None);
        check("<img src=\"/cut", Some("/cut"));
    }
}
