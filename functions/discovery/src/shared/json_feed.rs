//! JSON Feed 1.1 (<https://www.jsonfeed.org/version/1.1/>).

use edge::{Problem, TextFormat};
use serde::Serialize;

use crate::shared::feed::{self, Entry, Feed, FeedFormat};

/// JSON Feed.
pub struct JsonFeed;

impl TextFormat for JsonFeed {
    const MEDIA_TYPE: &'static str = "application/feed+json";
}

impl FeedFormat for JsonFeed {
    const FILE: &'static str = "feed.json";

    fn write(feed: &Feed) -> Result<String, Problem> {
        serde_json::to_string(&Document::from(feed)).map_err(Problem::internal)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    language: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Hub<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    date_modified: String,
    authors: [Author<'a>; 1],
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
}

impl<'a> From<&'a Feed> for Document<'a> {
    fn from(feed: &'a Feed) -> Self {
        Self {
            version: "https://jsonfeed.org/version/1.1",
            title: &feed.title,
            home_page_url: &feed.page,
            feed_url: feed.address::<JsonFeed>(),
            description: &feed.description,
            language: &feed.language,
            hubs: feed.hub.iter().map(|url| Hub { kind: "WebSub", url }).collect(),
            items: feed.entries.iter().map(Item::from).collect(),
        }
    }
}

impl<'a> From<&'a Entry> for Item<'a> {
    fn from(entry: &'a Entry) -> Self {
        let summary = entry.summary.as_deref();
        Self {
            id: &entry.id,
            url: &entry.page,
            title: entry.title.as_deref(),
            content_html: entry.html.as_deref(),
            // One of the two there has to be.
            content_text: entry.html.is_none().then(|| summary.unwrap_or_default()),
            summary,
            image: entry.cover.as_deref(),
            date_published: entry.published_at.to_string(),
            date_modified: entry.updated_at.to_string(),
            authors: [Author::from(&entry.author)],
            tags: &entry.tags,
            language: entry.language.as_deref(),
        }
    }
}

impl<'a> From<&'a feed::Author> for Author<'a> {
    fn from(author: &'a feed::Author) -> Self {
        Self { name: &author.name, url: &author.page, avatar: author.avatar.as_deref() }
    }
}
