//! Hugo: <https://gohugo.io/content-management/organization/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    addresses::{Facts, fill, urlized, values_of_day},
    attributes::Lists,
    extras::Extras,
    front_matter::{Keys, scalar},
    generators::{Rules, front_page, is_section, outside_of_content, read_first},
    glob::Star,
    site::{Scope, Site},
};

/// The rules of Hugo.
pub struct Hugo;

impl Rules for Hugo {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        let toml = ["hugo.toml", "config/_default/hugo.toml", "config/_default/config.toml"];
        let yaml = ["hugo.yaml", "hugo.yml", "config/_default/hugo.yaml"];
        let own = read_first(folder, &toml, Keys::from_toml)
            .or_else(|| read_first(folder, &yaml, Keys::from_yaml))
            .or_else(|| read_first(folder, &["hugo.json"], Keys::from_json));
        if own.is_some() {
            return own;
        }
        // These names are other generators' too.
        if folder.join("zola.toml").exists() {
            return None;
        }
        if let Ok(text) = fs::read_to_string(folder.join("config.toml")) {
            // The spelling of the address tells Hugo from Zola.
            let is_zola = text.lines().any(|line| line.trim_start().starts_with("base_url"));
            return (!is_zola).then(|| Keys::from_toml(&text).unwrap_or_default());
        }
        if folder.join("_config.yml").exists() || folder.join("_config.yaml").exists() {
            return None;
        }
        let keys = read_first(folder, &["config.yaml", "config.yml"], Keys::from_yaml)
            .or_else(|| read_first(folder, &["config.json"], Keys::from_json))?;
        keys.0.contains_key("baseurl").then_some(keys)
    }

    fn follow(&self, site: &mut Site) {
        // Settings may have files of their own: config/_default/permalinks.toml.
        for key in ["permalinks", "languages", "cascade"] {
            let folder = site.root.join("config/_default");
            let own = read_first(&folder, &[&format!("{key}.toml")], Keys::from_toml)
                .or_else(|| read_first(&folder, &[&format!("{key}.yaml"), &format!("{key}.yml")], Keys::from_yaml));
            if let Some(own) = own {
                site.config.0.insert(key.to_owned(), Value::Object(own.0));
            }
        }
        if let Some(folder) = site.setting("contentdir") {
            site.content = vec![PathBuf::from(folder)];
        }
        // https://gohugo.io/content-management/multilingual/#translation-by-content-directory
        for (code, language) in languages(site) {
            if let Some(folder) = language.text("contentdir").ok().flatten() {
                site.content.push(PathBuf::from(&folder));
                let values = [("language".to_owned(), Value::String(code))].into_iter().collect();
                site.default(Scope::Below(PathBuf::from(folder)), values);
            }
        }
        if let Some(cascade) = site.config.0.get("cascade").cloned() {
            follow_cascade(site, Path::new(""), &cascade);
        }
        if site.config.0.contains_key("ignorefiles") {
            site.notes.push(
                "`ignoreFiles` of the configuration is not followed: look for posts that it left out.".to_owned(),
            );
        }
    }

    /// <https://gohugo.io/content-management/page-bundles/>: the other files of a leaf bundle are its resources.
    fn look_at(&self, site: &mut Site, path: &Path) {
        let Some(within) = site.within_content(path) else { return };
        if is_index(path) && within.components().count() > 1 {
            site.bundles.extend(path.parent().map(Path::to_owned));
        }
    }

    /// <https://gohugo.io/content-management/front-matter/#cascade>
    fn inherit(&self, site: &mut Site, path: &Path, bytes: &[u8]) {
        if is_section(path)
            && let Some(cascade) = Keys::of_file(bytes).unwrap_or_default().0.get("cascade")
            && let Some(folder) = path.parent()
        {
            follow_cascade(site, folder, cascade);
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        outside_of_content(site, path).or_else(|| front_page(site, path)).or_else(|| {
            let bundle = path.ancestors().skip(1).filter(|folder| site.bundles.contains(*folder)).last()?;
            let is_page = path.parent() == Some(bundle) && is_index(path);
            (!is_page).then(|| "it is a resource of the page in its folder, not a page".to_owned())
        })
    }

    /// <https://gohugo.io/content-management/urls/>
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        let site = facts.site;
        let sections = facts.sections();
        // Hugo keeps the date in a name, unless it is told to take the date from there.
        let of_name = site.config.0.get("frontmatter").is_some_and(|value| value.to_string().contains(":filename"));
        let name = urlized(if of_name { &facts.name.words } else { &facts.name.whole });
        let slug = facts.text("slug").map(|slug| urlized(&slug));
        let section = sections.first().cloned().unwrap_or_default();
        let permalinks =
            site.config.0.get("permalinks").and_then(Value::as_object).cloned().map(Keys::new).unwrap_or_default();
        let pages = permalinks.0.get("page").and_then(Value::as_object).cloned().map(Keys::new).unwrap_or_default();
        let section_key = section.to_lowercase();
        let pattern = pages.0.get(&section_key).or_else(|| permalinks.0.get(&section_key)).and_then(scalar);
        let address = match pattern {
            Some(pattern) => {
                let title = urlized(facts.title);
                let slug_or_name = slug.clone().unwrap_or_else(|| name.clone());
                let mut values = facts.day().map(|day| values_of_day(&day)).unwrap_or_default();
                values.extend([
                    ("section", urlized(&section)),
                    ("sections", sections.iter().map(|section| urlized(section)).collect::<Vec<_>>().join("/")),
                    ("title", title.clone()),
                    ("slug", slug.unwrap_or(title)),
                    ("filename", name.clone()),
                    ("contentbasename", name),
                    ("slugorfilename", slug_or_name.clone()),
                    ("slugorcontentbasename", slug_or_name),
                ]);
                fill(&pattern, &values)?
            }
            None => {
                let end = if site.config.flag("uglyurls") { ".html" } else { "/" };
                let parts = sections.iter().map(|section| urlized(section)).chain([slug.unwrap_or(name)]);
                format!("/{}{end}", parts.collect::<Vec<_>>().join("/"))
            }
        };
        let main = site.setting("defaultcontentlanguage").unwrap_or_else(|| "en".to_owned());
        let language = facts.name.language.clone().or_else(|| facts.text("language")).unwrap_or_else(|| main.clone());
        let has_prefix = language != main || site.config.flag("defaultcontentlanguageinsubdir");
        Some(if has_prefix { format!("/{}{address}", language.to_lowercase()) } else { address })
    }

    /// One without a slash is below the section.
    fn alias(&self, facts: &Facts<'_>, alias: String) -> String {
        let sections = facts.sections();
        if alias.starts_with('/') || sections.is_empty() {
            return alias;
        }
        format!("/{}/{alias}", sections.iter().map(|section| urlized(section)).collect::<Vec<_>>().join("/"))
    }

    fn sources(&self, site: &Site) -> Vec<(String, PathBuf)> {
        let folder = |key: &str, usual: &str| PathBuf::from(site.setting(key).unwrap_or_else(|| usual.to_owned()));
        let mut found =
            vec![("/".to_owned(), folder("staticdir", "static")), ("/".to_owned(), folder("assetdir", "assets"))];
        found.extend(site.content.iter().map(|content| ("/".to_owned(), content.clone())));
        found
    }

    fn attribute_lists(&self, _site: &Site) -> Lists {
        Lists::Headings
    }

    /// <https://gohugo.io/configuration/markup/>: goldmark's lists of definitions are on.
    fn extras(&self, _site: &Site) -> Extras {
        Extras::Definitions
    }
}

/// `index.md`, `index.fr.md`: the page of a leaf bundle.
fn is_index(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    name.starts_with("index.")
        && matches!(extension.as_str(), "md" | "markdown" | "mdown" | "mkd" | "html" | "org" | "adoc")
}

/// The languages of the configuration.
pub fn languages(site: &Site) -> Vec<(String, Keys)> {
    let Some(Value::Object(languages)) = site.config.0.get("languages") else { return Vec::new() };
    let tables = languages.iter().filter_map(|(code, language)| Some((code.clone(), language.as_object()?)));
    tables.map(|(code, language)| (code, Keys::new(language.clone()))).collect()
}

/// What `cascade` gives to the pages below a folder, or to those that its target names. A target that says more than a
/// path is taken for all of them: hiding one too many is the smaller mistake.
fn follow_cascade(site: &mut Site, folder: &Path, cascade: &Value) {
    let all = match cascade {
        Value::Object(values) => vec![values.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_object).cloned().collect(),
        _ => return,
    };
    for values in all {
        let mut values: Map<String, Value> = Keys::new(values).0;
        if let Some(Value::Object(params)) = values.remove("params") {
            values.extend(params);
        }
        let target = values.remove("_target").or_else(|| values.remove("target"));
        let path = target.as_ref().and_then(|target| scalar(target.as_object()?.get("path")?));
        match path {
            Some(pattern) => {
                for content in site.content.clone() {
                    let pattern = format!("{}/{}", content.to_string_lossy(), pattern.trim_start_matches('/'));
                    site.default(Scope::Like(pattern, Star::InFolder), values.clone());
                }
            }
            None => site.default(Scope::Below(folder.to_owned()), values),
        }
    }
}
