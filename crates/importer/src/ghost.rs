//! An export of Ghost, of its versions 2 to 6: tables of its database as JSON.
//!
//! The text of a post is in one of four forms, of which the newest that is there counts: Lexical, mobiledoc, HTML, plain text.

mod cards;
mod lexical;
mod mobiledoc;

use cards::NOT_FOR_EVERYBODY;
pub use cards::quoted;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use domain::{Language, WebUrl};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    dates,
    document::Document,
    fields::{cut_summary, kept_tags},
    formats::{Texts, UNDATED, counted, left, notes_of, part_paths, plan_of_file, title},
    generators::Generator,
    guard::guarded,
    html_to_markdown::plain_text,
    naming::as_slug,
    plan::{Item, Plan, Planned},
    report::number_of,
};

/// What Ghost writes in place of the address of the site.
pub const SITE: &str = "__GHOST_URL__";

/// The tables that are not imported and that people miss, with what they have.
const LEFT: [(&str, &str); 8] = [
    ("members", "members"),
    ("newsletters", "newsletters"),
    ("products", "tiers and products"),
    ("offers", "offers"),
    ("settings", "settings"),
    ("snippets", "snippets"),
    ("comments", "comments"),
    ("integrations", "integrations"),
];

/// Reads the export. `None` if the file is JSON of another kind. `site` is the address of the old site.
pub fn plan(path: &Path, site: Option<&str>, now: Timestamp) -> io::Result<Option<Plan>> {
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let file: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    drop(bytes);
    // `{"db": [{"meta", "data"}]}`, as Ghost writes it, and `{"meta", "data"}` and `{"data"}`, which it reads as well.
    let database = file.pointer("/db/0").unwrap_or(&file);
    let Some(tables) = database.get("data").and_then(Value::as_object) else { return Ok(None) };
    if !tables.contains_key("posts") {
        return Ok(None);
    }
    Ok(Some(Export::of(tables, site, now).plan(path, tables)))
}

fn rows<'a>(tables: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    tables.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// A number or a text, as ids are, as text.
fn word(row: &Map<String, Value>, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_set(row: &Map<String, Value>, key: &str) -> bool {
    match row.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => !matches!(text.as_str(), "" | "0" | "false"),
        _ => false,
    }
}

/// A time as text, or in milliseconds since 1970, as old exports have it.
fn instant(row: &Map<String, Value>, key: &str) -> Option<Timestamp> {
    match row.get(key)? {
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        Value::String(text) => dates::parse(text, &TimeZone::UTC),
        _ => None,
    }
}

struct Export<'a> {
    tags: HashMap<String, &'a Map<String, Value>>,
    users: HashMap<String, String>,
    tags_of: HashMap<String, Vec<String>>,
    authors_of: HashMap<String, Vec<String>>,
    meta_of: HashMap<String, &'a Map<String, Value>>,
    site: Option<String>,
    language: Option<String>,
    now: Timestamp,
}

impl<'a> Export<'a> {
    fn of(tables: &'a Map<String, Value>, site: Option<&str>, now: Timestamp) -> Self {
        let by_id = |name: &str| rows(tables, name).filter_map(|row| Some((word(row, "id")?, row))).collect();
        let users: HashMap<String, &Map<String, Value>> = by_id("users");
        let ordered = |name: &str, key: &str| {
            let mut links: Vec<_> = rows(tables, name)
                .filter_map(|row| {
                    let order = row.get("sort_order").and_then(Value::as_i64).unwrap_or(0);
                    Some((word(row, "post_id")?, order, word(row, key)?))
                })
                .collect();
            links.sort_by_key(|(_, order, _)| *order);
            let mut found: HashMap<String, Vec<String>> = HashMap::new();
            for (post, _, other) in links {
                found.entry(post).or_default().push(other);
            }
            found
        };
        let setting = |wanted: &[&str]| {
            let row = rows(tables, "settings").find(|row| word(row, "key").is_some_and(|key| wanted.contains(&&*key)));
            row.and_then(|row| word(row, "value"))
        };
        let language = setting(&["locale", "lang", "default_locale"]);
        Self {
            tags: by_id("tags"),
            users: users.into_iter().filter_map(|(id, row)| Some((id, word(row, "name")?))).collect(),
            tags_of: ordered("posts_tags", "tag_id"),
            authors_of: ordered("posts_authors", "author_id"),
            meta_of: rows(tables, "posts_meta").filter_map(|row| Some((word(row, "post_id")?, row))).collect(),
            site: site.map(|site| site.trim_end_matches('/').to_owned()),
            language: language.and_then(|text| Language::try_from(text.replace('_', "-")).ok()).map(String::from),
            now,
        }
    }

    fn plan(&self, path: &Path, tables: &Map<String, Value>) -> Plan {
        let posts: Vec<_> = rows(tables, "posts").collect();
        let pages = Self::pages(&posts);
        let mut authors: BTreeMap<String, usize> = BTreeMap::new();
        let mut needs_site = 0;
        let mut items = Vec::new();
        for post in &posts {
            let kind =
                word(post, "type").unwrap_or_else(|| if is_set(post, "page") { "page" } else { "post" }.to_owned());
            let id = word(post, "id")
                .or_else(|| word(post, "uuid"))
                .unwrap_or_else(|| word(post, "slug").unwrap_or_default());
            let place = PathBuf::from(format!("ghost/{kind}s/{id}"));
            if !matches!(kind.as_str(), "post" | "page") {
                items.push(left(place, format!("of the type {kind}, which has no place here")));
                continue;
            }
            let read = guarded(|| self.document(post, &id, &kind, &pages)).and_then(|found| found);
            let (document, has_site) = match read {
                Ok(found) => found,
                Err(reason) => {
                    items.push(Item { path: place, what: Planned::Failed(reason) });
                    continue;
                }
            };
            needs_site += usize::from(has_site);
            for author in self.authors(post, &id) {
                *authors.entry(author).or_default() += 1;
            }
            items.push(Item { path: place, what: Planned::Post(Box::new(document)) });
        }
        let mut notes = Vec::new();
        if !authors.is_empty() {
            notes.push(format!("All posts become posts of one user. Their authors were: {}.", counted(&authors)));
        }
        if needs_site > 0 && self.site.is_none() {
            notes.push(format!(
                "Pictures or links in {} are of the old site, whose address the export leaves out. Name it with --site.",
                number_of(needs_site, "post")
            ));
        }
        for (table, what) in LEFT {
            let count = rows(tables, table).count();
            if count > 0 {
                notes.push(format!("Left out: {what} ({count})."));
                items.push(left(
                    PathBuf::from(format!("ghost/{table}")),
                    format!("{what} ({count}), which are not imported"),
                ));
            }
        }
        for tag in self.tags.values() {
            if word(tag, "visibility").as_deref() == Some("internal") {
                notes.push(format!("The internal tag {} is left out.", word(tag, "name").unwrap_or_default()));
            }
        }
        notes.sort();
        part_paths(&mut items);
        plan_of_file(Generator::Ghost, path, items, notes, Texts::Planned)
    }

    /// The old addresses of posts. Links keep them until each post has a slug of its own ([`Plan::of`]).
    fn pages(posts: &[&Map<String, Value>]) -> HashSet<String> {
        posts.iter().filter_map(|post| Some(format!("/{}/", word(post, "slug")?))).collect()
    }

    fn authors(&self, post: &Map<String, Value>, id: &str) -> Vec<String> {
        let ids = self.authors_of.get(id).cloned();
        let ids = ids.unwrap_or_else(|| word(post, "author_id").into_iter().collect());
        ids.iter().filter_map(|id| self.users.get(id).cloned()).collect()
    }

    /// An address as it is outside of the export, if it can be told.
    fn address(&self, address: &str, pages: &HashSet<String>) -> Option<String> {
        let own = address.strip_prefix(SITE).or_else(|| self.site.as_ref().and_then(|site| address.strip_prefix(site)));
        let path = match own {
            Some(path) => path,
            None if address.starts_with('/') && !address.starts_with("//") => address,
            None => return None,
        };
        let (page, fragment) =
            path.split_once('#').map_or((path, String::new()), |(page, rest)| (page, format!("#{rest}")));
        if let Some(page) = pages.get(&format!("{}/", page.trim_end_matches('/'))) {
            return Some(format!("{page}{fragment}"));
        }
        Some(format!("{}{path}", self.site.as_ref()?))
    }

    fn document(
        &self,
        post: &Map<String, Value>,
        id: &str,
        kind: &str,
        pages: &HashSet<String>,
    ) -> Result<(Document, bool), String> {
        let mut notes = Vec::new();
        let address = |old: &str| self.address(old, pages);
        let (mut body, lost) = self.text(post, &address)?;
        let is_whole = !lost.keys().any(|what| what.ends_with(NOT_FOR_EVERYBODY));
        notes.extend(notes_of(&lost));
        let none = Map::new();
        let meta = self.meta_of.get(id).copied().unwrap_or(&none);
        let title = title(
            &word(post, "title").filter(|title| title != "(Untitled)").unwrap_or_default(),
            &plain_text(&body),
            &format!("Post {id}"),
            &mut notes,
        );
        let slug = [word(post, "slug"), Some(title.clone()), Some(format!("post-{id}"))];
        let slug = slug
            .into_iter()
            .flatten()
            .find_map(|text| as_slug(&text))
            .ok_or("No slug can be made of its name and title.")?;
        let status = word(post, "status").unwrap_or_else(|| "draft".to_owned());
        let hidden = self.hidden((post, meta), kind, &status, &mut notes);
        let date = instant(post, "published_at");
        if hidden.is_none() && date.is_none() && word(post, "published_at").is_some() {
            return Err("Its date (published_at) cannot be read.".to_owned());
        }
        let date = match status.as_str() {
            "published" | "sent" => date.or_else(|| instant(post, "created_at")),
            _ => date,
        };
        let cover = ["feature_image", "image"].iter().find_map(|key| word(post, key));
        let cover = cover.map(|cover| address(&cover).unwrap_or(cover));
        let cover_image_url = cover.as_ref().and_then(|cover| WebUrl::try_from(cover.clone()).ok()).map(String::from);
        // A copy of the old site's pictures may have it.
        let cover = cover.filter(|_| cover_image_url.is_none());
        if let Some(caption) = word(meta, "feature_image_caption") {
            notes.push(format!("the caption of its picture is left out: {}", plain_text(&caption)));
        }
        let canonical_url = word(post, "canonical_url").map(|url| address(&url).unwrap_or(url));
        if body.is_empty() {
            // The plain text has what was left out, too.
            body = match (word(post, "plaintext").filter(|_| is_whole), cover_image_url.as_ref().or(cover.as_ref())) {
                (Some(text), _) => crate::html_to_markdown::escape_text(&text),
                (None, Some(cover)) => crate::html_to_markdown::picture(cover, "", ""),
                (None, None) => return Err("It has no text.".to_owned()),
            };
        }
        let mut tags = Vec::new();
        for tag in self.tags_of.get(id).into_iter().flatten().filter_map(|id| self.tags.get(id)) {
            let name = word(tag, "name").or_else(|| word(tag, "slug")).unwrap_or_default();
            let is_internal = word(tag, "visibility").as_deref() == Some("internal") || name.starts_with('#');
            if !is_internal {
                tags.push(name);
            }
        }
        let mut dropped = Vec::new();
        for key in ["codeinjection_head", "codeinjection_foot", "custom_template", "email_subject", "feature_image_alt"]
        {
            if word(post, key).or_else(|| word(meta, key)).is_some() {
                dropped.push(key.to_owned());
            }
        }
        for key in [
            "og_title",
            "og_description",
            "og_image",
            "twitter_title",
            "twitter_description",
            "twitter_image",
            "meta_title",
            "meta_description",
        ] {
            if word(post, key).or_else(|| word(meta, key)).is_some() {
                dropped.push(key.to_owned());
            }
        }
        if is_set(post, "featured") {
            dropped.push("featured".to_owned());
        }
        let excerpt = word(post, "custom_excerpt").map(|text| plain_text(&text));
        let old = word(post, "slug").map(|slug| format!("/{slug}/"));
        let has_site = post.values().any(|value| value.as_str().is_some_and(|text| text.contains(SITE)));
        let language = word(post, "locale").and_then(|text| Language::try_from(text.replace('_', "-")).ok());
        let document = Document {
            title,
            body,
            slug,
            date,
            hidden,
            summary: excerpt.and_then(|text| cut_summary(&text, &mut notes)),
            tags: Some(kept_tags(tags, &mut notes)),
            language: language.map(String::from).or_else(|| self.language.clone()),
            cover,
            cover_image_url,
            canonical_url: canonical_url.and_then(|url| WebUrl::try_from(url).ok()).map(String::from),
            old_addresses: old.into_iter().collect(),
            dropped,
            notes,
            ..Document::default()
        };
        Ok((document, has_site))
    }

    /// Why not everybody reads it on the old site.
    fn hidden(
        &self,
        (post, meta): (&Map<String, Value>, &Map<String, Value>),
        kind: &str,
        status: &str,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let visibility = word(post, "visibility").unwrap_or_else(|| "public".to_owned());
        // Of these two tables, today's Ghost has `email_only` in `posts_meta`.
        if status == "sent" || is_set(post, "email_only") || is_set(meta, "email_only") {
            return Some("it was sent by e-mail only".to_owned());
        }
        if !matches!(status, "published" | "scheduled") {
            return Some(format!("its status is {status}"));
        }
        if visibility != "public" {
            return Some(format!("it is for {visibility} only"));
        }
        if kind == "page" {
            return Some("it is a page, which has no place of its own here".to_owned());
        }
        if status == "scheduled" {
            // Without a date it would be public at once.
            let Some(date) = instant(post, "published_at") else { return Some(UNDATED.to_owned()) };
            if date <= self.now {
                notes.push("its time has come since the export".to_owned());
            }
        }
        None
    }

    fn text(
        &self,
        post: &Map<String, Value>,
        address: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(String, BTreeMap<String, usize>), String> {
        let cards = cards::Cards::new(address);
        let parsed = |key: &str| -> Result<Option<Value>, String> {
            match post.get(key) {
                Some(Value::String(text)) if !text.trim().is_empty() => serde_json::from_str(text)
                    .map(Some)
                    .map_err(|error| format!("Its text ({key}) cannot be read: {error}.")),
                Some(value @ Value::Object(_)) => Ok(Some(value.clone())),
                _ => Ok(None),
            }
        };
        let text = if let Some(text) = parsed("lexical")? {
            lexical::to_markdown(&text, &cards)
        } else if let Some(text) = parsed("mobiledoc")? {
            mobiledoc::to_markdown(&text, &cards)
        } else if let Some(text) = word(post, "markdown") {
            text.trim().to_owned()
        } else if let Some(html) = word(post, "html") {
            cards.html(&html)
        } else {
            String::new()
        };
        let doors = text.matches("](#/portal").count();
        if doors > 0 {
            cards.lose_many("links to sign up or in (#/portal/), which lead nowhere here", doors);
        }
        Ok((cards.with_addresses(&text), cards.lost()))
    }
}

#[cfg(test)]
mod tests;
