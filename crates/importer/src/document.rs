//! A Markdown file, read as the post that its author meant.
//!
//! What the front matter leaves out is taken from the file's name, its folders and its first heading. What a generator
//! hides is read as a draft, whichever generator it is: who hid a post by Hugo's key in a site of Jekyll meant it too.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{
    addresses::{Facts, old_addresses, without_addresses_elsewhere},
    anchors, attributes,
    directives::{self, Directives},
    extras,
    fields::{authors, kept_tags, language, one_line, summary, web_address, when},
    formats::notes_of,
    front_matter::{Error, split, split_header, take_heading, without_blank_ends},
    generators::Generator,
    hiding::hidden,
    mdx,
    naming::{FileName, as_slug, name_by_template, own_name},
    shortcodes,
    site::Site,
};

/// What a file says. Whatever the API leaves optional and the file does not mention is `None`, and is then left alone
/// in a post that is there already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Its name in addresses.
    pub slug: String,
    /// When readers saw it first, or will: a time to come schedules the post.
    pub date: Option<Timestamp>,
    /// Why it is a draft; `None` if it is public.
    pub hidden: Option<String>,
    /// One line.
    pub summary: Option<String>,
    /// As they were typed.
    pub tags: Option<Vec<String>>,
    /// A language tag, such as `pt-BR`.
    pub language: Option<String>,
    /// Its picture, if that is elsewhere.
    pub cover_image_url: Option<String>,
    /// Where it was published first.
    pub canonical_url: Option<String>,
    /// Whether it takes comments.
    pub comments_open: Option<bool>,
    /// The paths that led to it on the old site.
    pub old_addresses: Vec<String>,
    /// The ends of these paths that are slugs other than its own.
    pub former_slugs: Vec<String>,
    /// Who wrote it, by the names of the old site.
    pub authors: Vec<String>,
    /// Its file, relative to the root of the site.
    pub place: PathBuf,
    /// What its front matter names as its picture, if that is a file of the site.
    pub cover: Option<String>,
    /// The pictures of the site that it shows: each reference in its body or `cover`, with the file.
    pub pictures: BTreeMap<String, PathBuf>,
    /// The shortcodes that stay as text, each with how often it stands there.
    pub shortcodes: BTreeMap<String, usize>,
    /// The keys of its front matter that have no place in a post.
    pub dropped: Vec<String>,
    /// What its author should know, in sentences.
    pub notes: Vec<String>,
}

/// The keys that are read, below; every other one is reported as dropped.
const READ: [&str; 69] = [
    "unpublishdate",
    "author",
    "authors",
    "title",
    "slug",
    "permalink",
    "path",
    "url",
    "aliases",
    "redirect_from",
    "date",
    "pubdate",
    "published",
    "datepublished",
    "date_published",
    "published_at",
    "publishdate",
    "publish_date",
    "created",
    "created_at",
    "dateadded",
    "date_added",
    "expirydate",
    "expiry_date",
    "draft",
    "isdraft",
    "is_draft",
    "status",
    "visibility",
    "unlisted",
    "hidden",
    "private",
    "headless",
    "build",
    "_build",
    "render",
    "password",
    "eleventyexcludefromcollections",
    "tags",
    "category",
    "categories",
    "taxonomies",
    "summary",
    "description",
    "excerpt",
    "language",
    "lang",
    "locale",
    "cover_image",
    "cover",
    "image",
    "featured_image",
    "featureimage",
    "featuredimage",
    "coverimage",
    "heroimage",
    "hero_image",
    "thumbnail",
    "banner",
    "images",
    "canonical",
    "canonical_url",
    "canonicalurl",
    "canonicallink",
    "cascade",
    "eleventycomputed",
    "exclude_from_search",
    "wip",
    "in_search_index",
];
const COVERS: [&str; 12] = [
    "cover_image",
    "cover",
    "image",
    "featured_image",
    "featureimage",
    "featuredimage",
    "coverimage",
    "heroimage",
    "hero_image",
    "thumbnail",
    "banner",
    "images",
];

impl Document {
    /// Reads the file at `path`, a path relative to the root of `site`, whose content is `bytes`.
    pub fn parse(path: &Path, bytes: &[u8], site: &Site, now: Timestamp) -> Result<Self, Error> {
        let text = str::from_utf8(bytes).map_err(|error| Error::NotUtf8 { position: error.valid_up_to() + 1 })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
        let (mut keys, mut body) = split(&text)?;
        let is_header = |text: &str| text.lines().next().is_some_and(|line| line.to_lowercase().starts_with("title:"));
        if keys.0.is_empty() && (site.generator == Generator::Pelican || is_header(&text)) {
            (keys, body) = split_header(&text);
        }
        let mut dropped: Vec<_> =
            keys.1.iter().filter(|key| !READ.contains(&key.to_lowercase().as_str())).cloned().collect();
        dropped.extend(without_addresses_elsewhere(&mut keys, site));
        for (key, value) in site.defaults_of(path) {
            keys.0.entry(key).or_insert(value);
        }
        let name = FileName::parse(path);
        let mut notes = Vec::new();
        let without_comments =
            site.generator.rules().has_nunjucks(site).then(|| shortcodes::without_nunjucks_comments(body));
        if let Some(text) = &without_comments {
            body = text;
        }
        let with_fences = shortcodes::with_fences(body);
        body = &with_fences;
        let is_mdx = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mdx"));
        let translated = is_mdx.then(|| mdx::to_markdown(body));
        if let Some(mdx::Read { text, lost, .. }) = &translated {
            body = text;
            notes.extend(notes_of(lost));
        }
        let is_read = site.directives != Directives::None;
        let translated = is_read.then(|| directives::translate(body, site.directives));
        if let Some((text, lost)) = &translated {
            body = text;
            notes.extend(notes_of(lost));
        }

        let lists = if is_mdx { attributes::Lists::Nowhere } else { site.generator.rules().attribute_lists(site) };
        let (translated, left_out) = attributes::translate(body, lists);
        let translated = extras::translate(&translated, site.generator.rules().extras(site));
        body = &translated;
        if left_out > 0 {
            notes.push(format!("{left_out} × a list of attributes such as {{: .class}}, which is left out"));
        }

        let (title, body) = match keys.text("title")? {
            Some(title) => (one_line(&title), body.to_owned()),
            None => match take_heading(body) {
                Some((heading, body)) => (one_line(&anchors::without_marks(&heading)), body),
                None => (name.in_words(), body.to_owned()),
            },
        };
        let (date, expired) = when(&keys, path, &name, site, now, &mut notes)?;
        let hidden = match hidden(&keys, path, site)? {
            None if expired => Some("its date of expiry has passed".to_owned()),
            None => site.generator.rules().unpublished(site, &keys, &name),
            hidden => hidden,
        };
        let language = language(&keys, &name, &mut notes)?;
        let mut tags = keys.tags()?;
        let categories = site.generator.rules().categories(site, path, &keys);
        if !categories.is_empty() {
            tags.get_or_insert_default().extend(categories);
        }
        let facts = Facts { site, path, keys: &keys, name: &name, title: &title, date };
        let old_addresses = old_addresses(&facts);
        // What an author calls it counts or is refused; for the name of a file, a title may stand in.
        let (slug_source, otherwise) = match own_name(&keys)? {
            Some(name) => (name, None),
            None => (name_by_template(&facts).unwrap_or_else(|| name.words.clone()), as_slug(&title)),
        };
        let slug = as_slug(&slug_source).or(otherwise).ok_or(Error::NoSlug { text: slug_source })?;
        let (cover_image_url, cover) = web_address(&keys, &COVERS);
        Ok(Self {
            title,
            body: without_blank_ends(&body),
            slug,
            date,
            hidden,
            summary: summary(&keys, &mut notes)?,
            tags: tags.map(|tags| kept_tags(tags, &mut notes)),
            language,
            cover_image_url,
            cover,
            canonical_url: web_address(&keys, &["canonical", "canonical_url", "canonicalurl", "canonicallink"]).0,
            authors: authors(&keys),
            place: path.to_owned(),
            old_addresses,
            dropped,
            notes,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests;
