//! Where the pages of the site and its feeds are.

use domain::{Slug, Tag, Username, WebUrl};
use url::Url;

use crate::Config;

/// The files of a feed, one for each format.
pub const FEED_FILES: [&str; 3] = ["feed.xml", "feed.json", "rss.xml"];

/// The addresses that feeds and the sitemap lead to. No path is escaped: slugs, usernames and tags need none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    url: String,
    feeds: String,
}

impl Site {
    /// The site of this stack. What no setting says follows from the address that the API was asked at
    /// ([`Call::base_url`](crate::Call::base_url)): the pages are at the root of its host.
    pub fn new(config: &Config, base_url: &str) -> Self {
        // The URL standard takes the path for the host if there is none.
        let has_host = base_url.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.starts_with('/'));
        let root = Url::parse(base_url).ok().filter(|_| has_host);
        let root = || root.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        Self {
            url: config.site_url.as_ref().map_or_else(root, without_slash),
            feeds: match &config.feed_url {
                Some(url) => without_slash(url),
                // The CDN has them on the site.
                None if config.origin_secret.is_some() => config.site_url.as_ref().map_or_else(root, without_slash),
                None => base_url.to_owned(),
            },
        }
    }

    /// The address of the site, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The page with the newest posts.
    pub fn home(&self) -> String {
        format!("{}/", self.url)
    }

    /// The page of a post.
    pub fn post(&self, slug: &Slug) -> String {
        format!("{}/posts/{slug}", self.url)
    }

    /// The page of a user.
    pub fn user(&self, username: &Username) -> String {
        format!("{}/users/{username}", self.url)
    }

    /// The page at this path, which begins with a slash.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The page of a tag.
    pub fn tag(&self, tag: &Tag) -> String {
        format!("{}/tags/{tag}", self.url)
    }

    /// The address of a feed or a sitemap, `path` of the API.
    pub fn feed(&self, path: &str) -> String {
        format!("{}{path}", self.feeds)
    }
}

/// What the addresses of pictures' files begin with, before `/media/`. With a CDN that is nothing: they are on the site, wherever it is.
/// Without one, the API leads to them.
pub fn media_root(config: &Config, base_url: &str) -> String {
    if config.origin_secret.is_some() { String::new() } else { base_url.to_owned() }
}

fn without_slash(url: &WebUrl) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
