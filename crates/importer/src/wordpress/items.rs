//! Reads an export of WordPress, an item at a time, so that a file of any size needs the memory of its largest item.
//!
//! Its form is that of WordPress's own `export.php` (WXR 1.0 to 1.2): RSS with elements of the prefixes `wp`, `content`, `excerpt`
//! and `dc`. Real exports are not always well-formed: bytes that are no UTF-8, control characters and a bare `&` are
//! read as well as can be, and a file that ends too early gives what it has.

use std::io::BufRead;

use quick_xml::{Reader, events::Event};

/// What the head of the file says, and its authors.
#[derive(Debug, Default, PartialEq)]
pub struct Channel {
    pub address: String,
    pub language: String,
    /// Log-in name and shown name.
    pub authors: Vec<(String, String)>,
}

/// A post, page, attachment or whatever else has a row in WordPress's table of posts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    pub id: String,
    pub title: String,
    pub link: String,
    pub author: String,
    pub content: String,
    pub excerpt: String,
    /// In the time of the site, and in UTC.
    pub date: String,
    pub date_gmt: String,
    pub name: String,
    pub status: String,
    pub kind: String,
    pub parent: String,
    pub password: String,
    pub comment_status: String,
    pub is_sticky: String,
    pub attachment: String,
    pub terms: Vec<Term>,
    pub meta: Vec<(String, String)>,
    pub comments: Vec<Comment>,
}

/// A category or tag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Term {
    pub taxonomy: String,
    pub slug: String,
    pub name: String,
}

/// A comment. Neither the address of who wrote it nor the network address is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comment {
    pub id: String,
    pub author: String,
    pub date: String,
    pub date_gmt: String,
    pub content: String,
    pub approved: String,
    pub kind: String,
    pub parent: String,
}

impl Item {
    pub fn meta(&self, key: &str) -> Option<&str> {
        let found = self.meta.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// What comes next in the file.
#[derive(Debug)]
pub enum Next {
    /// An item, and where it begins in what the reader was given, in bytes.
    Item(Box<Item>, u64),
    End,
    /// The file is no XML from here on.
    Broken(String),
}

/// Reads items from a file that is open at its beginning, or at the beginning of an item.
pub struct Items<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    pub channel: Channel,
    /// Whether there was an element of RSS.
    pub is_rss: bool,
}

impl<R: BufRead> Items<R> {
    pub fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.allow_unmatched_ends = true;
        config.check_end_names = false;
        config.expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), channel: Channel::default(), is_rss: false }
    }

    /// The next item. What stands before it goes into `channel`.
    pub fn next(&mut self) -> Next {
        let mut path: Vec<String> = Vec::new();
        let mut text = String::new();
        let mut item: Option<Box<Item>> = None;
        let mut author = (String::new(), String::new());
        let mut begun = 0;
        loop {
            let position = self.reader.buffer_position();
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Next::Broken(format!("{error} (byte {})", self.reader.error_position())),
            };
            match event {
                Event::Start(start) => {
                    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                    let attribute = |key: &str| {
                        let found = start.attributes().flatten().find(|one| one.key.as_ref() == key.as_bytes());
                        found.map(|one| {
                            let raw = String::from_utf8_lossy(&one.value).into_owned();
                            quick_xml::escape::unescape(&raw).map(|text| text.into_owned()).unwrap_or(raw)
                        })
                    };
                    match (name.as_str(), &mut item) {
                        ("rss", None) => self.is_rss = true,
                        ("item", None) => {
                            begun = position;
                            item = Some(Box::default());
                            path.clear();
                        }
                        ("category", Some(item)) => item.terms.push(Term {
                            taxonomy: attribute("domain").unwrap_or_default(),
                            slug: attribute("nicename").unwrap_or_default(),
                            name: String::new(),
                        }),
                        ("wp:comment", Some(item)) => item.comments.push(Comment::default()),
                        ("wp:postmeta", Some(item)) => item.meta.push(Default::default()),
                        ("wp:author", None) => author = Default::default(),
                        _ => {}
                    }
                    path.push(name);
                    text.clear();
                }
                Event::Text(part) => text.push_str(&String::from_utf8_lossy(&part)),
                Event::CData(part) => text.push_str(&String::from_utf8_lossy(&part)),
                Event::GeneralRef(reference) => {
                    let name = String::from_utf8_lossy(&reference).into_owned();
                    match quick_xml::escape::unescape(&format!("&{name};")) {
                        Ok(letter) => text.push_str(&letter),
                        Err(_) => text.push_str(&format!("&{name};")),
                    }
                }
                Event::End(end) => {
                    let name = String::from_utf8_lossy(end.name().as_ref()).into_owned();
                    // An element that was never closed ends with the one around it.
                    while path.pop().is_some_and(|open| open != name) {}
                    let parent = path.last().map(String::as_str).unwrap_or_default();
                    // A password may be a single space.
                    let is_password = name == "wp:post_password" && !text.contains('\n');
                    let value = if is_password { text.clone() } else { clean(&text) };
                    text.clear();
                    match &mut item {
                        Some(_) if name == "item" => {
                            return match item {
                                Some(item) => Next::Item(item, begun),
                                None => Next::End,
                            };
                        }
                        Some(item) => keep(item, parent, &name, value),
                        None => match (parent, name.as_str()) {
                            ("wp:author", "wp:author_login") => author.0 = value,
                            ("wp:author", "wp:author_display_name") => author.1 = value,
                            (_, "wp:author") => self.channel.authors.push(std::mem::take(&mut author)),
                            ("channel", "wp:base_blog_url") => self.channel.address = value,
                            ("channel", "link") if self.channel.address.is_empty() => self.channel.address = value,
                            ("channel", "language") => self.channel.language = value,
                            _ => {}
                        },
                    }
                }
                Event::Eof if item.is_some() => return Next::Broken("The file ends within an item.".to_owned()),
                Event::Eof => return Next::End,
                _ => {}
            }
        }
    }
}

fn keep(item: &mut Item, parent: &str, name: &str, value: String) {
    if let Some(comment) = item.comments.last_mut().filter(|_| parent == "wp:comment") {
        match name {
            "wp:comment_id" => comment.id = value,
            "wp:comment_author" => comment.author = value,
            "wp:comment_date" => comment.date = value,
            "wp:comment_date_gmt" => comment.date_gmt = value,
            "wp:comment_content" => comment.content = value,
            "wp:comment_approved" => comment.approved = value,
            "wp:comment_type" => comment.kind = value,
            "wp:comment_parent" => comment.parent = value,
            _ => {}
        }
        return;
    }
    if let Some(meta) = item.meta.last_mut().filter(|_| parent == "wp:postmeta") {
        match name {
            "wp:meta_key" => meta.0 = value,
            "wp:meta_value" => meta.1 = value,
            _ => {}
        }
        return;
    }
    // What stands in an item itself, and not in an element of it such as `<wp:commentmeta>`.
    if parent != "item" {
        return;
    }
    let place = match name {
        "title" => &mut item.title,
        "link" => &mut item.link,
        "dc:creator" => &mut item.author,
        "content:encoded" => &mut item.content,
        "excerpt:encoded" => &mut item.excerpt,
        "wp:post_id" => &mut item.id,
        "wp:post_date" => &mut item.date,
        "wp:post_date_gmt" => &mut item.date_gmt,
        "wp:post_name" => &mut item.name,
        "wp:status" => &mut item.status,
        "wp:post_type" => &mut item.kind,
        "wp:post_parent" => &mut item.parent,
        "wp:post_password" => &mut item.password,
        "wp:comment_status" => &mut item.comment_status,
        "wp:is_sticky" => &mut item.is_sticky,
        "wp:attachment_url" => &mut item.attachment,
        "category" => match item.terms.last_mut() {
            Some(term) => &mut term.name,
            None => return,
        },
        _ => return,
    };
    *place = value;
}

/// Without control characters, and with Unix line ends.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_kept = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let text: String = text.chars().filter(is_kept).collect();
    text.trim_matches(['\n', '\t', ' ']).to_owned()
}
