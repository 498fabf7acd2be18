//! Pictures of the blog's own, which a text names by their ids: `![alt](/media/ID)`.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, parse_document};

use super::OPTIONS;

/// What a text puts before the id of a picture.
const PREFIX: &str = "/media/";

/// How wide a picture is shown as far as the page's text does not say otherwise: as wide as the window, and no wider than a column of text.
pub(crate) const SIZES: &str = "(max-width: 60rem) 100vw, 60rem";

/// A picture, as the HTML of a text has it. Its addresses need no escape in HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The address of the file for browsers that do not choose.
    pub src: String,
    /// In pixels, of the largest file.
    pub width: u32,
    /// In pixels, of the largest file.
    pub height: u32,
    /// The files, each with its address and width.
    pub files: Vec<(String, u32)>,
    /// What it shows, where the text does not say.
    pub alt: String,
}

/// The pictures of a text, by their ids.
pub type Pictures = HashMap<String, Picture>;

/// The ids of the pictures that a text names.
pub fn pictures_of(markdown: &str) -> BTreeSet<String> {
    // Parsing takes longer than looking.
    if !markdown.contains(PREFIX) {
        return BTreeSet::new();
    }
    let arena = Arena::new();
    let document = parse_document(&arena, markdown, &OPTIONS);
    document.descendants().filter_map(id_of).collect()
}

fn id_of<'a>(node: &'a AstNode<'a>) -> Option<String> {
    match &node.data.borrow().value {
        NodeValue::Image(link) => {
            let id = link.url.strip_prefix(PREFIX)?;
            let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            is_id.then(|| id.to_ascii_uppercase())
        }
        _ => None,
    }
}

/// Writes the pictures of a text with their sizes. One that is not known stays as it is.
pub(crate) fn put<'a>(document: &'a AstNode<'a>, pictures: &Pictures) {
    if pictures.is_empty() {
        return;
    }
    let nodes: Vec<_> = document.descendants().filter_map(|node| Some((node, pictures.get(&id_of(node)?)?))).collect();
    for (node, picture) in nodes {
        let mut alt = String::new();
        for part in node.descendants() {
            match &part.data.borrow().value {
                NodeValue::Text(text) => alt.push_str(text),
                NodeValue::Code(code) => alt.push_str(&code.literal),
                NodeValue::SoftBreak | NodeValue::LineBreak => alt.push(' '),
                _ => {}
            }
        }
        let title = match &node.data.borrow().value {
            NodeValue::Image(link) => link.title.clone(),
            _ => String::new(),
        };
        node.children().collect::<Vec<_>>().iter().for_each(|child| child.detach());
        let alt = if alt.trim().is_empty() { &picture.alt } else { &alt };
        node.data.borrow_mut().value = NodeValue::Raw(html(picture, alt, &title));
    }
}

fn html(picture: &Picture, alt: &str, title: &str) -> String {
    let Picture { src, width, height, files, .. } = picture;
    let files: Vec<_> = files.iter().map(|(address, width)| format!("{address} {width}w")).collect();
    let mut html = format!("<img src=\"{src}\" alt=\"{}\"", escaped(alt));
    if !title.is_empty() {
        let _ = write!(html, " title=\"{}\"", escaped(title));
    }
    if files.len() > 1 {
        let _ = write!(html, " srcset=\"{}\" sizes=\"{SIZES}\"", files.join(", "));
    }
    let _ = write!(html, " width=\"{width}\" height=\"{height}\">");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Whether a `srcset` is a list of harmless addresses, each with a width: no browser follows another scheme in it, but ammonia does not
/// know that it has addresses.
pub(crate) fn is_harmless_srcset(value: &str) -> bool {
    let is_harmless = |file: &str| {
        let Some((address, width)) = file.split_once(' ') else { return false };
        let is_plain = address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte));
        let is_web = ["https://", "http://", "/"].iter().any(|start| address.starts_with(start));
        let width = width.strip_suffix('w').unwrap_or_default();
        is_plain && is_web && !width.is_empty() && width.bytes().all(|byte| byte.is_ascii_digit())
    };
    value.split(", ").all(is_harmless)
}
