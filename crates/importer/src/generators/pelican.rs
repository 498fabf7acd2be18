//! Pelican: <https://docs.getpelican.com/en/latest/settings.html>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    addresses::Facts,
    attributes::Lists,
    extras::Extras,
    front_matter::{Keys, scalar},
    generators::{Rules, folders, outside_of_content, quoted},
    glob::Star,
    naming::FileName,
    site::{Scope, Site},
};

/// The rules of Pelican.
pub struct Pelican;

/// Whether its configuration gives articles titles or dates that are not in them.
const ADDS_METADATA: &str = "adds_metadata";

impl Rules for Pelican {
    /// The configuration is a program; its assignments of texts, and of lists of texts, are read.
    fn detect(&self, folder: &Path) -> Option<Keys> {
        let program = fs::read_to_string(folder.join("pelicanconf.py")).ok()?;
        let published = fs::read_to_string(folder.join("publishconf.py")).unwrap_or_default();
        let mut settings = assignments(&program);
        settings.extend(assignments(&published));
        let adding = ["FILENAME_METADATA", "PATH_METADATA", "DEFAULT_DATE", "DEFAULT_METADATA", "PLUGINS"];
        if adding.iter().any(|name| program.contains(name) || published.contains(name)) {
            settings.insert(ADDS_METADATA.to_owned(), Value::Bool(true));
        }
        Some(Keys::new(settings))
    }

    fn follow(&self, site: &mut Site) {
        if let Some(path) = site.setting("path").filter(|path| path != ".") {
            site.content = vec![PathBuf::from(path.trim_start_matches("./").trim_end_matches('/'))];
        }
        let content = site.content.first().cloned().unwrap_or_default();
        // A common way to make whatever says nothing a draft.
        if let Some(Value::Array(pairs)) = site.config.0.get("default_metadata") {
            let words: Vec<_> = pairs.iter().filter_map(scalar).collect();
            let values: Map<_, _> = words
                .chunks(2)
                .filter_map(|pair| Some((pair.first()?.clone(), Value::String(pair.get(1)?.clone()))))
                .collect();
            site.default(Scope::Below(content.clone()), values);
        }
        for folder in site.config.list("article_excludes").ok().flatten().unwrap_or_default() {
            site.ignored.push((Scope::Below(content.join(folder)), "the configuration excludes it".to_owned()));
        }
        for pattern in site.config.list("ignore_files").ok().flatten().unwrap_or_default() {
            let pattern = if pattern.contains('/') { pattern } else { format!("**/{pattern}") };
            site.ignored.push((Scope::Like(pattern, Star::InFolder), "the configuration ignores it".to_owned()));
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        let outside = outside_of_content(site, path);
        if outside.is_some() {
            return outside;
        }
        let pages = site.config.list("page_paths").ok().flatten().unwrap_or_else(|| vec!["pages".to_owned()]);
        let within = site.within_content(path).unwrap_or(path);
        let is_page =
            pages.iter().any(|page| within.starts_with(page)) || folders(path).iter().any(|folder| folder == "pages");
        if is_page {
            return Some("it is a page, not a post".to_owned());
        }
        let articles = site.config.list("article_paths").ok().flatten().unwrap_or_default();
        let is_article = articles.is_empty() || articles.iter().any(|folder| within.starts_with(folder));
        (!is_article).then(|| "it is in none of the folders of ARTICLE_PATHS".to_owned())
    }

    /// Pelican passes over articles that lack one of these. Its configuration may take them from elsewhere.
    fn unpublished(&self, site: &Site, keys: &Keys, name: &FileName) -> Option<String> {
        let lacks = |key: &str| keys.0.get(key).and_then(scalar).is_none_or(|text| text.is_empty());
        let missing = match (lacks("title"), lacks("date") && name.date.is_none()) {
            _ if !site.has_config || site.setting(ADDS_METADATA).is_some() => return None,
            (true, _) => "title",
            (_, true) => "date",
            (false, false) => return None,
        };
        Some(format!("it has no {missing}, without which Pelican publishes nothing"))
    }

    fn categories(&self, site: &Site, path: &Path, keys: &Keys) -> Vec<String> {
        let has_own = keys.0.get("category").and_then(scalar).is_some_and(|category| !category.is_empty());
        category(site, path).filter(|_| !has_own).into_iter().collect()
    }

    /// <https://docs.getpelican.com/en/latest/settings.html#url-settings>
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        let setting = |key: &str, usual: &str| facts.site.setting(key).unwrap_or_else(|| usual.to_owned());
        let main = setting("default_lang", "en");
        let language = facts.text("lang").unwrap_or_else(|| main.clone());
        let pattern = if language == main {
            setting("article_url", "{slug}.html")
        } else {
            setting("article_lang_url", "{slug}-{lang}.html")
        };
        let source = if setting("slugify_source", "title") == "basename" { &facts.name.whole } else { facts.title };
        let slug = facts.text("slug").unwrap_or_else(|| slug::slugify(source));
        let mut filled = String::new();
        let mut rest = &*pattern;
        while let Some((before, field)) = rest.split_once('{') {
            let (field, after) = field.split_once('}')?;
            filled.push_str(before);
            let value = match field.split_once(':') {
                Some(("date", form)) => facts.day()?.strftime(form).to_string(),
                None if field == "slug" => slug.clone(),
                None if field == "lang" => language.clone(),
                None if field == "category" => {
                    slug::slugify(facts.text("category").or_else(|| category(facts.site, facts.path))?)
                }
                None if field == "author" => slug::slugify(facts.text("author")?),
                _ => return None,
            };
            filled.push_str(&value);
            rest = after;
        }
        Some(format!("/{}{rest}", filled.trim_start_matches('/')))
    }

    fn sources(&self, site: &Site) -> Vec<(String, PathBuf)> {
        let prefixes = ["{static}/", "|static|/", "{attach}/", "|attach|/", "{filename}/", "/static/", "/"];
        let content = site.content.first().cloned().unwrap_or_default();
        prefixes.map(|prefix| (prefix.to_owned(), content.clone())).into()
    }

    /// Python-Markdown does not.
    fn strikes_between_single_tildes(&self, _site: &Site) -> bool {
        false
    }

    fn attribute_lists(&self, _site: &Site) -> Lists {
        Lists::Everywhere
    }

    /// <https://docs.getpelican.com/en/stable/settings.html>, `MARKDOWN`: the extension `extra` is on.
    fn extras(&self, _site: &Site) -> Extras {
        Extras::All
    }
}

/// The folder that an article is in, which is its category unless it names one or the configuration says otherwise.
fn category(site: &Site, path: &Path) -> Option<String> {
    let is_used = site.setting("use_folder_as_category").is_none_or(|used| used == "true");
    let within = site.within_content(path)?;
    folders(within).pop().filter(|_| is_used)
}

/// `NAME = 'text'`, `NAME = True`, `NAME = ['a', 'b']` and `NAME = {'a': 'b'}`, the last as a list.
fn assignments(program: &str) -> Map<String, Value> {
    let mut found = Map::new();
    let mut lines = program.lines();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim_end();
        let is_setting = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'));
        if !is_setting {
            continue;
        }
        let mut value = value.trim().to_owned();
        let closing = match value.chars().next() {
            Some('[') => Some(']'),
            Some('(') => Some(')'),
            Some('{') => Some('}'),
            _ => None,
        };
        let is_list = closing.is_some();
        if let Some(closing) = closing {
            while !value.contains(closing) {
                let Some(line) = lines.next() else { break };
                value.push('\n');
                value.push_str(line.split('#').next().unwrap_or_default());
            }
        }
        let texts = quoted(&value);
        let value = match (is_list, texts.into_iter()) {
            (true, texts) => Value::Array(texts.map(Value::String).collect()),
            (false, mut texts) => match texts.next() {
                Some(text) => Value::String(text),
                None => match value.split('#').next().map(str::trim) {
                    Some("True") => Value::Bool(true),
                    Some("False") => Value::Bool(false),
                    _ => continue,
                },
            },
        };
        found.insert(name.to_owned(), value);
    }
    found
}
