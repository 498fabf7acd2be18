//! A tree of HTML as a browser reads it, built by html5ever.

use std::{
    borrow::Cow,
    cell::{Cell, Ref, RefCell},
    rc::{Rc, Weak},
};

use html5ever::{
    Attribute, ExpandedName, LocalName, QualName,
    interface::{ElementFlags, NodeOrText, QuirksMode, TokenizerResult, Tracer, TreeSink},
    local_name, ns,
    tendril::StrTendril,
    tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer},
    tree_builder::TreeBuilder,
};

/// How many elements may be open at once; of those within only the text is read. It is more than is written as elements, and for each
/// element that begins, html5ever looks through the open ones.
const MAX_OPEN: usize = 256;

/// A node, which its parent owns.
pub struct Node {
    data: Data,
    children: RefCell<Vec<Rc<Node>>>,
    parent: RefCell<Weak<Node>>,
}

enum Data {
    /// The document, a comment, a processing instruction: nothing of it is read.
    Other,
    Text(RefCell<String>),
    Element {
        name: QualName,
        attributes: RefCell<Vec<Attribute>>,
    },
}

impl Node {
    fn new(data: Data) -> Rc<Self> {
        Rc::new(Self { data, children: RefCell::default(), parent: RefCell::default() })
    }

    /// The name of an element; empty for everything else.
    pub fn name(&self) -> &str {
        match &self.data {
            Data::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    pub fn text(&self) -> Option<Ref<'_, String>> {
        match &self.data {
            Data::Text(text) => Some(text.borrow()),
            _ => None,
        }
    }

    pub fn attribute(&self, wanted: &str) -> Option<String> {
        let Data::Element { attributes, .. } = &self.data else { return None };
        let attributes = attributes.borrow();
        attributes.iter().find(|one| &*one.name.local == wanted).map(|one| one.value.to_string())
    }

    /// The values of an attribute in all elements below.
    pub fn attributes(self: &Rc<Self>, wanted: &str) -> Vec<String> {
        let found = RefCell::new(Vec::new());
        self.contains(|node| {
            found.borrow_mut().extend(node.attribute(wanted));
            false
        });
        found.into_inner()
    }

    pub fn has_class(&self, wanted: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|class| class == wanted))
    }

    pub fn children(&self) -> Ref<'_, Vec<Rc<Node>>> {
        self.children.borrow()
    }

    /// Whether it or anything below it is such an element. Without recursion, as trees may be deep.
    pub fn contains(self: &Rc<Self>, is_wanted: impl Fn(&Node) -> bool) -> bool {
        let mut waiting = vec![Rc::clone(self)];
        while let Some(node) = waiting.pop() {
            if is_wanted(&node) {
                return true;
            }
            waiting.extend(node.children().iter().cloned());
        }
        false
    }

    /// All text below, as it was written, with a line break for each `<br>`.
    pub fn all_text(self: &Rc<Self>) -> String {
        let mut text = String::new();
        let mut waiting = vec![Rc::clone(self)];
        while let Some(node) = waiting.pop() {
            if let Some(own) = node.text() {
                text.push_str(&own);
            }
            if node.name() == "br" {
                text.push('\n');
            }
            waiting.extend(node.children().iter().rev().cloned());
        }
        text
    }

    fn detach(self: &Rc<Self>) {
        if let Some(parent) = self.parent.take().upgrade() {
            parent.children.borrow_mut().retain(|child| !Rc::ptr_eq(child, self));
        }
    }

    fn adopt(self: &Rc<Self>, index: usize, child: NodeOrText<Rc<Node>>) {
        match child {
            NodeOrText::AppendText(text) => {
                if let Some(before) = index.checked_sub(1).and_then(|at| self.children.borrow().get(at).cloned())
                    && let Data::Text(before) = &before.data
                {
                    return before.borrow_mut().push_str(&text);
                }
                let node = Self::new(Data::Text(RefCell::new(text.to_string())));
                node.parent.replace(Rc::downgrade(self));
                self.children.borrow_mut().insert(index, node);
            }
            NodeOrText::AppendNode(node) => {
                node.detach();
                node.parent.replace(Rc::downgrade(self));
                let index = index.min(self.children.borrow().len());
                self.children.borrow_mut().insert(index, node);
            }
        }
    }
}

/// A deep tree is taken apart without recursion, which would overflow the stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut waiting = self.children.take();
        while let Some(node) = waiting.pop() {
            if Rc::strong_count(&node) == 1 {
                waiting.extend(node.children.take());
            }
        }
    }
}

/// Reads a part of a page, as it stands in `<body>`.
pub fn parse(html: &str) -> Rc<Node> {
    let context = QualName::new(None, ns!(html), local_name!("body"));
    let context = Node::new(Data::Element { name: context, attributes: RefCell::default() });
    let sink = Sink { root: Node::new(Data::Other), nameless: QualName::new(None, ns!(), local_name!("")) };
    // As html5ever's own `parse_fragment` does it, with `Shallow` in between.
    let builder = TreeBuilder::new_for_fragment(sink, context, None, Default::default());
    let tokenizer = Tokenizer::new(Shallow { builder, left_out: RefCell::default() }, Default::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // It stops behind each script, for those who would run it.
    while let TokenizerResult::Script(_) = tokenizer.feed(&input) {}
    tokenizer.end();
    let root = tokenizer.sink.builder.sink.finish();
    // The fragment hangs below an `<html>` of its own.
    let first = root.children().first().cloned();
    first.unwrap_or(root)
}

/// Stands before the builder of the tree, and takes the tags out that would nest too deep.
struct Shallow {
    builder: TreeBuilder<Rc<Node>, Sink>,
    /// The elements that were left out and have not ended.
    left_out: RefCell<Vec<LocalName>>,
}

impl Shallow {
    fn takes(&self, tag: &Tag) -> bool {
        let mut left_out = self.left_out.borrow_mut();
        let open = Counter::default();
        self.builder.trace_handles(&open);
        match tag.kind {
            _ if open.0.get() < MAX_OPEN => left_out.clear(),
            TagKind::StartTag if may_nest(&tag.name) => {
                left_out.push(tag.name.clone());
                return false;
            }
            TagKind::EndTag if left_out.last() == Some(&tag.name) => {
                left_out.pop();
                return false;
            }
            _ => {}
        }
        true
    }
}

impl TokenSink for Shallow {
    type Handle = Rc<Node>;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Rc<Node>> {
        match &token {
            Token::TagToken(tag) if !self.takes(tag) => TokenSinkResult::Continue,
            _ => self.builder.process_token(token, line),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Whether an element may hold others. What is in the others is no text, or nothing.
fn may_nest(name: &str) -> bool {
    !matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "iframe"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "noembed"
            | "noframes"
            | "param"
            | "plaintext"
            | "script"
            | "source"
            | "style"
            | "textarea"
            | "title"
            | "track"
            | "wbr"
            | "xmp"
    )
}

/// Counts what html5ever keeps open.
#[derive(Default)]
struct Counter(Cell<usize>);

impl Tracer for Counter {
    type Handle = Rc<Node>;

    fn trace_handle(&self, _: &Rc<Node>) {
        self.0.update(|count| count + 1);
    }
}

struct Sink {
    root: Rc<Node>,
    nameless: QualName,
}

impl TreeSink for Sink {
    type Handle = Rc<Node>;
    type Output = Rc<Node>;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Rc<Node> {
        self.root
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        Rc::clone(&self.root)
    }

    fn elem_name<'a>(&'a self, node: &'a Rc<Node>) -> ExpandedName<'a> {
        match &node.data {
            Data::Element { name, .. } => name.expanded(),
            // html5ever asks for the names of elements only.
            _ => self.nameless.expanded(),
        }
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Rc<Node> {
        Node::new(Data::Element { name, attributes: RefCell::new(attributes) })
    }

    fn create_comment(&self, _: StrTendril) -> Rc<Node> {
        Node::new(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Rc<Node> {
        Node::new(Data::Other)
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        let last = parent.children().len();
        parent.adopt(last, child);
    }

    fn append_based_on_parent_node(&self, element: &Rc<Node>, before: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        let has_parent = element.parent.borrow().upgrade().is_some();
        if has_parent { self.append_before_sibling(element, child) } else { self.append(before, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, node: &Rc<Node>) -> Rc<Node> {
        Rc::clone(node)
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        if let NodeOrText::AppendNode(node) = &child {
            node.detach();
        }
        let Some(parent) = sibling.parent.borrow().upgrade() else { return };
        let place = parent.children().iter().position(|child| Rc::ptr_eq(child, sibling));
        let Some(place) = place else { return };
        parent.adopt(place, child);
    }

    fn add_attrs_if_missing(&self, node: &Rc<Node>, more: Vec<Attribute>) {
        let Data::Element { attributes, .. } = &node.data else { return };
        let mut attributes = attributes.borrow_mut();
        for attribute in more {
            if !attributes.iter().any(|known| known.name == attribute.name) {
                attributes.push(attribute);
            }
        }
    }

    fn remove_from_parent(&self, node: &Rc<Node>) {
        node.detach();
    }

    fn reparent_children(&self, node: &Rc<Node>, parent: &Rc<Node>) {
        for child in node.children.take() {
            child.parent.replace(Rc::downgrade(parent));
            parent.children.borrow_mut().push(child);
        }
    }
}
