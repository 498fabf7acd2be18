//! Which post an address of the old site leads to.

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
};

use url::Url;

use crate::{document::Document, generators::stem, site::Site};

/// Every way to name a post of the old site, each with the slug that it has here. A name that two posts have names none.
pub struct Index {
    names: HashMap<String, Option<String>>,
    /// The same in small letters: in a vault, links may write names in any case.
    small_names: HashMap<String, Option<String>>,
    addresses: HashMap<String, String>,
    files: HashMap<PathBuf, String>,
    host: Option<String>,
    content: Vec<PathBuf>,
}

impl Index {
    pub fn new<'a>(site: &Site, posts: impl Iterator<Item = &'a Document>) -> Self {
        let host = site.url().and_then(|url| url.host_str().map(str::to_owned));
        let mut index = Self {
            names: HashMap::new(),
            small_names: HashMap::new(),
            addresses: HashMap::new(),
            files: HashMap::new(),
            host,
            content: site.content.clone(),
        };
        for post in posts {
            let slug = &post.slug;
            for address in &post.old_addresses {
                index.addresses.entry(normalised(address)).or_insert_with(|| slug.clone());
            }
            index.files.insert(post.place.clone(), slug.clone());
            let name = stem(&post.place);
            let folder = post.place.parent().unwrap_or(Path::new(""));
            // A bundle is named by its folder.
            let name = if name == "index" || name.starts_with("index.") {
                index.files.insert(folder.to_owned(), slug.clone());
                folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
            } else {
                index.files.insert(post.place.with_extension(""), slug.clone());
                name
            };
            for (names, name) in [(&mut index.small_names, name.to_lowercase()), (&mut index.names, name)] {
                names.entry(name).and_modify(|known| *known = None).or_insert_with(|| Some(slug.clone()));
            }
        }
        index
    }

    /// The address here of what `reference` in the file at `place` leads to, if it is a post. `own` is the old address of that file.
    pub fn find(&self, reference: &str, place: &Path, own: Option<&str>) -> Option<String> {
        let (target, end) = self.split(reference)?;
        let folder = place.parent().unwrap_or(Path::new(""));
        let files = ["{filename}", "|filename|", "@/", "{article}"];
        let slug = match files.iter().find_map(|prefix| Some((*prefix, target.strip_prefix(prefix)?))) {
            Some(("@/", path)) => self.file(Path::new(""), path),
            Some((_, path)) => self.file(if path.starts_with('/') { Path::new("") } else { folder }, path),
            None => {
                let is_file = [".md", ".mdx", ".markdown", ".mdown", ".mkd"].iter().any(|end| target.ends_with(end));
                let by_file = || self.file(if target.starts_with('/') { Path::new("") } else { folder }, &target);
                let by_address = || {
                    let base = Url::parse("http://old.invalid/").ok()?.join(own.unwrap_or("/")).ok()?;
                    let url = base.join(&target).ok()?;
                    self.addresses.get(&normalised(url.path()))
                };
                if is_file {
                    by_file()
                } else {
                    by_address().or_else(|| by_file().filter(|_| !target.starts_with('/')))
                }
            }
        };
        Some(format!("/posts/{}{end}", slug?))
    }

    /// The same for what `ref`, `relref`, `post_url` and `link` name: a file, or only its name.
    pub fn named(&self, target: &str, place: &Path) -> Option<String> {
        let (target, end) = split_end(target.trim().trim_matches(['"', '\'']));
        if target.is_empty() {
            return Some(end.to_owned());
        }
        let folder = place.parent().unwrap_or(Path::new(""));
        let file = target.trim_start_matches('/').trim_end_matches('/');
        let file = ["/index.md", "/_index.md", "/index"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
        let name = Path::new(file).file_name()?.to_string_lossy().into_owned();
        let name = [".md", ".mdx", ".markdown"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        let slug = self
            .file(folder, target)
            .or_else(|| self.file(Path::new(""), &format!("/{file}")))
            .or_else(|| self.addresses.get(&normalised(&format!("/{file}"))))
            .or_else(|| self.names.get(name)?.as_ref())
            .or_else(|| self.small_names.get(&name.to_lowercase())?.as_ref())?;
        Some(format!("/posts/{slug}{end}"))
    }

    /// The path of a reference into the old site, decoded, and what stands behind it; `None` for any other reference.
    fn split<'a>(&self, reference: &'a str) -> Option<(String, &'a str)> {
        let (mut path, end) = split_end(reference.trim());
        if path.is_empty() || path.starts_with("//") {
            return None;
        }
        if let Ok(url) = Url::parse(path) {
            let is_own = url.host_str().is_some() && url.host_str() == self.host.as_deref();
            path = path.splitn(4, '/').nth(3).filter(|_| is_own)?;
            return Some((decoded(&format!("/{path}")), end));
        }
        Some((decoded(path), end))
    }

    fn file(&self, folder: &Path, path: &str) -> Option<&String> {
        let relative = Path::new(path.trim_start_matches('/').trim_end_matches('/'));
        let exact = |base: &Path| self.files.get(&joined(base, relative)?);
        if !path.starts_with('/')
            && let Some(found) = exact(folder)
        {
            return Some(found);
        }
        let mut bases = self.content.iter().map(PathBuf::as_path).chain([Path::new("")]);
        bases.find_map(exact)
    }
}

/// The path, and the query and fragment behind it.
fn split_end(reference: &str) -> (&str, &str) {
    reference.find(['?', '#']).map_or((reference, ""), |at| reference.split_at(at))
}

/// Addresses that differ in this only lead to the same page.
fn normalised(address: &str) -> String {
    let path = decoded(address).to_lowercase();
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/index.html").or_else(|| path.strip_suffix(".html")).unwrap_or(path);
    path.to_owned()
}

/// `%20` is a space.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = (*first == b'%').then(|| others.get(..2)).flatten().and_then(|hex| str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = others.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// `a/b` and `../c` are `a/c`; `None` above the root.
pub fn joined(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut whole = folder.to_owned();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !whole.pop() {
                    return None;
                }
            }
            Component::Normal(part) => whole.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{front_matter::Keys, generators::Generator};

    #[test]
    fn every_way_to_name_a_post_leads_to_it() {
        let config = Keys::from_yaml("baseurl: https://old.example/blog/").unwrap();
        let site = Site { config, has_config: true, ..Site::plain(Path::new("/nowhere"), Generator::Hugo) };
        let post = |place: &str, slug: &str, address: &str| Document {
            place: place.into(),
            slug: slug.to_owned(),
            old_addresses: vec![address.to_owned()],
            ..Document::default()
        };
        let posts = [
            post("content/posts/a.md", "a", "/blog/2019/05/a/"),
            post("content/posts/b/index.md", "b", "/blog/2019/06/b.html"),
            post("content/x/same.md", "same", "/blog/x/same/"),
            post("content/y/same.md", "same-y", "/blog/y/same/"),
            post("content/posts/2020-01-02-Ü x.md", "u-x", "/blog/ü-x/"),
        ];
        let index = Index::new(&site, posts.iter());
        let place = Path::new("content/posts/b/index.md");
        for (reference, expected) in [
            ("../a.md", Some("/posts/a")),
            ("../a.md#part", Some("/posts/a#part")),
            ("/posts/a.md", Some("/posts/a")),
            ("@/posts/a.md", Some("/posts/a")),
            ("{filename}../a.md", Some("/posts/a")),
            ("{filename}/posts/a.md", Some("/posts/a")),
            ("/blog/2019/05/a", Some("/posts/a")),
            ("../05/a/?x=1", Some("/posts/a?x=1")),
            ("https://old.example/blog/2019/05/a/index.html", Some("/posts/a")),
            ("https://other.example/blog/2019/05/a/", None),
            ("/blog/2019/06/b", Some("/posts/b")),
            ("../2020-01-02-%C3%9C%20x.md", Some("/posts/u-x")),
            ("/blog/%C3%BC-x/", Some("/posts/u-x")),
            ("../../x/same.md", Some("/posts/same")),
            ("#part", None),
            ("mailto:a@example.com", None),
            ("../../../../../etc/a.md", None),
            ("picture.png", None),
            ("", None),
        ] {
            assert_eq!(index.find(reference, place, Some("/blog/2019/06/b.html")).as_deref(), expected, "{reference}");
        }
        for (target, expected) in [
            ("\"a.md\"", Some("/posts/a")),
            ("a", Some("/posts/a")),
            ("/posts/a", Some("/posts/a")),
            ("posts/b", Some("/posts/b")),
            ("b/index.md", Some("/posts/b")),
            ("same", None),
            ("x/same.md", Some("/posts/same")),
            ("#here", Some("#here")),
            ("gone", None),
        ] {
            assert_eq!(index.named(target, place).as_deref(), expected, "{target}");
        }
    }
}
