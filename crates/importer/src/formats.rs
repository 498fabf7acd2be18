//! Blogs that come as one file: an export of WordPress or of Ghost.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use url::Url;

use crate::{
    ImportError,
    comments::Comment,
    document::Document,
    generators::Generator,
    ghost,
    guard::guarded,
    html_to_markdown::escape_text,
    markup,
    media::{self, Elsewhere, Root, Sources, has_name_of_picture},
    plan::{Item, Plan, Planned, give_former_slugs, lead_to_parts, part_clashes},
    site::Site,
    wordpress,
};

/// Why a scheduled post becomes a draft.
pub const UNDATED: &str = "it is scheduled, but its date is not there or cannot be read";

/// What concerns an export of a blog.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Formats {
    /// Of Ghost: the address of the old site, which the export leaves out
    #[arg(long, value_name = "ADDRESS")]
    pub site: Option<String>,
    /// Of WordPress and Broadsheet: import the comments that everybody saw, as comments of the user, with the names of who wrote them
    #[arg(long)]
    pub comments: bool,
    /// A copy of the old site's pictures, which are uploaded: of WordPress the folder wp-content/uploads, of Ghost content/images
    #[arg(long, value_name = "FOLDER")]
    pub media: Option<PathBuf>,
    /// Fetch the pictures that the folder of --media does not have from the old site, into that folder
    #[arg(long, requires = "media")]
    pub fetch: bool,
}

/// A post with its text, as the file has it.
pub struct Whole<'a> {
    pub document: Cow<'a, Document>,
    /// Its comments, each after the one that it answers.
    pub comments: Vec<Comment>,
}

/// What the texts of a plan are read from, when their turn comes.
pub enum Texts {
    /// The documents of the plan have them.
    Planned,
    WordPress(Box<wordpress::Export>),
}

impl Plan {
    /// Reads a folder, or the export of a blog.
    pub fn of(
        path: &Path,
        from: Option<Generator>,
        formats: &Formats,
        known: &HashMap<PathBuf, String>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        if !path.is_file() {
            if matches!(from, Some(Generator::WordPress | Generator::Ghost)) {
                return Err(ImportError::NoExport(path.to_owned()));
            }
            return Self::read(path, from, known, now);
        }
        let unreadable = |source| ImportError::File { path: path.to_owned(), source };
        if is_packed(path).map_err(unreadable)? {
            return Err(ImportError::Packed(path.to_owned()));
        }
        let found = match from {
            Some(from) => Some(from),
            None => told_by_content(path).map_err(unreadable)?,
        };
        match found {
            Some(Generator::WordPress) => wordpress::plan(path, now).map_err(unreadable)?,
            Some(Generator::Ghost) => ghost::plan(path, formats.site.as_deref(), now).map_err(unreadable)?,
            _ => None,
        }
        .map(|plan| plan.with_slugs(known).with_pictures_in(formats))
        .ok_or_else(|| ImportError::NoExport(path.to_owned()))
    }

    fn with_slugs(mut self, known: &HashMap<PathBuf, String>) -> Self {
        part_clashes(&mut self.items, known);
        give_former_slugs(&mut self.items);
        match &mut self.texts {
            Texts::WordPress(export) => export.link(&self.items),
            Texts::Planned => {
                lead_to_posts(&mut self.items);
                lead_to_parts(&mut self.items);
            }
        }
        self
    }

    /// The same, with the pictures that it names looked up in a copy of the old site's.
    fn with_pictures_in(mut self, formats: &Formats) -> Self {
        let Some(folder) = &formats.media else {
            for item in &mut self.items {
                let Planned::Post(document) = &mut item.what else { continue };
                let Some(cover) = document.cover.take() else { continue };
                document.notes.push(format!("its picture {cover} is left out: it needs the address of the old site (--site), or a copy of its pictures (--media)"));
            }
            return self;
        };
        let (site, path) = match &self.texts {
            Texts::Planned => (formats.site.as_deref().unwrap_or_default(), "/content/images/"),
            Texts::WordPress(export) => (export.address(), "/wp-content/uploads/"),
        };
        let site = site.trim_end_matches('/');
        let host = site.split_once("://").map_or(site, |(_, host)| host);
        // As typed: a site without a scheme is on the web.
        let whole = if host == site { format!("https://{site}{path}") } else { format!("{site}{path}") };
        let address = Url::parse(&whole).ok().filter(|_| formats.fetch);
        let bare = [path.to_owned(), format!("{}{path}", ghost::SITE)];
        let roots = bare.map(|prefix| Root { prefix, folder: folder.clone(), address: address.clone() });
        self.pictures.roots = roots.into();
        self.pictures.roots.extend(roots_of(&format!("{host}{path}"), folder, address.as_ref()));
        if let Texts::WordPress(export) = &self.texts {
            // The files of each other host have a folder in the copy.
            for origin in export.other_origins() {
                let (Some(host), Some((_, place))) = (origin.host_str(), origin.as_str().split_once("://")) else {
                    continue;
                };
                let address = Some(&origin).filter(|_| formats.fetch);
                self.pictures.roots.extend(roots_of(place, &folder.join(host), address));
            }
        }
        self
    }

    /// A post with its text, and the pictures of it that are to be uploaded.
    pub fn whole<'a>(&self, path: &Path, planned: &'a Document) -> Result<Whole<'a>, String> {
        guarded(|| self.read_whole(path, planned))?
    }

    fn read_whole<'a>(&self, path: &Path, planned: &'a Document) -> Result<Whole<'a>, String> {
        let mut whole = match &self.texts {
            Texts::Planned => Whole { document: Cow::Borrowed(planned), comments: Vec::new() },
            Texts::WordPress(export) => export.whole(path, planned)?,
        };
        if !self.pictures.roots.is_empty() {
            find_pictures(whole.document.to_mut(), &self.pictures);
        }
        Ok(whole)
    }

    /// The pictures of a post that only the old site has, if they may be fetched from there.
    pub fn pictures_elsewhere(&self, document: &Document) -> Vec<Elsewhere> {
        let mut found: Vec<Elsewhere> = Vec::new();
        let mut look = |reference: &str| {
            let is_here = document.pictures.contains_key(reference);
            let elsewhere =
                self.pictures.elsewhere(reference).filter(|file| !is_here && has_name_of_picture(&file.path));
            if let Some(elsewhere) = elsewhere.filter(|elsewhere| !found.contains(elsewhere)) {
                found.push(elsewhere);
            }
        };
        document.cover_image_url.iter().for_each(|cover| look(cover));
        markup::rewrite(&document.body, |reference| {
            look(reference);
            None
        });
        found
    }
}

/// Lets links to old addresses of posts lead to where these are from now on.
fn lead_to_posts(items: &mut [Item]) {
    let mut new: HashMap<String, String> = HashMap::new();
    for item in &*items {
        let Planned::Post(document) = &item.what else { continue };
        for old in &document.old_addresses {
            new.entry(old.clone()).or_insert_with(|| format!("/posts/{}", document.slug));
        }
    }
    for item in items {
        let Planned::Post(document) = &mut item.what else { continue };
        document.body = markup::rewrite(&document.body, |reference| {
            let (page, part) = reference.split_at(reference.find('#').unwrap_or(reference.len()));
            Some(format!("{}{part}", new.get(page)?))
        });
    }
}

/// A folder of copies, by all that a reference to one of its files begins with. `place` is a host, and a path that ends with a slash.
fn roots_of<'a>(place: &'a str, folder: &'a Path, address: Option<&'a Url>) -> impl Iterator<Item = Root> {
    let root =
        move |scheme| Root { prefix: format!("{scheme}{place}"), folder: folder.to_owned(), address: address.cloned() };
    ["//", "http://", "https://"].into_iter().map(root)
}

/// Notes the files of the pictures that a post names by their old addresses. Where one is not uploaded, the address stays.
fn find_pictures(document: &mut Document, sources: &Sources) {
    let (mut found, mut missing) = (BTreeMap::new(), BTreeSet::new());
    let mut look = |reference: &str| {
        let file = sources.find(reference, None, None).filter(|file| media::kind(file).is_some());
        if file.is_none() && sources.lack(reference) && has_name_of_picture(Path::new(reference)) {
            missing.insert(reference.to_owned());
        }
        file.is_some_and(|file| found.insert(reference.to_owned(), file).is_none())
    };
    match &document.cover {
        Some(cover) => drop(look(cover)),
        None => document.cover = document.cover_image_url.take_if(|address| look(address)),
    }
    markup::rewrite(&document.body, |reference| {
        look(reference);
        None
    });
    document.pictures = found;
    if let Some(first) = missing.first() {
        let what = "a picture of the old site that the folder of --media does not have, and that stays there";
        document.notes.push(format!("{} × {what}; the first is {first}", missing.len()));
    }
}

/// How a file begins.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    File::open(path)?.take(1024).read_to_end(&mut begin)?;
    Ok(begin)
}

/// Whether the file is one of zip, as WordPress.com hands its exports out, or of gzip.
fn is_packed(path: &Path) -> io::Result<bool> {
    let begin = beginning(path)?;
    Ok(begin.starts_with(b"PK\x03\x04") || begin.starts_with(b"\x1f\x8b"))
}

/// Which blog wrote the file: an export of WordPress is XML, one of Ghost JSON.
fn told_by_content(path: &Path) -> io::Result<Option<Generator>> {
    let begin = beginning(path)?;
    let text = String::from_utf8_lossy(&begin);
    let first = text.trim_start_matches('\u{feff}').trim_start().chars().next();
    Ok(match first {
        Some('<') => Some(Generator::WordPress),
        Some('{' | '[') => Some(Generator::Ghost),
        _ => None,
    })
}

/// A plan without a folder.
pub fn plan_of_file(generator: Generator, path: &Path, items: Vec<Item>, notes: Vec<String>, texts: Texts) -> Plan {
    let folder = path.parent().unwrap_or(path);
    Plan { site: Site { notes, ..Site::plain(folder, generator) }, items, texts, pictures: Sources::default() }
}

/// Makes the paths of items differ: an export may have one id twice.
pub fn part_paths(items: &mut [Item]) {
    let mut seen: HashMap<PathBuf, usize> = HashMap::new();
    for item in items {
        let times = seen.entry(item.path.clone()).or_default();
        *times += 1;
        if *times > 1 {
            item.path = PathBuf::from(format!("{}#{times}", item.path.display()));
        }
    }
}

/// A title that the server takes: one line of at most 200 characters. A post without one is called by how its text begins.
pub fn title(title: &str, text: &str, otherwise: &str, notes: &mut Vec<String>) -> String {
    const MAX: usize = 200;
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (own, beginning) = (line(title), line(text));
    let cut = |text: &str, max: usize| {
        if text.chars().count() <= max {
            return text.to_owned();
        }
        let short: String = text.chars().take(max - 1).collect();
        let words = short.rsplit_once(' ').map_or(&*short, |(words, _)| words);
        format!("{words}…")
    };
    if own.is_empty() {
        notes.push("it has no title: it is called by how its text begins".to_owned());
        return cut(if beginning.is_empty() { otherwise } else { &beginning }, 60);
    }
    if own.chars().count() > MAX {
        notes.push(format!("its title is cut to {MAX} characters"));
    }
    cut(&own, MAX)
}

/// What was lost of a text, as sentences of a report.
pub fn notes_of<K: AsRef<str>>(lost: &BTreeMap<K, usize>) -> impl Iterator<Item = String> {
    lost.iter().map(|(what, times)| format!("{times} × {}", what.as_ref()))
}

/// `A (2), B (1)`.
pub fn counted(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(what, times)| format!("{what} ({times})")).collect::<Vec<_>>().join(", ")
}

/// An item that becomes no post.
pub fn left(path: PathBuf, reason: impl Into<String>) -> Item {
    Item { path, what: Planned::Left(reason.into()) }
}

/// The words that introduce somebody else's comment.
pub fn byline(name: &str, date: Option<Timestamp>) -> String {
    let name = if name.trim().is_empty() { "Anonymous".to_owned() } else { escape_text(&name.replace('\n', " ")) };
    match date {
        Some(date) => format!("**{name}**, {}:", date.strftime("%-d %B %Y")),
        None => format!("**{name}**:"),
    }
}
