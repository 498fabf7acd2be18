//! Zola: <https://www.getzola.org/documentation/content/overview/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    addresses::Facts,
    attributes::Lists,
    front_matter::{Keys, scalar},
    generators::{Rules, front_page, is_section, outside_of_content, read_first},
    glob::Star,
    site::{Scope, Site},
};

/// The rules of Zola.
pub struct Zola;

impl Rules for Zola {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        if let Some(keys) = read_first(folder, &["zola.toml"], Keys::from_toml) {
            return Some(keys);
        }
        // Hugo has the name too, and spells the address otherwise.
        let text = fs::read_to_string(folder.join("config.toml")).ok()?;
        let is_zola = text.lines().any(|line| line.trim_start().starts_with("base_url"));
        is_zola.then(|| Keys::from_toml(&text).unwrap_or_default())
    }

    fn follow(&self, site: &mut Site) {
        for pattern in site.config.list("ignored_content").ok().flatten().unwrap_or_default() {
            for pattern in [format!("content/{}", pattern.trim_start_matches('/')), pattern] {
                site.ignored.push((Scope::Like(pattern, Star::Anywhere), "the configuration ignores it".to_owned()));
            }
        }
    }

    /// Nothing of a section that is a draft is loaded.
    fn inherit(&self, site: &mut Site, path: &Path, bytes: &[u8]) {
        let is_draft = is_section(path) && Keys::of_file(bytes).unwrap_or_default().flag("draft");
        if let Some(folder) = path.parent().filter(|_| is_draft) {
            let values: Map<_, _> = [("draft".to_owned(), Value::Bool(true))].into_iter().collect();
            site.default(Scope::Below(folder.to_owned()), values);
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        outside_of_content(site, path).or_else(|| front_page(site, path))
    }

    /// <https://www.getzola.org/documentation/content/page/>
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        let way = |key: &str| facts.site.config.0.get("slugify").and_then(|table| scalar(table.get(key)?));
        let is_typed = matches!(way("paths").as_deref(), Some("off" | "safe"));
        let slugified = |text: &str| if is_typed { text.to_owned() } else { slug::slugify(text) };
        let keeps_dates = way("paths_keep_dates").as_deref() == Some("true");
        let name = if keeps_dates { &facts.name.whole } else { &facts.name.words };
        let slug = facts.text("slug").unwrap_or_else(|| name.clone());
        let sections = facts.sections();
        let parts: Vec<_> = sections.iter().map(|section| slugified(section)).chain([slugified(&slug)]).collect();
        let main = facts.site.setting("default_language").unwrap_or_else(|| "en".to_owned());
        let language = facts.name.language.as_ref().filter(|language| **language != main);
        let prefix = language.map(|language| format!("/{language}")).unwrap_or_default();
        Some(format!("{prefix}/{}/", parts.join("/")))
    }

    fn sources(&self, _site: &Site) -> Vec<(String, PathBuf)> {
        let folders = [("/", "static"), ("/", "content"), ("@/", "content")];
        folders.map(|(prefix, folder)| (prefix.to_owned(), PathBuf::from(folder))).into()
    }

    fn attribute_lists(&self, _site: &Site) -> Lists {
        Lists::Headings
    }
}
