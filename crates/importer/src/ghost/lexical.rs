//! Lexical, the form of texts in Ghost 5 and 6: a tree of nodes
//! (<https://github.com/TryGhost/Koenig/tree/main/packages/kg-default-nodes>). What is not a card is written as HTML first, so that one
//! converter knows the rules of Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::{cards::Cards, mobiledoc::escaped};

/// The deepest nesting that is followed; the converter keeps less.
const MAX_DEPTH: usize = 100;

/// The formats of a text, by bit
/// (<https://github.com/facebook/lexical/blob/main/packages/lexical/src/LexicalConstants.ts>).
const FORMATS: [(u64, &str); 8] =
    [(1, "strong"), (2, "em"), (4, "s"), (8, "u"), (16, "code"), (32, "sub"), (64, "sup"), (128, "mark")];

/// The text of a document.
pub fn to_markdown(document: &Value, cards: &Cards<'_>) -> String {
    let root = document.get("root").unwrap_or(document);
    let mut blocks: Vec<String> = Vec::new();
    let mut html = String::new();
    for node in children(root) {
        match kind(node) {
            "paragraph" | "heading" | "extended-heading" | "quote" | "extended-quote" | "list" | "aside" | "text"
            | "extended-text" | "link" | "linebreak" => write_node(node, cards, &mut html, 0),
            card => {
                blocks.push(cards.html(&std::mem::take(&mut html)));
                blocks.extend(cards.markdown(card, node));
            }
        }
    }
    blocks.push(cards.html(&html));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n")
}

fn children(node: &Value) -> &[Value] {
    node.get("children").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or("without a type")
}

fn write_node(node: &Value, cards: &Cards<'_>, html: &mut String, depth: usize) {
    if depth > MAX_DEPTH {
        return cards.lose("nodes that nest too deep");
    }
    let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default();
    let (open, close) = match kind(node) {
        "text" | "extended-text" | "code-highlight" => return write_text(node, html),
        "linebreak" => return html.push_str("<br>"),
        "tab" => return html.push(' '),
        "heading" | "extended-heading" => match text("tag") {
            tag @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => (format!("<{tag}>"), format!("</{tag}>")),
            _ => ("<h2>".to_owned(), "</h2>".to_owned()),
        },
        "quote" | "extended-quote" | "aside" => ("<blockquote>".to_owned(), "</blockquote>".to_owned()),
        "list" => match text("listType") {
            "number" => {
                let start = node.get("start").and_then(Value::as_u64).unwrap_or(1);
                (format!("<ol start=\"{start}\">"), "</ol>".to_owned())
            }
            _ => ("<ul>".to_owned(), "</ul>".to_owned()),
        },
        "listitem" => {
            // A list below an item is kept in an item of its own, which has nothing else.
            let is_wrapper = !children(node).is_empty() && children(node).iter().all(|child| kind(child) == "list");
            let check = match node.get("checked").and_then(Value::as_bool) {
                Some(true) => "<input type=checkbox checked>",
                Some(false) => "<input type=checkbox>",
                None => "",
            };
            if is_wrapper { (String::new(), String::new()) } else { (format!("<li>{check}"), "</li>".to_owned()) }
        }
        "link" | "autolink" | "at-link" => (format!("<a href=\"{}\">", escaped(text("url"))), "</a>".to_owned()),
        "paragraph" => ("<p>".to_owned(), "</p>".to_owned()),
        _ if !children(node).is_empty() => ("<div>".to_owned(), "</div>".to_owned()),
        card => return cards.lose(&format!("the card {card} within a text, which is left out")),
    };
    html.push_str(&open);
    children(node).iter().for_each(|child| write_node(child, cards, html, depth + 1));
    html.push_str(&close);
}

fn write_text(node: &Value, html: &mut String) {
    let format = node.get("format").and_then(Value::as_u64).unwrap_or(0);
    let tags: Vec<_> = FORMATS.iter().filter(|(bit, _)| format & bit != 0).map(|(_, tag)| *tag).collect();
    for tag in &tags {
        let _ = write!(html, "<{tag}>");
    }
    html.push_str(&escaped(node.get("text").and_then(Value::as_str).unwrap_or_default()));
    for tag in tags.iter().rev() {
        let _ = write!(html, "</{tag}>");
    }
}
