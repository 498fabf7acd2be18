//! Astro: <https://docs.astro.build/en/guides/content-collections/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    addresses::{Facts, urlized},
    front_matter::Keys,
    generators::{Rules, folders, has_file, quoted, shown, stem},
    site::Site,
};

/// The rules of Astro.
pub struct Astro;

const PAGES: &str = "src/pages";
/// Whether a program gives posts their addresses.
const GENERATES_IDS: &str = "generates_ids";

impl Rules for Astro {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        has_file(folder, &["astro.config."]).then(Keys::default)
    }

    /// Collections are in `src/content`, or where their loaders say.
    fn follow(&self, site: &mut Site) {
        site.content = vec![PathBuf::from("src/content")];
        let mut has_collections = site.root.join("src/content").is_dir();
        for name in
            ["src/content.config.ts", "src/content.config.mjs", "src/content.config.js", "src/content/config.ts"]
        {
            let program = fs::read_to_string(site.root.join(name)).unwrap_or_default();
            has_collections |= !program.is_empty();
            if program.contains("generateId") {
                site.config.0.insert(GENERATES_IDS.to_owned(), Value::Bool(true));
            }
            let bases =
                program.split("base:").skip(1).filter_map(|rest| quoted(rest.lines().next()?).into_iter().next());
            site.content.extend(bases.map(|base| PathBuf::from(base.trim_start_matches("./").trim_end_matches('/'))));
        }
        let program = ["mjs", "ts", "js", "mts", "cjs"]
            .iter()
            .find_map(|end| fs::read_to_string(site.root.join(format!("astro.config.{end}"))).ok())
            .unwrap_or_default();
        site.reads_directives = ["remark-directive", "starlight"].iter().any(|name| program.contains(name));
        // Its values are often computed; what is written out holds.
        let literal = |key: &str| {
            let lines =
                program.lines().filter_map(|line| line.trim_start().strip_prefix(key)?.trim_start().strip_prefix(':'));
            let written = lines.map(str::trim_start).filter(|rest| rest.starts_with(['"', '\'', '`']));
            written.filter_map(|rest| quoted(rest).into_iter().next()).find(|text| !text.is_empty())
        };
        if let Some(url) = literal("site") {
            site.config.0.insert("siteurl".to_owned(), Value::String(url));
        }
        if let Some(base) = literal("base") {
            site.config.0.insert("baseurl".to_owned(), Value::String(format!("/{}", base.trim_matches('/'))));
        }
        // Who has no collections keeps posts among the pages, in folders of their own.
        if !has_collections && site.root.join(PAGES).is_dir() {
            site.content = vec![PathBuf::from(PAGES)];
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        if !site.has_config {
            return None;
        }
        match site.within_content(path) {
            None => Some(format!("it is a page, not a post: it is in no collection of {}", shown(&site.content))),
            Some(page) if has_posts_among_pages(site) && (folders(page).is_empty() || stem(page) == "index") => {
                Some("it is a page, not a post: among the pages, posts are in folders".to_owned())
            }
            Some(_) => None,
        }
    }

    /// Where a collection is shown, its page says by its place: `src/pages/blog/[...slug].astro`.
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        if facts.site.setting(GENERATES_IDS).is_some() {
            return None;
        }
        if has_posts_among_pages(facts.site) {
            let page = facts.site.within_content(facts.path)?.with_extension("");
            return Some(format!("/{}/", page.to_string_lossy()));
        }
        let sections = facts.sections();
        let of_base =
            facts.site.content.iter().find(|base| facts.path.parent() == Some(base)).and_then(|base| base.file_name());
        let collection = sections.first().cloned().or_else(|| Some(of_base?.to_string_lossy().into_owned()))?;
        let routes = routes(&facts.site.root.join("src/pages"));
        let route = match &*routes {
            [only] if *only != collection => only.clone(),
            _ => collection,
        };
        let id = facts.text("slug").unwrap_or_else(|| {
            let folders = sections.iter().skip(1).map(|section| urlized(section));
            folders.chain([urlized(&facts.name.whole)]).collect::<Vec<_>>().join("/")
        });
        Some(format!("/{}/{id}/", route.trim_matches('/')).replacen("//", "/", 1))
    }

    fn sources(&self, _site: &Site) -> Vec<(String, PathBuf)> {
        let folders = [("/", "public"), ("@/", "src"), ("~/", "src"), ("/src/", "src"), ("@assets/", "src/assets")];
        folders.map(|(prefix, folder)| (prefix.to_owned(), PathBuf::from(folder))).into()
    }
}

fn has_posts_among_pages(site: &Site) -> bool {
    site.content == [Path::new(PAGES)]
}

/// The folders of pages that show what a collection has, without those of tags. A program there (`[...route].ts`) makes files, such as
/// pictures, and what begins with `_` is no page.
fn routes(pages: &Path) -> Vec<String> {
    let is_page =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('_');
    let entries = walkdir::WalkDir::new(pages).sort_by_file_name().into_iter().filter_entry(is_page).flatten();
    let dynamic = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy();
        name.starts_with('[') && (name.ends_with(".astro") || entry.file_type().is_dir())
    });
    let folders = dynamic
        .filter_map(|entry| Some(entry.path().parent()?.strip_prefix(pages).ok()?.to_string_lossy().into_owned()));
    let mut found: Vec<_> = folders.filter(|folder| !folder.contains("tag") && !folder.contains('[')).collect();
    found.dedup();
    found
}
