//! What the name and the place of a file tell, and what becomes of names in an address.

use std::path::Path;

use domain::{PostId, Slug, Title};
use jiff::civil;

use crate::{
    addresses::{Facts, former_slugs, is_no_address},
    dates,
    front_matter::{Error, Keys, scalar},
    links::decoded,
};

/// The server's maximum length of a slug that was chosen.
const MAX_SLUG: usize = 100;

/// The server's maximum length of a title.
const MAX_TITLE: usize = 200;

/// The server's own rules for slugs: transliterated, so that a file called `Ημέρα.md` has an address as well, and cut
/// between words when it is longer than a chosen slug may be.
pub fn as_slug(text: &str) -> Option<String> {
    let whole = slug::slugify(text);
    if whole.len() <= MAX_SLUG {
        return Slug::try_from(whole).ok().map(String::from);
    }
    // A title has at most 200 characters, of which a slug uses fewer.
    let title = Title::try_from(whole.get(..200).unwrap_or(&whole).to_owned()).ok()?;
    let id: PostId = "00000000000000000000000000".parse().ok()?;
    Some(Slug::from_title(&title, id).into())
}

/// The post's own part of its address. A pattern such as Jekyll's `/:year/:title/` names no post, and `permalink` may
/// also hold a flag or a template.
pub fn own_name(keys: &Keys) -> Result<Option<String>, Error> {
    for key in ["slug", "permalink", "path", "url"] {
        let Some(address) = (if key == "slug" { keys.text(key)? } else { keys.0.get(key).and_then(scalar) }) else {
            continue;
        };
        let is_flag = key == "permalink" && is_no_address(&address);
        if is_flag || address.contains("{{") || address.contains("${") {
            continue;
        }
        let address = address.trim_end_matches('/');
        let address = address.strip_suffix("/index.html").unwrap_or(address);
        let last = address.rsplit('/').next().unwrap_or_default();
        let last = last.strip_suffix(".html").unwrap_or(last);
        if !last.is_empty() && !last.contains(':') {
            return Ok(Some(decoded(last)));
        }
    }
    Ok(None)
}

/// The end of a post's address on the old site, if a template of Eleventy gave it that: `/blog/{{ title | slug }}/`.
pub fn name_by_template(facts: &Facts<'_>) -> Option<String> {
    facts.keys.0.get("permalink").and_then(scalar).filter(|address| address.contains("{{"))?;
    let address = facts.site.generator.rules().address(facts)?;
    former_slugs(&[address], "").into_iter().next()
}

/// What a file's place and name tell: `2021-03-04-some-title.md`, or `some-title/index.md` for a page bundle of Hugo,
/// with the language that Hugo and Zola write before the extension.
pub struct FileName {
    pub date: Option<civil::Date>,
    /// A date that does not exist, such as 2019-02-31.
    pub no_date: Option<String>,
    pub words: String,
    /// The name with its date, of the file or of its bundle.
    pub whole: String,
    /// Whether it is the `index.md` of a folder.
    pub is_bundle: bool,
    pub language: Option<String>,
}

impl FileName {
    pub fn parse(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (stem, language) = match stem.rsplit_once('.') {
            Some((stem, language)) if !stem.is_empty() && is_language(language) => {
                (stem.to_owned(), Some(language.to_owned()))
            }
            _ => (stem, None),
        };
        let bundle = path.parent().and_then(Path::file_name).filter(|_| stem == "index");
        let name = bundle.map_or(stem, |bundle| bundle.to_string_lossy().into_owned());
        let (whole, is_bundle) = (name.clone(), bundle.is_some());
        let (date, words, no_date) = match dates::leading(&name) {
            Some((date, rest)) if !rest.is_empty() => (Some(date), rest.to_owned(), None),
            Some((date, _)) => (Some(date), name, None),
            None if dates::looks_dated(&name) && name.find('-') == Some(4) => {
                let mut parts = name.splitn(4, '-');
                let day: Vec<_> = parts.by_ref().take(3).collect();
                (None, parts.next().unwrap_or_default().to_owned(), Some(day.join("-")))
            }
            None => (None, name, None),
        };
        Self { date, no_date, words, whole, is_bundle, language }
    }

    /// A title for a file that has no other: `small-web_diary` becomes `Small web diary`.
    pub fn in_words(&self) -> String {
        let spaced = self.words.replace(['-', '_'], " ");
        let mut letters = spaced.trim().chars().take(MAX_TITLE);
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => self.words.clone(),
        }
    }
}

/// `fr`, `pt-br`, `zh-Hans`: two letters, and perhaps a script or a country. `about.me` and `version-2.0` are names of
/// one language at most by accident, and keep nothing from being posted. `md` is an extension that was typed twice.
fn is_language(text: &str) -> bool {
    if text == "md" {
        return false;
    }
    let mut parts = text.split(['-', '_']);
    let is = |part: &str, lengths: &[usize]| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    parts.next().is_some_and(|part| is(part, &[2]))
        && parts.next().is_none_or(|part| is(part, &[2, 4]))
        && parts.next().is_none()
}
