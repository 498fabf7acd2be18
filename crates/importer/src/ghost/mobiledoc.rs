//! Mobiledoc 0.3, the form of texts in Ghost 1 to 4
//! (<https://github.com/bustle/mobiledoc-kit/blob/master/MOBILEDOC.md>): lists of markups, atoms, cards and sections, which refer to each other
//! by number. What is not a card is written as HTML first, so that one converter knows the rules of Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::cards::Cards;

/// The text of a document.
pub fn to_markdown(document: &Value, cards: &Cards<'_>) -> String {
    let list = |key: &str| document.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parts = Parts { markups: list("markups"), atoms: list("atoms") };
    let mut blocks: Vec<String> = Vec::new();
    let mut html = String::new();
    for section in list("sections") {
        let at = |index: usize| section.get(index).unwrap_or(&Value::Null);
        match at(0).as_u64() {
            // A markup section: an element and its markers.
            Some(1) => {
                let tag = at(1).as_str().unwrap_or("p");
                let inside = parts.markers(at(2));
                match tag {
                    "aside" | "pull-quote" => {
                        let _ = write!(html, "<blockquote><p>{inside}</p></blockquote>");
                    }
                    "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" => {
                        let _ = write!(html, "<{tag}>{inside}</{tag}>");
                    }
                    _ => {
                        let _ = write!(html, "<p>{inside}</p>");
                    }
                }
            }
            // An image section, which the editor of Ghost never makes.
            Some(2) => {
                let _ = write!(html, "<p><img src=\"{}\"></p>", escaped(at(1).as_str().unwrap_or_default()));
            }
            Some(3) => {
                let tag = if at(1).as_str() == Some("ol") { "ol" } else { "ul" };
                let items = at(2).as_array().map(Vec::as_slice).unwrap_or_default();
                let items: String = items.iter().map(|item| format!("<li>{}</li>", parts.markers(item))).collect();
                let _ = write!(html, "<{tag}>{items}</{tag}>");
            }
            Some(10) => {
                blocks.push(cards.html(&std::mem::take(&mut html)));
                let index = at(1).as_u64().and_then(|index| usize::try_from(index).ok());
                let card = index.and_then(|index| list("cards").get(index));
                let name = card.and_then(|card| card.get(0)).and_then(Value::as_str).unwrap_or("without a name");
                let payload = card.and_then(|card| card.get(1)).unwrap_or(&Value::Null);
                blocks.extend(cards.markdown(name, payload));
            }
            _ => cards.lose("sections of an unknown kind"),
        }
    }
    blocks.push(cards.html(&html));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n")
}

struct Parts<'a> {
    markups: &'a [Value],
    atoms: &'a [Value],
}

impl Parts<'_> {
    /// Markers: `[kind, markups that begin, how many end, text or number of an atom]`.
    fn markers(&self, markers: &Value) -> String {
        let mut html = String::new();
        let mut open: Vec<String> = Vec::new();
        for marker in markers.as_array().into_iter().flatten() {
            let at = |index: usize| marker.get(index).unwrap_or(&Value::Null);
            for markup in at(1).as_array().into_iter().flatten() {
                let markup = markup.as_u64().and_then(|index| self.markups.get(usize::try_from(index).ok()?));
                let tag = markup.and_then(|markup| markup.get(0)).and_then(Value::as_str).unwrap_or("span");
                let tag: String = tag.chars().filter(char::is_ascii_alphanumeric).collect();
                let attributes = markup.and_then(|markup| markup.get(1)).and_then(Value::as_array);
                let words: Vec<_> = attributes.into_iter().flatten().filter_map(Value::as_str).collect();
                let _ = write!(html, "<{tag}");
                for pair in words.chunks_exact(2) {
                    if matches!(pair[0], "href" | "title") {
                        let _ = write!(html, " {}=\"{}\"", pair[0], escaped(pair[1]));
                    }
                }
                html.push('>');
                open.push(tag);
            }
            match at(0).as_u64() {
                Some(1) => {
                    let atom = at(3).as_u64().and_then(|index| self.atoms.get(usize::try_from(index).ok()?));
                    let of = |index: usize| {
                        atom.and_then(|atom| atom.get(index)).and_then(Value::as_str).unwrap_or_default()
                    };
                    html.push_str(&if of(0) == "soft-return" { "<br>".to_owned() } else { escaped(of(1)) });
                }
                _ => html.push_str(&escaped(at(3).as_str().unwrap_or_default())),
            }
            for _ in 0..at(2).as_u64().unwrap_or(0) {
                let Some(tag) = open.pop() else { break };
                let _ = write!(html, "</{tag}>");
            }
        }
        while let Some(tag) = open.pop() {
            let _ = write!(html, "</{tag}>");
        }
        html
    }
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
