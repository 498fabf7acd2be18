//! The fields of a post, each from the keys that generators and themes give it.

use std::path::Path;

use domain::{Language, Summary, Tag, WebUrl};
use jiff::{Timestamp, civil};
use serde_json::Value;

use crate::{
    dates,
    front_matter::{Error, Keys, scalar},
    naming::FileName,
    site::Site,
};

/// The server's maximum number of tags of a post.
const MAX_TAGS: usize = 10;

const DATES: [&str; 9] = [
    "date",
    "pubdate",
    "datepublished",
    "date_published",
    "published_at",
    "created",
    "created_at",
    "dateadded",
    "date_added",
];
const RELEASES: [&str; 2] = ["publishdate", "publish_date"];
const EXPIRIES: [&str; 3] = ["expirydate", "expiry_date", "unpublishdate"];

/// When the post came out or will, and whether it has expired.
pub fn when(
    keys: &Keys,
    path: &Path,
    name: &FileName,
    site: &Site,
    now: Timestamp,
    notes: &mut Vec<String>,
) -> Result<(Option<Timestamp>, bool), Error> {
    let first = |names: &[&str]| -> Result<Option<Timestamp>, Error> {
        for key in names {
            let Some(text) = keys.text(key)? else { continue };
            // Eleventy takes these from the file system and from Git, where they are not the post's own.
            if matches!(text.to_lowercase().as_str(), "last modified" | "created" | "git last modified" | "git created")
            {
                continue;
            }
            return dates::parse(&text, &site.zone).map(Some).ok_or(Error::NotADate { text });
        }
        Ok(None)
    };
    let midnight = |date: civil::Date| date.to_zoned(site.zone.clone()).ok().map(|date| date.timestamp());
    // In Jekyll `published` is a flag, elsewhere often a date.
    let published = keys.0.get("published").and_then(scalar).and_then(|text| dates::parse(&text, &site.zone));
    let release = first(&RELEASES)?;
    let folders = path.parent().into_iter().flat_map(Path::iter).filter_map(|part| part.to_str());
    let own = first(&DATES)?.or(published);
    let of_name = || name.date.and_then(midnight);
    let date = match own.or(release).or_else(of_name) {
        Some(date) => Some(date),
        None => dates::of_folders(folders).and_then(midnight).inspect(|_| notes.push("dated by its folder".to_owned())),
    };
    let date = match (release, date) {
        // It comes out then, whatever date it shows; and is out since then, whatever date it shows.
        (Some(release), date) if release > now || date.is_some_and(|date| date > now) => Some(release),
        (_, date) => date,
    };
    if let (None, Some(text)) = (date, &name.no_date) {
        return Err(Error::NoSuchDay { text: text.clone() });
    }
    if date.is_none() {
        notes.push("no date in the file, its name or its folders: it gets the time of its publication here".to_owned());
    }
    Ok((date, first(&EXPIRIES)?.is_some_and(|expiry| expiry <= now)))
}

pub fn language(keys: &Keys, name: &FileName, notes: &mut Vec<String>) -> Result<Option<String>, Error> {
    let typed = keys.first_text(&["language", "lang", "locale"])?;
    let Some(text) = typed.or_else(|| name.language.clone()) else { return Ok(None) };
    match Language::try_from(text.replace('_', "-")) {
        Ok(language) => Ok(Some(language.into())),
        Err(_) => {
            notes.push(format!("the language \"{text}\" is left out: it is no language tag"));
            Ok(None)
        }
    }
}

/// A summary is one line of at most 500 characters.
pub fn summary(keys: &Keys, notes: &mut Vec<String>) -> Result<Option<String>, Error> {
    Ok(keys.first_text(&["summary", "description", "excerpt"])?.and_then(|text| cut_summary(&text, notes)))
}

/// A summary that the server takes.
pub fn cut_summary(text: &str, notes: &mut Vec<String>) -> Option<String> {
    let line = one_line(text);
    if Summary::try_from(line.clone()).is_ok() {
        return Some(line);
    }
    let cut: String = line.chars().take(499).collect();
    let words = cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words);
    match Summary::try_from(format!("{words}…")) {
        Ok(summary) => {
            notes.push("its summary is cut to 500 characters".to_owned());
            Some(summary.into())
        }
        Err(reason) => {
            notes.push(format!("its summary is left out: it {reason}"));
            None
        }
    }
}

/// The tags that the server takes; a post is not lost for one of them.
pub fn kept_tags(tags: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut folded: Vec<Tag> = Vec::new();
    let mut left = Vec::new();
    for tag in tags {
        match Tag::try_from(tag.clone()) {
            Ok(known) if folded.contains(&known) => {}
            Ok(new) if kept.len() < MAX_TAGS => {
                folded.push(new);
                kept.push(tag);
            }
            _ => left.push(tag),
        }
    }
    if !left.is_empty() {
        notes.push(format!(
            "tags left out, as they are too long, unreadable, or more than {MAX_TAGS}: {}",
            left.join(", ")
        ));
    }
    kept
}

/// The first absolute address among `names`, and the first other one; themes nest pictures (`cover: {image: …}`) and list them.
pub fn web_address(keys: &Keys, names: &[&str]) -> (Option<String>, Option<String>) {
    let mut local = None;
    for name in names {
        let text = match keys.0.get(*name) {
            Some(Value::Object(map)) => {
                ["image", "src", "url", "path"].iter().find_map(|key| map.get(*key).and_then(scalar))
            }
            Some(Value::Array(list)) => list.first().and_then(scalar),
            value => value.and_then(scalar),
        };
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        match WebUrl::try_from(text.clone()) {
            Ok(url) => return (Some(url.into()), None),
            Err(_) => local = local.or(Some(text)),
        }
    }
    (None, local)
}

/// The names of the authors: texts, or tables with a name.
pub fn authors(keys: &Keys) -> Vec<String> {
    let name = |value: &Value| match value {
        Value::Object(table) => ["name", "title", "id"].iter().find_map(|key| table.get(*key).and_then(scalar)),
        value => scalar(value).filter(|_| !value.is_boolean()),
    };
    let values = ["author", "authors"].iter().filter_map(|key| keys.0.get(*key));
    let mut found = Vec::new();
    for value in values {
        match value {
            Value::Array(list) => found.extend(list.iter().filter_map(name)),
            Value::String(text) if text.contains(',') => {
                found.extend(text.split(',').map(|name| name.trim().to_owned()))
            }
            value => found.extend(name(value)),
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Line breaks in a title or a summary come from the YAML, not from the author.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
