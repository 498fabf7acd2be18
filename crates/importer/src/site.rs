//! Where a site begins, and what its configuration says of every post. What only one generator says is in [`generators`](crate::generators).

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    dates,
    directives::Directives,
    front_matter::Keys,
    generators::{Generator, folders},
    glob::{self, Star},
};

/// A site, as far as it concerns its posts. All paths in it are relative to `root`.
pub struct Site {
    /// Whose rules hold.
    pub generator: Generator,
    /// The zone of dates that name none.
    pub zone: TimeZone,
    /// Where the configuration stands, from which folders have their meaning; the imported folder if there is none.
    pub root: PathBuf,
    /// Front matter that holds for several files.
    pub defaults: Vec<(Scope, Map<String, Value>)>,
    /// What hides files without their front matter saying so, and why.
    pub hiding: Vec<(Scope, String)>,
    /// What the generator does not read, and why.
    pub ignored: Vec<(Scope, String)>,
    /// Whether a configuration was found: only then places have a meaning.
    pub has_config: bool,
    /// What the configuration says.
    pub config: Keys,
    /// The folders that the content is in.
    pub content: Vec<PathBuf>,
    /// Hugo's leaf bundles: folders with an `index.md`, whose other files are no pages.
    pub bundles: HashSet<PathBuf>,
    /// Which directives it reads in its texts.
    pub directives: Directives,
    /// What of the configuration could not be followed.
    pub notes: Vec<String>,
}

/// Which files something holds for.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// A folder with all that is in it, or one file.
    Below(PathBuf),
    /// One file, whatever its extension.
    Named(PathBuf),
    /// What a pattern names, and all that is in a folder that it names.
    Like(String, Star),
    /// What the lines of a `.gitignore` in a folder name.
    Lines(PathBuf, String),
}

impl Scope {
    /// Whether it holds for the file at `path`.
    pub fn holds(&self, path: &Path) -> bool {
        match self {
            Self::Below(folder) => path.starts_with(folder),
            Self::Named(name) => path.with_extension("") == *name,
            Self::Like(pattern, star) => {
                path.ancestors().any(|place| glob::matches(pattern, &place.to_string_lossy(), *star))
            }
            Self::Lines(folder, lines) => path.strip_prefix(folder).is_ok_and(|path| glob::is_ignored(lines, path)),
        }
    }

    /// How much of it is one folder only: the nearest has the last word.
    fn depth(&self) -> usize {
        match self {
            Self::Below(folder) => folder.components().count(),
            Self::Named(name) => name.components().count() + 1,
            Self::Like(pattern, _) => pattern.matches('/').count(),
            Self::Lines(folder, _) => folder.components().count(),
        }
    }
}

/// The names of folders that a generator keeps posts in. Only from one of these the site is looked for further up: a
/// folder of notes in somebody's home is no part of what lies around it.
const CONTENT: [&str; 9] = ["content", "posts", "post", "blog", "articles", "_posts", "_drafts", "src", "collections"];

impl Site {
    /// A folder without a configuration.
    pub fn plain(folder: &Path, generator: Generator) -> Self {
        Self {
            generator,
            zone: TimeZone::UTC,
            root: folder.to_owned(),
            defaults: Vec::new(),
            hiding: Vec::new(),
            ignored: Vec::new(),
            has_config: false,
            config: Keys::default(),
            content: vec![PathBuf::from("content")],
            bundles: HashSet::new(),
            directives: Directives::None,
            notes: Vec::new(),
        }
    }

    /// The site that `folder` is, or is a part of. `from` overrules what the files around say.
    pub fn of(folder: &Path, from: Option<Generator>) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut root = folder.as_path();
        let found = loop {
            if let Some(found) =
                Generator::detect(root).filter(|(generator, _)| from.is_none_or(|from| from == *generator))
            {
                break Some(found);
            }
            match (root.parent(), root.file_name().and_then(|name| name.to_str())) {
                (Some(parent), Some(name)) if CONTENT.contains(&name) => root = parent,
                _ => break None,
            }
        };
        let Some((generator, config)) = found else { return Self::plain(&folder, from.unwrap_or(Generator::Plain)) };
        let mut site = Self { has_config: true, config, ..Self::plain(root, generator) };
        if let Some(name) = site.setting("timezone") {
            match dates::zone(&name) {
                Some(zone) => site.zone = zone,
                None => site.notes.push(format!(
                    "The time zone {name} of the configuration is not known on this machine: dates without a zone are taken as UTC."
                )),
            }
        }
        generator.rules().follow(&mut site);
        site
    }

    /// A text of the configuration.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.config.text(key).ok().flatten()
    }

    /// Where the old site was, if the configuration says so.
    pub fn url(&self) -> Option<Url> {
        ["baseurl", "base_url", "siteurl", "url"].iter().find_map(|key| {
            let url = Url::parse(&self.setting(key)?).ok()?;
            url.host().is_some().then_some(url)
        })
    }

    /// The path that all addresses of the old site began with, without a slash at its end.
    pub fn base_path(&self) -> String {
        // In Jekyll this is a path.
        let own = self.setting("baseurl").filter(|base| base.starts_with('/'));
        let path = own.or_else(|| self.url().map(|url| url.path().to_owned())).unwrap_or_default();
        path.trim_end_matches('/').to_owned()
    }

    /// Learns from the files of the site which of them are no pages, and what holds for others.
    pub fn survey(&mut self, files: &[PathBuf], read: &dyn Fn(&Path) -> Option<Vec<u8>>) {
        let rules = self.generator.rules();
        for file in files {
            rules.look_at(self, file);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if (name.starts_with("_index.") || name.ends_with(".json") || name.contains(".11tydata."))
                && let Some(bytes) = read(file)
            {
                rules.inherit(self, file, &bytes);
            }
        }
    }

    /// Takes over front matter for several files.
    pub fn default(&mut self, scope: Scope, values: Map<String, Value>) {
        self.defaults.push((scope, Keys::new(values).0));
    }

    /// What holds for a file at `path`: the nearest folder has the last word.
    pub fn defaults_of(&self, path: &Path) -> Map<String, Value> {
        let mut above: Vec<_> = self.defaults.iter().filter(|(scope, _)| scope.holds(path)).collect();
        above.sort_by_key(|(scope, _)| scope.depth());
        let values = above.into_iter().flat_map(|(_, values)| values.clone());
        // Tags of a folder group a site's collections; they say nothing of the post.
        values.filter(|(key, _)| !(self.generator == Generator::Eleventy && key == "tags")).collect()
    }

    /// Why a file is hidden though its front matter does not say so.
    pub fn hides(&self, path: &Path) -> Option<&str> {
        self.hiding.iter().find(|(scope, _)| scope.holds(path)).map(|(_, reason)| reason.as_str())
    }

    /// Where a file is below the content, if it is.
    pub fn within_content<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        self.content
            .iter()
            .filter_map(|content| path.strip_prefix(content).ok())
            .min_by_key(|rest| rest.components().count())
    }

    /// Why a Markdown file at `path`, relative to the root, is no post; `None` if it is one.
    pub fn no_post(&self, path: &Path) -> Option<String> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let folders = folders(path);
        let within = |name: &str| folders.iter().any(|folder| folder == name);
        if stem == "_index" || stem.starts_with("_index.") {
            return Some("it describes a section of the site".to_owned());
        }
        if matches!(stem.as_str(), "readme" | "license" | "contributing" | "changelog" | "code_of_conduct") {
            return Some("it describes the repository".to_owned());
        }
        if within("node_modules") || within("_includes") || within("_layouts") || within("_site") {
            return Some("it belongs to the generator, not to the blog".to_owned());
        }
        if let Some((_, reason)) = self.ignored.iter().find(|(scope, _)| scope.holds(path)) {
            return Some(reason.clone());
        }
        self.generator.rules().no_post(self, path)
    }
}
