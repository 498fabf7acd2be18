//! What an import will do: every file of a folder, once, with the post that it becomes or the reason why it becomes none.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use domain::{Body, Title};
use jiff::Timestamp;
use walkdir::{DirEntry, WalkDir};

use crate::{
    ImportError,
    addresses::former_slugs,
    anchors,
    document::Document,
    formats::Texts,
    generators::Generator,
    guard::guarded,
    links::Index,
    markup,
    media::{self, Sources},
    naming::as_slug,
    players, shortcodes,
    site::Site,
    wiki,
};

/// The whole folder, in an order that is the same on every machine.
pub struct Plan {
    /// By whose rules it was read.
    pub site: Site,
    /// Every file, and every folder that was not looked into.
    pub items: Vec<Item>,
    /// What the texts of posts are read from.
    pub texts: Texts,
    /// Where the pictures are that the texts name by addresses of the old site.
    pub pictures: Sources,
}

/// One file, by its path relative to the imported folder.
pub struct Item {
    pub path: PathBuf,
    pub what: Planned,
}

/// What becomes of a file.
pub enum Planned {
    /// A post.
    Post(Box<Document>),
    /// A picture, as a post shows it; the file, from the root of the file system.
    Picture(PathBuf),
    /// Nothing, as the file is no post.
    Left(String),
    /// Nothing, though it should have been a post.
    Failed(String),
}

impl Plan {
    /// Reads the folder. `known` are the slugs that earlier imports gave to files; they stay.
    pub fn read(
        folder: &Path,
        from: Option<Generator>,
        known: &HashMap<PathBuf, String>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        if !folder.is_dir() {
            return Err(ImportError::NotAFolder(folder.to_owned()));
        }
        let mut site = Site::of(folder, from);
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let below = whole.strip_prefix(&site.root).map(Path::to_owned).unwrap_or_default();

        let (files, mut items) = walk(folder)?;
        // What stands above the folder holds in it too.
        let above = below.ancestors().skip(1).flat_map(|place| files_in(&site.root, place)).collect::<Vec<_>>();
        let places: Vec<_> = above.into_iter().chain(files.iter().map(|file| below.join(file))).collect();
        let root = site.root.clone();
        site.survey(&places, &|place| fs::read(root.join(place)).ok());
        for path in files {
            let what = guarded(|| read(folder, &below, &path, &site, now)).unwrap_or_else(Planned::Failed);
            items.push(Item { path, what });
        }
        items.sort_by(|one, other| one.path.cmp(&other.path));
        part_clashes(&mut items, known);
        give_former_slugs(&mut items);
        link(&site, &mut items);
        name_pictures(&whole, &below, &mut items);
        Ok(Self { site, items, texts: Texts::Planned, pictures: Sources::default() })
    }

    /// The posts, with the files that they are of.
    pub fn posts(&self) -> impl Iterator<Item = (&Path, &Document)> {
        self.items.iter().filter_map(|item| match &item.what {
            Planned::Post(document) => Some((item.path.as_path(), &**document)),
            _ => None,
        })
    }

    /// The files of the pictures that have a line of their own.
    pub fn files_of_pictures(&self) -> HashSet<PathBuf> {
        let files = self.items.iter().filter_map(|item| match &item.what {
            Planned::Picture(file) => Some(file.clone()),
            _ => None,
        });
        files.collect()
    }

    /// How many files have each key that has no place in a post.
    pub fn dropped(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for key in self.posts().flat_map(|(_, document)| &document.dropped) {
            *counts.entry(key.clone()).or_default() += 1;
        }
        counts
    }

    /// How often each shortcode stays as text.
    pub fn shortcodes(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (name, count) in self.posts().flat_map(|(_, document)| &document.shortcodes) {
            *counts.entry(name.clone()).or_default() += count;
        }
        counts
    }

    /// How many posts each author of the old site has.
    pub fn authors(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for name in self.posts().flat_map(|(_, document)| &document.authors) {
            *counts.entry(name.clone()).or_default() += 1;
        }
        counts
    }

    /// The slugs that posts have here.
    pub fn slugs(&self) -> HashSet<String> {
        self.posts().map(|(_, document)| document.slug.clone()).collect()
    }

    /// The first post that shows a picture.
    pub fn first_with(&self, picture: &Path) -> Option<&Document> {
        self.posts()
            .map(|(_, document)| document)
            .find(|document| document.pictures.values().any(|file| file == picture))
    }

    /// The addresses of the old site and where they lead now, in the form of Netlify's and Cloudflare's `_redirects`. `moved` are
    /// the posts that have other slugs than was planned, `missing` the files whose posts are not here.
    pub fn redirects(&self, moved: &HashMap<String, String>, missing: &HashSet<&Path>) -> String {
        let mut seen = HashSet::new();
        self.posts()
            .filter(|(path, document)| document.hidden.is_none() && !missing.contains(path))
            .flat_map(|(_, document)| {
                let slug = moved.get(&document.slug).unwrap_or(&document.slug);
                document.old_addresses.iter().map(move |old| (old, format!("/posts/{slug}")))
            })
            .filter(|(old, new)| *old != new && seen.insert((*old).clone()))
            .map(|(old, new)| format!("{old} {new} 301\n"))
            .collect()
    }
}

impl Item {
    /// Whether anything of it goes to the server.
    pub fn is_sent(&self) -> bool {
        matches!(self.what, Planned::Post(_) | Planned::Picture(_))
    }
}

/// The files below `folder`, and what is not looked into: hidden files and folders.
fn walk(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Item>), ImportError> {
    // The folder itself may have any name: `import .` and `import ..` look hidden.
    let is_hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    let is_foreign =
        |entry: &DirEntry| entry.depth() > 0 && entry.file_type().is_dir() && entry.file_name() == "node_modules";
    let (mut files, mut items) = (Vec::new(), Vec::new());
    let mut entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
        let is_folder = entry.file_type().is_dir();
        if is_hidden(&entry) || is_foreign(&entry) {
            if path != Path::new(crate::journal::FILE_NAME) {
                let what = if is_folder { "a folder that is not looked into" } else { "a hidden file" };
                items.push(Item { path, what: Planned::Left(what.to_owned()) });
            }
            if is_folder {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_symlink() {
            items.push(Item { path, what: Planned::Left("a link, which is not followed".to_owned()) });
        } else if !is_folder && !entry.file_type().is_file() {
            // Reading a named pipe would wait for ever.
            items.push(Item { path, what: Planned::Left("no file".to_owned()) });
        } else if !is_folder && path.to_str().is_none() {
            // The journal is text.
            items.push(Item { path, what: Planned::Failed("Its name is not UTF-8: rename it.".to_owned()) });
        } else if !is_folder {
            files.push(path);
        }
    }
    Ok((files, items))
}

fn read(folder: &Path, below: &Path, path: &Path, site: &Site, now: Timestamp) -> Planned {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "md" | "markdown" | "mdown" | "mkd" => {}
        // No other of the generators knows components.
        "mdx" if matches!(site.generator, Generator::Astro | Generator::Plain) => {}
        "rst" | "adoc" | "asciidoc" | "org" | "mdx" | "textile" => {
            return Planned::Left(format!("text in the format {extension}, which is not read"));
        }
        "html" | "htm" => return Planned::Left("a page in HTML, which is not read".to_owned()),
        _ => return Planned::Left("no Markdown; files are not imported".to_owned()),
    }
    let place = below.join(path);
    if let Some(reason) = site.no_post(&place) {
        return Planned::Left(reason);
    }
    let bytes = match fs::read(folder.join(path)) {
        Ok(bytes) => bytes,
        Err(error) => return Planned::Failed(format!("The file cannot be read: {error}.")),
    };
    let text = String::from_utf8_lossy(&bytes);
    if let Some(reason) = site.generator.rules().no_post_by_text(&place, text.trim_start_matches('\u{feff}')) {
        return Planned::Left(reason.to_owned());
    }
    match Document::parse(&place, &bytes, site, now) {
        Ok(document) => match (refusal(&document), &document.hidden) {
            (None, _) => Planned::Post(Box::new(document)),
            // A bundle of files for other pages, say: there is nothing to make a draft of.
            (Some(_), Some(reason)) if document.body.trim().is_empty() => {
                Planned::Left(format!("without text, and hidden ({reason})"))
            }
            (Some(reason), _) => Planned::Failed(reason),
        },
        Err(error) => Planned::Failed(error.to_string()),
    }
}

/// Why the server would not take a post, as far as that can be known here.
fn refusal(document: &Document) -> Option<String> {
    if document.body.trim().is_empty() {
        return Some("The file has no text.".to_owned());
    }
    let title = Title::try_from(document.title.clone()).err().map(|reason| format!("/title: {reason}"));
    let date = document.date.and_then(|date| domain::Timestamp::try_from(date.to_string()).err());
    title
        .or_else(|| Body::try_from(document.body.clone()).err().map(|reason| format!("/body: {reason}")))
        .or_else(|| date.map(|reason| format!("/publish_at: {reason}")))
}

/// The files in a folder of the site, but not in the folders in it.
fn files_in(root: &Path, place: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(place)).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_file()).map(|entry| place.join(entry.file_name())).collect()
}

/// Gives every post a slug of its own. Whoever had a slug keeps it; otherwise the oldest post does, and the others get
/// what tells them apart, as a person would say it: their language, their year, their day, their folder, a number.
pub fn part_clashes(items: &mut [Item], known: &HashMap<PathBuf, String>) {
    let mut taken: HashSet<String> = HashSet::new();
    let mut new: Vec<(&Path, &mut Document)> = Vec::new();
    for item in items {
        let Planned::Post(document) = &mut item.what else { continue };
        match known.get(&item.path) {
            Some(slug) if taken.insert(slug.clone()) => document.slug.clone_from(slug),
            _ => new.push((&item.path, document)),
        }
    }
    // A post without a date gives way to one that has one, and a translation to the original.
    new.sort_by_key(|(path, post)| (post.date.is_none(), post.date, post.language.is_some(), path.to_path_buf()));
    for (path, document) in new {
        if taken.insert(document.slug.clone()) {
            continue;
        }
        let free = other_slugs(path, document).find(|slug| !taken.contains(slug));
        if let Some(slug) = free {
            document.notes.push(format!("another file has the slug \"{}\"", document.slug));
            taken.insert(slug.clone());
            document.slug = slug;
        }
    }
}

/// The slugs that a post may have instead of its own: with its language, its year, its day, its folder, or a number.
pub fn other_slugs(path: &Path, document: &Document) -> impl Iterator<Item = String> + use<> {
    let day = document.date.map(|date| date.to_string());
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let suffixes = [
        document.language.clone(),
        day.as_ref().and_then(|day| day.get(..4)).map(str::to_owned),
        day.as_ref().and_then(|day| day.get(..10)).map(str::to_owned),
        folder,
    ];
    let base: String = document.slug.chars().take(80).collect();
    let base = base.trim_end_matches('-').to_owned();
    let (named, numbered) = (base.clone(), base);
    let named = suffixes.into_iter().flatten().filter_map(move |suffix| as_slug(&format!("{named}-{suffix}")));
    named.chain((2..).map(move |number: u32| format!("{numbered}-{number}")))
}

/// Lets the old addresses of posts that end otherwise than their slugs lead to them, as far as no other post has that name.
pub fn give_former_slugs(items: &mut [Item]) {
    let posts = |item: &Item| match &item.what {
        Planned::Post(document) => Some(document.slug.clone()),
        _ => None,
    };
    let mut taken: HashSet<String> = items.iter().filter_map(posts).collect();
    for item in items {
        let Planned::Post(document) = &mut item.what else { continue };
        let former = former_slugs(&document.old_addresses, &document.slug);
        document.former_slugs = former.into_iter().filter(|slug| taken.insert(slug.clone())).collect();
    }
}

/// Translates shortcodes, lets links between posts lead to where the posts are now, and finds the pictures.
fn link(site: &Site, items: &mut [Item]) {
    let posts = items.iter().filter_map(|item| match &item.what {
        Planned::Post(document) => Some(&**document),
        _ => None,
    });
    let (index, sources) = (Index::new(site, posts), Sources::of(site));
    let is_vault = site.root.join(".obsidian").is_dir();
    let attachments = attachments(items);
    for item in &mut *items {
        let Planned::Post(document) = &mut item.what else { continue };
        let linked = guarded(|| {
            let folder = site.root.join(&document.place).parent().map(Path::to_owned);
            if site.generator.rules().has_templates_in_code() {
                document.body = shortcodes::without_raw_in_code(&document.body);
            }
            if site.generator == Generator::Plain {
                let attachment = |target: &str| {
                    let named = Path::new(target).file_name()?.to_string_lossy().to_lowercase();
                    let is_there = sources.find(target, folder.as_deref(), None).is_some();
                    attachments.get(&named).filter(|_| !is_there).cloned()
                };
                translate_wiki(document, &index, is_vault, &attachment);
            }
            link_one(document, &index, &sources, folder.as_deref());
            if !site.generator.rules().strikes_between_single_tildes(site) {
                document.body = markup::without_single_strikes(&document.body);
            }
        });
        if let Err(reason) = linked {
            item.what = Planned::Failed(reason);
        }
    }
    lead_to_parts(items);
}

/// Lets the links in posts lead to the parts of posts that they meant.
pub fn lead_to_parts(items: &mut [Item]) {
    let posts = items.iter_mut().filter_map(|item| match &mut item.what {
        Planned::Post(document) => Some(&mut **document),
        _ => None,
    });
    anchors::lead(&mut posts.collect::<Vec<_>>());
}

/// Where the pictures of the folder are, by their names in small letters: a wiki names them so from any folder.
fn attachments(items: &[Item]) -> HashMap<String, String> {
    let pictures = items.iter().map(|item| &item.path).filter(|path| media::has_name_of_picture(path));
    let mut found = HashMap::new();
    for path in pictures {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        found.entry(name).or_insert_with(|| format!("/{}", path.to_string_lossy()));
    }
    found
}

/// Translates what a wiki writes in Markdown. In sites of generators it is text.
fn translate_wiki(document: &mut Document, index: &Index, is_vault: bool, attachment: &dyn Fn(&str) -> Option<String>) {
    let place = document.place.clone();
    let translated = wiki::translate(&document.body, is_vault, &|target| index.named(target, &place), attachment);
    document.body = translated.text;
    for (times, what) in [
        (translated.kept, "a link of a wiki ([[…]]) that leads to no post, which stays as text"),
        (translated.comments, "a comment (%%…%%), which is left out"),
    ] {
        document.notes.extend((times > 0).then(|| format!("{times} × {what}")));
    }
}

/// The same for one post, whose files are in `folder`.
pub fn link_one(document: &mut Document, index: &Index, sources: &Sources, folder: Option<&Path>) {
    let (place, own) = (document.place.clone(), document.old_addresses.first().cloned());
    let (body, players) = players::translate(&document.body);
    let translated = shortcodes::translate(&body, &|target| index.named(target, &place));
    document.shortcodes = translated.kept;
    let (mut pictures, mut files, mut lost) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    let mut beyond = BTreeSet::new();
    let mut count = HashSet::new();
    document.body = markup::rewrite(&translated.text, |reference| {
        let post = index.find(reference, &place, own.as_deref());
        if post.is_some() {
            return post;
        }
        match sources.find(reference, folder, own.as_deref()) {
            Some(file) if media::kind(&file).is_none() => {
                files.insert(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
            Some(file) if count.contains(&file) || count.len() < media::MAX_OF_POST => {
                count.insert(file.clone());
                pictures.insert(reference.to_owned(), file);
            }
            Some(file) => {
                beyond.insert(file);
            }
            None => {
                let elsewhere = ["http://", "https://", "mailto:", "tel:", "#", "//", "/posts/", "data:"];
                if !reference.is_empty() && !elsewhere.iter().any(|prefix| reference.starts_with(prefix)) {
                    lost.push(reference.to_owned());
                }
            }
        }
        None
    });
    if let Some(cover) = &document.cover {
        match sources.find(cover, folder, own.as_deref()).filter(|file| media::kind(file).is_some()) {
            Some(file) => {
                pictures.insert(cover.clone(), file);
            }
            None => document.notes.push(format!("its picture \"{cover}\" is left out: there is no such file")),
        }
    }
    document.pictures = pictures;
    if !document.shortcodes.is_empty() {
        let names: Vec<_> = document.shortcodes.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        document.notes.push(format!("kept as text, as it has no plain meaning: {}", names.join(", ")));
    }
    if !files.is_empty() {
        let names: Vec<_> = files.into_iter().collect();
        document.notes.push(format!("files that are no JPEG, PNG, GIF or WebP do not come in: {}", names.join(", ")));
    }
    document.notes.extend((players > 0).then(|| format!("{players} × a player or frame, which became a link")));
    if !beyond.is_empty() {
        let (more, most) = (beyond.len(), media::MAX_OF_POST);
        document.notes.push(format!("{more} × a picture that is not shown, because a post shows at most {most}"));
    }
    if let Some(first) = lost.first() {
        let what = "a link or picture that leads into the old site and is not rewritten";
        document.notes.push(format!("{} × {what}; the first is {first}", lost.len()));
    }
}

/// Makes a line of each picture that a post shows, also of those that lie outside of the folder.
fn name_pictures(whole: &Path, below: &Path, items: &mut Vec<Item>) {
    let posts = items.iter().filter_map(|item| match &item.what {
        Planned::Post(document) => Some(document),
        _ => None,
    });
    let mut pictures: BTreeSet<PathBuf> = posts.flat_map(|document| document.pictures.values().cloned()).collect();
    for item in items.iter_mut() {
        let file = whole.join(&item.path);
        let file = file.canonicalize().unwrap_or(file);
        if matches!(item.what, Planned::Left(_)) && pictures.remove(&file) {
            item.what = Planned::Picture(file);
        }
    }
    let root =
        below.components().fold(whole.to_owned(), |place, _| place.parent().map(Path::to_owned).unwrap_or(place));
    let up: PathBuf = below.components().map(|_| "..").collect();
    items.extend(pictures.into_iter().map(|file| {
        let path = file.strip_prefix(&root).map_or_else(|_| file.clone(), |place| up.join(place));
        Item { path, what: Planned::Picture(file) }
    }));
    items.sort_by(|one, other| one.path.cmp(&other.path));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn plan_of(folder: &Path, known: &HashMap<PathBuf, String>) -> Plan {
        Plan::read(folder, None, known, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap()
    }

    fn plan(files: &[(&str, &str)]) -> Plan {
        plan_of(folder(files).path(), &HashMap::new())
    }

    /// Each file, with the slug of its post, with a `?` if it is a draft, or with a dash.
    fn shown(plan: &Plan) -> Vec<(String, String)> {
        let slug = |what: &Planned| match what {
            Planned::Post(document) if document.hidden.is_some() => format!("{}?", document.slug),
            Planned::Post(document) => document.slug.clone(),
            Planned::Picture(_) => "picture".to_owned(),
            Planned::Left(_) => "-".to_owned(),
            Planned::Failed(reason) => reason.clone(),
        };
        plan.items.iter().map(|item| (item.path.to_string_lossy().into_owned(), slug(&item.what))).collect()
    }

    #[track_caller]
    fn check(plan: &Plan, expected: &[(&str, &str)]) {
        let shown = shown(plan);
        let shown: Vec<_> = shown.iter().map(|(path, slug)| (&**path, &**slug)).collect();
        assert_eq!(shown, expected);
    }

    const POST: &str = "---\ntitle: A\ndate: 2020-01-01\n---\nText.";

    #[test]
    fn each_generator_is_told_by_its_files_and_has_its_own_places() {
        let hugo = plan(&[
            ("hugo.toml", "timeZone = 'Europe/Berlin'"),
            ("content/posts/a.md", POST),
            ("content/posts/_index.md", "---\ncascade:\n  draft: true\n---\n"),
            ("content/blog/b/index.md", POST),
            ("content/blog/b/picture.png", ""),
            ("content/_index.ja.md", POST),
            ("archetypes/default.md", POST),
        ]);
        assert_eq!(hugo.site.generator, Generator::Hugo);
        check(
            &hugo,
            &[
                ("archetypes/default.md", "-"),
                ("content/_index.ja.md", "-"),
                ("content/blog/b/index.md", "b"),
                ("content/blog/b/picture.png", "-"),
                ("content/posts/_index.md", "-"),
                ("content/posts/a.md", "a?"),
                ("hugo.toml", "-"),
            ],
        );
        let date = hugo.posts().next().unwrap().1.date.unwrap();
        assert_eq!(date.to_string(), "2019-12-31T23:00:00Z");
        for (config, generator) in [
            ("{\n\t\"baseurl\": \"https://example.com\",\n\t\"title\": \"A\"\n}\n", Generator::Hugo),
            ("{\"port\": 80}", Generator::Plain),
        ] {
            let plan = plan(&[("config.json", config), ("content/a.md", POST), ("notes.md", POST)]);
            assert_eq!(plan.site.generator, generator, "{config}");
        }

        let jekyll = plan(&[
            ("_config.yml", "timezone: UTC\ndefaults:\n- scope: {path: _posts/secret}\n  values: {published: false}\n"),
            ("_posts/2020-1-2-a.md", "---\n---\nText."),
            ("_posts/secret/2020-1-2-b.md", "---\n---\nText."),
            ("_drafts/c.md", "---\n---\nText."),
            ("about.md", POST),
        ]);
        assert_eq!(jekyll.site.generator, Generator::Jekyll);
        check(
            &jekyll,
            &[
                ("_config.yml", "-"),
                ("_drafts/c.md", "c?"),
                ("_posts/2020-1-2-a.md", "a"),
                ("_posts/secret/2020-1-2-b.md", "b?"),
                ("about.md", "-"),
            ],
        );
        assert_eq!(jekyll.redirects(&HashMap::new(), &HashSet::new()), "/2020/01/02/a.html /posts/a 301\n");

        let zola = plan(&[
            ("config.toml", "base_url = 'https://example.com'"),
            ("content/a.md", "+++\ntitle = 'A'\ndate = 2020-01-01\nrender = false\n+++\nText."),
            ("content/old/_index.md", "+++\ndraft = true\n+++\n"),
            ("content/old/b.md", "+++\ndate = 2020-01-01\n+++\nText."),
        ]);
        assert_eq!(zola.site.generator, Generator::Zola);
        check(
            &zola,
            &[("config.toml", "-"), ("content/a.md", "a?"), ("content/old/_index.md", "-"), ("content/old/b.md", "b?")],
        );

        let eleventy = plan(&[
            ("eleventy.config.mjs", ""),
            ("blog/blog.json", "{\"tags\": \"posts\", \"lang\": \"de\"}"),
            ("blog/a.md", POST),
            ("hidden/hidden.11tydata.json", "{\"eleventyExcludeFromCollections\": true}"),
            ("hidden/b.md", POST),
            ("node_modules/x/readme.md", POST),
        ]);
        assert_eq!(eleventy.site.generator, Generator::Eleventy);
        check(
            &eleventy,
            &[
                ("blog/a.md", "a"),
                ("blog/blog.json", "-"),
                ("eleventy.config.mjs", "-"),
                ("hidden/b.md", "b?"),
                ("hidden/hidden.11tydata.json", "-"),
                ("node_modules", "-"),
            ],
        );
        let (_, first) = eleventy.posts().next().unwrap();
        assert_eq!((first.language.as_deref(), &first.tags), (Some("de"), &None));
        let whole_folder = plan(&[
            (".eleventy.js", "module.exports = () => ({\n  dir: {\n    input: \".\",\n    output: \"_site\"\n  }\n});"),
            ("about/index.md", POST),
            ("index.md", POST),
            ("posts/a.md", POST),
        ]);
        check(&whole_folder, &[(".eleventy.js", "-"), ("about/index.md", "-"), ("index.md", "-"), ("posts/a.md", "a")]);

        let astro = plan(&[("astro.config.ts", ""), ("src/content/blog/a.md", POST), ("src/pages/b.md", POST)]);
        assert_eq!(astro.site.generator, Generator::Astro);
        check(&astro, &[("astro.config.ts", "-"), ("src/content/blog/a.md", "a"), ("src/pages/b.md", "-")]);
        let among_pages = plan(&[
            ("astro.config.mjs", ""),
            ("src/pages/Notes/2024-10-18-a.md", "---\ntitle: A\nurl: https://elsewhere.example/x\n---\nText."),
            ("src/pages/about.md", POST),
            ("src/pages/Notes/index.md", POST),
        ]);
        check(
            &among_pages,
            &[
                ("astro.config.mjs", "-"),
                ("src/pages/Notes/2024-10-18-a.md", "a"),
                ("src/pages/Notes/index.md", "-"),
                ("src/pages/about.md", "-"),
            ],
        );
        assert_eq!(among_pages.redirects(&HashMap::new(), &HashSet::new()), "/Notes/2024-10-18-a/ /posts/a 301\n");
        assert_eq!(among_pages.dropped().into_keys().collect::<Vec<_>>(), ["url"]);
        let program = "loader: glob({\n  base: './src/posts',\n  generateId: ({ entry }) => entry.substring(16),\n})";
        let computed =
            plan(&[("astro.config.mjs", ""), ("src/content.config.ts", program), ("src/posts/2024/a.md", POST)]);
        check(&computed, &[("astro.config.mjs", "-"), ("src/content.config.ts", "-"), ("src/posts/2024/a.md", "a")]);
        assert_eq!(computed.redirects(&HashMap::new(), &HashSet::new()), "");

        let config = "import d from 'remark-directive'\nexport default defineConfig({\n  // base: '/old',\n  site: 'https://a.example',\n  base: '/b/',\n})";
        let with_programs = plan(&[
            ("astro.config.mjs", config),
            ("src/content/posts/_template.mdx", "---\ntitle:\n---\n"),
            (
                "src/content/posts/a.mdx",
                "---\ntitle: A\ndate_published:\ndate_added: 2024-04-17T11:32:46\n---\nimport B from 'b'\n\n<B />\n\n[c](https://a.example/b/c/)\n",
            ),
            ("src/content/posts/c.md", "---\ntitle: C\n---\nimport B from 'b'\n\n::link{url=\"https://e.com\"}\n"),
            ("src/pages/[...slug].astro", ""),
            ("src/pages/_old/[slug].astro", ""),
            ("src/pages/open-graph/[...route].ts", ""),
        ]);
        check(
            &with_programs,
            &[
                ("astro.config.mjs", "-"),
                ("src/content/posts/_template.mdx", "-"),
                ("src/content/posts/a.mdx", "a"),
                ("src/content/posts/c.md", "c"),
                ("src/pages/[...slug].astro", "-"),
                ("src/pages/_old/[slug].astro", "-"),
                ("src/pages/open-graph/[...route].ts", "-"),
            ],
        );
        assert_eq!(
            with_programs.redirects(&HashMap::new(), &HashSet::new()),
            "/b/a/ /posts/a 301\n/b/c/ /posts/c 301\n"
        );
        assert_eq!(with_programs.posts().next().unwrap().1.date.unwrap().to_string(), "2024-04-17T11:32:46Z");
        let texts: Vec<_> = with_programs.posts().map(|(_, post)| (&*post.body, &*post.notes)).collect();
        assert_eq!(texts[0].0, "[c](/posts/c)");
        assert!(texts[0].1.contains(&"1 × the component <B>, which is left out".to_owned()), "{:?}", texts[0].1);
        assert_eq!(texts[1].0, "import B from 'b'\n\n<https://e.com>");

        let config = "const posts = defineCollection({ loader: glob({ base: './src/data/posts' }) })\nconst caseStudies = defineCollection({\n  \
                      loader: glob({ pattern: '*.md', base: './src/content/case-studies' }) })\nconst about = defineCollection({})\n\
                      export const collections = { posts, 'case-studies': caseStudies, about }";
        let with_data: &[(&str, &str)] = &[
            ("astro.config.mjs", ""),
            ("src/content.config.ts", config),
            ("src/data/posts/a.md", POST),
            ("src/content/case-studies/b.md", POST),
            ("src/content/about/me.md", POST),
            ("src/content/quotes/q.md", POST),
            ("src/lib/posts.ts", "export const all = () => getCollection('posts')"),
            ("src/pages/blog/[...slug].astro", "import { all } from '@/lib/posts'"),
            ("src/pages/work/[id].astro", "const all = await getCollection(\"case-studies\")"),
            ("src/pages/about.astro", "const [me] = await getCollection('about')"),
            (
                "src/pages/quotes/[page].astro",
                "export const getStaticPaths = ({ paginate }) => paginate(await getCollection('quotes'))",
            ),
        ];
        let shown = |files: &[(&str, &str)]| -> Vec<String> {
            let plan = plan(files);
            let shown = plan.posts().map(|(path, post)| {
                let draft = if post.hidden.is_some() { "?" } else { "" };
                format!("{}{draft}", path.file_name().unwrap().to_string_lossy())
            });
            shown.collect()
        };
        assert_eq!(shown(with_data), ["me.md?", "b.md", "q.md?", "a.md"]);
        // Nothing is hidden where programs that are not there, or not read, may make the pages.
        assert_eq!(shown(&with_data[..7]), ["me.md", "b.md", "q.md", "a.md"]);
        let computed = [with_data, &[("src/pages/[...all].astro", "import { all } from 'a-package'")]].concat();
        assert_eq!(shown(&computed), ["me.md", "b.md", "q.md", "a.md"]);
        // A schema may hide what says nothing.
        let schema = "const posts = defineCollection({ loader: glob({ base: './posts' }), schema: z.object({\n  draft: z.boolean().default(true),\n\
                      }) })\nconst notes = defineCollection({ schema: z.object({ published: z.boolean().optional().default(false) }) })";
        let strict: &[(&str, &str)] = &[
            ("astro.config.mjs", ""),
            ("src/content/config.ts", schema),
            ("posts/a.md", POST),
            ("posts/b.md", "---\ntitle: B\ndraft: false\n---\nText."),
            ("src/content/notes/c.md", POST),
        ];
        assert_eq!(shown(strict), ["a.md?", "b.md", "c.md?"]);
        let injected = [&[("astro.config.mjs", "injectRoute({})")], &with_data[1..]].concat();
        assert_eq!(shown(&injected), ["me.md", "b.md", "q.md", "a.md"]);

        let pelican = plan(&[
            ("pelicanconf.py", "TIMEZONE = 'Europe/Paris'  # ours\n"),
            ("content/a.md", "Title: A\nDate: 2020-01-01\n\nText."),
            ("content/pages/b.md", "Title: B\n\nText."),
            ("content/c.rst", "C"),
        ]);
        assert_eq!(pelican.site.generator, Generator::Pelican);
        check(
            &pelican,
            &[("content/a.md", "a"), ("content/c.rst", "-"), ("content/pages/b.md", "-"), ("pelicanconf.py", "-")],
        );
        assert_eq!(pelican.posts().next().unwrap().1.date.unwrap().to_string(), "2019-12-31T23:00:00Z");
    }

    #[test]
    fn a_part_of_a_site_is_read_by_the_rules_of_the_whole() {
        let site = folder(&[("_config.yml", "permalink: pretty"), ("_posts/2020-01-02-a.md", "---\n---\nText.")]);
        let plan = plan_of(&site.path().join("_posts"), &HashMap::new());
        check(&plan, &[("2020-01-02-a.md", "a")]);
        assert_eq!(plan.redirects(&HashMap::new(), &HashSet::new()), "/2020/01/02/a/ /posts/a 301\n");
    }

    #[test]
    fn every_file_has_an_address_of_its_own_and_keeps_it() {
        let same = |date: &str| format!("---\ntitle: Same\ndate: {date}\n---\nText.");
        let (old, new, newer, newest) =
            (same("2019-01-01"), same("2020-01-01"), same("2020-05-05"), same("2020-05-05"));
        let files = [
            ("2019/same.md", &*old),
            ("2020/same.md", &*new),
            ("2020/x/same.md", &*newer),
            ("2020/y/same.md", &*newest),
            ("2020/y/z/same.md", &*newest),
            ("a/index.fr.md", "Text."),
            ("a/index.md", "Text."),
            ("b/index.fr.md", "Text."),
        ];
        let expected = [
            ("2019/same.md", "same"),
            ("2020/same.md", "same-2020"),
            ("2020/x/same.md", "same-2020-05-05"),
            ("2020/y/same.md", "same-y"),
            ("2020/y/z/same.md", "same-z"),
            ("a/index.fr.md", "a-fr"),
            ("a/index.md", "a"),
            ("b/index.fr.md", "b"),
        ];
        check(&plan(&files), &expected);
        let known = [("2020/same.md".into(), "same".to_owned())].into();
        let folder = folder(&files[..2]);
        check(&plan_of(folder.path(), &known), &[("2019/same.md", "same-2019"), ("2020/same.md", "same")]);
    }

    /// Only the posts, of a folder with these files, as [`shown`].
    #[track_caller]
    fn check_posts(files: &[(&str, &str)], expected: &[(&str, &str)]) {
        let plan = plan(files);
        let shown: Vec<_> = shown(&plan).into_iter().filter(|(_, slug)| slug != "-").collect();
        let shown: Vec<_> = shown.iter().map(|(path, slug)| (&**path, &**slug)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn slugs_in_percent_encoded_addresses_are_decoded() {
        check_posts(
            &[
                ("a.md", "---\nurl: /posts/%E6%97%A5%E6%9C%AC/\n---\nText."),
                ("b.md", "---\nslug: caf%C3%A9\n---\nText."),
            ],
            &[("a.md", "ri-ben"), ("b.md", "cafe")],
        );
    }

    #[test]
    fn resources_of_hugos_bundles_are_no_posts_and_cascades_reach_their_targets() {
        check_posts(
            &[
                ("hugo.toml", "[[cascade]]\ndraft = true\n[cascade.target]\npath = '/secret/**'"),
                ("content/posts/a.md", POST),
                ("content/posts/b/index.md", POST),
                ("content/posts/b/notes.md", POST),
                ("content/posts/b/deep/index.md", POST),
                ("content/posts/c/index.fr.md", POST),
                ("content/posts/c/other.md", POST),
                ("content/headless/index.md", "---\nheadless: true\ndate: 2020-01-01\n---\nText."),
                ("content/headless/extra.md", POST),
                ("content/secret/x.md", POST),
                ("content/shown/x.md", POST),
                ("content/some/_index.md", "---\ncascade:\n- _target: {path: /some/hidden/**}\n  draft: true\n---\n"),
                ("content/some/hidden/y.md", POST),
                ("content/some/y.md", POST),
            ],
            &[
                ("content/headless/index.md", "headless?"),
                ("content/posts/a.md", "a"),
                ("content/posts/b/index.md", "b"),
                ("content/posts/c/index.fr.md", "c"),
                ("content/secret/x.md", "x?"),
                ("content/shown/x.md", "x-2020"),
                ("content/some/hidden/y.md", "y?"),
                ("content/some/y.md", "y-2020"),
            ],
        );
        // A part of a site knows what stands above it.
        let site = folder(&[
            ("hugo.toml", "contentDir = 'src'"),
            ("src/_index.md", "---\ncascade: {draft: true}\n---\n"),
            ("src/posts/a.md", POST),
        ]);
        check(&plan_of(&site.path().join("src/posts"), &HashMap::new()), &[("a.md", "a?")]);
    }

    #[test]
    fn what_jekyll_passes_over_is_no_post() {
        let text = "---\ntitle: A\n---\nText.";
        check_posts(
            &[
                (
                    "_config.yml",
                    "exclude: [_posts/ex, '*-old.md']\ninclude: [_kept]\ndefaults:\n- scope: {path: 'b/*', type: posts}\n  \
                     values: {published: false}\n- scope: {type: pages}\n  values: {published: false}\n",
                ),
                ("_posts/2020-01-01-a.md", text),
                ("_posts/2020-01-02-no-front.md", "Text."),
                ("_posts/2020-01-03-x-old.md", text),
                ("_posts/2019-02-31-x.md", text),
                ("_posts/2019-02-31-y.md", "---\ndate: 2019-03-01\n---\nText."),
                ("_posts/_2020-01-01-under.md", text),
                ("_posts/#2020-01-01-hash.md", text),
                ("_posts/2020-01-01-backup.md~/2020-01-01-b.md", text),
                ("_posts/_hid/2020-01-01-h.md", text),
                ("_posts/_kept/2020-01-01-k.md", text),
                ("_posts/ex/2020-01-01-e.md", text),
                ("_posts/excluded.md", text),
                ("_posts/no-date.md", text),
                ("b/_posts/2020-01-01-c.md", text),
                ("_drafts/d.md", text),
                ("vendor/bundle/gems/jekyll/_posts/2020-01-01-sample.md", text),
            ],
            &[
                ("_drafts/d.md", "d?"),
                (
                    "_posts/2019-02-31-x.md",
                    "The name begins with the day 2019-02-31, which does not exist, and no `date` says otherwise.",
                ),
                ("_posts/2019-02-31-y.md", "y"),
                ("_posts/2020-01-01-a.md", "a"),
                ("_posts/_kept/2020-01-01-k.md", "k"),
                ("b/_posts/2020-01-01-c.md", "c?"),
            ],
        );
    }

    #[test]
    fn what_eleventy_ignores_or_computes_is_not_published() {
        check_posts(
            &[
                (
                    ".eleventy.js",
                    "module.exports = c => { c.ignores.add('src/later/**'); return { dir: { input: \"src\" } } }",
                ),
                (".eleventyignore", "src/ign\n"),
                (".gitignore", "*.local.md\n"),
                ("src/ign/a.md", POST),
                ("src/later/a.md", POST),
                ("src/x.local.md", POST),
                ("src/posts/b.md", POST),
                ("src/posts/b.11tydata.json", "{\"draft\": true}"),
                ("src/posts/c.md", POST),
                ("src/posts/c.11tydata.mjs", "export default {}"),
                ("src/posts/d.md", POST),
                ("src/js/e.md", POST),
                ("src/js/deep/f.md", POST),
                ("src/js/js.11tydata.js", "module.exports = { draft: true }"),
                ("src/perm/g.md", POST),
                ("src/perm/perm.11tydata.json", "{\"permalink\": false}"),
                ("src/h.md", "---js\n{ draft: true }\n---\nText."),
                ("notes/i.md", POST),
            ],
            &[
                ("src/h.md", "The front matter is written in \"js\", which is not read: only YAML, TOML and JSON are."),
                ("src/js/deep/f.md", "f?"),
                ("src/js/e.md", "e?"),
                ("src/perm/g.md", "g?"),
                ("src/posts/b.md", "b?"),
                ("src/posts/c.md", "c?"),
                ("src/posts/d.md", "d"),
            ],
        );
    }

    #[test]
    fn posts_of_eleventy_have_their_names_by_templates_and_their_dates_by_folders() {
        let plan = plan(&[
            (".eleventy.js", "module.exports = () => ({ dir: { input: 'src' } })"),
            ("src/blog/blog.json", "{\"permalink\": \"/blog/{{ title | slug }}/\"}"),
            ("src/blog/2020-09-27-fonts/en.md", "---\ntitle: Local fonts\n---\n[th](../thai-fonts/)"),
            ("src/blog/2020-09-27-fonts/th.md", "---\ntitle: Thai fonts\n---\nText."),
            ("src/blog/c.md", "---\ntitle: C\nslug: own\ndate: 2020-09-28\n---\nText."),
            // No program runs here, so nothing but the alias is known of its address.
            ("src/blog/d.md", "---\ntitle: D\npermalink: '/{{ a | b }}/'\naliases: /e/\n---\nText."),
            (
                "src/blog/f.md",
                "---\ntitle: F\npermalink: '/{{ page.fileSlug }}/{{ page.date | date: \"%Y\" }}/'\n---\nText.",
            ),
        ]);
        let posts: Vec<_> = plan.posts().map(|(_, document)| document).collect();
        let shown: Vec<_> = posts.iter().map(|post| (&*post.slug, post.date.map(|date| date.to_string()))).collect();
        let on = |day: &str| Some(format!("{day}T00:00:00Z"));
        assert_eq!(
            shown,
            [
                ("local-fonts", on("2020-09-27")),
                ("thai-fonts", on("2020-09-27")),
                ("own", on("2020-09-28")),
                ("d", None),
                ("f", None),
            ]
        );
        assert_eq!(posts[0].old_addresses, ["/blog/local-fonts/"]);
        assert_eq!(posts[0].body, "[th](/posts/thai-fonts)");
        assert_eq!(posts[0].former_slugs, Vec::<String>::new());
    }

    #[test]
    fn zola_astro_and_pelican_hide_by_their_configuration_too() {
        check_posts(
            &[
                ("config.toml", "base_url = '/'\nignored_content = ['notes/*']"),
                ("content/a.md", POST),
                ("content/notes/b.md", POST),
            ],
            &[("content/a.md", "a")],
        );
        check_posts(
            &[
                ("astro.config.mjs", ""),
                ("src/content.config.ts", "glob({ pattern: '**/*.md', base: \"./posts\" })"),
                ("posts/a.md", POST),
                ("posts/_b.md", POST),
                ("other/c.md", POST),
            ],
            &[("posts/_b.md", "b?"), ("posts/a.md", "a")],
        );
        check_posts(
            &[
                ("pelicanconf.py", "PATH = 'content'\n"),
                ("content/a.md", "Title: A\nDate: 2020-01-01\n\nText."),
                ("content/2020-01-01-b.md", "Title: B\n\nText."),
                ("content/c.md", "Title: C\n\nText."),
                ("content/d.md", "Just a note.\n\nMore."),
            ],
            &[("content/2020-01-01-b.md", "b"), ("content/a.md", "a"), ("content/c.md", "c?"), ("content/d.md", "d?")],
        );
        check_posts(
            &[
                (
                    "pelicanconf.py",
                    "PATH = 'text'\nDEFAULT_METADATA = {\n    'status': 'draft',\n}\nPAGE_PATHS = ['sites']\nARTICLE_EXCLUDES = ['old']\n",
                ),
                ("text/a.md", "Title: A\nDate: 2020-01-01\nStatus: published\n\nText."),
                ("text/b.md", "Title: B\nDate: 2020-01-01\n\nText."),
                ("text/c.md", "Title: C\nDate: 2020-01-01\nStatus: skip\n\nText."),
                ("text/old/d.md", POST),
                ("text/sites/e.md", POST),
            ],
            &[("text/a.md", "a"), ("text/b.md", "b?"), ("text/c.md", "c?")],
        );
    }

    #[test]
    fn the_plan_names_what_the_server_would_refuse() {
        let long = format!("---\ntitle: {}\n---\nText.", "x".repeat(201));
        let long_name = format!("{}.md", "y".repeat(210));
        check_posts(
            &[
                ("a.md", "---\ntitle: A\n---\n\n"),
                ("b.md", &long),
                ("c.md", "# Only a title\n"),
                ("rule.md", "---\n\nA rule at the top.\n\n---\n\nMore."),
                ("under.md", "---\njust words\n---\n"),
                ("open.md", "---\n\nA rule.\n"),
                ("broken.md", "---\n\ndraft: true\nText."),
                ("state.md", "---\nstatus: [draft]\n---\nText."),
                ("_draft/z.md", "Text."),
                // There is nothing to make a draft of.
                ("headless.md", "---\nheadless: true\n---\n"),
                ("late.md", "\n \n---\ndraft: true\n---\nText."),
                ("late-open.md", "\n+++\ndraft = true\nText."),
                (&long_name, "Text."),
            ],
            &[
                ("_draft/z.md", "z?"),
                ("a.md", "The file has no text."),
                ("b.md", "/title: must have at most 200 characters, not 201"),
                ("broken.md", "The front matter that `---` opens in the first line is never closed by another `---`."),
                ("c.md", "The file has no text."),
                (
                    "late-open.md",
                    "The front matter that `+++` opens in the first line is never closed by another `+++`.",
                ),
                ("late.md", "late?"),
                ("open.md", "open"),
                ("rule.md", "rule"),
                ("state.md", "state?"),
                ("under.md", "under"),
                (&long_name, &as_slug(&"y".repeat(200)).unwrap()),
            ],
        );
        let typed = plan(&[("a.md", "---\nShowToc: true\n---\nText.")]);
        assert_eq!(typed.dropped().into_keys().collect::<Vec<_>>(), ["ShowToc"]);
        let mut out = Vec::new();
        crate::Report::begin(&plan(&[]), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("The folder is empty"));
    }

    #[test]
    fn pictures_are_named_once_wherever_they_lie_and_links_lead_to_where_posts_are() {
        let site = folder(&[
            ("_config.yml", "permalink: /:year/:title/\nbaseurl: /b"),
            (
                "_posts/2020-01-01-One.md",
                "---\ntitle: One\nimage: assets/c.png\n---\n![a](/assets/a.png) [b](/assets/b.svg) ![](/gone.png)",
            ),
            (
                "_posts/2020-01-02-two.md",
                "---\ntitle: Two\nslug: deux\n---\n[1]({% post_url 2020-01-01-One %}) [2](/b/2020/One/) ![x]({{ site.baseurl }}/assets/a.png)\n",
            ),
            ("assets/b.svg", "<svg/>"),
            ("assets/unused.png", "x"),
        ]);
        for (name, end) in [("a", "1"), ("c", "2")] {
            let bytes = [b"\x89PNG".as_slice(), end.as_bytes()].concat();
            fs::write(site.path().join(format!("assets/{name}.png")), bytes).unwrap();
        }
        let plan = plan_of(site.path(), &HashMap::new());
        check(
            &plan,
            &[
                ("_config.yml", "-"),
                ("_posts/2020-01-01-One.md", "one"),
                ("_posts/2020-01-02-two.md", "deux"),
                ("assets/a.png", "picture"),
                ("assets/b.svg", "-"),
                ("assets/c.png", "picture"),
                ("assets/unused.png", "-"),
            ],
        );
        let posts: Vec<_> = plan.posts().map(|(_, document)| document).collect();
        assert_eq!(posts[1].body, "[1](/posts/one) [2](/posts/one) ![x](/assets/a.png)");
        assert_eq!(posts[0].pictures.keys().collect::<Vec<_>>(), ["/assets/a.png", "assets/c.png"]);
        assert_eq!(
            posts[0].notes,
            [
                "files that are no JPEG, PNG, GIF or WebP do not come in: b.svg",
                "1 × a link or picture that leads into the old site and is not rewritten; the first is /gone.png",
            ]
        );
        // A part of the site shows what lies outside of it.
        let part = plan_of(&site.path().join("_posts"), &HashMap::new());
        check(
            &part,
            &[
                ("../assets/a.png", "picture"),
                ("../assets/c.png", "picture"),
                ("2020-01-01-One.md", "one"),
                ("2020-01-02-two.md", "deux"),
            ],
        );
    }

    #[test]
    fn readers_see_struck_through_what_they_saw_so_on_the_old_site() {
        const TEXT: &str = "Not ~Math.PI~, but ~~this~~, and {% raw %}`~that~`{% endraw %}.";
        const ESCAPED: &str = "Not ~Math.PI\\~, but ~~this~~, and `~that~`.";
        const AS_IT_IS: &str = "Not ~Math.PI~, but ~~this~~, and `~that~`.";
        for (config, content, file, expected) in [
            (".eleventy.js", "", "posts/a.md", ESCAPED),
            ("_config.yml", "title: T", "_posts/2020-01-01-a.md", ESCAPED),
            ("_config.yml", "markdown: CommonMarkGhPages", "_posts/2020-01-01-a.md", AS_IT_IS),
            ("pelicanconf.py", "PATH = 'content'", "content/a.md", ESCAPED),
            ("zola.toml", "base_url = ''", "content/a.md", AS_IT_IS),
            ("hugo.toml", "", "content/a.md", AS_IT_IS),
        ] {
            let post = format!("---\ntitle: A\n---\n{TEXT}");
            let plan = plan(&[(config, content), (file, &post)]);
            assert_eq!(plan.posts().next().unwrap().1.body, expected, "{config} {content}");
        }
    }

    #[test]
    fn a_vault_of_notes_keeps_its_links_and_hides_its_comments() {
        let plan = plan(&[
            (".obsidian/app.json", "{}"),
            ("Some Note.md", "## Set up\n\nText %%secret%% here. [[Other#nowhere]] [[gone]]"),
            ("sub/Other.md", "See [[Some Note#Set up|it]]."),
            ("sub/---.md", "---\ntitle: Three dashes\n---\nText."),
        ]);
        let posts: Vec<_> = plan.posts().map(|(_, post)| (&*post.slug, &*post.body, post.notes.len())).collect();
        assert_eq!(
            posts,
            [
                // Undated, with a link to no part, another to no post, and a comment.
                ("some-note", "## Set up\n\nText  here. [Other#nowhere](/posts/other#nowhere) [[gone]]", 4),
                ("three-dashes", "Text.", 1),
                ("other", "See [it](/posts/some-note#user-content-set-up).", 1),
            ]
        );
    }

    #[test]
    fn comments_of_templates_stay_on_no_page() {
        const TYPED: &str = "A {# secret\n#}b `{# c #}` {% raw %}{# d #}{% endraw %} {# open";
        for (config, expected) in [
            ("export default () => ({ markdownTemplateEngine: 'njk' })", "A b `` {# d #} {# open"),
            (
                "export default () => ({ markdownTemplateEngine: 'liquid' })",
                "A {# secret\n#}b `{# c #}` {# d #} {# open",
            ),
        ] {
            let plan = plan(&[("eleventy.config.js", config), ("a.md", &format!("---\ntitle: A\n---\n{TYPED}"))]);
            assert_eq!(plan.posts().next().unwrap().1.body, expected, "{config}");
        }
    }

    #[test]
    fn code_shows_no_tags_that_were_on_no_page() {
        const TYPED: &str = "`{% raw %}{{ x }}{% endraw %}`";
        for (config, content, file, expected) in [
            (".eleventy.js", "", "posts/a.md", "`{{ x }}`"),
            ("_config.yml", "title: T", "_posts/2020-01-01-a.md", "`{{ x }}`"),
            ("zola.toml", "base_url = ''", "content/a.md", TYPED),
            ("pelicanconf.py", "PATH = 'content'", "content/a.md", TYPED),
        ] {
            let plan = plan(&[(config, content), (file, &format!("---\ntitle: A\n---\n{TYPED}"))]);
            assert_eq!(plan.posts().next().unwrap().1.body, expected, "{config}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_and_what_the_server_would_refuse_is_told_before_the_import() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::net::UnixListener};

        let site = folder(&[("a.md", POST), ("b.md", "---\ntitle: B\ndate: 1969-12-31\n---\nText.")]);
        fs::write(site.path().join(OsStr::from_bytes(b"c\xff.md")), POST).unwrap();
        let _socket = UnixListener::bind(site.path().join("d.md")).unwrap();
        let plan = plan_of(site.path(), &HashMap::new());
        check(
            &plan,
            &[
                ("a.md", "a"),
                ("b.md", "/publish_at: must lie between the years 1970 and 9999"),
                ("c\u{fffd}.md", "Its name is not UTF-8: rename it."),
                ("d.md", "-"),
            ],
        );
        // One that failed is a post nevertheless.
        let none = folder(&[("b.md", "---\ntitle: B\ndate: 1969-12-31\n---\nText.")]);
        let mut out = Vec::new();
        crate::Report::begin(&plan_of(none.path(), &HashMap::new()), &mut out).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("None is a post"));
    }

    #[test]
    fn former_slugs_belong_to_one_post() {
        let plan = plan(&[
            ("a.md", "---\naliases: [/old/, /b.html, /2019/x/]\n---\nText."),
            ("b.md", "---\naliases: [/old.html, /x]\nredirect_from: /A/\n---\nText."),
        ]);
        let former: Vec<_> = plan.posts().map(|(_, document)| document.former_slugs.clone()).collect();
        assert_eq!(former, [vec!["old", "x"], Vec::<&str>::new()]);
    }
}
