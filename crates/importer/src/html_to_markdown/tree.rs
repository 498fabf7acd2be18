//! A tree of HTML as a browser reads it, built by html5ever.

use std::{
    borrow::Cow,
    cell::{Ref, RefCell},
    rc::{Rc, Weak},
};

use html5ever::{
    Attribute, ExpandedName, QualName,
    interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
    local_name, ns, parse_fragment,
    tendril::{StrTendril, TendrilSink},
};

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
    // Without scripts, what stands in `<noscript>` is read as elements and not as text.
    let sink = Sink { root: Node::new(Data::Other), nameless: QualName::new(None, ns!(), local_name!("")) };
    let document = parse_fragment(sink, Default::default(), context, Vec::new(), false);
    let root = document.one(html);
    // The fragment hangs below an `<html>` of its own.
    let first = root.children().first().cloned();
    first.unwrap_or(root)
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
