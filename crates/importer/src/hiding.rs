//! What a generator hides: each key and place that keeps a post out of its lists.

use std::path::Path;

use serde_json::Value;

use crate::{
    front_matter::{Error, Keys, scalar},
    generators::Generator,
    site::Site,
};

/// Why the generator shows the post in no list, if it does not.
pub fn hidden(keys: &Keys, path: &Path, site: &Site) -> Result<Option<String>, Error> {
    let said = |key: &str| Ok(Some(format!("`{key}` in its front matter says so")));
    for key in ["draft", "isdraft", "is_draft", "wip"] {
        if keys.strict_flag(key)? {
            return said(key);
        }
    }
    for key in ["unlisted", "hidden", "private", "headless", "eleventyexcludefromcollections"] {
        if keys.flag(key) {
            return said(key);
        }
    }
    for key in ["published", "permalink", "render"] {
        if keys.denies(key) {
            return said(key);
        }
    }
    for key in ["status", "visibility"] {
        let hiding = ["draft", "hidden", "private", "unlisted", "pending", "unpublished", "skip", "wip", "trash"];
        if keys.addresses(key).iter().any(|word| hiding.contains(&&*word.to_lowercase())) {
            return said(key);
        }
    }
    if keys.text("password").ok().flatten().is_some() {
        return said("password");
    }
    // https://gohugo.io/content-management/build-options/
    for key in ["build", "_build"] {
        let Some(Value::Object(options)) = keys.0.get(key) else { continue };
        let off = |option: &str| options.get(option).and_then(scalar).map(|value| value.to_lowercase());
        let is_off =
            |option: &str| off(option).is_some_and(|value| ["never", "local", "false", "no"].contains(&&*value));
        if is_off("list") || is_off("render") {
            return said(key);
        }
    }
    let mut parts = path.iter().map(|part| part.to_string_lossy());
    if let Some(part) = parts.find(|part| {
        let word = part.to_lowercase();
        matches!(word.trim_start_matches('_'), "draft" | "drafts" | "unpublished" | "wip")
            || (site.generator == Generator::Astro && part.starts_with('_'))
    }) {
        return Ok(Some(format!("its place, {part}, is for drafts")));
    }
    Ok(site.hides(path).map(str::to_owned))
}
