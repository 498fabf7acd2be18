//! Astro: <https://docs.astro.build/en/guides/content-collections/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    addresses::{Facts, urlized},
    directives::Directives,
    front_matter::Keys,
    generators::{Rules, folders, has_file, quoted, shown, stem},
    site::{Scope, Site},
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
        site.directives = match (program.contains("remark-directive"), program.contains("starlight")) {
            (true, _) => Directives::All,
            (false, true) => Directives::Blocks,
            (false, false) => Directives::None,
        };
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
        hide_what_no_page_shows(site, &program);
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

/// The ends of the names of programs that a page may take its texts from.
const PROGRAMS: [&str; 6] = ["astro", "ts", "js", "mjs", "tsx", "jsx"];
/// How many programs are read, and how long each may be.
const MAX_PROGRAMS: usize = 2_000;
const MAX_PROGRAM: u64 = 256 * 1024;

/// Hides collections of which no page shows one text at a time: they are data of other pages, such as the text about the author. Where that cannot
/// be seen, because a package or a program that is not read makes the pages, none is hidden.
fn hide_what_no_page_shows(site: &mut Site, program: &str) {
    let programs = programs(&site.root.join("src"));
    let collections = collections(site, &programs);
    for (_, folder, values) in &collections {
        site.default(Scope::Below(folder.clone()), values.clone());
    }
    let pages = Path::new("pages");
    let is_dynamic = |page: &Path| page.iter().any(|part| part.to_string_lossy().starts_with('['));
    let is_page = |page: &Path| !page.iter().any(|part| part.to_string_lossy().starts_with('_'));
    let routes = programs.iter().filter_map(|(path, text)| {
        let page = path.strip_prefix(pages).ok()?;
        let is_route = is_page(page) && is_dynamic(page) && page.extension().is_some_and(|end| end == "astro");
        (is_route && !text.contains("paginate(")).then(|| (folders(page), with_imports(text, &programs)))
    });
    let routes: Vec<_> = routes.collect();
    let shows = |names: &[String]| {
        routes.iter().any(|(folders, text)| names.iter().any(|name| folders.contains(name) || is_named(text, name)))
    };
    let is_known = routes.iter().all(|route| {
        collections
            .iter()
            .flat_map(|(names, _, _)| names)
            .any(|name| route.0.contains(name) || is_named(&route.1, name))
    });
    if routes.is_empty() || !is_known || program.contains("injectRoute") || program.contains("starlight") {
        return;
    }
    let (shown, hidden): (Vec<_>, Vec<_>) = collections.iter().partition(|(names, _, _)| shows(names));
    for (names, folder, _) in hidden {
        if let Some(name) = names.first().filter(|_| !shown.iter().any(|(_, shown, _)| shown.starts_with(folder))) {
            let reason = format!("no page of the site shows each text of its collection {name}");
            site.hiding.push((Scope::Below(folder.clone()), reason));
        }
    }
}

/// The programs of a site, by their paths in `folder`.
fn programs(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let programs = files.filter(|file| {
        let end = file.path().extension().unwrap_or_default().to_string_lossy();
        file.file_type().is_file() && PROGRAMS.contains(&&*end)
    });
    let read = programs.take(MAX_PROGRAMS).filter_map(|file| {
        let is_short = file.metadata().is_ok_and(|about| about.len() <= MAX_PROGRAM);
        let text = fs::read_to_string(file.path()).ok().filter(|_| is_short)?;
        Some((file.path().strip_prefix(folder).ok()?.to_owned(), text))
    });
    read.collect()
}

/// A collection: its names in programs, the folder of its texts, and what hides a text that says nothing of it.
type Collection = (Vec<String>, PathBuf, Map<String, Value>);

/// The collections of a site.
fn collections(site: &Site, programs: &[(PathBuf, String)]) -> Vec<Collection> {
    let mut found: Vec<Collection> = Vec::new();
    let is_config = |path: &Path| {
        path.to_string_lossy().starts_with("content.config.") || path.to_string_lossy().starts_with("content/config.")
    };
    for (_, program) in programs.iter().filter(|(path, _)| is_config(path)) {
        let mut parts = program.split("defineCollection(");
        let mut before = parts.next().unwrap_or_default();
        for part in parts {
            let variable = before.trim_end().trim_end_matches(['=', ':']).trim_end().trim_end_matches(['"', '\'']);
            let variable = variable.rsplit(|letter: char| !is_of_name(letter) && letter != '-').next();
            let names: Vec<_> = variable.into_iter().flat_map(|name| names_of(program, name)).collect();
            let base = part.split("base:").nth(1).and_then(|rest| quoted(rest.lines().next()?).into_iter().next());
            let folders =
                base.map(|base| PathBuf::from(base.trim_start_matches("./").trim_end_matches('/'))).map_or_else(
                    || names.iter().map(|name| Path::new("src/content").join(name)).collect(),
                    |base| vec![base],
                );
            found.extend(folders.into_iter().map(|folder| (names.clone(), folder, hiding_defaults(part))));
            before = part;
        }
    }
    let entries = fs::read_dir(site.root.join("src/content")).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name()).collect();
    folders.sort();
    for folder in folders {
        let path = Path::new("src/content").join(&folder);
        if !found.iter().any(|(_, known, _)| *known == path) {
            found.push((vec![folder.to_string_lossy().into_owned()], path, Map::new()));
        }
    }
    found
}

/// What a schema says of texts that say nothing: `draft: z.boolean().default(true)`.
fn hiding_defaults(program: &str) -> Map<String, Value> {
    let mut found = Map::new();
    for (key, value) in [
        ("draft", true),
        ("isDraft", true),
        ("unlisted", true),
        ("hidden", true),
        ("private", true),
        ("published", false),
    ] {
        let is_said = program.match_indices(key).any(|(at, _)| {
            let is_whole = !program.get(..at).is_some_and(|before| before.ends_with(is_of_name));
            let typed = program.get(at + key.len()..).and_then(|rest| rest.trim_start().strip_prefix(':'));
            let typed = typed.and_then(|rest| rest.split([',', '}']).next());
            is_whole && typed.is_some_and(|typed| typed.contains(&format!("default({value})")))
        });
        if is_said {
            found.insert(key.to_owned(), Value::Bool(value));
        }
    }
    found
}

/// The names that a collection has: of the variable, and the keys that have it as their value (`"case-studies": caseStudies`).
fn names_of(program: &str, variable: &str) -> Vec<String> {
    let keys = program.match_indices(variable).filter_map(|(at, _)| {
        let is_whole = !program.get(at + variable.len()..)?.starts_with(is_of_name);
        let key = program.get(..at)?.trim_end().strip_suffix(':')?.trim_end();
        let key =
            key.trim_end_matches(['"', '\'']).rsplit(|letter: char| !is_of_name(letter) && letter != '-').next()?;
        (is_whole && !key.is_empty()).then(|| key.to_owned())
    });
    let mut names: Vec<_> = keys.collect();
    names.push(variable.to_owned());
    names
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

fn is_named(program: &str, name: &str) -> bool {
    ['"', '\'', '`'].iter().any(|quote| program.contains(&format!("{quote}{name}{quote}")))
}

/// A page with the programs that it imports, by their names, and what these import. Other pages and components show what is beside its text.
fn with_imports(page: &str, programs: &[(PathBuf, String)]) -> String {
    let is_component = |path: &Path| path.extension().is_some_and(|end| end == "astro");
    let mut others: Vec<_> = programs.iter().filter(|(path, _)| !is_component(path)).collect();
    let mut whole = page.to_owned();
    loop {
        let ends = ["/", ".ts", ".js", ".mjs", "/index"];
        let is_imported = |path: &Path| {
            let name = path.with_extension("").to_string_lossy().into_owned();
            let name = name.strip_suffix("/index").unwrap_or(&name);
            let name = name.rsplit('/').next().unwrap_or(name);
            ['"', '\''].iter().any(|quote| {
                whole.contains(&format!("/{name}{quote}"))
                    || ends.iter().any(|end| whole.contains(&format!("/{name}{end}{quote}")))
            })
        };
        let (new, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|(path, _)| is_imported(path));
        if new.is_empty() {
            return whole;
        }
        new.iter().for_each(|(_, text)| whole.push_str(text));
        others = rest;
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
