//! Players and frames in Markdown (`<iframe>`, `<video>`), which the server takes out of posts (docs/markdown.md).

use std::ops::Range;

use crate::{html_to_markdown::watched, markup};

/// The elements.
const NAMES: [&str; 4] = ["iframe", "embed", "video", "audio"];

/// The text with a link in place of each player that has an address, and how many there were. The link is HTML, because it may stand in HTML.
pub fn translate(text: &str) -> (String, usize) {
    let small = text.to_ascii_lowercase();
    let tags = markup::tags(text);
    let address = |tag: &Range<usize>| {
        let source = markup::values(text, tag.clone(), &["src"]).into_iter().find_map(|range| text.get(range));
        source.filter(|source| !source.is_empty()).map(watched)
    };
    let mut written = String::with_capacity(text.len());
    let (mut at, mut times) = (0, 0);
    for (index, tag) in tags.iter().enumerate() {
        let name = small
            .get(tag.start + 1..tag.end)
            .and_then(|tag| tag.split(|letter: char| !letter.is_ascii_alphabetic()).next());
        let Some(name) = name.filter(|name| NAMES.contains(name) && tag.start >= at) else { continue };
        let closing = format!("</{name}>");
        let next = tags.get(index + 1..).unwrap_or_default();
        // Another one of its kind means that this one is not closed.
        let until = next.iter().find(|next| small.get(next.start + 1..).is_some_and(|tag| tag.starts_with(name)));
        let within = tag.end..until.map_or(text.len(), |until| until.start);
        let end =
            small.get(within).and_then(|rest| rest.find(&closing)).map_or(tag.end, |at| tag.end + at + closing.len());
        let inside = next.iter().take_while(|next| next.start < end);
        let Some(address) = std::iter::once(tag).chain(inside).find_map(address) else { continue };
        let address = address.replace('"', "%22").replace('<', "%3C");
        // An address without a scheme is not made a link once more.
        let shown = address.split_once("://").map_or(&*address, |(_, rest)| rest);
        let shown = shown.strip_prefix("www.").unwrap_or(shown);
        written.push_str(text.get(at..tag.start).unwrap_or_default());
        written.push_str(&format!("<a href=\"{address}\">{shown}</a>"));
        at = end;
        times += 1;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    (written, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_become_links() {
        for (text, expected, times) in [
            (
                "a\n\n<iframe width=1 SRC=\"https://www.youtube.com/embed/abc?rel=0\" allowfullscreen></iframe>\n\nb",
                "a\n\n<a href=\"https://www.youtube.com/watch?v=abc\">youtube.com/watch?v=abc</a>\n\nb",
                1,
            ),
            (
                "<div>\n<video controls>\n<source src='/a_b.mp4'>\nNo video.</video></div> <VIDEO src=b.mp4>",
                "<div>\n<a href=\"/a_b.mp4\">/a_b.mp4</a></div> <a href=\"b.mp4\">b.mp4</a>",
                2,
            ),
            ("a <audio src=\"//e.com/a.mp3\"> b", "a <a href=\"https://e.com/a.mp3\">e.com/a.mp3</a> b", 1),
            (
                "`<iframe src=a></iframe>` <iframe></iframe> <videos src=a>",
                "`<iframe src=a></iframe>` <iframe></iframe> <videos src=a>",
                0,
            ),
        ] {
            assert_eq!(translate(text), (expected.to_owned(), times));
        }
        let html = markdown::render(&translate("<iframe src='https://www.youtube.com/embed/a_b_c'>").0).unwrap().html;
        assert_eq!(html.matches("<a ").count(), 1, "{html}");
        assert_eq!(translate(&"<iframe src=a>".repeat(20_000)).1, 20_000);
    }
}
