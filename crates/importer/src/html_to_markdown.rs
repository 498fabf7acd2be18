//! HTML as posts of other blogs have it, to Markdown that shows the same text.
//!
//! A browser's tree is written as blocks, and what stands in a line as pieces. What Markdown has no sign for stays HTML
//! that the server lets pass (docs/markdown.md); what no post can show, such as scripts and forms, is left out and counted.
//! Whatever is typed, the text that readers see stays the same: a property test renders what is written here.

mod tree;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    fmt::Write,
    rc::Rc,
};

use tree::Node;

use crate::{anchors, links::decoded};

/// A text in Markdown, and what came in otherwise than it was, each with how often.
#[derive(Debug, Default, PartialEq)]
pub struct Converted {
    pub markdown: String,
    pub lost: BTreeMap<&'static str, usize>,
}

/// Where a link or a picture leads from now on; `None` if it stays.
pub type NewAddress<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Converts a part of a page; `new_address` says which of its links and pictures lead elsewhere from now on.
pub fn to_markdown(html: &str, new_address: NewAddress<'_>) -> Converted {
    let root = tree::parse(html);
    let targets =
        root.attributes("href").iter().filter_map(|address| Some(decoded(address.split_once('#')?.1))).collect();
    let writer = Writer { lost: RefCell::default(), new_address, targets };
    let markdown = join(writer.blocks(&root, &Around::default()));
    Converted { markdown, lost: writer.lost.into_inner() }
}

/// The text of a part of a page in one line, for titles, summaries and descriptions of pictures.
pub fn plain_text(html: &str) -> String {
    let text = tree::parse(html).all_text();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escapes a text so that it shows as it is, in one paragraph. Line breaks stay.
pub fn escape_text(text: &str) -> String {
    let mut pieces = Vec::new();
    for (number, line) in text.trim().lines().enumerate() {
        if number > 0 {
            pieces.push(Piece::Break);
        }
        pieces.push(Piece::Text(line.trim().to_owned()));
    }
    paragraph(&pieces)
}

/// The deepest nesting that is written as such; the server keeps 128 levels. Deeper down only the text is.
const MAX_DEPTH: usize = 90;

/// The highest number that a list begins with. In CommonMark a number has at most nine digits, and the items count on.
const MAX_START: u32 = 900_000_000;

/// Elements that begin and end a block.
const BLOCKS: [&str; 43] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "ul",
];

/// Elements in a line that have no sign in Markdown and stay as they are.
const KEPT_INLINE: [&str; 21] = [
    "abbr", "bdi", "bdo", "cite", "dfn", "ins", "kbd", "mark", "q", "rp", "rt", "ruby", "samp", "small", "sub", "sup",
    "time", "tt", "u", "var", "acronym",
];

/// Elements that a kept table, list of definitions or caption may have.
const KEPT_IN_BLOCKS: [&str; 44] = [
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "dl",
    "dt",
    "em",
    "h3",
    "h4",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "time",
    "tr",
    "ul",
];

const KEPT_ATTRIBUTES: [&str; 13] = [
    "align", "alt", "cite", "colspan", "datetime", "dir", "headers", "href", "lang", "rowspan", "src", "start", "title",
];

fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// What nobody reads, or only those whose browser runs no scripts: it is left out with all that it holds.
fn is_unread(name: &str) -> bool {
    matches!(name, "script" | "noscript" | "style" | "template" | "head" | "title" | "svg" | "math" | "datalist")
}

/// A part of a line.
#[derive(Clone, Debug)]
enum Piece {
    /// Text as it is shown.
    Text(String),
    /// Markdown or HTML that is written already.
    Raw(String),
    Break,
    Within(Wrap, Vec<Piece>),
}

/// What goes around a part of a line.
#[derive(Clone, Debug, PartialEq)]
enum Wrap {
    Strong,
    Emphasis,
    Deleted,
    Link {
        address: String,
        title: String,
    },
    /// An element that stays, with its attributes.
    Html {
        name: String,
        attributes: String,
    },
}

impl Wrap {
    /// The sign around it and the element for where the sign would not be read as one.
    fn sign(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Strong => Some(("**", "strong")),
            Self::Emphasis => Some(("*", "em")),
            Self::Deleted => Some(("~~", "del")),
            _ => None,
        }
    }
}

/// What holds for a block because of what it stands in.
#[derive(Clone, Default)]
struct Around {
    wraps: Vec<Wrap>,
    depth: usize,
}

impl Around {
    fn deeper(&self) -> Self {
        Self { wraps: self.wraps.clone(), depth: self.depth + 1 }
    }
}

/// A block, and whether it is a list, which must not run into the next one.
struct Block {
    text: String,
    list: Option<List>,
}

#[derive(Clone, Copy, PartialEq)]
struct List {
    is_ordered: bool,
    is_alternate: bool,
}

impl From<String> for Block {
    fn from(text: String) -> Self {
        Self { text, list: None }
    }
}

fn join(blocks: Vec<Block>) -> String {
    blocks.into_iter().map(|block| block.text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

struct Writer<'a> {
    lost: RefCell<BTreeMap<&'static str, usize>>,
    new_address: NewAddress<'a>,
    /// The parts that its links name.
    targets: HashSet<String>,
}

impl Writer<'_> {
    /// A place for links, if any leads to this element. Headings are also led to from other texts.
    fn mark(&self, node: &Node) -> Option<String> {
        let is_heading = matches!(node.name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
        let name = || node.attribute("name").filter(|_| node.name() == "a");
        let id = node.attribute("id").filter(|id| !id.trim().is_empty()).or_else(name)?;
        (is_heading || self.targets.contains(&id)).then(|| anchors::mark(&id))
    }

    fn address(&self, old: &str) -> String {
        (self.new_address)(old).unwrap_or_else(|| old.to_owned())
    }

    fn lose(&self, what: &'static str) {
        *self.lost.borrow_mut().entry(what).or_default() += 1;
    }

    /// What stands in `parent` as blocks. Text and elements in a line between blocks make paragraphs.
    fn blocks(&self, parent: &Rc<Node>, around: &Around) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut line = Vec::new();
        if around.depth > MAX_DEPTH {
            self.lose("elements that nest too deep, of which the text is kept");
            push_text(&mut line, &parent.all_text());
            self.end_line(&mut line, around, &mut blocks);
            return blocks;
        }
        for child in parent.children().iter() {
            let name = child.name();
            if is_unread(name) {
                self.lose_unread(name);
            } else if is_block(name) {
                self.end_line(&mut line, around, &mut blocks);
                self.block(child, around, &mut blocks);
            } else if !name.is_empty() && child.contains(|node| is_block(node.name())) {
                // A link or emphasis around blocks goes around what stands in each of them.
                self.end_line(&mut line, around, &mut blocks);
                let mut inner = around.deeper();
                inner.wraps.extend(self.wrap(child).filter(|wrap| !around.wraps.contains(wrap)));
                blocks.extend(self.blocks(child, &inner));
            } else {
                self.inline(child, &mut line, around.depth);
            }
        }
        self.end_line(&mut line, around, &mut blocks);
        blocks
    }

    fn end_line(&self, line: &mut Vec<Piece>, around: &Around, blocks: &mut Vec<Block>) {
        let text = paragraph(&wrapped(std::mem::take(line), around));
        if !text.is_empty() {
            blocks.push(text.into());
        }
    }

    fn block(&self, node: &Rc<Node>, around: &Around, blocks: &mut Vec<Block>) {
        let inner = around.deeper();
        let mark = self.mark(node);
        match node.name() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {}
            _ => blocks.extend(mark.clone().map(Block::from)),
        }
        match node.name() {
            "p" | "summary" | "figcaption" | "caption" | "dt" => blocks.extend(self.blocks(node, around)),
            "hr" => blocks.push("___".to_owned().into()),
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6")
                if !node.contains(|one| is_block(one.name()) && one.name() != name) =>
            {
                let level = name[1..].parse().unwrap_or(1);
                let text = one_line(&wrapped(self.line(node, inner.depth), around), Place::Heading);
                if !text.is_empty() {
                    let mark = mark.unwrap_or_default();
                    blocks.push(format!("{} {mark}{}", "#".repeat(level), close_heading(text)).into());
                }
            }
            "ul" | "ol" | "menu" | "dir" => {
                let is_ordered = node.name() == "ol";
                let before = blocks.last().and_then(|block| block.list).filter(|list| list.is_ordered == is_ordered);
                let list = List { is_ordered, is_alternate: before.is_some_and(|list| !list.is_alternate) };
                let text = self.list(node, list, &inner);
                if !text.is_empty() {
                    blocks.push(Block { text, list: Some(list) });
                }
            }
            "blockquote" => {
                let text = join(self.blocks(node, &inner));
                if !text.is_empty() {
                    blocks.push(prefixed(&text, "> ", "> ").into());
                }
            }
            "pre" if node.has_class("wp-block-verse") => {
                let text = escape_text(&node.all_text());
                if !text.is_empty() {
                    blocks.push(text.into());
                }
            }
            "pre" => blocks.extend(code_block(&node.all_text(), language_of(node).as_deref()).map(Block::from)),
            "table" => self.table(node, &inner, blocks),
            "dl" => blocks.push(self.html(node).into()),
            "details" => {
                let children = node.children();
                let summary = children.iter().find(|child| child.name() == "summary");
                let summary = summary.map(|summary| self.html_of_children(summary)).unwrap_or_default();
                let rest: Vec<_> = children.iter().filter(|child| child.name() != "summary").cloned().collect();
                let rest = join(self.blocks_of(&rest, &inner));
                blocks.push(format!("<details>\n<summary>{summary}</summary>\n\n{rest}\n\n</details>").into());
            }
            "figure" => {
                let children = node.children();
                let caption = children.iter().find(|child| child.name() == "figcaption");
                let rest: Vec<_> = children.iter().filter(|child| child.name() != "figcaption").cloned().collect();
                let rest = join(self.blocks_of(&rest, &inner));
                let caption = caption.map(|caption| self.html_of_children(caption)).unwrap_or_default();
                match (rest.is_empty(), caption.trim()) {
                    (_, "") => blocks.push(rest.into()),
                    (true, caption) => {
                        blocks.push(format!("<figure>\n<figcaption>{caption}</figcaption>\n</figure>").into())
                    }
                    (false, caption) => blocks
                        .push(format!("<figure>\n\n{rest}\n\n<figcaption>{caption}</figcaption>\n</figure>").into()),
                }
            }
            name => {
                if name == "form" {
                    self.lose("forms, of which the text is kept");
                }
                blocks.extend(self.blocks(node, &inner));
            }
        }
    }

    /// Children, each of which may be a block or stand in a line.
    fn blocks_of(&self, nodes: &[Rc<Node>], around: &Around) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut line = Vec::new();
        if around.depth > MAX_DEPTH {
            self.lose("elements that nest too deep, of which the text is kept");
            nodes.iter().for_each(|node| push_text(&mut line, &node.all_text()));
            self.end_line(&mut line, around, &mut blocks);
            return blocks;
        }
        for node in nodes {
            if is_unread(node.name()) {
                self.lose_unread(node.name());
            } else if is_block(node.name()) {
                self.end_line(&mut line, around, &mut blocks);
                self.block(node, around, &mut blocks);
            } else if node.contains(|one| is_block(one.name())) {
                self.end_line(&mut line, around, &mut blocks);
                let mut inner = around.deeper();
                inner.wraps.extend(self.wrap(node));
                blocks.extend(self.blocks(node, &inner));
            } else {
                self.inline(node, &mut line, around.depth);
            }
        }
        self.end_line(&mut line, around, &mut blocks);
        blocks
    }

    fn list(&self, node: &Rc<Node>, list: List, around: &Around) -> String {
        let mut items: Vec<Vec<Block>> = Vec::new();
        let mut loose: Vec<Rc<Node>> = Vec::new();
        for child in node.children().iter() {
            match child.name() {
                "li" => {
                    self.loose_item(&mut loose, around, &mut items);
                    let mut blocks = self.blocks(child, around);
                    blocks.retain(|block| !block.text.is_empty());
                    items.push(blocks);
                }
                // A list in a list without an item is meant to belong to the item before.
                "ul" | "ol" if loose.is_empty() && !items.is_empty() => {
                    if let Some(last) = items.last_mut() {
                        self.block(child, around, last);
                    }
                }
                _ => loose.push(Rc::clone(child)),
            }
        }
        self.loose_item(&mut loose, around, &mut items);
        // A list that begins with another number than 1 needs a blank line behind a paragraph: https://spec.commonmark.org/0.31.2/#list-items
        let follows_at_once = |block: &Block| {
            let digits = block.text.len() - block.text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            block.list.is_some() && matches!(block.text.get(..digits), Some("" | "1"))
        };
        let is_tight = items.iter().all(|blocks| {
            blocks.iter().skip(1).all(follows_at_once)
                && blocks.iter().all(|block| block.list.is_some() || !block.text.starts_with('<'))
        });
        let start = node.attribute("start").and_then(|start| start.parse::<u32>().ok());
        let start = start.filter(|start| *start <= MAX_START).unwrap_or(1);
        let lines = items.iter().zip(start..).filter(|(blocks, _)| !blocks.is_empty()).map(|(blocks, number)| {
            let marker = match (list.is_ordered, list.is_alternate) {
                (true, false) => format!("{number}. "),
                (true, true) => format!("{number}) "),
                (false, false) => "- ".to_owned(),
                (false, true) => "* ".to_owned(),
            };
            let texts: Vec<_> =
                blocks.iter().map(|block| block.text.as_str()).filter(|text| !text.is_empty()).collect();
            let text = texts.join(if is_tight { "\n" } else { "\n\n" });
            prefixed(&text, &marker, &" ".repeat(marker.len())).trim_end_matches([' ', '\n']).to_owned()
        });
        lines.collect::<Vec<_>>().join(if is_tight { "\n" } else { "\n\n" })
    }

    fn loose_item(&self, loose: &mut Vec<Rc<Node>>, around: &Around, items: &mut Vec<Vec<Block>>) {
        let blocks = self.blocks_of(&std::mem::take(loose), around);
        if !blocks.is_empty() {
            items.push(blocks);
        }
    }

    fn table(&self, node: &Rc<Node>, around: &Around, blocks: &mut Vec<Block>) {
        let mut rows: Vec<Rc<Node>> = Vec::new();
        let mut captions = Vec::new();
        for part in node.children().iter() {
            match part.name() {
                "tr" => rows.push(Rc::clone(part)),
                "thead" | "tbody" | "tfoot" => {
                    rows.extend(part.children().iter().filter(|row| row.name() == "tr").cloned());
                }
                "caption" => captions.push(Rc::clone(part)),
                _ => {}
            }
        }
        let cells_of = |row: &Rc<Node>| -> Vec<Rc<Node>> {
            row.children().iter().filter(|cell| matches!(cell.name(), "td" | "th")).cloned().collect()
        };
        let rows: Vec<_> = rows.iter().map(cells_of).filter(|cells| !cells.is_empty()).collect();
        let spans = |cell: &Rc<Node>| {
            ["colspan", "rowspan"].iter().any(|key| cell.attribute(key).is_some_and(|number| number.trim() != "1"))
        };
        let is_simple = |cell: &Rc<Node>| {
            let paragraphs = cell.children().iter().filter(|child| child.name() == "p").count();
            let others = cell.children().iter().filter(|child| child.name() != "p").any(|child| {
                child.contains(|one| is_block(one.name()))
                    || (paragraphs > 0 && child.text().is_some_and(|text| !text.trim().is_empty()))
                    || (paragraphs > 0 && !child.name().is_empty())
            });
            let nested = cell
                .children()
                .iter()
                .flat_map(|child| child.children().clone())
                .any(|below| below.contains(|one| is_block(one.name())));
            paragraphs < 2 && !others && !nested && !spans(cell)
        };
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        if width == 0 {
            blocks.extend(captions.iter().flat_map(|caption| self.blocks(caption, around)));
            return;
        }
        if !rows.iter().flatten().all(is_simple) {
            blocks.push(self.html(node).into());
            return;
        }
        blocks.extend(captions.iter().flat_map(|caption| self.blocks(caption, around)));
        let has_head = rows.first().is_some_and(|row| row.iter().all(|cell| cell.name() == "th"));
        let mut text = String::new();
        let mut write_row = |cells: &[String]| {
            let cells: Vec<_> = (0..width).map(|at| cells.get(at).map_or("", String::as_str)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        let written = |row: &[Rc<Node>]| -> Vec<String> {
            row.iter().map(|cell| one_line(&wrapped(self.line(cell, around.depth), around), Place::Cell)).collect()
        };
        let (head, body) = if has_head { rows.split_at(1) } else { rows.split_at(0) };
        write_row(&head.first().map(|row| written(row)).unwrap_or_default());
        let first = rows.first().cloned().unwrap_or_default();
        let rules: Vec<_> = (0..width).map(|at| rule(first.get(at)).to_owned()).collect();
        write_row(&rules);
        for row in body {
            write_row(&written(row));
        }
        blocks.push(text.trim_end().to_owned().into());
    }

    /// All below `node` as pieces of one line.
    fn line(&self, node: &Rc<Node>, depth: usize) -> Vec<Piece> {
        let mut line = Vec::new();
        if depth > MAX_DEPTH {
            self.lose("elements that nest too deep, of which the text is kept");
            push_text(&mut line, &node.all_text());
            return line;
        }
        for child in node.children().iter() {
            if is_block(child.name()) {
                push_text(&mut line, " ");
            }
            self.inline(child, &mut line, depth);
        }
        line
    }

    fn inline(&self, node: &Rc<Node>, line: &mut Vec<Piece>, depth: usize) {
        if let Some(text) = node.text() {
            return push_text(line, &text);
        }
        line.extend(self.mark(node).map(Piece::Raw));
        match node.name() {
            name if is_unread(name) => self.lose_unread(name),
            "br" => line.push(Piece::Break),
            "wbr" | "" => {}
            "img" => line.extend(self.picture(node)),
            "code" => {
                let text = node.all_text();
                let words: Vec<_> = text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()).collect();
                if text.starts_with([' ', '\n', '\t', '\r']) {
                    push_text(line, " ");
                }
                if !words.is_empty() {
                    let code = words.join(" ");
                    // A backslash before a bar is two things in a cell, and in the first row of a table in a list it is yet another.
                    line.push(Piece::Raw(match code.contains("\\|") {
                        true => format!("<code>{}</code>", escape(&code).replace("\\|", "&#124;")),
                        false => code_span(&code),
                    }));
                }
                if text.ends_with([' ', '\n', '\t', '\r']) {
                    push_text(line, " ");
                }
            }
            "input" => {
                if node.attribute("type").is_some_and(|kind| kind == "checkbox") && line.is_empty() {
                    let sign = if node.attribute("checked").is_some() { "[x] " } else { "[ ] " };
                    line.push(Piece::Raw(sign.to_owned()));
                } else {
                    self.lose("fields of forms");
                }
            }
            "iframe" | "embed" | "video" | "audio" | "object" => self.player(node, line, depth),
            "source" | "track" | "param" => {}
            _ => {
                let inner = self.line(node, depth + 1);
                match self.wrap(node) {
                    Some(wrap) => wrap_pieces(wrap, inner, line),
                    None => inner.into_iter().for_each(|piece| push(line, piece)),
                }
            }
        }
    }

    /// What an element puts around what stands in it; `None` for one of no meaning in a text.
    fn wrap(&self, node: &Rc<Node>) -> Option<Wrap> {
        match node.name() {
            "b" | "strong" => Some(Wrap::Strong),
            "i" | "em" => Some(Wrap::Emphasis),
            "s" | "del" | "strike" => Some(Wrap::Deleted),
            "a" => {
                let address = node.attribute("href").map(|address| address.trim().to_owned())?;
                let is_script = address.to_lowercase().starts_with("javascript:");
                if is_script {
                    self.lose("links that run scripts");
                }
                let title = node.attribute("title").unwrap_or_default();
                (!address.is_empty() && !is_script).then(|| Wrap::Link { address: self.address(&address), title })
            }
            name if KEPT_INLINE.contains(&name) => {
                Some(Wrap::Html { name: name.to_owned(), attributes: self.attributes(node) })
            }
            _ => None,
        }
    }

    fn picture(&self, node: &Rc<Node>) -> Option<Piece> {
        let usable = |address: &String| !address.trim().is_empty() && !address.trim_start().starts_with("data:");
        // Themes that load pictures late have the address elsewhere.
        let places = ["src", "data-src", "data-lazy-src", "data-orig-file", "data-original"];
        let Some(address) = places.iter().filter_map(|place| node.attribute(place)).find(usable) else {
            self.lose("pictures without an address");
            return None;
        };
        Some(Piece::Raw(picture(
            &self.address(address.trim()),
            &node.attribute("alt").unwrap_or_default(),
            &node.attribute("title").unwrap_or_default(),
        )))
    }

    /// What plays something becomes a link to it.
    fn player(&self, node: &Rc<Node>, line: &mut Vec<Piece>, depth: usize) {
        let source = |name: &str| {
            let children = node.children();
            children.iter().filter(|child| child.name() == name).find_map(|child| child.attribute("src"))
        };
        let own = ["src", "data-src", "data", "data-lazy-src"].iter().filter_map(|key| node.attribute(key));
        let address = own.chain(source("source")).chain(source("embed")).find(|address| !address.trim().is_empty());
        match address {
            Some(address) => {
                self.lose("players and frames that became links");
                let address = watched(address.trim());
                let title = node.attribute("title").filter(|title| !title.trim().is_empty());
                let text = title.unwrap_or_else(|| address.clone());
                if !line.is_empty() {
                    push_text(line, " ");
                }
                wrap_pieces(Wrap::Link { address, title: String::new() }, vec![Piece::Text(text)], line);
                push_text(line, " ");
            }
            None => self.lose("players and frames without an address"),
        }
        // What is inside of a frame is shown by no browser; what is inside of an object by one that cannot play it.
        if node.name() == "object" && node.children().iter().all(|child| child.name() != "embed") {
            line.extend(self.line(node, depth + 1));
        }
    }

    fn lose_unread(&self, name: &str) {
        match name {
            "script" => self.lose("scripts"),
            "noscript" => self.lose("parts for browsers without scripts"),
            "style" => self.lose("styles"),
            "svg" | "math" => self.lose("drawings and formulas"),
            _ => {}
        }
    }

    /// An element as HTML without blank lines, which would end it for Markdown.
    fn html(&self, node: &Rc<Node>) -> String {
        let mut out = String::new();
        self.write_html(node, &mut out, 0, false);
        out
    }

    fn html_of_children(&self, node: &Rc<Node>) -> String {
        let mut out = String::new();
        for child in node.children().iter() {
            self.write_html(child, &mut out, 0, false);
        }
        out.trim().to_owned()
    }

    fn write_html(&self, node: &Rc<Node>, out: &mut String, depth: usize, is_pre: bool) {
        if let Some(text) = node.text() {
            return write_html_text(&text, out, is_pre);
        }
        let name = node.name();
        if is_unread(name) || name.is_empty() {
            return self.lose_unread(name);
        }
        if depth > MAX_DEPTH {
            self.lose("elements that nest too deep, of which the text is kept");
            return write_html_text(&node.all_text(), out, is_pre);
        }
        if matches!(name, "iframe" | "embed" | "video" | "audio" | "object") {
            let mut line = Vec::new();
            self.player(node, &mut line, depth);
            for piece in &line {
                if let Piece::Within(Wrap::Link { address, .. }, text) = piece {
                    let _ = write!(out, " <a href=\"{}\">", attribute(address));
                    text.iter().for_each(|piece| {
                        if let Piece::Text(text) = piece {
                            write_html_text(text, out, false);
                        }
                    });
                    out.push_str("</a> ");
                }
            }
            return;
        }
        let is_kept = KEPT_IN_BLOCKS.contains(&name);
        if is_kept {
            let _ = write!(out, "<{name}{}>", self.attributes(node));
        } else if is_block(name) {
            out.push(' ');
        }
        for child in node.children().iter() {
            self.write_html(child, out, depth + 1, is_pre || name == "pre");
        }
        if is_kept && !matches!(name, "br" | "hr" | "img" | "col") {
            let _ = write!(out, "</{name}>");
        } else if is_block(name) {
            out.push(' ');
        }
    }

    fn attributes(&self, node: &Rc<Node>) -> String {
        let mut written = String::new();
        for name in KEPT_ATTRIBUTES {
            if let Some(value) = node.attribute(name)
                && !value.trim_start().to_lowercase().starts_with("javascript:")
            {
                let value = if matches!(name, "href" | "src") { self.address(value.trim()) } else { value };
                let _ = write!(written, " {name}=\"{}\"", attribute(&value));
            }
        }
        written
    }
}

fn write_html_text(text: &str, out: &mut String, is_pre: bool) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A line of its own could be read as Markdown after a blank one.
            '\n' | '\r' if is_pre => out.push_str("&#10;"),
            '\n' | '\r' | '\t' | ' ' if !is_pre => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            letter => out.push(letter),
        }
    }
}

fn attribute(value: &str) -> String {
    let value = value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How a column is aligned, by its first cell.
fn rule(cell: Option<&Rc<Node>>) -> &'static str {
    let Some(cell) = cell else { return "---" };
    let style = cell.attribute("style").unwrap_or_default().to_lowercase();
    let of_style =
        style.split(';').find_map(|rule| rule.trim().strip_prefix("text-align:").map(|value| value.trim().to_owned()));
    let class = ["left", "center", "right"].iter().find(|side| cell.has_class(&format!("has-text-align-{side}")));
    let of_class = class.map(|side| (*side).to_owned());
    match cell.attribute("align").or(of_style).or(of_class).unwrap_or_default().to_lowercase().as_str() {
        "left" => ":--",
        "center" => ":-:",
        "right" => "--:",
        _ => "---",
    }
}

/// A fenced block of code. `None` if there is nothing in it.
pub fn code_block(code: &str, language: Option<&str>) -> Option<String> {
    let code = code.replace("\r\n", "\n");
    let code = code.trim_end_matches(['\n', ' ', '\t', '\r']).trim_start_matches('\n');
    if code.is_empty() {
        return None;
    }
    let fence = "`".repeat(longest_run(code).max(2) + 1);
    let language = language.unwrap_or_default();
    Some(format!("{fence}{language}\n{code}\n{fence}"))
}

/// Code in a line.
pub fn code_span(code: &str) -> String {
    let fence = "`".repeat(longest_run(code) + 1);
    // In a table a bar would end the cell even here; everywhere else a bar in code is as it is.
    let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{code}{pad}{fence}")
}

fn longest_run(code: &str) -> usize {
    code.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

/// A picture in Markdown.
pub fn picture(address: &str, alt: &str, title: &str) -> String {
    let alt = escape(&alt.split_whitespace().collect::<Vec<_>>().join(" "));
    format!("![{alt}]({}{})", destination(address), title_part(title))
}

/// A link in Markdown with this text.
pub fn link(address: &str, text: &str) -> String {
    let mut line = Vec::new();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    wrap_pieces(Wrap::Link { address: address.to_owned(), title: String::new() }, vec![Piece::Text(text)], &mut line);
    paragraph(&line)
}

fn title_part(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return String::new();
    }
    format!(" \"{}\"", escape(&title).replace('"', "\\\""))
}

/// An address as Markdown's links have it.
fn destination(address: &str) -> String {
    let mut written = String::new();
    for letter in address.trim().chars() {
        match letter {
            '\n' | '\r' | '\t' => {}
            ' ' => written.push_str("%20"),
            '(' => written.push_str("%28"),
            ')' => written.push_str("%29"),
            '<' => written.push_str("%3C"),
            '>' => written.push_str("%3E"),
            '\\' => written.push_str("%5C"),
            '|' => written.push_str("%7C"),
            '*' => written.push_str("%2A"),
            '`' => written.push_str("%60"),
            '[' => written.push_str("%5B"),
            ']' => written.push_str("%5D"),
            letter if letter.is_control() => {}
            letter => written.push(letter),
        }
    }
    if written.contains('&') && written.contains(';') { written.replace('&', "&amp;") } else { written }
}

/// Where the film of an embedded player is watched.
pub fn watched(address: &str) -> String {
    let address =
        if let Some(rest) = address.strip_prefix("//") { format!("https://{rest}") } else { address.to_owned() };
    let bare = address.split_once("://").map_or(&*address, |(_, rest)| rest);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let id = |prefixes: &[&str]| {
        let rest = prefixes.iter().find_map(|prefix| bare.strip_prefix(prefix))?;
        let id: String =
            rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).collect();
        (!id.is_empty() && id != "videoseries").then_some(id)
    };
    if let Some(id) = id(&["youtube.com/embed/", "youtube-nocookie.com/embed/", "youtu.be/", "youtube.com/v/"]) {
        return format!("https://www.youtube.com/watch?v={id}");
    }
    if let Some(id) = id(&["player.vimeo.com/video/"]) {
        return format!("https://vimeo.com/{id}");
    }
    address
}

/// The language that code is in, as highlighters write it.
fn language_of(node: &Rc<Node>) -> Option<String> {
    let children = node.children();
    let nodes = std::iter::once(node).chain(children.iter().filter(|child| child.name() == "code"));
    let plain = |word: &str| {
        let is_plain =
            word.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '+' | '#' | '.'));
        (is_plain && !word.is_empty()).then(|| word.to_lowercase())
    };
    for node in nodes {
        for key in ["data-language", "data-lang", "lang"] {
            if let Some(language) = node.attribute(key).and_then(|value| plain(value.trim())) {
                return Some(language);
            }
        }
        let classes = node.attribute("class").unwrap_or_default().replace("brush:", "brush: ").replace(';', " ");
        let mut words = classes.split_whitespace();
        while let Some(word) = words.next() {
            let named = ["language-", "lang-", "highlight-source-"].iter().find_map(|prefix| word.strip_prefix(prefix));
            let brushed = if word == "brush:" { words.next() } else { None };
            if let Some(language) = named.or(brushed).and_then(plain) {
                return Some(language);
            }
        }
    }
    None
}

fn prefixed(text: &str, first: &str, rest: &str) -> String {
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let prefix = if number == 0 { first } else { rest };
        if line.is_empty() { prefix.trim_end().to_owned() } else { format!("{prefix}{line}") }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn push_text(line: &mut Vec<Piece>, text: &str) {
    push(line, Piece::Text(text.to_owned()));
}

/// Adds a piece; text that follows text is one, so that it is escaped as one.
fn push(line: &mut Vec<Piece>, piece: Piece) {
    match (line.last_mut(), piece) {
        (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
        (_, piece) => line.push(piece),
    }
}

fn wrapped(line: Vec<Piece>, around: &Around) -> Vec<Piece> {
    around.wraps.iter().rev().fold(line, |line, wrap| {
        let mut out = Vec::new();
        wrap_pieces(wrap.clone(), line, &mut out);
        out
    })
}

fn is_blank(piece: &Piece) -> bool {
    match piece {
        Piece::Text(text) => is_space(text),
        Piece::Break => true,
        _ => false,
    }
}

/// The white space of HTML, to which no-break spaces do not belong.
fn is_space(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

/// Puts `wrap` around what is not blank at the ends: `<b>a </b>` is `**a** `.
fn wrap_pieces(wrap: Wrap, mut inner: Vec<Piece>, line: &mut Vec<Piece>) {
    // Emphasis in the same emphasis is none.
    if wrap.sign().is_some() || matches!(wrap, Wrap::Link { .. }) {
        inner = without(&wrap, inner);
    }
    let end = inner.iter().rposition(|piece| !is_blank(piece)).map_or(0, |at| at + 1);
    let after = inner.split_off(end);
    let begin = inner.iter().position(|piece| !is_blank(piece)).unwrap_or(inner.len());
    let mut content = inner.split_off(begin);
    inner.into_iter().for_each(|piece| push(line, piece));
    let space = [' ', '\n', '\t', '\r', '\u{c}'];
    let mut is_spaced_after = false;
    if let Some(Piece::Text(first)) = content.first_mut()
        && first.starts_with(space)
    {
        *first = first.trim_start_matches(space).to_owned();
        push_text(line, " ");
    }
    if let Some(Piece::Text(last)) = content.last_mut()
        && last.ends_with(space)
    {
        *last = last.trim_end_matches(space).to_owned();
        is_spaced_after = true;
    }
    if !content.is_empty() {
        line.push(Piece::Within(wrap, content));
    }
    if is_spaced_after {
        push_text(line, " ");
    }
    after.into_iter().for_each(|piece| push(line, piece));
}

fn without(wrap: &Wrap, pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Within(inner, pieces) => {
                let pieces = without(wrap, pieces);
                let is_same = inner == *wrap || matches!((&inner, wrap), (Wrap::Link { .. }, Wrap::Link { .. }));
                if is_same {
                    pieces.into_iter().for_each(|piece| push(&mut out, piece));
                } else {
                    out.push(Piece::Within(inner, pieces));
                }
            }
            piece => push(&mut out, piece),
        }
    }
    out
}

/// Pieces as a paragraph, with line breaks.
fn paragraph(pieces: &[Piece]) -> String {
    let line = trimmed(pieces);
    escape_line_starts(Inline { place: Place::Paragraph }.write(line, ' ', ' ').trim_matches([' ', '\n']))
}

/// Pieces as the content of a heading or a cell of a table.
fn one_line(pieces: &[Piece], place: Place) -> String {
    Inline { place }.write(trimmed(pieces), ' ', ' ').trim_matches([' ', '\n']).to_owned()
}

fn trimmed(mut pieces: &[Piece]) -> &[Piece] {
    while let [first, rest @ ..] = pieces
        && is_blank(first)
    {
        pieces = rest;
    }
    while let [rest @ .., last] = pieces
        && is_blank(last)
    {
        pieces = rest;
    }
    pieces
}

/// `#` at the end of a heading would belong to its signs.
fn close_heading(text: String) -> String {
    match text.strip_suffix('#') {
        Some(rest) if !rest.ends_with('\\') => format!("{rest}\\#"),
        _ => text,
    }
}

/// Where a line stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Paragraph,
    Heading,
    Cell,
}

struct Inline {
    place: Place,
}

impl Inline {
    /// Writes pieces of which the character before and the one after are known: whether a sign is read as one depends on them
    /// (<https://spec.commonmark.org/0.31.2/#delimiter-run>).
    fn write(&self, pieces: &[Piece], before: char, after: char) -> String {
        let mut out = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            let previous = out.chars().next_back().unwrap_or(before);
            match piece {
                Piece::Text(text) => {
                    let text = collapsed(text);
                    let is_begin = matches!(previous, ' ' | '\n');
                    let text = if is_begin { text.trim_start_matches(' ') } else { &text };
                    out.push_str(&escape(text));
                    // Before a link it would make a picture of it.
                    if out.ends_with('!') && pieces[at + 1..].iter().find_map(first_of) == Some('[') {
                        out.pop();
                        out.push_str("\\!");
                    }
                }
                Piece::Raw(text) => {
                    // The fences of two pieces of code would become one.
                    if previous == '`' && text.starts_with('`') {
                        out.push_str("<!-- -->");
                    }
                    match self.place {
                        Place::Cell => out.push_str(&in_cell(text)),
                        _ => out.push_str(text),
                    }
                }
                Piece::Break => {
                    out.truncate(out.trim_end_matches(' ').len());
                    // A backslash would become part of an address that nothing is escaped in, which is a link without any sign.
                    let word = out.rsplit([' ', '\n']).next().unwrap_or_default();
                    let is_address = (word.contains("://") || word.contains("www.")) && !word.contains('\\');
                    out.push_str(match (self.place == Place::Paragraph, is_address) {
                        (true, false) => "\\\n",
                        (true, true) => "<br>\n",
                        (false, _) => "<br>",
                    });
                }
                Piece::Within(wrap, inner) => {
                    let next = pieces[at + 1..].iter().find_map(first_of);
                    let written = self.within(wrap, inner, previous, next, after);
                    out.push_str(&written);
                }
            }
        }
        out
    }

    fn within(&self, wrap: &Wrap, inner: &[Piece], previous: char, next: Option<char>, after: char) -> String {
        match wrap {
            Wrap::Html { name, attributes } => format!("<{name}{attributes}>{}</{name}>", self.write(inner, '>', '<')),
            Wrap::Link { address, title } => {
                if let [Piece::Text(text)] = inner
                    && title.is_empty()
                    && text.trim() == address
                    && is_plain_address(address)
                {
                    return format!("<{address}>");
                }
                let text = self.write(inner, '[', ']');
                format!("[{text}]({}{})", destination(address), title_part(title))
            }
            wrap => {
                let Some((sign, element)) = wrap.sign() else {
                    return self.write(inner, previous, next.unwrap_or(after));
                };
                let text = self.write(inner, '*', '*');
                let is_edge = |letter: char| letter.is_whitespace() || is_punctuation(letter);
                let begins = text
                    .chars()
                    .next()
                    .is_some_and(|first| first.is_alphanumeric() || (!first.is_whitespace() && is_edge(previous)));
                let ends = text.chars().next_back().is_some_and(|last| {
                    last.is_alphanumeric() || (!last.is_whitespace() && is_edge(next.unwrap_or(after)))
                });
                let own = sign.chars().next().unwrap_or('*');
                // What follows sees to it itself; a sign around does not.
                let joins_next = next.is_none() && after == own;
                let is_clear = previous != own && !joins_next && !text.starts_with(own) && !text.ends_with(own);
                // A sign after an escaped one counts as punctuation; one of the same letter would join the run.
                if begins && ends && is_clear && !text.ends_with('\\') && previous != '\\' {
                    format!("{sign}{text}{sign}")
                } else {
                    format!("<{element}>{}</{element}>", self.write(inner, '>', '<'))
                }
            }
        }
    }
}

/// The character that a piece begins with; `None` if it is blank, and the next one has to be asked.
fn first_of(piece: &Piece) -> Option<char> {
    match piece {
        Piece::Text(text) => {
            let first = text.chars().next()?;
            Some(if first.is_ascii_whitespace() { ' ' } else { first })
        }
        Piece::Raw(text) => text.chars().next(),
        Piece::Break => Some('\\'),
        Piece::Within(Wrap::Strong | Wrap::Emphasis, _) => Some('*'),
        Piece::Within(Wrap::Deleted, _) => Some('~'),
        Piece::Within(Wrap::Link { .. }, _) => Some('['),
        Piece::Within(Wrap::Html { .. }, _) => Some('<'),
    }
}

/// Not certain for what is neither letter nor sign: then the element is written instead.
fn is_punctuation(letter: char) -> bool {
    letter.is_ascii_punctuation()
}

fn is_plain_address(address: &str) -> bool {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    let is_bare = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '<' | '>' | '|' | '\\' | ';' | '`');
    is_web && address.chars().all(is_bare)
}

/// What is written already must not end a cell of a table.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Runs of white space are one space.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' ' | '\n' | '\t' | '\r' | '\u{c}' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}

/// Escapes what Markdown would read as a sign wherever it stands in a line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let letters: Vec<char> = text.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| letters.get(index)).copied();
    let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut addresses = Addresses { letters: &letters, end: 0, last_sign: None };
    for (index, &letter) in letters.iter().enumerate() {
        let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
        let is_escaped = match letter {
            '\\' | '`' | '*' | '[' | ']' | '<' | '~' | '|' => true,
            // Between letters it is no sign.
            '_' => !(is_word(before) && is_word(after)),
            '&' => {
                after.is_none_or(|after| after.is_ascii_alphanumeric() || after == '#')
                    && may_be_entity(&letters[index..])
            }
            ':' if after == Some('/') && at(Some(index + 2)) == Some('/') => addresses.needs_escapes(index),
            '.' if index >= 3 && letters[index - 3..index].iter().all(|letter| letter.eq_ignore_ascii_case(&'w')) => {
                addresses.needs_escapes(index)
            }
            _ => false,
        };
        if is_escaped {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn may_be_entity(letters: &[char]) -> bool {
    letters.len() == 1 || letters.iter().take(40).any(|&letter| letter == ';') || letters.len() < 40
}

/// The bare addresses of a text.
struct Addresses<'a> {
    letters: &'a [char],
    /// The end of the word that was looked at last, and its last sign: a word of many addresses is looked at once.
    end: usize,
    last_sign: Option<usize>,
}

impl Addresses<'_> {
    /// Whether the address around this letter has signs that must be escaped, which a link made of it would show.
    fn needs_escapes(&mut self, from: usize) -> bool {
        if from >= self.end {
            // A no-break space ends no address.
            let length = self.letters[from..].iter().take_while(|letter| !letter.is_ascii_whitespace()).count();
            self.end = from + length;
            self.last_sign = (from + 1..self.end).rev().find(|at| self.is_sign(*at));
        }
        // What follows the text may belong to the address for whoever reads it as one.
        self.last_sign.is_some_and(|at| at > from) || self.end == self.letters.len()
    }

    fn is_sign(&self, at: usize) -> bool {
        let is_word = |at: usize| self.letters.get(at).is_some_and(|letter| letter.is_alphanumeric());
        match self.letters[at] {
            '_' => !(is_word(at - 1) && is_word(at + 1)),
            letter => matches!(letter, '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '~' | '|' | '&' | '!' | '"' | '\''),
        }
    }
}

/// Escapes what Markdown would read as a sign at the beginning of a line.
fn escape_line_starts(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let line = line.trim_start_matches([' ', '\t']);
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let follows = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\\', '\t']);
        if (1..=9).contains(&digits)
            && let Some(rest) = line.get(digits..)
            && rest.starts_with(['.', ')'])
            && follows(&rest[1..])
        {
            return format!("{}\\{rest}", &line[..digits]);
        }
        let is_sign = line.starts_with(['>', '=', '#', '-', '+']) || line.starts_with(":-") || line.starts_with("^");
        // A hyphen or a plus before a word is none, and neither is `#tag`.
        let is_harmless = match line.as_bytes() {
            [b'-' | b'+', next, ..] => !matches!(next, b' ' | b'\t' | b'-' | b'+' | b'\\' | b':' | b'|'),
            [b'#', ..] => !follows(line.trim_start_matches('#')),
            _ => false,
        };
        if is_sign && !is_harmless { format!("\\{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
