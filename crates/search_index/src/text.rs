//! The text of a post as a reader reads it.

/// Elements that stand in a line of text, so that no word ends with them.
const INLINE: [&str; 22] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp",
    "small", "span", "strong", "sub", "u",
];

/// The text of HTML that our cleaner has written (crates/markdown): every `<` begins a tag, and of entities there are the five that
/// it writes. Anything else comes out as some text, which harms nothing but the search.
pub fn text_of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        push_unescaped(&mut text, before);
        let (tag, after) = end_of_tag(tag);
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !INLINE.contains(&name) {
            text.push('\n');
        }
        rest = after;
    }
    push_unescaped(&mut text, rest);
    text
}

/// What is inside of a tag, and what follows it. A `>` in a quoted attribute does not end it.
fn end_of_tag(tag: &str) -> (&str, &str) {
    let mut is_quoted = false;
    for (at, c) in tag.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return (tag.get(..at).unwrap_or_default(), tag.get(at + 1..).unwrap_or_default()),
            _ => {}
        }
    }
    (tag, "")
}

fn push_unescaped(text: &mut String, escaped: &str) {
    let mut rest = escaped;
    while let Some((before, entity)) = rest.split_once('&') {
        text.push_str(before);
        let known = [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("nbsp;", ' ')];
        match known.into_iter().find(|(name, _)| entity.starts_with(name)) {
            Some((name, c)) => {
                text.push(c);
                rest = entity.get(name.len()..).unwrap_or_default();
            }
            None => {
                text.push('&');
                rest = entity;
            }
        }
    }
    text.push_str(rest);
}
