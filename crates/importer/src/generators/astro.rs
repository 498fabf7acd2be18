//! Astro: <https://docs.astro.build/en/guides/content-collections/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    addresses::{Facts, urlized},
    front_matter::Keys,
    generators::{Rules, has_file, quoted, shown},
    site::Site,
};

/// The rules of Astro.
pub struct Astro;

impl Rules for Astro {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        has_file(folder, &["astro.config."]).then(Keys::default)
    }

    /// Collections are in `src/content`, or where their loaders say.
    fn follow(&self, site: &mut Site) {
        site.content = vec![PathBuf::from("src/content")];
        for name in
            ["src/content.config.ts", "src/content.config.mjs", "src/content.config.js", "src/content/config.ts"]
        {
            let program = fs::read_to_string(site.root.join(name)).unwrap_or_default();
            let bases =
                program.split("base:").skip(1).filter_map(|rest| quoted(rest.lines().next()?).into_iter().next());
            site.content.extend(bases.map(|base| PathBuf::from(base.trim_start_matches("./").trim_end_matches('/'))));
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        let is_outside = site.has_config && site.within_content(path).is_none();
        is_outside.then(|| format!("it is a page, not a post: it is in no collection of {}", shown(&site.content)))
    }

    /// Where a collection is shown, its page says by its place: `src/pages/blog/[...slug].astro`.
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
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

/// The folders of pages that show what a collection has, without those of tags.
fn routes(pages: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(pages).into_iter().flatten();
    let dynamic = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with('['));
    let folders = dynamic
        .filter_map(|entry| Some(entry.path().parent()?.strip_prefix(pages).ok()?.to_string_lossy().into_owned()));
    let mut found: Vec<_> = folders.filter(|folder| !folder.contains("tag") && !folder.contains('[')).collect();
    found.dedup();
    found
}
