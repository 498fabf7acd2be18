//! Where the posts were on the old site: what their files say, and what follows from the generator's patterns.

use std::path::Path;

use domain::Slug;
use jiff::{Timestamp, Zoned};
use serde_json::Value;
use url::Url;

use crate::{
    front_matter::{Keys, scalar},
    links::joined,
    naming::FileName,
    site::Site,
};

/// What an address is made of.
pub struct Facts<'a> {
    pub site: &'a Site,
    /// Relative to the root of the site.
    pub path: &'a Path,
    pub keys: &'a Keys,
    pub name: &'a FileName,
    pub title: &'a str,
    pub date: Option<Timestamp>,
}

impl Facts<'_> {
    /// The date on the clocks of the site.
    pub fn day(&self) -> Option<Zoned> {
        Some(self.date?.to_zoned(self.site.zone.clone()))
    }

    /// A text of the front matter.
    pub fn text(&self, key: &str) -> Option<String> {
        self.keys.text(key).ok().flatten()
    }

    /// The folders that it is in below the content, without its own if it is a bundle.
    pub fn sections(&self) -> Vec<String> {
        let within = self.site.within_content(self.path).unwrap_or(self.path);
        let mut folders = crate::generators::folders(within);
        if self.name.is_bundle {
            folders.pop();
        }
        folders
    }
}

/// Leaves of the keys that say where a post is only what says that, as a path: `url: https://elsewhere.example/x` is the page that a post is
/// about. Returns the keys that are taken away.
pub fn without_addresses_elsewhere(keys: &mut Keys, site: &Site) -> Vec<String> {
    let mut elsewhere = Vec::new();
    for key in ["permalink", "path", "url"] {
        let address = keys.0.get(key).and_then(scalar).filter(|address| address.contains("://"));
        let Some(address) = address.and_then(|address| Url::parse(&address).ok()) else { continue };
        let is_own = match site.url() {
            Some(own) => own.host() == address.host(),
            // A site that does not say where it is.
            None => key != "url",
        };
        if is_own {
            let path = address.path().strip_prefix(&*site.base_path()).unwrap_or(address.path());
            keys.0.insert(key.to_owned(), Value::String(path.to_owned()));
        } else {
            keys.0.remove(key);
            elsewhere.push(key.to_owned());
        }
    }
    elsewhere
}

/// Every path that led to a post: its own first, then what redirected to it.
pub fn old_addresses(facts: &Facts<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let listed = |key: &str| {
        let is_flag = |address: &str| key == "permalink" && is_no_address(address);
        let is_plain = |address: &str| {
            !address.is_empty() && !address.contains([':', '{', '\\']) && !address.contains(char::is_whitespace)
        };
        let addresses = facts.keys.addresses(key).into_iter();
        addresses.filter(|address| is_plain(address) && !is_flag(address)).collect::<Vec<_>>()
    };
    let own: Vec<_> = ["permalink", "path", "url"].iter().flat_map(|key| listed(key)).collect();
    let rules = facts.site.generator.rules();
    if own.is_empty() {
        found.extend(rules.address(facts));
    }
    found.extend(own);
    for alias in ["aliases", "redirect_from"].iter().flat_map(|key| listed(key)) {
        found.push(rules.alias(facts, alias));
    }
    let base = facts.site.base_path();
    let mut seen = Vec::new();
    for address in found {
        // On another host, or above the site: no address that this site had.
        if address.starts_with("//") || address.contains("://") {
            continue;
        }
        let address = match address.split('/').any(|part| part == "..") {
            true => joined(Path::new(""), Path::new(&address)).map(|path| path.display().to_string()),
            false => Some(address),
        };
        let Some(address) = address else { continue };
        let address = format!("{base}/{}", address.trim_start_matches('/'));
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

/// Whether a `permalink` is a flag, or one of Jekyll's names of patterns.
pub fn is_no_address(permalink: &str) -> bool {
    matches!(permalink, "true" | "false" | "date" | "pretty" | "ordinal" | "weekdate" | "none")
}

/// The ends of addresses that are slugs, and not the post's own: with these, old links can be followed here too.
pub fn former_slugs(addresses: &[String], slug: &str) -> Vec<String> {
    let mut found = Vec::new();
    for address in addresses {
        let address = address.trim_end_matches('/');
        let address = address.strip_suffix("/index.html").unwrap_or(address);
        let last = address.rsplit('/').next().unwrap_or_default();
        let last = [".html", ".htm", ".php"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
        // A day or a number of a page names no post.
        let is_name = last.bytes().any(|byte| byte.is_ascii_alphabetic()) && last != "index";
        let last = last.to_lowercase();
        if is_name && last != slug && !found.contains(&last) && Slug::try_from(last.clone()).is_ok() {
            found.push(last);
        }
    }
    found
}

/// A pattern such as `/:year/:month/:title/`, filled; `None` if it has a placeholder that is not known here.
pub fn fill(pattern: &str, values: &[(&str, String)]) -> Option<String> {
    let mut parts = pattern.split(':');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_').unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        let name = word.trim_end_matches('_');
        let value =
            values.iter().find(|(known, _)| *known == word).or_else(|| values.iter().find(|(known, _)| *known == name));
        let (known, value) = value?;
        if rest.starts_with('[') {
            return None;
        }
        filled.push_str(value);
        filled.push_str(word.strip_prefix(known).unwrap_or_default());
        filled.push_str(rest);
    }
    Some(without_empty_parts(&filled))
}

/// An empty category leaves an empty part behind.
fn without_empty_parts(address: &str) -> String {
    let parts: Vec<_> = address.split('/').filter(|part| !part.is_empty()).collect();
    let end = if address.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// The placeholders of a date, as Hugo and Jekyll call them.
pub fn values_of_day(day: &Zoned) -> Vec<(&'static str, String)> {
    let form = |form: &str| day.strftime(form).to_string();
    vec![
        ("year", form("%Y")),
        ("short_year", form("%y")),
        ("month", form("%m")),
        ("i_month", day.month().to_string()),
        ("short_month", form("%b")),
        ("long_month", form("%B")),
        ("monthname", form("%B").to_lowercase()),
        ("day", form("%d")),
        ("i_day", day.day().to_string()),
        ("short_day", form("%a")),
        ("long_day", form("%A")),
        ("y_day", form("%j")),
        ("yearday", day.day_of_year().to_string()),
        ("weekday", form("%w")),
        ("weekdayname", form("%A").to_lowercase()),
        ("hour", form("%H")),
        ("minute", form("%M")),
        ("second", form("%S")),
    ]
}

/// A name as Hugo and Astro write it in an address: in lower case, with hyphens for spaces, without punctuation.
pub fn urlized(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let kept = words.join("-").to_lowercase();
    kept.chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '~' | '#'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::Document, generators::Generator};

    #[track_caller]
    fn check(generator: Generator, config: &str, cases: &[(&str, &str, &[&str])]) {
        let config = Keys::from_yaml(config).unwrap();
        let mut site = Site { config, has_config: true, ..Site::plain(Path::new("/nowhere"), generator) };
        generator.rules().follow(&mut site);
        for (path, yaml, expected) in cases {
            let text = format!("---\n{yaml}\n---\nText.");
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let found = Document::parse(Path::new(path), text.as_bytes(), &site, now).unwrap();
            assert_eq!(found.old_addresses, *expected, "{path} {yaml}");
        }
    }

    #[test]
    fn each_generator_has_its_addresses() {
        let dated = "title: Über Uns!\ndate: 2019-05-06";
        check(
            Generator::Hugo,
            "baseurl: https://h.example/blog/\npermalinks: {posts: '/:year/:month/:slug/', page: {news: '/n/:contentbasename'}}",
            &[
                ("content/posts/a.md", dated, &["/blog/2019/05/über-uns/"]),
                (
                    "content/posts/a.md",
                    "date: 2019-05-06\nslug: own\naliases: [/x/, y, ../z, ../../../out, //e.example/a, 'https://e.example/b']",
                    &["/blog/2019/05/own/", "/blog/x/", "/blog/posts/y", "/blog/z"],
                ),
                ("content/news/b/index.md", dated, &["/blog/n/b"]),
                ("content/Notes/deep/2019-01-02 C.md", dated, &["/blog/notes/deep/2019-01-02-c/"]),
                ("content/notes/a.md", "url: /own/place.html", &["/blog/own/place.html"]),
                ("content/top.md", dated, &["/blog/top/"]),
            ],
        );
        check(
            Generator::Hugo,
            "uglyurls: true\ndefaultcontentlanguage: de",
            &[
                ("content/a.de.md", "date: 2019-05-06", &["/a.html"]),
                ("content/a.fr.md", "date: 2019-05-06", &["/fr/a.html"]),
            ],
        );
        check(
            Generator::Jekyll,
            "baseurl: /b\npermalink: /:categories/:short_year/:title:output_ext",
            &[
                ("x/_posts/2019-05-06-Some-post.md", "categories: A b", &["/b/x/a/b/19/Some-post.html"]),
                (
                    "_posts/2019-05-06-Some-post.md",
                    "permalink: /:year/:slug\nredirect_from: old",
                    &["/b/2019/some-post", "/b/old"],
                ),
            ],
        );
        check(
            Generator::Zola,
            "base_url: https://z.example",
            &[
                ("content/blog/2019-05-06-Some Post.md", dated, &["/blog/some-post/"]),
                ("content/blog/x/index.md", "slug: y\naliases: [old]", &["/blog/y/", "/old"]),
                ("content/x.md", "path: /a/b", &["/a/b"]),
                ("content/x/2024-08-19-c.md.md", dated, &["/x/c-md/"]),
                // What a post is about is no address of its own.
                ("content/links/2024-10-18-a.md", "url: 'https://elsewhere.example/b/'", &["/links/a/"]),
                ("content/x.md", "permalink: 'https://z.example/own/x/'", &["/own/x/"]),
            ],
        );
        check(
            Generator::Zola,
            "slugify: {paths_keep_dates: true}",
            &[
                ("content/blog/2019-05-06_Some Post.md", dated, &["/blog/2019-05-06-some-post/"]),
                ("content/2019-05-06-x/index.md", "title: A", &["/2019-05-06-x/"]),
                ("content/2019-05-06-x.md", "slug: y", &["/y/"]),
            ],
        );
        check(
            Generator::Eleventy,
            "",
            &[
                ("posts/2019-05-06-a.md", dated, &["/posts/a/"]),
                ("posts/a/index.md", dated, &["/posts/a/"]),
                ("posts/2019-05-06_a.md", dated, &["/posts/2019-05-06_a/"]),
                ("posts/a.md", "url: 'https://elsewhere.example/b/'", &["/posts/a/"]),
                ("a.md", "title: A b\npermalink: '/x/{{ title | slugify }}/index.html'", &["/x/a-b/"]),
                (
                    "a.md",
                    "date: 2019-05-06\npermalink: \"/{{ page.date | date: '%Y/%m' }}/{{ page.fileSlug }}/\"",
                    &["/2019/05/a/"],
                ),
                ("a.md", "permalink: '/{{ own | filter }}/'", &[]),
            ],
        );
        check(
            Generator::Astro,
            "",
            &[
                ("src/content/blog/Some Post.md", dated, &["/blog/some-post/"]),
                ("src/content/blog/a.md", "slug: x/y", &["/blog/x/y/"]),
            ],
        );
        check(
            Generator::Pelican,
            "siteurl: https://p.example",
            &[("content/a.md", "title: Some title", &["/some-title.html"])],
        );
        check(
            Generator::Pelican,
            "article_url: 'posts/{date:%Y}/{date:%b}/{slug}/'\narticle_lang_url: '{lang}/{slug}'",
            &[
                ("content/a.md", "title: Some title\nslug: s\ndate: 2019-05-06", &["/posts/2019/May/s/"]),
                ("content/a.md", "title: Some title\nlang: fr\ndate: 2019-05-06", &["/fr/some-title"]),
            ],
        );
        check(Generator::Plain, "", &[("a.md", dated, &[])]);
    }

    #[test]
    fn only_what_names_a_post_becomes_a_former_slug() {
        let addresses = ["/2019/05/", "/a/Old-Name.html", "/own/", "/x/index.html", "/b.php", "/ü/", "/a/old-name/"];
        assert_eq!(former_slugs(&addresses.map(str::to_owned), "own"), ["old-name", "x", "b"]);
    }
}
