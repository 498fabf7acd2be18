//! RSS 2.0, as the RSS Advisory Board's profile advises (<https://www.rssboard.org/rss-profile>).

use std::borrow::Cow;
use std::io;

use edge::{Problem, TextFormat};

use crate::shared::feed::{Entry, Feed, FeedFormat, image_type};
use crate::shared::html;
use crate::shared::xml::{self, Xml};

/// RSS.
pub struct Rss;

impl TextFormat for Rss {
    const MEDIA_TYPE: &'static str = "application/rss+xml; charset=utf-8";
}

impl FeedFormat for Rss {
    const FILE: &'static str = "rss.xml";

    fn write(feed: &Feed) -> Result<String, Problem> {
        document(feed).map_err(Problem::internal)?.finish()
    }
}

/// What RSS itself has no element for.
const NAMESPACES: [(&str, &str); 6] = [
    ("version", "2.0"),
    ("xmlns:atom", "http://www.w3.org/2005/Atom"),
    ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
    ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
    ("xmlns:dcterms", "http://purl.org/dc/terms/"),
    ("xmlns:media", "http://search.yahoo.com/mrss/"),
];

fn document(feed: &Feed) -> io::Result<Xml> {
    let mut xml = Xml::new()?;
    xml.open("rss", &NAMESPACES)?;
    xml.open("channel", &[])?;
    xml.text("title", &[], &plain(&feed.title))?;
    xml.text("link", &[], &feed.page)?;
    xml.text("description", &[], &plain(&xml::line(&feed.description).unwrap_or(Cow::Borrowed(&feed.title))))?;
    xml.text("language", &[], feed.known_language())?;
    xml.text("lastBuildDate", &[], &feed.updated_at.http_date())?;
    xml.text("generator", &[], "Broadsheet")?;
    let own = feed.address::<Rss>();
    xml.empty("atom:link", &[("rel", "self"), ("type", "application/rss+xml"), ("href", &own)])?;
    if let Some(hub) = &feed.hub {
        xml.empty("atom:link", &[("rel", "hub"), ("href", hub)])?;
    }
    for entry in &feed.entries {
        write_item(&mut xml, entry)?;
    }
    xml.close("channel")?;
    xml.close("rss")?;
    Ok(xml)
}

fn write_item(xml: &mut Xml, entry: &Entry) -> io::Result<()> {
    xml.open("item", &[])?;
    // Only here an entry need not have one.
    if let Some(title) = entry.title.as_deref().and_then(xml::line) {
        xml.text("title", &[], &plain(&title))?;
    }
    xml.text("link", &[], &entry.page)?;
    xml.text("guid", &[("isPermaLink", "false")], &entry.id)?;
    xml.text("pubDate", &[], &entry.published_at.http_date())?;
    xml.text("dcterms:modified", &[], &entry.updated)?;
    // RSS's own author is an e-mail address.
    xml.text("dc:creator", &[], &entry.author.any_name())?;
    if let Some(language) = entry.known_language() {
        xml.text("dc:language", &[], language)?;
    }
    for tag in &entry.tags {
        xml.text("category", &[], tag)?;
    }
    let summary = entry.summary.as_deref().and_then(xml::line).map(|summary| html::of_text(&summary));
    match (summary, &entry.html) {
        (Some(summary), Some(text)) => {
            xml.html("description", &[], &summary)?;
            xml.html("content:encoded", &[], text)?;
        }
        (None, Some(text)) => xml.html("description", &[], text)?,
        (summary, None) => {
            xml.html("description", &[], &summary.unwrap_or_else(|| html::of_text(&entry.any_title())))?;
        }
    }
    if let Some(cover) = &entry.cover {
        match image_type(cover) {
            // Its size is not known, which is written as 0.
            Some(media_type) => xml.empty("enclosure", &[("url", cover), ("length", "0"), ("type", media_type)])?,
            None => xml.empty("media:content", &[("url", cover), ("medium", "image")])?,
        }
    }
    xml.close("item")
}

/// Plain text. Readers disagree whether a title is HTML, so one that could be taken for it is.
fn plain(text: &str) -> Cow<'_, str> {
    if html::is_like_html(text) { Cow::Owned(html::of_text(text)) } else { Cow::Borrowed(text) }
}
