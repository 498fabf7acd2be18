//! Eleventy: <https://www.11ty.dev/docs/data-cascade/>.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    addresses::Facts,
    attributes::Lists,
    front_matter::{Keys, scalar},
    generators::{Rules, folders, has_file, quoted, stem},
    glob::Star,
    site::{Scope, Site},
};

/// The rules of Eleventy.
pub struct Eleventy;

/// Whether its Markdown is a template of Nunjucks.
const IS_NUNJUCKS: &str = "is_nunjucks";
/// Whether its Markdown takes lists of attributes out of texts.
const READS_LISTS: &str = "reads_lists";

impl Rules for Eleventy {
    fn detect(&self, folder: &Path) -> Option<Keys> {
        has_file(folder, &[".eleventy.js", "eleventy.config."]).then(Keys::default)
    }

    /// The configuration is a program. What most of them say in plain words is read.
    fn follow(&self, site: &mut Site) {
        let names =
            [".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs", "eleventy.config.ts"];
        let program = names.iter().find_map(|name| fs::read_to_string(site.root.join(name)).ok()).unwrap_or_default();
        if program.lines().any(|line| line.contains("markdownTemplateEngine") && line.contains("njk")) {
            site.config.0.insert(IS_NUNJUCKS.to_owned(), Value::Bool(true));
        }
        if program.contains("markdown-it-attrs") {
            site.config.0.insert(READS_LISTS.to_owned(), Value::Bool(true));
        }
        let input = program.split("input:").nth(1).and_then(|rest| quoted(rest.lines().next()?).into_iter().next());
        let input = input.map(|input| input.trim_start_matches("./").trim_matches('/').to_owned()).unwrap_or_default();
        // The whole folder, as it is by default.
        let input = if input == "." { String::new() } else { input };
        site.content = vec![PathBuf::from(&input)];
        // https://www.11ty.dev/docs/ignores/: Git's own list counts too, unless the program says otherwise.
        let uses_git = !program.contains("setUseGitIgnore(false)");
        for (folder, name) in [("", ".eleventyignore"), (&*input, ".eleventyignore"), ("", ".gitignore")] {
            if (name != ".gitignore" || uses_git)
                && let Ok(lines) = fs::read_to_string(site.root.join(folder).join(name))
            {
                site.ignored.push((Scope::Lines(PathBuf::from(folder), lines), format!("{name} names it")));
            }
        }
        for ignored in
            program.split("ignores.add(").skip(1).filter_map(|rest| quoted(rest.lines().next()?).into_iter().next())
        {
            let pattern = ignored.trim_start_matches("./").to_owned();
            site.ignored.push((Scope::Like(pattern, Star::InFolder), "the configuration ignores it".to_owned()));
        }
    }

    /// JavaScript may compute anything from its data, and whether a post is public too.
    fn look_at(&self, site: &mut Site, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_program = name.ends_with(".11tydata.js")
            || name.ends_with(".11tydata.cjs")
            || name.ends_with(".11tydata.mjs")
            || name.ends_with(".11tydata.ts");
        if is_program && let Some(scope) = of_data_file(path) {
            let reason = format!("{} is a program, which may hide it", path.display());
            site.hiding.push((scope, reason));
        }
    }

    /// <https://www.11ty.dev/docs/data-template-dir/>
    fn inherit(&self, site: &mut Site, path: &Path, bytes: &[u8]) {
        if path.extension().is_some_and(|extension| extension == "json")
            && let Some(scope) = of_data_file(path)
            && let Ok(Value::Object(values)) = serde_json::from_slice(bytes)
        {
            site.default(scope, values);
        }
    }

    fn no_post(&self, site: &Site, path: &Path) -> Option<String> {
        let within = site.within_content(path);
        if site.has_config && within.is_none() {
            return Some(format!(
                "it is outside of the folder {}",
                site.content.iter().map(|folder| folder.to_string_lossy()).collect::<String>()
            ));
        }
        let is_index = stem(path).eq_ignore_ascii_case("index") && folders(path).len() <= 1;
        let is_front = within.is_some_and(|within| folders(within).is_empty());
        let is_front =
            if is_front { "it is the front page of the site" } else { "it is the page of a folder, not a post" };
        is_index.then(|| is_front.to_owned())
    }

    /// <https://www.11ty.dev/docs/permalinks/>
    fn address(&self, facts: &Facts<'_>) -> Option<String> {
        // What Eleventy takes for a date in a name ends with a hyphen.
        let name = facts.name;
        let slug = if name.whole.as_bytes().get(10) == Some(&b'-') { &name.words } else { &name.whole };
        let mut parts = facts.sections();
        parts.push(slug.clone());
        let stem = format!("/{}", parts.join("/"));
        let Some(template) = facts.keys.0.get("permalink").and_then(scalar).filter(|template| template.contains("{{"))
        else {
            return Some(format!("{stem}/"));
        };
        let mut filled = String::new();
        let mut rest = &*template;
        while let Some((before, tag)) = rest.split_once("{{") {
            let (expression, after) = tag.split_once("}}")?;
            filled.push_str(before);
            let words: Vec<_> = expression.split('|').map(str::trim).collect();
            let value = match *words {
                ["page.fileSlug"] => slug.clone(),
                ["page.filePathStem"] => stem.clone(),
                ["slug"] => facts.text("slug")?,
                ["title", "slugify" | "slug"] => slug::slugify(facts.title),
                ["page.fileSlug", "slugify" | "slug"] => slug::slugify(slug),
                ["page.date" | "date", filter] if filter.starts_with("date") => {
                    facts.day()?.strftime(quoted(filter).first()?).to_string()
                }
                _ => return None,
            };
            filled.push_str(&value);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled.strip_suffix("index.html").unwrap_or(&filled).to_owned())
    }

    /// What is copied, and where to, the program says. These are where most have it.
    fn sources(&self, site: &Site) -> Vec<(String, PathBuf)> {
        let folders = ["", "public", "static"].map(PathBuf::from);
        site.content.iter().cloned().chain(folders).map(|folder| ("/".to_owned(), folder)).collect()
    }

    /// Liquid, or Nunjucks.
    fn has_templates_in_code(&self) -> bool {
        true
    }

    /// markdown-it does not.
    fn strikes_between_single_tildes(&self, _site: &Site) -> bool {
        false
    }

    fn has_nunjucks(&self, site: &Site) -> bool {
        site.setting(IS_NUNJUCKS).is_some()
    }

    fn attribute_lists(&self, site: &Site) -> Lists {
        if site.setting(READS_LISTS).is_some() { Lists::Headings } else { Lists::Nowhere }
    }
}

/// Whom a data file is for: all below its folder if it has the folder's name, else the template of its name.
fn of_data_file(path: &Path) -> Option<Scope> {
    let folder = path.parent()?;
    let name = stem(path);
    let name = name.strip_suffix(".11tydata").unwrap_or(&name);
    let is_of_folder = folder.file_name().is_some_and(|own| own.to_string_lossy() == name);
    Some(if is_of_folder { Scope::Below(folder.to_owned()) } else { Scope::Named(folder.join(name)) })
}
