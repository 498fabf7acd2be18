//! Atom (RFC 4287).

use std::io;

use edge::{Problem, TextFormat};

use crate::shared::feed::{Entry, Feed, FeedFormat, image_type};
use crate::shared::html;
use crate::shared::xml::{self, Xml};

/// Atom.
pub struct Atom;

impl TextFormat for Atom {
    const MEDIA_TYPE: &'static str = "application/atom+xml; charset=utf-8";
}

impl FeedFormat for Atom {
    const FILE: &'static str = "feed.xml";

    fn write(feed: &Feed) -> Result<String, Problem> {
        document(feed).map_err(Problem::internal)?.finish()
    }
}

fn document(feed: &Feed) -> io::Result<Xml> {
    let mut xml = Xml::new()?;
    xml.open("feed", &[("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", feed.known_language())])?;
    xml.text("id", &[], &feed.id)?;
    text(&mut xml, "title", &feed.title)?;
    if let Some(description) = xml::line(&feed.description) {
        text(&mut xml, "subtitle", &description)?;
    }
    xml.text("updated", &[], &feed.updated_at.to_string())?;
    xml.text("generator", &[], "Broadsheet")?;
    let own = feed.address::<Atom>();
    xml.empty("link", &[("rel", "self"), ("type", "application/atom+xml"), ("href", &own)])?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &feed.page)])?;
    if let Some(hub) = &feed.hub {
        xml.empty("link", &[("rel", "hub"), ("href", hub)])?;
    }
    for entry in &feed.entries {
        write_entry(&mut xml, entry)?;
    }
    xml.close("feed")?;
    Ok(xml)
}

fn write_entry(xml: &mut Xml, entry: &Entry) -> io::Result<()> {
    match entry.known_language() {
        Some(language) => xml.open("entry", &[("xml:lang", language)])?,
        None => xml.open("entry", &[])?,
    }
    xml.text("id", &[], &entry.id)?;
    text(xml, "title", &entry.any_title())?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &entry.page)])?;
    if let Some(original) = &entry.original {
        xml.empty("link", &[("rel", "via"), ("href", original)])?;
    }
    if let Some(cover) = &entry.cover {
        match image_type(cover) {
            Some(media_type) => {
                xml.empty("link", &[("rel", "enclosure"), ("type", media_type), ("href", cover)])?;
            }
            None => xml.empty("link", &[("rel", "enclosure"), ("href", cover)])?,
        }
    }
    xml.text("published", &[], &entry.published_at.to_string())?;
    xml.text("updated", &[], &entry.updated)?;
    xml.open("author", &[])?;
    xml.text("name", &[], &entry.author.plain_name())?;
    xml.text("uri", &[], &entry.author.page)?;
    xml.close("author")?;
    for tag in &entry.tags {
        xml.empty("category", &[("term", tag)])?;
    }
    if let Some(summary) = entry.summary.as_deref().and_then(xml::line) {
        text(xml, "summary", &summary)?;
    }
    if let Some(html) = &entry.html {
        xml.html("content", &[("type", "html")], html)?;
    }
    xml.close("entry")
}

/// Plain text. What could be taken for HTML is written as HTML, so that nobody has to guess.
fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    match html::is_like_html(text) {
        true => xml.text(name, &[("type", "html")], &html::of_text(text)),
        false => xml.text(name, &[], text),
    }
}
