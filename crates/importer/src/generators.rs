//! The generators of sites, one module for each: how its folders are told, and what holds in them only.
//!
//! What is the same in all of them, or does no harm in the others, is in [`document`](crate::document) and the modules it uses.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{
    addresses::Facts,
    attributes::Lists,
    extras::Extras,
    front_matter::{Error, Keys},
    naming::FileName,
    site::Site,
};

mod astro;
mod eleventy;
mod hugo;
mod jekyll;
mod pelican;
mod zola;

/// What a folder was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "they are names of programs")]
pub enum Generator {
    Hugo,
    Jekyll,
    Zola,
    Eleventy,
    Astro,
    Pelican,
    /// What `broadsheet export` wrote.
    Broadsheet,
    #[value(name = "wordpress")]
    WordPress,
    Ghost,
    /// A folder of Markdown files that belongs to no generator.
    Plain,
}

impl fmt::Display for Generator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hugo => "Hugo",
            Self::Jekyll => "Jekyll",
            Self::Zola => "Zola",
            Self::Eleventy => "Eleventy",
            Self::Astro => "Astro",
            Self::Pelican => "Pelican",
            Self::Broadsheet => "Broadsheet",
            Self::WordPress => "WordPress",
            Self::Ghost => "Ghost",
            Self::Plain => "no generator",
        })
    }
}

impl Generator {
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Hugo => &hugo::Hugo,
            Self::Jekyll => &jekyll::Jekyll,
            Self::Zola => &zola::Zola,
            Self::Eleventy => &eleventy::Eleventy,
            Self::Astro => &astro::Astro,
            Self::Pelican => &pelican::Pelican,
            // The first has an import of its own, the others are no folders.
            Self::Broadsheet | Self::WordPress | Self::Ghost | Self::Plain => &Plain,
        }
    }

    /// The generator whose configuration is in `folder`, with what it says. Who moved from Jekyll to Hugo may have left
    /// `_config.yml` behind, hence the order.
    pub(crate) fn detect(folder: &Path) -> Option<(Self, Keys)> {
        [Self::Hugo, Self::Zola, Self::Jekyll, Self::Pelican, Self::Eleventy, Self::Astro]
            .into_iter()
            .find_map(|generator| Some((generator, generator.rules().detect(folder)?)))
    }
}

/// What a generator does otherwise than the others. Paths are relative to the root of the site.
pub(crate) trait Rules: Sync {
    /// What the configuration in `folder` says, if there is one of this generator.
    fn detect(&self, folder: &Path) -> Option<Keys>;

    /// Takes over what the configuration, which is in `site.config`, says of posts.
    fn follow(&self, _site: &mut Site) {}

    /// Takes over what the place of a file, of any kind, says of others.
    fn look_at(&self, _site: &mut Site, _path: &Path) {}

    /// Takes over the front matter that a file gives to others.
    fn inherit(&self, _site: &mut Site, _path: &Path, _bytes: &[u8]) {}

    /// Why a Markdown file at `path` is no post.
    fn no_post(&self, _site: &Site, _path: &Path) -> Option<String> {
        None
    }

    /// Why a post with these keys is not published, if that is not so in the other generators.
    fn unpublished(&self, _site: &Site, _keys: &Keys, _name: &FileName) -> Option<String> {
        None
    }

    /// The categories that a post has by its place.
    fn categories(&self, _site: &Site, _path: &Path, _keys: &Keys) -> Vec<String> {
        Vec::new()
    }

    /// Where a post was on the old site, if its file does not say so in plain words.
    fn address(&self, _facts: &Facts<'_>) -> Option<String> {
        None
    }

    /// Where an alias that a file names was.
    fn alias(&self, _facts: &Facts<'_>, alias: String) -> String {
        alias
    }

    /// The folders of pictures and other files, each with how the addresses of its files begin.
    fn sources(&self, _site: &Site) -> Vec<(String, PathBuf)> {
        Vec::new()
    }

    /// Whether a language of templates runs over its Markdown before it is read, code or not.
    fn has_templates_in_code(&self) -> bool {
        false
    }

    /// Whether Nunjucks runs over its Markdown, in which `{# … #}` is on no page.
    fn has_nunjucks(&self, _site: &Site) -> bool {
        false
    }

    /// Where its Markdown takes `{#id .class}` out of texts.
    fn attribute_lists(&self, _site: &Site) -> Lists {
        Lists::Nowhere
    }

    /// What of Markdown Extra its Markdown reads.
    fn extras(&self, _site: &Site) -> Extras {
        Extras::Nothing
    }

    /// Whether its Markdown strikes through what stands between single tildes, as GitHub's does.
    fn strikes_between_single_tildes(&self, _site: &Site) -> bool {
        true
    }

    /// Why a Markdown file with this text is no post.
    fn no_post_by_text(&self, _path: &Path, _text: &str) -> Option<&'static str> {
        None
    }
}

/// A folder that no generator made.
struct Plain;

impl Rules for Plain {
    fn detect(&self, _folder: &Path) -> Option<Keys> {
        None
    }

    fn sources(&self, _site: &Site) -> Vec<(String, PathBuf)> {
        vec![("/".to_owned(), PathBuf::new())]
    }
}

/// The keys of the first of these files that is in `folder`. One that cannot be read says nothing.
fn read_first(folder: &Path, names: &[&str], parse: fn(&str) -> Result<Keys, Error>) -> Option<Keys> {
    let text = names.iter().find_map(|name| fs::read_to_string(folder.join(name)).ok())?;
    Some(parse(&text).unwrap_or_default())
}

/// Whether a file of `folder` begins with one of these names.
fn has_file(folder: &Path, prefixes: &[&str]) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    })
}

/// The names of the folders that a file is in, from the root.
pub(crate) fn folders(path: &Path) -> Vec<String> {
    path.parent().into_iter().flat_map(Path::iter).map(|part| part.to_string_lossy().into_owned()).collect()
}

/// The name of a file without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// `_index.md`, `_index.fr.md`: what Hugo and Zola describe a section by.
fn is_section(path: &Path) -> bool {
    let stem = stem(path);
    stem == "_index" || stem.starts_with("_index.")
}

/// For generators whose posts are below `content`.
fn outside_of_content(site: &Site, path: &Path) -> Option<String> {
    let is_outside = site.has_config && site.within_content(path).is_none();
    is_outside.then(|| format!("it is outside of the folder {}", shown(&site.content)))
}

fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>().join(" or ")
}

fn front_page(site: &Site, path: &Path) -> Option<String> {
    let is_front = site.within_content(path).is_some_and(|path| folders(path).is_empty());
    (is_front && stem(path).eq_ignore_ascii_case("index")).then(|| "it is the front page of the site".to_owned())
}

/// The texts between quotation marks in a program.
fn quoted(program: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = program;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let mark = rest.get(start..).and_then(|rest| rest.chars().next()).unwrap_or('"');
        let Some(inside) = rest.get(start + 1..) else { break };
        let Some(end) = inside.find(mark) else { break };
        found.push(inside.get(..end).unwrap_or_default().to_owned());
        rest = inside.get(end + 1..).unwrap_or_default();
    }
    found
}
