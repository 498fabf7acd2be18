//! A feed, before it is written in one of the three formats.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::{Post, Timestamp};
use edge::{Problem, Site, TextFormat};
use table::FeedIdentity;
use url::Url;

use crate::shared::{html, xml};

/// The maximum number of entries.
pub const MAX_ENTRIES: usize = 20;

/// The maximum size of the texts of a feed, as they are sent. A Lambda function may answer 6 MB, of JSON, in which the feed is a text.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// The maximum number of characters of a title that is made of a text.
const MAX_TITLE_CHARACTERS: usize = 80;

/// A format of feeds.
pub trait FeedFormat: TextFormat {
    /// The name of its files.
    const FILE: &'static str;

    /// Writes a feed.
    fn write(feed: &Feed) -> Result<String, Problem>;
}

/// A feed.
pub struct Feed {
    /// What it is known by, whatever its address is.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The language of what does not say its own.
    pub language: String,
    /// The page that shows the same.
    pub page: String,
    /// Its address without the name of the file.
    pub folder: String,
    /// The hub that is told when it changes.
    pub hub: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its entries, the newest first.
    pub entries: Vec<Entry>,
}

impl Feed {
    /// The address of the feed in this format.
    pub fn address<F: FeedFormat>(&self) -> String {
        format!("{}/{}", self.folder, F::FILE)
    }
}

/// An entry of a feed: a post.
pub struct Entry {
    /// What it is known by, whatever its slug is.
    pub id: String,
    /// Its page.
    pub page: String,
    /// The title; a note has none.
    pub title: Option<String>,
    /// The summary, or the beginning of the text.
    pub summary: Option<String>,
    /// The text. None if the feed would be too large with it.
    pub html: Option<String>,
    /// Its language, if it says so.
    pub language: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// The tags.
    pub tags: Vec<String>,
    /// The address of the cover image.
    pub cover: Option<String>,
    /// Where it was first published, if that was elsewhere.
    pub original: Option<String>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was last changed, in a way that no two entries of the feed share.
    pub updated: String,
}

/// The author of an entry.
pub struct Author {
    /// What the author is called.
    pub name: String,
    /// The name in addresses.
    pub username: String,
    /// The author's page.
    pub page: String,
    /// A picture.
    pub avatar: Option<String>,
}

/// The posts as entries.
pub fn entries(posts: Vec<(Post, String)>, site: &Site, identity: &FeedIdentity) -> Vec<Entry> {
    let mut times: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for (post, _) in &posts {
        *times.entry(post.updated_at).or_default() += 1;
    }
    let mut bytes = 0;
    let entry = |(post, html): (Post, String)| {
        let page = site.post(&post.slug);
        let html = match Url::parse(&page) {
            Ok(page) => html::absolute(&html, &page),
            Err(_) => html,
        };
        bytes += sent_bytes(&html);
        Entry {
            id: id(identity, &format!("posts/{}", post.id)),
            title: post.details.title.as_ref().map(|title| title.as_str().to_owned()),
            summary: post.summary_or_excerpt().map(str::to_owned),
            html: (bytes <= MAX_TEXT_BYTES).then_some(html),
            language: post.details.language.as_ref().map(|language| language.as_str().to_owned()),
            author: Author {
                name: post.author.display_name.clone(),
                username: post.author.username.to_string(),
                page: site.user(&post.author.username),
                avatar: post.author.avatar_url.as_deref().map(address),
            },
            tags: post.details.tags.iter().map(ToString::to_string).collect(),
            cover: post.details.cover_image_url.as_ref().map(|url| address(url.as_str())),
            original: post.details.canonical_url.as_ref().map(|url| address(url.as_str())),
            published_at: post.published_at.unwrap_or(post.created_at),
            updated_at: post.updated_at,
            updated: match times.get(&post.updated_at) {
                Some(1) | None => post.updated_at.to_string(),
                Some(_) => distinct(post.updated_at, &post.id.to_string()),
            },
            page,
        }
    };
    posts.into_iter().map(entry).collect()
}

/// The id of something of the blog: a `tag:` URI (RFC 4151).
pub fn id(identity: &FeedIdentity, of: &str) -> String {
    let since: String = identity.since.to_string().chars().take(10).collect();
    format!("tag:{},{since}:{of}", identity.authority)
}

/// A time that differs from that of other posts within the millisecond that is known: no two entries of a feed should have been updated
/// at the same time. It is always the same for a post.
fn distinct(time: Timestamp, post: &str) -> String {
    const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let last = post.chars().rev().take(2).filter_map(|c| DIGITS.find(c));
    let number = last.enumerate().map(|(place, digit)| digit << (5 * place)).sum::<usize>() % 1000;
    format!("{}{number:03}Z", time.to_string().trim_end_matches('Z'))
}

/// How many bytes an HTML text is at most, in whatever format, in what a function answers.
fn sent_bytes(html: &str) -> usize {
    html.bytes().map(|byte| usize::from(SENT_BYTES[usize::from(byte)])).sum()
}

/// The same of each byte.
const SENT_BYTES: [u8; 256] = {
    let mut sent = [1; 256];
    let mut byte = 0;
    while byte < 256 {
        sent[byte] = match byte as u8 {
            b'<' | b'>' | b'&' => 5,
            b'"' | b'\\' => 4,
            b'\n' | b'\r' | b'\t' => 5,
            0..=0x1f => 7,
            _ => 1,
        };
        byte += 1;
    }
    sent
};

/// An address in the characters of a URI (RFC 3986): the URL standard leaves some as they are.
fn address(url: &str) -> String {
    let is_ipv6 = url.contains("://[");
    let mut address = String::with_capacity(url.len());
    for byte in url.bytes() {
        let is_kept = byte.is_ascii_alphanumeric()
            || b"-._~:/?#@!$&'()*+,;=%".contains(&byte)
            || is_ipv6 && matches!(byte, b'[' | b']');
        match is_kept {
            true => address.push(char::from(byte)),
            false => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

impl Entry {
    /// The title, or what stands for it in a format where each entry has one: how the text begins, or whose it is and from when.
    pub fn any_title(&self) -> Cow<'_, str> {
        if let Some(title) = self.title.as_deref().and_then(xml::line) {
            return title;
        }
        let Some(summary) = self.summary.as_deref().and_then(xml::line) else {
            let day: String = self.published_at.to_string().chars().take(10).collect();
            return Cow::Owned(format!("{}, {day}", self.author.any_name()));
        };
        let cut: String = summary.chars().take(MAX_TITLE_CHARACTERS).collect();
        match cut.len() == summary.len() {
            true => summary,
            false => Cow::Owned(format!("{}…", cut.trim_end())),
        }
    }

    /// The language as a feed in XML may say it: validators know languages of two letters by a list, and longer ones than three are
    /// none. What they do not know is undetermined.
    pub fn known_language(&self) -> Option<&str> {
        self.language.as_deref().map(known_language)
    }
}

/// A language tag whose language is known.
pub fn known_language(language: &str) -> &str {
    let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let is_known = match primary.len() {
        2 => LANGUAGES.split(' ').any(|known| known == primary),
        length => length == 3,
    };
    if is_known { language } else { "und" }
}

/// The codes of ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo \
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn \
    ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl \
    ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve \
    vi vo wa wo xh yi yo za zh zu";

impl Author {
    /// What the author is called, or the username if nothing of that can be shown.
    pub fn any_name(&self) -> Cow<'_, str> {
        xml::line(&self.name).unwrap_or(Cow::Borrowed(&self.username))
    }

    /// The same, where a name that could be taken for HTML cannot be written.
    pub fn plain_name(&self) -> Cow<'_, str> {
        let name = self.any_name();
        if name.contains('<') { Cow::Borrowed(&self.username) } else { name }
    }
}

impl Feed {
    /// The language as a feed in XML may say it.
    pub fn known_language(&self) -> &str {
        known_language(&self.language)
    }
}

/// The media type of an image, as the end of its address tells it.
pub fn image_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let types = [
        (".avif", "image/avif"),
        (".gif", "image/gif"),
        (".jpeg", "image/jpeg"),
        (".jpg", "image/jpeg"),
        (".png", "image/png"),
        (".svg", "image/svg+xml"),
        (".webp", "image/webp"),
    ];
    types.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, media_type)| media_type)
}
