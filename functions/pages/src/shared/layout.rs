//! What all pages have around what they show: `templates/base.html`.

use domain::Timestamp;
use edge::{Config, Site};

use crate::shared::style;

/// What `templates/base.html` shows.
pub struct Layout {
    /// What the site is called: the parameter `SiteTitle`.
    pub site_title: String,
    /// What it is about: `SiteDescription`.
    pub site_description: Option<String>,
    /// The address of its picture: `SiteLogo`.
    pub logo: Option<String>,
    /// What pages end with: `SiteFooter`.
    pub footer: Option<String>,
    /// The address of the site, without a slash at its end.
    pub url: String,
    /// The language of what the page shows.
    pub language: String,
    /// What the page is called, without the site.
    pub name: String,
    /// What the window is called.
    pub title: String,
    /// What the page is about.
    pub description: Option<String>,
    /// Its one address, or that of what it is a copy of.
    pub canonical: Option<String>,
    /// What Open Graph (<https://ogp.me>) calls what it is: `website`, `article` or `profile`.
    pub kind: &'static str,
    /// A picture for links to it.
    pub image: Option<String>,
    /// Whether search engines may list it.
    pub is_indexed: bool,
    /// The path of the folder that its feeds are in.
    pub feeds: String,
    /// What these feeds are called.
    pub feeds_of: String,
    /// The page before, of a list.
    pub previous: Option<String>,
    /// The page after, of a list.
    pub next: Option<String>,
    /// Of a post.
    pub article: Option<Article>,
    /// What it is about, as JSON-LD for search engines; safe in a `script` element.
    pub json_ld: Option<String>,
    /// The address of the stylesheet.
    pub stylesheet: String,
    /// The colour of the icon, without `#`.
    pub icon_colour: String,
    /// What is in the field of the search.
    pub query: String,
    /// Whether the page is of the search itself, which has the field in its midst.
    pub is_search: bool,
}

/// What Open Graph says of a post.
pub struct Article {
    /// When it was published.
    pub published_at: String,
    /// When it was last changed.
    pub modified_at: String,
    /// The address of its author's page.
    pub author: String,
    /// The tags.
    pub tags: Vec<String>,
}

impl Layout {
    /// The layout of a page called `name`, as settings have it.
    pub fn new(config: &Config, site: &Site, name: &str) -> Self {
        let site_title = config.site_title.as_str().to_owned();
        Self {
            title: if name == site_title { site_title.clone() } else { format!("{name} – {site_title}") },
            name: name.to_owned(),
            site_description: config.site_description.as_ref().map(|text| text.as_str().to_owned()),
            logo: config.site_logo.as_ref().map(|url| url.as_str().to_owned()),
            footer: config.site_footer.as_ref().map(|text| text.as_str().to_owned()),
            url: site.url().to_owned(),
            language: config.site_language.as_str().to_owned(),
            description: None,
            canonical: None,
            kind: "website",
            image: config.site_logo.as_ref().map(|url| url.as_str().to_owned()),
            is_indexed: true,
            feeds: String::new(),
            feeds_of: site_title.clone(),
            previous: None,
            next: None,
            article: None,
            json_ld: None,
            stylesheet: style::address(config),
            icon_colour: config.site_accent.to_string().trim_start_matches('#').to_owned(),
            query: String::new(),
            is_search: false,
            site_title,
        }
    }
}

impl Layout {
    /// The language as Open Graph writes it, with `_`.
    pub fn locale(&self) -> String {
        self.language.replace('-', "_")
    }
}

/// A time, for people and for programs.
pub struct Date {
    /// As `datetime` has it.
    pub iso: String,
    /// As people read it.
    pub words: String,
}

impl From<Timestamp> for Date {
    fn from(time: Timestamp) -> Self {
        Self { iso: time.to_string(), words: time.date_in_words() }
    }
}
